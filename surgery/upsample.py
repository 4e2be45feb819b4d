"""Bilinear interpolation as the weights of a Deconvolution layer (section 4.2)."""

from collections.abc import Iterable

import numpy as np

import caffe


def upsample_filt(size: int) -> np.ndarray:
    """Filter of shape (size, size), float64, that upsamples bilinearly by (size + 1) // 2."""
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    line = 1 - abs(np.arange(size) - centre) / factor
    return np.outer(line, line)


def interp(net: caffe.Net, layers: Iterable[str]) -> None:
    """Make each of `layers` upsample every channel by itself: the filter on the channel diagonal.

    Raises ValueError for weights that are no (n, n, k, k), or (n, 1, k, k) as a grouped layer has.
    """
    for layer in layers:
        if layer not in net.params:
            raise ValueError(f"the net has no layer {layer!r} with parameters")
        weights = net.params[layer][0].data
        channels, per_group, *kernel = weights.shape
        if per_group not in (channels, 1) or len(kernel) != 2 or kernel[0] != kernel[1]:
            raise ValueError(
                f"layer {layer}: weights of shape {weights.shape} cannot interpolate; expected as "
                "many outputs as inputs, (n, n, k, k) or (n, 1, k, k), and a square kernel"
            )
        weights[...] = 0
        weights[range(channels), range(per_group)] = upsample_filt(kernel[0])
