"""Images of 8 bits made worse: noise_param of SSD (im_transforms.cpp).

Pixels are OpenCV's, of blurred and equalised colours within some steps of 255.
"""

import math
from collections.abc import Iterator

import numpy as np

from ..core.errors import CaffeError
from ..proto import caffe_pb2
from . import images
from .colours import bgr_to_hsv, need_colours
from .resizing import to_uint8

BLUR = np.exp(-(np.arange(-3, 4) ** 2) / (2 * 1.5**2))  # a window of 7, sigma 1.5
POSTERS = 64  # steps of posterize
REFUSED = {
    "convert_to_lab": "give images in that colour space",
    "clahe": "equalise the images before training",
}


def check_noise(param: caffe_pb2.NoiseParameter) -> None:
    """Raise CaffeError for what is not done here."""
    for name, cure in REFUSED.items():
        if getattr(param, name):
            raise CaffeError(f"noise_param knows {name}: false; leave it out, and {cure}")


def noised(
    image: np.ndarray, param: caffe_pb2.NoiseParameter, uniforms: Iterator[float]
) -> np.ndarray:
    """An image (H, W, C) uint8 with each kind of noise that is asked for, in SSD's order."""
    if param.decolorize:
        need_colours(image, "decolorize")
        image = np.repeat(images.gray(image), 3, axis=2)
    if param.gauss_blur:
        image = _blurred(image)
    if param.hist_eq:
        image = _equalised_colours(image) if image.shape[2] == 3 else _equalised(image)
    if param.jpeg > 0:
        packed = images.encode(image, "jpg", quality=int(param.jpeg))
        image = images.decode(packed, color=True)
    if param.erode:
        image = _eroded(image)
    if param.posterize:
        image = image // POSTERS * POSTERS + POSTERS // 2
    if param.inverse:
        image = 255 - image
    if param.saltpepper:
        image = _salted(image, param.saltpepper_param, uniforms)
    if param.convert_to_hsv:
        need_colours(image, "convert_to_hsv")
        image = bgr_to_hsv(image)
    return image


def _blurred(image: np.ndarray) -> np.ndarray:
    values = image.astype(np.float64)
    for axis in (0, 1):
        pad = [(3, 3) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(values, pad, "reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(BLUR), axis)
        values = windows @ (BLUR / BLUR.sum())
    return to_uint8(values)


def _eroded(image: np.ndarray) -> np.ndarray:
    """The least of each pixel and its four neighbours: of 3 x 3, SSD's ellipse is a cross."""
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), "edge")
    down = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])[:, 1:-1]
    across = np.minimum(padded[1:-1, :-2], padded[1:-1, 2:])
    return np.minimum(down, across)


def _equalised(image: np.ndarray) -> np.ndarray:
    """Of one channel: values are spread so that they are about equally frequent."""
    counts = np.bincount(image.ravel(), minlength=256)
    first = counts[np.flatnonzero(counts)[0]]
    if first == image.size:
        return image
    return to_uint8((counts.cumsum() - first) * (255 / (image.size - first)))[image]


def _equalised_colours(image: np.ndarray) -> np.ndarray:
    """The luma's, with the differences of colours as they were (YCrCb)."""
    b, g, r = np.moveaxis(image.astype(np.float64), -1, 0)
    luma = to_uint8(0.114 * b + 0.587 * g + 0.299 * r)
    red, blue = (to_uint8((c - luma) * f + 128) - 128.0 for c, f in ((r, 0.713), (b, 0.564)))
    luma = _equalised(luma)
    colours = [luma + 1.773 * blue, luma - 0.714 * red - 0.344 * blue, luma + 1.403 * red]
    return to_uint8(np.stack(colours, -1))


def _salted(
    image: np.ndarray, param: caffe_pb2.SaltPepperParameter, uniforms: Iterator[float]
) -> np.ndarray:
    """A fraction of the pixels, drawn one by one, becomes `value`."""
    height, width, channels = image.shape
    values = list(param.value)
    if len(values) not in (1, channels):
        raise CaffeError(
            f"saltpepper_param needs 1 value or as many as channels: {channels}; found "
            f"{len(values)}"
        )
    image = image.copy()
    for _ in range(math.floor(np.float32(param.fraction) * width * height)):
        column, row = int(next(uniforms) * width), int(next(uniforms) * height)
        image[row, column] = values
    return image
