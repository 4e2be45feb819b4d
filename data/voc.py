"""Bring PASCAL VOC 2011, SBD and VGG16's ILSVRC weights to where the stages look for them.

    python -m data.voc

fetches what is not there yet (archives stay in data/downloads/ and may be removed afterwards),
unpacks it, derives the validation split seg11valid and checks the counts.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from data.datasets import DATASETS, Dataset, Source
from data.download import download
from data.unpack import unpack


def seg11valid(segval: Iterable[str], sbd_train: Iterable[str]) -> list[str]:
    """VOC 2011's segmentation val less what SBD trains on, in val's order (FCN, section 5)."""
    trained = set(sbd_train)
    return [name for name in segval if name not in trained]


def read_ids(path: Path) -> list[str]:
    """The image ids of a split file, one a line."""
    try:
        return path.read_text().split()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path}: no such split file; {path.parent} is not complete: remove the data set's "
            "folder and run again to get it whole"
        ) from None


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


def derive_seg11valid(dataset: Dataset) -> None:
    """Write the seg11valid split file, unless it is there; ValueError if its size is wrong."""
    target = dataset.home / dataset.splits["seg11valid"].file("seg11valid")
    if target.exists():
        return
    segval = target.with_name("val.txt")
    trained = dataset.home / dataset.splits["train"].file("train")
    names = seg11valid(read_ids(segval), read_ids(trained))
    expected = dataset.splits["seg11valid"].count
    if len(names) != expected:
        raise ValueError(
            f"{segval} less {trained} leaves {len(names)} images, expected {expected}: one of "
            "them is not the published list (VOC 2011 val: 1111, SBD train: 8498 images)"
        )
    part = target.with_name(target.name + ".part")
    part.write_text("".join(f"{name}\n" for name in names))
    os.replace(part, target)


def check_counts(dataset: Dataset) -> None:
    """Compare every split's size with the published one; ValueError if they differ."""
    for name, split in dataset.splits.items():
        path = dataset.home / split.file(name)
        found = len(read_ids(path))
        if found != split.count:
            raise ValueError(
                f"{path}: lists {found} images, expected {split.count}; remove it and run again"
            )
        print(f"{path}: {found} images")


def prepare(dataset: Dataset) -> None:
    """All of `make data-voc`."""
    for source in dataset.sources:
        fetch(source, dataset.home)
    derive_seg11valid(dataset)
    check_counts(dataset)


def main(argv: list[str] | None = None) -> int:
    argparse.ArgumentParser(
        prog="python -m data.voc",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(argv)
    try:
        prepare(DATASETS["voc"])
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
