"""From the layouts in which other frameworks store weights to Caffe's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

# {layer: its arrays, in the order of its blobs}; a convolution's weights are (out, in, height,
# width), a fully connected layer's (out, in)
Layers = dict[str, list[np.ndarray]]


def from_hwio(stored: Mapping[str, Sequence[np.ndarray]]) -> Layers:
    """Weights of a chain of layers as TensorFlow has them: (height, width, in, out) and (in, out).

    The first fully connected layer counts its inputs as (height, width, channel), Caffe as
    (channel, height, width): these inputs are put in Caffe's order.
    """
    layers: Layers = {}
    channels = 0  # of the last convolution
    for name, (weights, *biases) in stored.items():
        if weights.ndim == 4:
            weights, channels = weights.transpose(3, 2, 0, 1), weights.shape[3]
        elif weights.ndim == 2 and channels:
            weights, channels = _inputs_by_channel(name, weights, channels), 0
        elif weights.ndim == 2:
            weights = weights.T
        else:
            raise ValueError(
                f"layer {name}: weights of shape {weights.shape}, expected 4 axes or 2"
            )
        layers[name] = [_floats(weights), *map(_floats, biases)]
    return layers


def _inputs_by_channel(name: str, weights: np.ndarray, channels: int) -> np.ndarray:
    """(out, channels x side x side) of (side x side x channels, out)."""
    inputs, outputs = weights.shape
    side = math.isqrt(inputs // channels)
    if side * side * channels != inputs:
        raise ValueError(
            f"layer {name}: {inputs} inputs are no square of the {channels} channels before them"
        )
    split = weights.reshape(side, side, channels, outputs)
    return split.transpose(3, 2, 0, 1).reshape(outputs, inputs)


def from_matlab(weights: np.ndarray) -> np.ndarray:
    """(out, in, height, width) of a filter bank (height, width, in, out), whose last axes of 1
    MATLAB leaves out."""
    full = weights.reshape(*weights.shape, *(1,) * (4 - weights.ndim))
    return _floats(full.transpose(3, 2, 0, 1))


def _floats(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)
