"""Ways to down- and upsample a label map, of which Appendix A doesn't say which it means.

A label map is seen as one channel a label, 1 where it is and 0 elsewhere; void is a label, too.
A cell is a square of factor x factor pixels, smaller at the right and at the bottom where the map
is no multiple.
"""

import itertools
from collections.abc import Callable

import numpy as np

from seg_labels import VOID

Down = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def area(channels: np.ndarray, values: np.ndarray, factor: int) -> np.ndarray:
    """The share of each label among a cell's pixels."""
    sums = _cell_sums(channels, factor)
    return sums / sums.sum(0)


def majority(channels: np.ndarray, values: np.ndarray, factor: int) -> np.ndarray:
    """1 for the most frequent label of a cell; of several, the lowest, so void the last."""
    return _winners(_cell_sums(channels, factor))


def labelled_majority(channels: np.ndarray, values: np.ndarray, factor: int) -> np.ndarray:
    """1 for the most frequent label of a cell other than void; for void where there is no other."""
    sums = _cell_sums(channels, factor)
    sums[values == VOID] *= (sums[values != VOID] == 0).all(0)
    return _winners(sums)


def centre(channels: np.ndarray, values: np.ndarray, factor: int) -> np.ndarray:
    """1 for the label of a cell's middle pixel; of two middle ones, the lower right."""
    rows, columns = (_middles(size, factor) for size in channels.shape[1:])
    return channels[:, rows][:, :, columns]


def nearest(size: int, cells: int, factor: int) -> np.ndarray:
    """(size, cells) weights of the cells in each pixel: 1 for the cell that it lies in."""
    return np.eye(cells, dtype=np.float32)[np.arange(size) // factor]


def bilinear(size: int, cells: int, factor: int) -> np.ndarray:
    """(size, cells) weights of the cells in each pixel, linear between the cells' middles.

    So the nets' Deconvolution with bilinear weights has them, kernel 2 * factor and stride factor,
    but for pixels beyond the outermost middles, where it fades: in all channels alike.
    """
    place = np.clip((np.arange(size) + 0.5) / factor - 0.5, 0, cells - 1)
    return np.maximum(1 - np.abs(place[:, np.newaxis] - np.arange(cells)), 0).astype(np.float32)


DOWN = {
    "majority": majority,
    "labelled-majority": labelled_majority,
    "area": area,
    "centre": centre,
}
UP = {"bilinear": bilinear, "nearest": nearest}
# How Appendix A's words can be read, by a name, the one nearest to its figures first; the greatest
# share to the nearest is majority-nearest
READINGS = {
    f"{down}-{up}": (DOWN[down], UP[up])
    for down, up in itertools.product(DOWN, UP)
    if (down, up) != ("area", "nearest")
}


def resampled(label: np.ndarray, factor: int, reading: str) -> np.ndarray:
    """An (H, W) label map downsampled by `factor` and upsampled again, by the name of a reading.

    A pixel gets the label of its greatest channel; of several, the lowest, so void the last.
    """
    down, up = READINGS[reading]
    values = np.unique(label)
    channels = (label == values[:, np.newaxis, np.newaxis]).astype(np.float32)
    small = down(channels, values, factor)
    rows, columns = (
        up(size, cells, factor) for size, cells in zip(label.shape, small.shape[1:], strict=True)
    )
    return values[(rows @ small @ columns.T).argmax(0)]


def _cell_sums(channels: np.ndarray, factor: int) -> np.ndarray:
    for axis in (1, 2):
        channels = np.add.reduceat(channels, np.arange(0, channels.shape[axis], factor), axis)
    return channels


def _winners(sums: np.ndarray) -> np.ndarray:
    return (sums.argmax(0) == np.arange(len(sums))[:, np.newaxis, np.newaxis]).astype(np.float32)


def _middles(size: int, factor: int) -> np.ndarray:
    start = np.arange(0, size, factor)
    return (start + np.minimum(start + factor, size)) // 2
