"""SqueezeNet as its authors released it compressed: pruned weights as indices into a codebook.

The file (Han, Mao & Dally, 2016; songhan/SqueezeNet-Deep-Compression) has no names and no shapes:
the number of stored weights of each layer (uint32), then layer by layer a codebook of 256 float32,
the biases, a byte for each stored weight, its index into the codebook, and half a byte for each,
how many zeros lie before it; the first of two is the lower half.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nets.squeezenet import FIRES

from ..layout import Layers

CODEBOOK = 256


def squeezenet_shapes() -> dict[str, tuple[int, ...]]:
    """Shapes of the weights of SqueezeNet v1.0's convolutions, in the order of the file."""
    shapes: dict[str, tuple[int, ...]] = {"conv1": (96, 3, 7, 7)}
    channels = 96
    for number, (squeezed, expanded) in FIRES.items():
        shapes[f"fire{number}/conv1x1_1"] = (squeezed, channels, 1, 1)
        shapes[f"fire{number}/conv1x1_2"] = (expanded, squeezed, 1, 1)
        shapes[f"fire{number}/conv3x3_2"] = (expanded, squeezed, 3, 3)
        channels = 2 * expanded
    return {**shapes, "conv_final": (1000, channels, 1, 1)}


def read_compressed_squeezenet(path: str | os.PathLike) -> Layers:
    """The layers of compressed_SqueezeNet.net. Raises ValueError for a file of another length."""
    return read_compressed(path, squeezenet_shapes())


def read_compressed(path: str | os.PathLike, shapes: Mapping[str, tuple[int, ...]]) -> Layers:
    """The layers of a compressed net whose weights have these shapes."""
    data, at = Path(path).read_bytes(), 0

    def take(count: int, dtype: str) -> np.ndarray:
        nonlocal at
        size = count * np.dtype(dtype).itemsize
        if at + size > len(data):
            raise ValueError(
                f"ends after {len(data)} bytes, where {at + size} are expected: it is cut "
                "off, or no compressed SqueezeNet; fetch it again"
            )
        array = np.frombuffer(data, dtype, count, at)
        at += size
        return array

    counts = take(len(shapes), "<u4").tolist()
    layers = {}
    for (name, shape), count in zip(shapes.items(), counts, strict=True):
        codebook, biases = take(CODEBOOK, "<f4"), take(shape[0], "<f4")
        codes, halves = take(count, "u1"), take((count + 1) // 2, "u1")
        zeros = np.stack([halves & 15, halves >> 4], axis=1).ravel()[:count]
        places = np.cumsum(zeros.astype(np.int64) + 1) - 1
        size = int(np.prod(shape))
        if count and places[-1] >= size:
            raise ValueError(f"layer {name}: a weight at {places[-1]}, of {size} weights")
        indices = np.zeros(size, np.uint8)
        indices[places] = codes
        layers[name] = [codebook[indices].reshape(shape), biases]
    if at != len(data):
        raise ValueError(f"has {len(data)} bytes, expected {at}: no compressed SqueezeNet")
    return layers
