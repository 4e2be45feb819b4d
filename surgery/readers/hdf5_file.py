"""Weights in HDF5: Keras' files (save_weights of Keras 1 and 2) and Caffe's .caffemodel.h5."""

from __future__ import annotations

import os
import re

import h5py
import numpy as np

from caffe.formats import hdf5

from ..layout import Layers, from_hwio
from .caffe_file import read_caffemodel


def read_hdf5(path: str | os.PathLike) -> Layers:
    """The layers of a Keras VGG, with or without its top, or of a caffemodel in HDF5.

    Keras has the order of layers in the attribute layer_names, and each one's arrays, weights
    before biases, in weight_names of its group. Raises ValueError for a file with neither.
    """
    with hdf5.reading(path, "weights") as file:
        root = file.get("model_weights", file)
        if "layer_names" in root.attrs:
            return from_hwio(_keras(root))
        found = list(file)
    if "data" in found:
        return read_caffemodel(path)
    raise ValueError(
        f"holds {', '.join(found) or 'nothing'}; expected Keras' layer_names, as save_weights of "
        "Keras 1 and 2 writes them to .h5, or Caffe's group data"
    )


def _keras(root: h5py.Group) -> dict[str, list[np.ndarray]]:
    stored = {}
    for name in map(_text, root.attrs["layer_names"]):
        group = hdf5.group(root, name)
        arrays = [hdf5.array(group, _text(key)) for key in group.attrs["weight_names"]]
        if arrays:
            stored[_vgg_name(name)] = arrays
    return stored


def _vgg_name(keras: str) -> str:
    """The name in Caffe of a layer of Keras' VGG: block1_conv2 is conv1_2, predictions is fc8."""
    numbers = re.fullmatch(r"block(\d)_conv(\d)", keras)
    tops = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}
    return f"conv{numbers[1]}_{numbers[2]}" if numbers else tops.get(keras, keras)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
