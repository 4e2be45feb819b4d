"""Cityscapes: lists of its splits, from the folders of its cities."""

from __future__ import annotations

from data.datasets import Dataset
from data.preparation_steps import list_images

SUFFIX = "_leftImg8bit.png"


def derive_splits(dataset: Dataset) -> None:
    """Write train.txt, val.txt and test.txt, where they are not there, of all images there are."""
    for name, split in dataset.splits.items():
        folder = dataset.home / split.folder / "leftImg8bit" / name
        target = dataset.home / split.file(name)
        list_images(target, folder, SUFFIX, folder, dataset.hint)
