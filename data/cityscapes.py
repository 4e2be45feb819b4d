"""Cityscapes: lists of its splits, from the folders of its cities."""

from __future__ import annotations

from data.datasets import Dataset
from data.preparation_steps import write_lines

SUFFIX = "_leftImg8bit.png"


def derive_splits(dataset: Dataset) -> None:
    """Write train.txt, val.txt and test.txt, where they are not there, of all images there are."""
    for name, split in dataset.splits.items():
        target = dataset.home / split.file(name)
        if target.exists():
            continue
        folder = dataset.home / split.folder / "leftImg8bit" / name
        images = sorted(folder.glob(f"*/*{SUFFIX}"))
        if not images:
            raise FileNotFoundError(f"{folder}: no images (*/*{SUFFIX}) there; {dataset.hint}")
        write_lines(target, (p.relative_to(folder).as_posix().removesuffix(SUFFIX) for p in images))
