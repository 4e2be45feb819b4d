"""Make a dataset ready: fetch it where it can be fetched, unpack, convert, split, check, report.

    python -m data.prepare voc

What is there already is not fetched or made again; archives stay in data/downloads/ and may be
removed afterwards. The report page is in runs/data-NAME.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from data import cityscapes, context, nyud, siftflow, voc
from data.datasets import DATASETS, Dataset, Source, ids, require
from data.download import download
from data.mine import find
from data.unpack import unpack

STEPS: dict[str, tuple[Callable[[Dataset], None], ...]] = {
    "voc": (voc.derive_seg11valid, voc.draw_sbd),
    "nyud": (nyud.derive_splits, nyud.encode_depth),
    "siftflow": (siftflow.derive_splits,),
    "context": (context.check_labels,),
    "cityscapes": (cityscapes.derive_splits,),
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
        unpack(archive, target, source.member)


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
    # The sizes and tasks of one dataset have the same files, as has a synthetic twin.
    layout = dataset.name.removeprefix("synthetic-").partition("-")[0].removesuffix("33")
    for step in STEPS.get(layout, ()):
        step(dataset)
    require(dataset)
    check_counts(dataset)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m data.prepare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dataset", metavar="NAME", help=f"{', '.join(DATASETS)}, mine")
    parser.add_argument("--data", type=Path, help="folder of the dataset's folders (data/)")
    parser.add_argument("--out", type=Path, help="folder of the report (runs/data-NAME)")
    args = parser.parse_args(argv)
    from caffe import CaffeError  # here, for it and matplotlib take seconds to load
    from data.report import report

    try:
        dataset = find(args.dataset, args.data)
        prepare(dataset)
        report(dataset, args.out or Path("runs") / f"data-{dataset.name}")
    except (ValueError, OSError, CaffeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
