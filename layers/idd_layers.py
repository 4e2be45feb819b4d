"""Data layer for the Indian Driving Dataset: fine annotations, its 26 classes of level 3."""

import os

import numpy as np

from photograph import with_its_suffix
from seg_data_layer import SegDataLayer, read_indices
from seg_labels import IDD_IMAGE, IDD_LABEL, IDD_POLYGONS, checked

CLASSES = 26


class IDDSegDataLayer(SegDataLayer):
    """IDD. idd_dir holds leftImg8bit/, gtFine/ and the splits' lists.

    Lists have lines such as 119/029714. Labels: the 26 classes, 255 void. Images of the second part
    are .jpg; all come in one size with `size: (720, 1280)`.
    """

    dir_keys = ("idd_dir",)
    split_path = "{idd_dir}/{split}.txt"
    paths = {
        "data": "{idd_dir}/leftImg8bit/{split}/{name}" + IDD_IMAGE + ".png",
        "label": "{idd_dir}/gtFine/{split}/{name}" + IDD_LABEL,
    }

    def path(self, top: str, name: str) -> str:
        path = super().path(top, name)
        return with_its_suffix(path, super().path("label", name)) if top == "data" else path

    def load_label(self, path: str) -> np.ndarray:
        """(1, H, W) uint8: the classes at path, 0-25, and 255 for void."""
        return checked(read_indices(path), CLASSES, path)

    def cure(self, missing: str) -> str:
        """As of all layers; a label whose polygons are there is still to be drawn."""
        polygons = missing.removesuffix(IDD_LABEL) + IDD_POLYGONS
        if os.path.exists(polygons):
            return f"{polygons} is there: `make data-idd` draws it"
        return super().cure(missing)
