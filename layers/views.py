"""What training may make of an image and its labels: views, crops, another size; numpy and PIL.

Arrays are (C, H, W): float32 images less their mean, of which 0 is the mean, or uint8 labels.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
from PIL import Image

from seg_labels import VOID

DEGREES = 1  # that a rotated view is turned by, against the clock
TRIES = 20  # crops that are drawn until one has a labelled pixel


def _by_plane(array: np.ndarray, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(change(Image.fromarray(plane))) for plane in array])


def rotated(array: np.ndarray) -> np.ndarray:
    """The array turned by DEGREES about its middle; what turns in is the mean, of labels void.

    Images are interpolated bilinearly, of labels the nearest counts.
    """
    label = array.dtype == np.uint8
    resample = Image.Resampling.NEAREST if label else Image.Resampling.BILINEAR
    fill = VOID if label else 0
    return _by_plane(array, lambda plane: plane.rotate(DEGREES, resample, fillcolor=fill))


def mirrored(array: np.ndarray) -> np.ndarray:
    """The array, left and right exchanged."""
    return array[:, :, ::-1]


# What an entry of a data layer may be of an image
VIEWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "original": lambda array: array,
    "mirrored": mirrored,
    "rotated": rotated,
}


def resized(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The array at (height, width): bilinear means of images, the nearest of labels."""
    if array.shape[1:] == tuple(size):
        return array
    label = array.dtype == np.uint8
    resample = Image.Resampling.NEAREST if label else Image.Resampling.BILINEAR
    return _by_plane(array, lambda plane: plane.resize(size[::-1], resample))


def zoomed(
    arrays: list[np.ndarray], factors: tuple[float, float], rng: random.Random
) -> list[np.ndarray]:
    """All arrays larger by one factor between the two, drawn evenly in its logarithm."""
    factor = math.exp(rng.uniform(*map(math.log, factors)))
    height, width = (max(1, round(factor * extent)) for extent in arrays[0].shape[1:])
    return [resized(array, (height, width)) for array in arrays]


def cropped(
    arrays: list[np.ndarray], size: tuple[int, int], rng: random.Random, path: str
) -> list[np.ndarray]:
    """A piece of (height, width), drawn so that a labelled pixel is in it if there is any.

    ValueError, with `path`, for an image that is smaller, or where TRIES pieces had no label.
    """
    height, width = arrays[0].shape[1:]
    if size[0] > height or size[1] > width:
        raise ValueError(
            f"{path}: {height} x {width} (h x w) is smaller than the crop of {size[0]} x {size[1]}:"
            " crop less (crop in param_str), or train on larger images"
        )
    for _ in range(TRIES):
        down, right = rng.randint(0, height - size[0]), rng.randint(0, width - size[1])
        pieces = [a[:, down : down + size[0], right : right + size[1]] for a in arrays]
        if not lost(arrays, pieces):
            return pieces
    raise ValueError(
        f"{path}: {TRIES} crops of {size[0]} x {size[1]} from {height} x {width} (h x w) had no "
        "labelled pixel: crop more (crop in param_str), or take the image off the list"
    )


def lost(before: list[np.ndarray], after: list[np.ndarray]) -> bool:
    """Whether a label that had pixels of a class has none any more."""
    return any(
        old.dtype == np.uint8 and (old != VOID).any() and not (new != VOID).any()
        for old, new in zip(before, after, strict=True)
    )
