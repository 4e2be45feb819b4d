"""The dataset `mine`: a folder of one's own, laid out as PASCAL VOC is, with its classes' names."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from data.datasets import DATASETS, LAYERS, MEAN, VOID, Dataset, Split, ids_in
from seg_labels import VOC_FILES, is_pattern
from text_list import read_list

NAME = "mine"
NAMES = (*DATASETS, NAME)  # that `find` knows
LAYER = "VOCSegDataLayer"
LAYOUT_FILE = "dataset.json"
HINT = (
    "a folder of your own holds JPEGImages/*.jpg, SegmentationClass/*.png (one channel of class "
    "indices, 255 = void), ImageSets/Segmentation/train.txt and val.txt (ids, one a line) and "
    "classes.txt (names, one a line, the first being class 0); where images or labels lie "
    f"elsewhere or are called otherwise, {LAYOUT_FILE} says so, as {json.dumps(VOC_FILES)}"
)

_AS = f"expected images, labels or both, {{}} standing for the id, as {json.dumps(VOC_FILES)}"


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
        options=layout(folder),
    )


def layout(folder: Path) -> dict[str, str]:
    """What a folder's dataset.json says: where images and labels lie, as VOC_FILES does of VOC.

    Nothing where there is none. ValueError for one that says anything else.
    """
    path = folder / LAYOUT_FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON ({error}); {_AS}") from None
    if not isinstance(found, dict) or not found.keys() <= VOC_FILES.keys():
        raise ValueError(f"{path}: holds {json.dumps(found)}; {_AS}")
    if wrong := [key for key, value in found.items() if not is_pattern(value)]:
        raise ValueError(f"{path}: {wrong[0]} is {found[wrong[0]]!r}, without one {{}}; {_AS}")
    if wrong := [key for key, value in found.items() if "\\" in value]:
        raise ValueError(f"{path}: {wrong[0]} is {found[wrong[0]]!r}; write / for each backslash")
    if len({*(VOC_FILES | found).values()}) == 1:
        raise ValueError(f"{path}: images and labels are the same files; {_AS}")
    return found


def label_paths(folder: Path, names: Iterable[str]) -> list[Path]:
    """Where the label maps of these ids lie, in a folder of one's own or of VOC."""
    pattern = (VOC_FILES | layout(folder))["labels"]
    return [folder / pattern.replace("{}", name) for name in names]


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
    """Names for as many classes as the labels of train and val have.

    ValueError where not half of the numbers up to the highest occur: those are gray levels.
    """
    from caffe.core.ranks import is_root  # here, for caffe takes seconds
    from seg_data_layer import read_indices

    names = [
        name
        for split in ("train", "val")
        for name in ids_in(folder / LAYERS[LAYER].lists.format(split))
    ]
    counts = np.zeros(VOID + 1, np.int64)
    title, files = f"no {path.name}: counting classes", label_paths(folder, names)
    for file in tqdm(files, title, unit="image", disable=not is_root()):
        counts += np.bincount(read_indices(file).ravel(), minlength=VOID + 1)
    found = np.flatnonzero(counts[:VOID]).tolist()
    highest = max([1, *found])  # a net has two classes at least
    if highest > 1 and 2 * len(found) < highest + 1:
        values = ", ".join(map(str, found)) + (f" and {VOID}, void" if counts[VOID] else "")
        raise ValueError(
            f"{path} is not there, and the labels hold the values {values}: gray levels, it seems; "
            f"expected class indices, 0, 1, 2, ...: write those in their place, or, if these are "
            f"indices, name the {highest + 1} classes in {path.name}"
        )
    if is_root():
        print(f"{path} is not there: the labels go to {highest}; write it to name the classes")
    return numbered(highest + 1)


def numbered(count: int) -> tuple[str, ...]:
    """Names for classes that nobody has named."""
    return tuple(f"class {number}" for number in range(count))


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
    if folder is None:
        return dataset
    own = own_options(dataset, folder)  # of any dataset: it compares the classes
    options = dataset.options | (own if dataset.layout == NAME else {})
    return dataclasses.replace(dataset, home=folder.resolve(), options=options)


def own_options(dataset: Dataset, folder: Path) -> dict[str, str]:
    """`layout` of a folder in VOC layout that is given as a dataset's.

    ValueError where its classes.txt names other classes: as many of them would be taken for these.
    """
    path = folder / "classes.txt"
    if path.exists():
        names = class_names(path)
        if [name.casefold() for name in names] != [name.casefold() for name in dataset.classes]:
            raise ValueError(
                f"{path}: names {', '.join(names)}; expected the classes of {dataset.name}, "
                f"{', '.join(dataset.classes)}: give the folder as {NAME} (make NET-{NAME}, "
                f"--dataset {NAME}), or remove the file if they are the same"
            )
    return layout(folder)
