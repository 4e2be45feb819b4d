"""Weights in MatConvNet's .mat files, of both of its wrappers, SimpleNN and DagNN.

SimpleNN: `layers`, a cell of structs with name and weights, a cell {filters, biases} (until beta16
the fields filters and biases). DagNN: `params`, an array of structs with name and value; a name
ends in _filter or _bias, or in f or b. MATLAB's version 7.3 is HDF5.
"""

from __future__ import annotations

import os
from typing import Any

import h5py
import numpy as np

import data  # noqa: F401, it puts layers/ on the path
from caffe.formats import hdf5
from mat_file import read_mat_file

from ..layout import Layers, from_matlab

# What the FCNs of 2014, which MatConvNet imported, call the layers of today's
_UPSAMPLING = {"score2": "upscore2", "score4": "upscore_pool4"}
_LAST = ("upsample", "upscore", "upsample_new")


def read_matconvnet(path: str | os.PathLike) -> Layers:
    """The layers of a net in MatConvNet's format, fully connected ones as its convolutions.

    An upsampling layer's bias is that of the scores it is added to. Raises ValueError for a file
    with neither `layers` nor `params`, or for an upsampling with a bias that nothing is added to.
    """
    with open(path, "rb") as file:
        is_hdf5 = b"MATLAB 7.3" in file.read(16)
    found = _read_hdf5(path) if is_hdf5 else read_mat_file(path, deep=True)
    if "params" in found:
        return _renamed(_dag(found["params"]))
    if "layers" in found:
        return _simple(found["layers"])
    raise ValueError(
        f"holds {', '.join(found) or 'nothing'}; expected layers or params, as MatConvNet saves a "
        "net"
    )


def _simple(layers: list[dict[str, Any]]) -> Layers:
    stored = {}
    for layer in layers:
        if layer["type"] == "conv":
            in_fields = [layer.get("filters"), layer.get("biases")]
            weights, *biases = layer.get("weights", in_fields)
            stored[layer["name"]] = [from_matlab(weights), *map(_vector, biases)]
    return stored


def _dag(params: list[dict[str, Any]]) -> Layers:
    stored: dict[str, dict[str, np.ndarray]] = {}
    for param in params:
        name, value = param["name"], param["value"]
        layer, _, kind = name.rpartition("_")
        if kind not in ("filter", "bias"):
            layer, kind = name[:-1], name[-1:]
        if kind[:1] not in ("f", "b") or not layer:
            raise ValueError(f"parameter {name!r} is neither a filter's nor a bias's")
        stored.setdefault(layer, {})[kind[0]] = value
    return {
        layer: [from_matlab(arrays["f"]), *([_vector(arrays["b"])] if "b" in arrays else [])]
        for layer, arrays in stored.items()
    }


def _vector(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array.ravel(), np.float32)


def _renamed(layers: Layers) -> Layers:
    """The FCNs of 2014 as those of today, whose upsampling has no bias."""
    if "score_fr" not in layers:
        return layers
    skips = [name for name in ("score_pool4", "score_pool3") if name in layers]
    last = f"upscore{32 >> len(skips) if skips else ''}"
    names = {**_UPSAMPLING, **dict.fromkeys(_LAST, last)}
    added_to = dict(zip(_UPSAMPLING, skips, strict=False))
    for name in names.keys() & layers.keys():
        weights, *biases = layers.pop(name)
        # In MatConvNet as in Caffe: (height, width, out, in), which from_matlab made (in, out, ...)
        layers[names[name]] = [weights]
        for bias in biases:
            if name in added_to:
                layers[added_to[name]][1] = layers[added_to[name]][1] + bias
            elif bias.any():
                raise ValueError(
                    f"layer {name} upsamples with a bias (the largest is {abs(bias).max():g}), "
                    "which today's nets do not have"
                )
    return layers


def _read_hdf5(path: str | os.PathLike) -> dict[str, Any]:
    with hdf5.reading(path, "MATLAB's variables") as file:
        return {name: _value(file, file[name]) for name in file if not name.startswith("#")}


def _value(file: h5py.File, item: h5py.Group | h5py.Dataset) -> Any:
    """What read_mat_file(deep=True) gives of the same variable in version 5."""
    if isinstance(item, h5py.Group):
        fields = {name: _value(file, item[name]) for name in item}
        if fields and not any("MATLAB_class" in item[name].attrs for name in item):
            # an array of structs: each field has a list of the structs' values
            return [
                dict(zip(fields, values, strict=True))
                for values in zip(*fields.values(), strict=True)
            ]
        return fields
    parent, _, name = item.name.rpartition("/")
    array = hdf5.array(file[parent or "/"], name, "fiuO")
    if item.dtype == h5py.ref_dtype:
        return [_value(file, file[reference]) for reference in array.ravel()]
    if item.attrs.get("MATLAB_class") == b"char":
        return "".join(map(chr, array.T.ravel().tolist()))
    return array.T  # MATLAB's axes are in the other order
