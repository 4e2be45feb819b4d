"""Data layer for SIFT Flow (LabelMe): semantic and geometric labels of the same image."""

import numpy as np

from seg_data_layer import SegDataLayer, read_map
from seg_labels import SCENES, from_one


class SIFTFlowSegDataLayer(SegDataLayer):
    """SIFT Flow. Tops: data; sem, classes 0-32; geo, classes 0-2 (sky, horizontal, vertical).

    The files count from 1 and have 0 (geo: -1 too) for void, which is 255 here.
    """

    dir_keys = ("siftflow_dir",)
    split_path = "{siftflow_dir}/{split}.txt"
    paths = {
        "data": "{siftflow_dir}/Images/" + SCENES + "/{name}.jpg",
        "sem": "{siftflow_dir}/SemanticLabels/" + SCENES + "/{name}.mat",
        "geo": "{siftflow_dir}/GeoLabels/" + SCENES + "/{name}.mat",
    }
    tops = ("data", "sem", "geo")
    mean = np.array((114.578, 115.294, 108.353), np.float32)

    def load_sem(self, path: str) -> np.ndarray:
        """(1, H, W) uint8: the semantic classes at path, 0-32, and 255 for void."""
        return from_one(read_map(path, "S"), 33, path)

    def load_geo(self, path: str) -> np.ndarray:
        """(1, H, W) uint8: the geometric classes at path, 0-2, and 255 for void."""
        return from_one(read_map(path, "S"), 3, path, void=(-1, 0))
