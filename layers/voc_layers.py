"""Data layers for PASCAL VOC, SBD, and whatever is laid out as VOC is.

Use from a prototxt, with this folder on PYTHONPATH:

    layer { name: "data" type: "Python" top: "data" top: "label"
      python_param { module: "voc_layers" layer: "SBDDSegDataLayer"
        param_str: "{'sbdd_dir': 'data/sbdd/dataset', 'split': 'train', 'seed': 1337,
                     'mean': (104.00699, 116.66877, 122.67892)}" } }
"""

import os
from collections.abc import Callable

import numpy as np

from photograph import with_its_suffix
from seg_data_layer import SegDataLayer, described, read_indices, read_mat, whole
from seg_labels import VOC_FILES, VOID, checked, is_pattern


class _Labelled(SegDataLayer):
    """Tops data and label. n_classes (21): labels from there on, other than 255, are an error."""

    read_label: Callable[[str | os.PathLike], np.ndarray]  # the (H, W) class indices of a file
    own_keys = {"n_classes": (whole(1, VOID), f"1 to {VOID}")}

    def load_label(self, path: str) -> np.ndarray:
        """(1, H, W) uint8 class indices; 255 is void."""
        return checked(self.read_label(path), self.params.get("n_classes", 21), path)


class VOCSegDataLayer(_Labelled):
    """PASCAL VOC: voc_dir is a devkit folder; labels are one-channel images of class indices.

    A photograph may have another suffix than .jpg. param_str takes `images` and `labels` as well,
    where the files of an id lie below voc_dir if not as seg_labels.VOC_FILES has them.
    """

    dir_keys = ("voc_dir",)
    split_path = "{voc_dir}/ImageSets/Segmentation/{split}.txt"
    own_keys = {
        **_Labelled.own_keys,
        **{key: (is_pattern, f"a path with one {{}}, as {VOC_FILES[key]}") for key in VOC_FILES},
    }
    read_label = staticmethod(read_indices)

    def path(self, top: str, name: str) -> str:
        label = self._file("labels", name)
        return with_its_suffix(self._file("images", name), label) if top == "data" else label

    def _file(self, key: str, name: str) -> str:
        pattern = self.params.get(key, VOC_FILES[key])
        return f"{self.params['voc_dir']}/{pattern.replace('{}', name)}"


class SBDDSegDataLayer(_Labelled):
    """Semantic Boundaries Dataset: sbdd_dir is its dataset folder; labels are .mat files."""

    dir_keys = ("sbdd_dir",)
    split_path = "{sbdd_dir}/{split}.txt"
    paths = {"data": "{sbdd_dir}/img/{name}.jpg", "label": "{sbdd_dir}/cls/{name}.mat"}

    @staticmethod
    def read_label(path: str | os.PathLike) -> np.ndarray:
        """The (H, W) class indices in one of SBD's .mat files."""
        contents = read_mat(path)
        truth = contents.get("GTcls")
        if not isinstance(truth, dict) or "Segmentation" not in truth:
            raise ValueError(
                f"{path}: holds {', '.join(sorted(contents)) or 'nothing'}; expected "
                "GTcls.Segmentation, as the files of SBD's cls/ folder do"
            )
        label = truth["Segmentation"]
        is_map = isinstance(label, np.ndarray) and label.ndim == 2
        if not is_map or label.dtype.kind not in "ui":
            raise ValueError(
                f"{path}: GTcls.Segmentation is {described(label)}; expected an H x W array of "
                "class indices"
            )
        return label
