"""How each dataset numbers its labels, and the class indices that nets learn; numpy alone."""

from collections.abc import Mapping

import numpy as np

VOID = 255

# Cityscapes: labelIds in the order of trainIds, from road, sidewalk and building to bicycle
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
TRAIN_IDS = np.full(256, VOID, np.uint8)  # of each labelId
TRAIN_IDS[list(LABEL_IDS)] = range(len(LABEL_IDS))

# PASCAL-Context: what some of the 59 classes are called in the list of all classes
NAMES_OF_ALL = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}

# VOC, and a folder of one's own: where the files of an id lie, {} standing for it
VOC_FILES = {"images": "JPEGImages/{}.jpg", "labels": "SegmentationClass/{}.png"}

# SIFT Flow: the folder of all of its images
SCENES = "spatial_envelope_256x256_static_8outdoorcategories"

# Indian Driving Dataset: what the names of an image, its polygons and its label map end with
IDD_IMAGE, IDD_POLYGONS = "_leftImg8bit", "_gtFine_polygons.json"
IDD_LABEL = "_gtFine_labellevel3Ids.png"


def is_pattern(value: object) -> bool:
    """Whether a value is the pattern of a path: a text with one {}, which an id stands for."""
    return isinstance(value, str) and value.count("{}") == 1


def checked(label: np.ndarray, n_classes: int, path: str) -> np.ndarray:
    """(H, W) class indices and 255 as (1, H, W) uint8; ValueError for any other value."""
    wrong = np.unique(label[(label < 0) | (label >= n_classes) & (label != VOID)])
    if wrong.size:
        raise ValueError(
            f"{path}: label values {wrong.tolist()}; expected 0 to {n_classes - 1} or "
            f"{VOID} (void): correct the label (class indices, not gray levels), or let there be "
            "more classes (classes.txt; n_classes in param_str)"
        )
    return label.astype(np.uint8)[np.newaxis]


def from_one(
    values: np.ndarray, n_classes: int, path: str, void: tuple[int, ...] = (0,)
) -> np.ndarray:
    """(H, W) labels that a file counts from 1, as (1, H, W) uint8 from 0; `void` becomes 255."""
    ignored = np.isin(values, void)
    wrong = np.unique(values[~ignored & ((values < 1) | (values > n_classes))])
    if wrong.size:
        raise ValueError(
            f"{path}: label values {wrong.tolist()}; expected 1 to {n_classes} or "
            f"{' or '.join(map(str, void))} (void): correct the label"
        )
    return np.where(ignored, VOID, values - 1.0).astype(np.uint8)[np.newaxis]


def task_table(
    all_labels: Mapping[int, str], task_labels: Mapping[int, str], task: int, path: str
) -> np.ndarray:
    """(N,) uint8 that maps the number of a class among all to its number in the task, else 0.

    Both arguments are {number: name}; `path` is the file of the task's labels. ValueError if these
    are not numbered 1 to `task`, or one is not among all.
    """
    if sorted(task_labels) != list(range(1, task + 1)):
        raise ValueError(
            f"{path}: {len(task_labels)} labels; expected those of the task, numbered 1 to {task}: "
            "get the file again"
        )
    numbers = {name: number for number, name in all_labels.items()}
    table = np.zeros(len(all_labels) + 1, np.uint8)
    for number, name in task_labels.items():
        own = numbers.get(NAMES_OF_ALL.get(name, name), numbers.get(name))
        if own is None or table[own]:
            found = "is there twice" if own is not None else "is no class of labels.txt"
            raise ValueError(
                f"{path}: {name!r} {found}; expected {task} different names of labels.txt "
                "(diningtable, bedcloth and clothes stand for its table, bedclothes and cloth)"
            )
        table[own] = number
    return table
