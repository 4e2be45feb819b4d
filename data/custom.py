"""The dataset `mine`: a folder of one's own, laid out as PASCAL VOC is, with its classes' names."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tqdm import tqdm

from data.datasets import DATASETS, LAYERS, MEAN, VOID, Dataset, Split, ids_in
from text_list import read_list

NAME = "mine"
NAMES = (*DATASETS, NAME)  # that `find` knows
LAYER = "VOCSegDataLayer"
HINT = (
    "a folder of your own holds JPEGImages/*.jpg, SegmentationClass/*.png (one channel of class "
    "indices, 255 = void), ImageSets/Segmentation/train.txt and val.txt (ids, one a line) and "
    "classes.txt (names, one a line, the first being class 0)"
)


def custom(folder: Path) -> Dataset:
    """The dataset in a folder; FileNotFoundError or ValueError where something doesn't fit.

    Splits are train, val and, if it is listed, test. Without classes.txt the classes are those up
    to the highest label, named by their numbers.
    """
    folder = folder.resolve()
    splits = {name: Split(LAYER, ".") for name in ("train", "val", "test")}
    if not (folder / splits["test"].file("test")).exists():
        del splits["test"]
    for name, split in splits.items():
        if not (folder / split.file(name)).is_file():
            raise FileNotFoundError(f"{folder / split.file(name)}: no such split file; {HINT}")
    path = folder / "classes.txt"
    names = class_names(path) if path.exists() else _numbered(folder, path)
    return Dataset(
        name=NAME,
        layout="mine",
        title=f"{folder.name}, {len(names)} classes",
        classes=names,
        mean=MEAN,
        splits=splits,
        train_split="train",
        val_split="val",
        home=folder,
        hint=HINT,
    )


def class_names(path: Path) -> tuple[str, ...]:
    """The names in a classes.txt: one a line, in the order of the labels, as read_list reads it."""
    try:
        names = read_list(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file; expected one class name a line") from None
    except OSError as error:
        raise OSError(f"{error}; expected one class name a line") from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if not 2 <= len(names) <= VOID or twice:
        found = f"{', '.join(map(repr, twice))} more than once" if twice else f"{len(names)} names"
        raise ValueError(f"{path}: {found}; expected 2 to {VOID} different names, one a line")
    return tuple(names)


def _numbered(folder: Path, path: Path) -> tuple[str, ...]:
    """Names for as many classes as the labels of train and val have."""
    from seg_data_layer import read_indices  # here, for it needs caffe, which takes seconds

    names = [
        name
        for split in ("train", "val")
        for name in ids_in(folder / LAYERS[LAYER].lists.format(split))
    ]
    highest = 1
    for name in tqdm(names, desc=f"no {path.name}: counting classes", unit="image"):
        label = read_indices(folder / "SegmentationClass" / f"{name}.png")
        highest = max(highest, int(label[label != VOID].max(initial=0)))
    print(f"{path} is not there: the labels go to {highest}; write it to name the classes")
    return tuple(f"class {number}" for number in range(highest + 1))


def find(name: str, folder: Path | None = None) -> Dataset:
    """A dataset by name, its files in `folder` if one is given; "mine" needs it.

    Raises ValueError for a name that is not one of NAMES, and what `custom` raises.
    """
    if name == NAME:
        if folder is None:
            raise ValueError(f"dataset {NAME} needs a folder (--data, DATA=); {HINT}")
        return custom(folder)
    if name not in DATASETS:
        raise ValueError(f"there is no dataset {name!r}; choose from {', '.join(NAMES)}")
    dataset = DATASETS[name]
    return dataset if folder is None else dataclasses.replace(dataset, home=folder.resolve())
