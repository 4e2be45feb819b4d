"""Weights in numpy's files: .npz with NAME_W and NAME_b, .npy of a dict {name: [weights, biases]}.

Such a .npy is a pickle, which may run any code when read. Here nothing is called but what makes
numpy's arrays.
"""

from __future__ import annotations

import codecs
import os
import pickle
from typing import Any, BinaryIO

import numpy as np

from ..layout import Layers, from_hwio

# What a pickled array calls. Where numpy keeps the first has changed, and with it what files say.
_RECONSTRUCT = np.empty(0).__reduce__()[0]
_CALLED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): codecs.encode,
}


def read_numpy(path: str | os.PathLike) -> Layers:
    """The layers of a VGG that TensorFlow's (height, width, in, out) convolutions were made for.

    Raises ValueError for a file with anything else in it.
    """
    if str(path).lower().endswith(".npz"):
        with np.load(path, allow_pickle=False) as arrays:
            return from_hwio(_by_layer(arrays))
    with open(path, "rb") as file:
        return from_hwio(_dictionary(file))


def _by_layer(arrays: np.lib.npyio.NpzFile) -> dict[str, list[np.ndarray]]:
    names = dict.fromkeys(key.rpartition("_")[0] for key in arrays.files)
    pairs = {name: (f"{name}_W", f"{name}_b") for name in names}
    if not pairs or {*arrays.files} != {key for pair in pairs.values() for key in pair}:
        raise ValueError(
            f"holds {', '.join(arrays.files[:5]) or 'nothing'}; expected NAME_W and NAME_b of each "
            "layer"
        )
    return {name: [arrays[key] for key in pairs[name]] for name in sorted(pairs)}


def _dictionary(file: BinaryIO) -> dict[str, list[np.ndarray]]:
    """The dict in a .npy file of one object, its layers in the order of their names."""
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0}.get(
        version, np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read_header(file)
    if shape != () or not dtype.hasobject:
        raise ValueError(f"an array of shape {shape} and type {dtype}; expected one dict")
    # latin1: arrays that Python 2 wrote are bytes in its strings
    found = _Arrays(file, encoding="latin1").load()
    while isinstance(found, np.ndarray | list) and len(found := np.ravel(found).tolist()) == 1:
        found = found[0]
    if not isinstance(found, dict) or not all(map(_is_layer, found.values())):
        raise ValueError(f"holds a {type(found).__name__}; expected a dict of arrays by layer")
    return {str(name): list(found[name]) for name in sorted(found)}


def _is_layer(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(v, np.ndarray) for v in value)


class _Arrays(pickle.Unpickler):
    """Unpickles numpy's arrays and Python's containers, and refuses to call anything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _CALLED:
            raise ValueError(f"calls {module}.{name}, which no array needs: it is not read")
        return _CALLED[module, name]
