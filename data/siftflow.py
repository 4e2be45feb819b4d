"""SIFT Flow: its splits from the list of test images that comes with it."""

from __future__ import annotations

from pathlib import PurePosixPath

from data.datasets import SIFTFLOW, Dataset, ids_in
from data.preparation_steps import write_lines
from seg_labels import SCENES

UNANNOTATED = ("highway_bost181", "street_urb506")


def derive_splits(dataset: Dataset) -> None:
    """Write test.txt from TestSet1.txt, and trainval.txt of all other annotated images."""
    targets = {n: dataset.home / split.file(n) for n, split in dataset.splits.items()}
    if all(target.exists() for target in targets.values()):
        return
    folder = dataset.home / SIFTFLOW.path
    # Its lines are paths below Images/, as Windows writes them.
    listed = [line.replace("\\", "/") for line in ids_in(folder / "TestSet1.txt")]
    test = [PurePosixPath(line).stem for line in listed]
    images = sorted(path.stem for path in (folder / "Images" / SCENES).glob("*.jpg"))
    trainval = [name for name in images if name not in {*test, *UNANNOTATED}]
    for target, names in ((targets["test"], test), (targets["trainval"], trainval)):
        if not target.exists():
            write_lines(target, names)
