"""Finer scores without training: a coarse net on shifted images, its scores interlaced (3.2)."""

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import caffe


def shift_and_stitch(
    net: "caffe.Net",
    image: np.ndarray,
    *,
    factor: int | None = None,
    scores: str = "score_fr",
    stride: int = 32,
) -> np.ndarray:
    """(classes, h, w) float32 scores, `factor` times as close as those of the deploy net.

    image   (3, H, W) float32, BGR less the mean
    factor  of the scores' distance, a divisor of `stride`, which is the default: then there are
            scores for every pixel. The net runs on factor^2 images
    scores  the net's coarsest scores, a blob whose pixels are `stride` pixels of the image apart

    Each image is shifted right and down by multiples of stride / factor pixels. The first score is
    the one of the image that is shifted the most: it lies stride - stride / factor pixels before
    the first of `scores`. Raises ValueError for a factor that does not divide the stride.
    """
    factor = stride if factor is None else factor
    if factor < 1 or stride % factor:
        raise ValueError(f"factor {factor}: expected a divisor of the scores' stride, {stride}")
    step = stride // factor
    room = stride - step
    channels, height, width = image.shape
    data = net.blobs[net.inputs[0]]
    data.reshape(1, channels, height + room, width + room)
    fine: np.ndarray | None = None
    for down, right in itertools.product(range(0, stride, step), repeat=2):
        data.data[...] = 0
        data.data[0, :, down : down + height, right : right + width] = image
        coarse = net.forward([scores])[scores][0]
        if fine is None:
            classes, rows, columns = coarse.shape
            fine = np.empty((classes, rows * factor, columns * factor), np.float32)
        fine[:, (room - down) // step :: factor, (room - right) // step :: factor] = coarse
    assert fine is not None
    return fine
