"""Make a dataset ready: fetch it where it can be fetched, unpack, convert, split, check, report.

    python -m data.prepare voc

What is there already is not fetched or made again; archives stay in data/downloads/ and may be
removed afterwards. The report page is in runs/data-NAME.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import command_line
from data import cityscapes, context, idd, idd_lite, nyud, siftflow, voc
from data.custom import NAMES, find
from data.datasets import Dataset, Source, ids, require
from data.download import download
from data.unpack import unpack

# By layout: what is derived from a dataset's files as they are published
STEPS: dict[str, tuple[Callable[[Dataset], None], ...]] = {
    "voc": (voc.derive_seg11valid, voc.draw_sbd),
    "nyud": (nyud.derive_splits, nyud.map_labels, nyud.encode_depth),
    "siftflow": (siftflow.derive_splits,),
    "context": (context.check_labels,),
    "cityscapes": (cityscapes.derive_splits,),
    "idd": (idd.derive_splits, idd.draw_labels),
    "idd-lite": (idd_lite.derive_splits,),
}


def fetch(source: Source, home: Path) -> None:
    """Download source, and unpack it if it is an archive, to its place below home."""
    target = home / source.path
    if target.exists():
        print(f"{target}: there already")
    elif source.member is None:
        download(source.url, target, source.digest)
    else:
        archive = home / "downloads" / PurePosixPath(source.url).name
        download(source.url, archive, source.digest)
        unpack(archive, target, source.member, bare=source.bare)


def check_counts(dataset: Dataset) -> None:
    """Compare every split's size with the published one; ValueError if they differ."""
    for name, split in dataset.splits.items():
        path = dataset.home / split.file(name)
        found = len(ids(dataset, name))
        if split.count not in (None, found):
            raise ValueError(
                f"{path}: lists {found} images, expected {split.count}; remove it and run again"
            )
        print(f"{path}: {found} images")


def prepare(dataset: Dataset) -> None:
    """Fetch, convert and split a dataset, and check how many images its splits have."""
    for source in dataset.sources:
        fetch(source, dataset.home)
    for step in STEPS.get(dataset.layout, ()):
        step(dataset)
    require(dataset)
    check_counts(dataset)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m data.prepare", __doc__)
    parser.add_argument("dataset", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--data", type=Path, help="folder of the dataset's folders (data/)")
    parser.add_argument("--out", type=Path, help="folder of the report (runs/data-NAME)")
    args = parser.parse_args(argv)
    return command_line.run(_prepare_and_report, args.dataset, args.data, args.out)


def _prepare_and_report(name: str, folder: Path | None, out: Path | None) -> None:
    from data.report import report  # here, for caffe and matplotlib take seconds to load

    dataset = find(name, folder)
    prepare(dataset)
    report(dataset, out)


if __name__ == "__main__":
    sys.exit(main())
