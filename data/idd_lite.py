"""IDD Lite: lists of its splits, from the folders of its drives."""

from __future__ import annotations

from data.datasets import Dataset
from data.preparation_steps import write_lines

SUFFIX = "_image.jpg"


def derive_splits(dataset: Dataset) -> None:
    """Write the list of each split, where it is not there, of all images there are."""
    for name, split in dataset.splits.items():
        target = dataset.home / split.file(name)
        if target.exists():
            continue
        root = dataset.home / "leftImg8bit"
        images = sorted((root / name).glob(f"*/*{SUFFIX}"))
        if not images:
            raise FileNotFoundError(f"{root / name}: no images (*/*{SUFFIX}) there; {dataset.hint}")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_lines(target, (p.relative_to(root).as_posix().removesuffix(SUFFIX) for p in images))
