"""IDD Lite: lists of its splits, from the folders of its drives."""

from __future__ import annotations

from data.datasets import Dataset
from data.preparation_steps import list_images

SUFFIX = "_image.jpg"


def derive_splits(dataset: Dataset) -> None:
    """Write the lists of train and val, where they are not there, of all images there are."""
    root = dataset.home / "leftImg8bit"
    for name, split in dataset.splits.items():
        target = dataset.home / split.file(name)
        list_images(target, root / name, SUFFIX, root, dataset.hint)
