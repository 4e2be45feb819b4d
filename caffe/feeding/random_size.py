"""Images in a size that chance has, as Intel's and NVIDIA's Caffe add it to transform_param."""

import math
from collections.abc import Iterator

import numpy as np

from ..core.errors import CaffeError
from ..proto import caffe_pb2
from .resizing import POLICY, interpolated, resized

TRANSFORM = caffe_pb2.TransformationParameter
STRETCHES = (  # what NVIDIA's images are resized by, if one of them is given
    *("img_rand_resize_lower", "img_rand_resize_upper"),
    *("rand_resize_ratio_lower", "rand_resize_ratio_upper"),
    *("vertical_stretch_lower", "vertical_stretch_upper"),
    *("horizontal_stretch_lower", "horizontal_stretch_upper"),
)
MODES = {
    TRANSFORM.INTER_NEAREST: POLICY.NEAREST,
    TRANSFORM.INTER_LINEAR: POLICY.LINEAR,
    TRANSFORM.INTER_CUBIC: POLICY.CUBIC,
    TRANSFORM.INTER_AREA: POLICY.AREA,
}


def has_random_size(param: caffe_pb2.TransformationParameter) -> bool:
    """Whether the images are resized by chance. Raises CaffeError where nothing is cut then."""
    given = [
        name
        for name in ("random_resize_param", "random_aspect_ratio_param", *STRETCHES)
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
    drawn, is resized to crop_size; if none fits in max_attempt draws, the shorter side is. With
    NVIDIA's fields it has the size that `stretched` draws.
    """
    height, width = image.shape[:2]
    if any(map(param.HasField, STRETCHES)):
        size = stretched((height, width), param, draws)
        smaller = size[0] <= height and size[1] <= width
        algo = param.interpolation_algo_down if smaller else param.interpolation_algo_up
        return interpolated(image, size, MODES[algo])
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


def stretched(
    size: tuple[int, int], param: caffe_pb2.TransformationParameter, draws: Iterator[float]
) -> tuple[int, int]:
    """Height and width that become of these, as NVIDIA's data_transformer.cpp draws them.

    The shorter side is between img_rand_resize_lower and _upper, the longer one in proportion, or
    between rand_resize_ratio_lower and _upper times as long, if these reach beyond 1; then both are
    stretched. No side is shorter than crop_size, or without allow_upscale longer than it was.
    """
    low, high = param.img_rand_resize_lower, param.img_rand_resize_upper
    if low > high:
        raise CaffeError(
            f"img_rand_resize_lower {low} is more than img_rand_resize_upper, which is {high}"
        )
    side = low + _below(high - low + 1, draws) if low else min(size)
    sides = np.float32(side) / np.float32(min(size)) * np.array(size, np.float32)
    if param.rand_resize_ratio_lower >= 1 and param.rand_resize_ratio_upper > 1:
        ratio = _within(param.rand_resize_ratio_lower, param.rand_resize_ratio_upper, draws)
        longer = int(sides.argmax()) if size[0] != size[1] else _below(2, draws)
        sides[longer] = sides[1 - longer] * ratio
    for axis, name in enumerate(("vertical", "horizontal")):
        ends = [getattr(param, f"{name}_stretch_{end}") for end in ("lower", "upper")]
        if min(ends) > 0:
            sides[axis] *= _within(ends[0], ends[1], draws)
    found = [max(param.crop_size, math.floor(side + 0.5)) for side in sides]
    if not param.allow_upscale:
        found = [min(pair) for pair in zip(found, size, strict=True)]
    return found[0], found[1]


def _within(low: float, high: float, draws: Iterator[float]) -> float:
    return low + (high - low) * next(draws)
