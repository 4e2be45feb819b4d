"""Data layer for PASCAL-Context (Mottaghi et al., CVPR 2014): 59 or 33 of 459 classes, by name."""

import os

import numpy as np

from seg_data_layer import SegDataLayer, read_map
from seg_labels import task_table
from text_list import read_list


def read_labels(path: str | os.PathLike) -> dict[int, str]:
    """{number: name} of a file of lines `number: name`, numbered from 1; names without spaces."""
    try:
        lines = read_list(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file; run `make data-context`") from None
    except OSError as error:
        raise OSError(f"{error}, or get it again") from error
    labels = {}
    for expected, line in enumerate(lines, 1):
        number, _, name = line.partition(":")
        if number.strip() != str(expected) or not name.strip():
            raise ValueError(
                f"{path}: line {line!r}; expected `{expected}: name`: get the file again"
            )
        labels[expected] = name.replace(" ", "")
    return labels


class PASCALContextSegDataLayer(SegDataLayer):
    """PASCAL-Context. voc_dir holds VOC2010, context_dir labels.txt, 59_labels.txt and trainval/.

    Labels: 0 background (every other class), 1-59 in the order of 59_labels.txt. param_str takes
    `task` as well: 59 (default) or 33, the classes of 33_labels.txt.
    """

    dir_keys = ("voc_dir", "context_dir")
    split_path = "{voc_dir}/VOC2010/ImageSets/Main/{split}.txt"
    paths = {
        "data": "{voc_dir}/VOC2010/JPEGImages/{name}.jpg",
        "label": "{context_dir}/trainval/{name}.mat",
    }
    own_keys = {"task": (lambda value: value in (33, 59), "59 or 33")}
    mean = np.array((104.007, 116.669, 122.679), np.float32)

    def open(self) -> None:
        super().open()
        folder, task = self.params["context_dir"], self.params.get("task", 59)
        path = f"{folder}/{task}_labels.txt"
        self.table = task_table(read_labels(f"{folder}/labels.txt"), read_labels(path), task, path)

    def load_label(self, path: str) -> np.ndarray:
        """(1, H, W) uint8: the classes at path, 0 for all that are not of the task."""
        values = read_map(path, "LabelMap")
        wrong = np.unique(values[(values < 0) | (values >= len(self.table))])
        if wrong.size:
            raise ValueError(
                f"{path}: label values {wrong.tolist()}; expected 0 to {len(self.table) - 1}, "
                "the classes of labels.txt: get the file again"
            )
        return self.table[values.astype(int)][np.newaxis]
