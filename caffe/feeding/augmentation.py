"""Images turned, resized, recoloured and blurred by chance, as caffe-augmentation does."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from ..core.errors import CaffeError
from ..proto import caffe_pb2
from . import images
from .resizing import POLICY, rotation, sampled, to_uint8

Size = tuple[int, int]
BY_CHANCE = ("max_rotation_angle", "min_side_min", "min_side_max")  # sizes


def check_augmentation(param: caffe_pb2.TransformationParameter) -> bool:
    """Whether there is any. Raises CaffeError for what does not go with it."""
    if param.smooth_filtering and param.max_smooth < 2:
        raise CaffeError(f"max_smooth must be at least 2; found {param.max_smooth:g}")
    if bool(param.min_side_min) != bool(param.min_side_max):
        raise CaffeError("min_side_min and min_side_max: give both, or neither")
    if param.min_side_min > param.min_side_max:
        raise CaffeError(
            f"min_side_min {param.min_side_min} is more than min_side_max, which is "
            f"{param.min_side_max}"
        )
    given = [name for name in ("min_side", *BY_CHANCE) if getattr(param, name)]
    if given and not param.crop_size:
        raise CaffeError(f"{given[0]} needs a crop_size, for images differ in size")
    for name in BY_CHANCE:
        if getattr(param, name) and param.HasField("mean_file"):
            raise CaffeError(f"{name} needs mean_value instead of a mean_file")
    return bool(
        given
        or param.contrast_brightness_adjustment
        or param.smooth_filtering
        or param.max_color_shift
    )


def by_shorter_side(size: Size, side: int) -> Size:
    """Height and width in proportion, the longer side rounded up."""
    longer = math.ceil(max(size) / (min(size) / side))
    return (side, longer) if size[0] <= size[1] else (longer, side)


def augmented(
    image: np.ndarray,
    param: caffe_pb2.TransformationParameter,
    draws: Iterator[float],
    training: bool,
) -> np.ndarray:
    """An image (H, W, C) uint8 as these fields change it, one after the other.

    Turned by up to max_rotation_angle degrees, the corners black; the shorter side min_side pixels,
    then between min_side_min and min_side_max; colours shifted by up to max_color_shift, all up or
    all down; contrast_brightness_adjustment, times min_contrast to max_contrast, plus or minus up
    to max_brightness_shift; smooth_filtering by one of four blurs. The last three happen with
    apply_probability, and only the sizes change in TEST.
    """
    chances = [training and next(draws) > 1 - param.apply_probability for _ in range(3)]
    if training and param.max_rotation_angle:
        most = param.max_rotation_angle
        if degree := _below(2 * most + 1, draws) - most:
            image = _turned(image, degree)
    if param.min_side:
        image = images.resize(image, by_shorter_side(_size(image), param.min_side))
    if param.min_side_min:
        side = param.min_side_min + _below(param.min_side_max - param.min_side_min + 1, draws)
        image = images.resize(image, by_shorter_side(_size(image), side))
    if chances[2] and param.max_color_shift:
        shift = np.array([_below(param.max_color_shift + 1, draws) for _ in range(3)])
        shift = shift[: image.shape[2]] * (-1 if _below(2, draws) else 1)
        image = to_uint8(image.astype(int) + shift)
    if chances[0] and param.contrast_brightness_adjustment:
        low, most = param.min_contrast, param.max_brightness_shift
        factor = np.float32(low + (param.max_contrast - low) * next(draws))
        image = to_uint8(image * factor + np.float32(_below(2 * most + 1, draws) - most))
    if chances[1] and param.smooth_filtering:
        blur = BLURS[_below(len(BLURS), draws)]
        image = blur(image, 1 + 2 * _below(int(param.max_smooth / 2), draws))
    return image


def _size(image: np.ndarray) -> Size:
    return image.shape[0], image.shape[1]


def _below(count: int, draws: Iterator[float]) -> int:
    """A whole number from 0 on."""
    return int(next(draws) * count)


def _turned(image: np.ndarray, degree: float) -> np.ndarray:
    """Around its middle, against the clock, in a size that holds all of it."""
    matrix, (width, height) = rotation(image.shape[1], image.shape[0], degree)
    x, y = np.meshgrid(np.arange(width) - matrix[0, 2], np.arange(height) - matrix[1, 2])
    places = np.stack([x, y], -1) @ matrix[:, :2]  # the inverse of a turn is its transpose
    return sampled(image, places, POLICY(), POLICY.LINEAR)


def gaussian(image: np.ndarray, length: int) -> np.ndarray:
    """cv::GaussianBlur of that many pixels each way, its deviation from their number."""
    at = np.arange(length) - length // 2
    deviation = 0.3 * ((length - 1) * 0.5 - 1) + 0.8
    weights = SMALL.get(length, np.exp(-(at**2) / (2 * deviation**2)))
    return _weighted(image, weights / weights.sum())


def box(image: np.ndarray, length: int) -> np.ndarray:
    """The mean of length x length pixels; of an even number more lie before."""
    return _weighted(image, np.full(length, 1 / length))


def median(image: np.ndarray, length: int) -> np.ndarray:
    """That of length x length pixels; beyond the end they are those of the end."""
    pad = length // 2
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (length, length), (0, 1))
    return np.median(windows, (-2, -1)).astype(np.uint8)


def _weighted(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums along both axes; beyond the end the image is mirrored, the end itself not again."""
    before, values = len(weights) // 2, image.astype(np.float64)
    for axis in (0, 1):
        pad = [(0, 0)] * 3
        pad[axis] = (before, len(weights) - 1 - before)
        padded = np.pad(values, pad, "reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis)
        values = windows @ weights
    return to_uint8(values)


SMALL = {  # OpenCV's kernels of a few pixels
    1: np.array([1.0]),
    3: np.array([1.0, 2, 1]),
    5: np.array([1.0, 4, 6, 4, 1]),
    7: np.array([2.0, 7, 14, 18, 14, 7, 2]),
}
BLURS: tuple[Callable[[np.ndarray, int], np.ndarray], ...] = (
    *(gaussian, box, median),
    lambda image, length: box(image, 2 * length),
)
