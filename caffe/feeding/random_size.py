"""Images in a size that chance has, as Intel's Caffe adds it to transform_param."""

import math
from collections.abc import Iterator

import numpy as np

from ..core.errors import CaffeError
from ..proto import caffe_pb2
from .resizing import resized


def has_random_size(param: caffe_pb2.TransformationParameter) -> bool:
    """Whether the images are resized by chance. Raises CaffeError where nothing is cut then."""
    given = [
        name
        for name in ("random_resize_param", "random_aspect_ratio_param")
        if param.HasField(name)
    ]
    if given and (not param.crop_size or param.HasField("mean_file")):
        raise CaffeError(
            f"{given[0]} needs a crop_size, and mean_value instead of a mean_file, for images "
            "differ in size"
        )
    return bool(given)


def random_sized(
    image: np.ndarray, param: caffe_pb2.TransformationParameter, draws: Iterator[float]
) -> np.ndarray:
    """An image (H, W, C) uint8, its shorter side between min_size and max_size.

    With random_aspect_ratio_param a part of it, of a share of its area and an aspect that are
    drawn, is resized to crop_size; if none fits in max_attempt draws, the shorter side is.
    """
    height, width = image.shape[:2]
    if param.HasField("random_resize_param"):
        sizes = param.random_resize_param
        low = sizes.min_size or min(height, width)
        high = sizes.max_size or max(height, width)
        side = low + _below(high - low + 1, draws)
        return _by_shorter_side(image, side, sizes.resize_param, draws)
    parts = param.random_aspect_ratio_param
    for _ in range(parts.max_attempt):
        share = _between(parts.min_area_ratio, parts.max_area_ratio, draws)
        change = _between(parts.aspect_ratio_change, 1 / parts.aspect_ratio_change, draws)
        root = math.sqrt(share * height * width)
        size = int(root * change), int(root / change)
        if _between(0, 1, draws) < 0.5:
            size = size[::-1]
        if 0 < size[0] <= height and 0 < size[1] <= width:
            above = _below(height - size[0] + 1, draws)
            left = _below(width - size[1] + 1, draws)
            part = image[above : above + size[0], left : left + size[1]]
            return _to(part, (param.crop_size, param.crop_size), parts.resize_param, draws)
    return _by_shorter_side(image, param.crop_size, parts.resize_param, draws)


def _by_shorter_side(
    image: np.ndarray, side: int, policy: caffe_pb2.ResizeParameter, draws: Iterator[float]
) -> np.ndarray:
    height, width = image.shape[:2]
    longer = int(np.float32(max(height, width)) / np.float32(min(height, width)) * side)
    return _to(image, (side, longer) if height < width else (longer, side), policy, draws)


def _to(
    image: np.ndarray,
    size: tuple[int, int],
    policy: caffe_pb2.ResizeParameter,
    draws: Iterator[float],
) -> np.ndarray:
    of_size = caffe_pb2.ResizeParameter()
    of_size.CopyFrom(policy)
    of_size.height, of_size.width = size
    return resized(image, of_size, draws)


def _below(count: int, draws: Iterator[float]) -> int:
    """A whole number from 0 on."""
    return int(next(draws) * count)


def _between(low: float, high: float, draws: Iterator[float]) -> float:
    """A number in thousandths."""
    return (_below(int((high - low) * 1000 + 1), draws) + low * 1000) / 1000
