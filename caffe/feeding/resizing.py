"""Resizing by resize_param, as SSD's transform_param has it (im_transforms.cpp).

Sizes are SSD's, to the pixel. Pixels are OpenCV's: of LINEAR and NEAREST to the bit, of AREA, CUBIC
and LANCZOS4 within one step of 255, for OpenCV adds their weights up in fixed point.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

from ..core.errors import CaffeError
from ..proto import caffe_pb2
from . import images

Size = tuple[int, int]  # height and width
Taps = tuple[np.ndarray, np.ndarray]  # of each new pixel: old ones, and their weights
POLICY = caffe_pb2.ResizeParameter
CUBIC_A = -0.75


def check_policy(policy: caffe_pb2.ResizeParameter) -> None:
    """Raise CaffeError where a policy has no size, and for what is not done here."""
    if policy.center_object:
        raise CaffeError(
            "resize_param knows center_object: false; cut images to their objects before training"
        )
    if not (policy.height and policy.width):
        raise CaffeError(
            f"resize_param needs a positive height and width; found {policy.height} and "
            f"{policy.width}"
        )


def size_after(policy: caffe_pb2.ResizeParameter, size: Size) -> Size:
    """What becomes of an image of that height and width."""
    if policy.resize_mode != POLICY.FIT_SMALL_SIZE:
        return policy.height, policy.width
    return _keeping_aspect(policy, size, small=True)


def _keeping_aspect(policy: caffe_pb2.ResizeParameter, size: Size, small: bool) -> Size:
    """The size that has one side of the policy's, and the other at least it (small) or at most."""
    aspect = np.float32(size[1]) / np.float32(size[0])
    if (aspect < np.float32(policy.width) / np.float32(policy.height)) == small:
        return math.floor(np.float32(policy.width) / aspect), policy.width
    return policy.height, math.floor(aspect * np.float32(policy.height))


def resized(
    image: np.ndarray, policy: caffe_pb2.ResizeParameter, uniforms: Iterator[float]
) -> np.ndarray:
    """An image (H, W, C) uint8 as a resize_param wants it; of several interp_mode one is drawn.

    resize_mode WARP: to height x width; FIT_SMALL_SIZE: keeping the aspect, no side smaller;
    FIT_LARGE_SIZE_AND_PAD: none larger, and padded, by pad_mode, to height x width. max_angle: it
    is turned first.
    """
    mode = POLICY.LINEAR
    if policy.interp_mode:
        mode = policy.interp_mode[int(next(uniforms) * len(policy.interp_mode))]
    if policy.max_angle > 0:
        image = turned(image, (2 * next(uniforms) - 1) * policy.max_angle, policy, mode)
    size = image.shape[0], image.shape[1]
    if policy.resize_mode != POLICY.FIT_LARGE_SIZE_AND_PAD:
        return interpolated(image, size_after(policy, size), mode)
    inner = _keeping_aspect(policy, size, small=False)
    return _padded(interpolated(image, inner, mode), policy)


def _padded(image: np.ndarray, policy: caffe_pb2.ResizeParameter) -> np.ndarray:
    height, width, channels = image.shape
    above, left = (policy.height - height) // 2, (policy.width - width) // 2
    rows = (above, policy.height - height - above)
    columns = (left, policy.width - width - left)
    if policy.pad_mode == POLICY.MIRRORED:
        return np.pad(image, (rows, columns, (0, 0)), "reflect")
    if policy.pad_mode == POLICY.REPEAT_NEAREST:
        return np.pad(image, (rows, columns, (0, 0)), "edge")
    padded = np.empty((policy.height, policy.width, channels), np.uint8)
    padded[:] = to_uint8(_pad_values(policy, channels))
    padded[above : above + height, left : left + width] = image
    return padded


def _pad_values(policy: caffe_pb2.ResizeParameter, channels: int) -> np.ndarray:
    given = list(policy.pad_value) or [0]
    if len(given) not in (1, channels):
        raise CaffeError(
            f"Specify either 1 pad_value or as many as channels: {channels}; found {len(given)}"
        )
    return np.broadcast_to(np.array(given, np.float32), channels)


def turned(
    image: np.ndarray, degree: float, policy: caffe_pb2.ResizeParameter, mode: int
) -> np.ndarray:
    """An image (H, W, C) uint8 turned around its middle, against the clock, in its own size.

    Corners that come from outside are filled by pad_mode; values are interpolated by `mode`, AREA
    as LINEAR (cv::warpAffine, whose places are multiples of 1/32 pixel).
    """
    height, width = image.shape[:2]
    cos, sin = math.cos(math.radians(degree)), math.sin(math.radians(degree))
    middle = np.array([width // 2, height // 2])
    right, down = np.meshgrid(np.arange(width) - middle[0], np.arange(height) - middle[1])
    places = np.stack([cos * right - sin * down, sin * right + cos * down], -1) + middle
    return sampled(image, places, policy, mode)


def rotation(width: int, height: int, degree: float) -> tuple[np.ndarray, tuple[int, int]]:
    """The matrix (2, 3) that turns an image around its centre; the turned one's width, height."""
    cos, sin = math.cos(math.radians(degree)), math.sin(math.radians(degree))
    centre = np.array([width / 2, height / 2])
    half = np.abs([[cos, sin], [sin, cos]]) @ centre
    low, high = np.floor(centre - half), np.ceil(centre + half)
    size = (high - low + 1).astype(int)
    turn = np.array([[cos, sin], [-sin, cos]])
    return np.column_stack([turn, size / 2 - turn @ centre]), (int(size[0]), int(size[1]))


def sampled(
    image: np.ndarray, places: np.ndarray, policy: caffe_pb2.ResizeParameter, mode: int
) -> np.ndarray:
    """An image (H, W, C) uint8 at places x, y (..., 2), interpolated by `mode`.

    What lies outside is filled by pad_mode.
    """
    height, width, channels = image.shape
    before, taps = POINTS.get(mode, POINTS[POLICY.LINEAR])
    first = np.floor(places + (0.5 if mode == POLICY.NEAREST else 0)).astype(int)
    weights = taps(places - first)
    outside = _pad_values(policy, channels)
    sums = np.zeros((*places.shape[:-1], channels))
    for i in range(weights.shape[-1]):
        for j in range(weights.shape[-1]):
            rows, above = _inside(first[..., 1] + i - before, height, policy.pad_mode)
            columns, beside = _inside(first[..., 0] + j - before, width, policy.pad_mode)
            values = np.where((above & beside)[..., None], image[rows, columns], outside)
            sums += values * (weights[..., 1, i] * weights[..., 0, j])[..., None]
    return to_uint8(sums)


def _inside(index: np.ndarray, length: int, pad_mode: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that stand for these, and whether they do."""
    everywhere = np.ones(index.shape, bool)
    if pad_mode == POLICY.MIRRORED:
        period = max(1, 2 * (length - 1))
        index = index % period
        return np.minimum(index, period - index).clip(0, length - 1), everywhere
    clipped = index.clip(0, length - 1)
    return clipped, everywhere if pad_mode == POLICY.REPEAT_NEAREST else clipped == index


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Rounded, halves to even, and clipped: OpenCV's saturate_cast<uchar>."""
    return np.rint(values).clip(0, 255).astype(np.uint8)


def interpolated(image: np.ndarray, size: Size, mode: int) -> np.ndarray:
    """An image (H, W, C) uint8 in another size, by a mode of ResizeParameter (cv::resize)."""
    if mode == POLICY.LINEAR or image.shape[:2] == size:
        return images.resize(image, size)
    if mode == POLICY.NEAREST:
        return nearest(image, size)
    larger = any(new > old for new, old in zip(size, image.shape, strict=False))
    taps: Callable[[int, int], Taps] = {
        POLICY.AREA: _area_of_larger if larger else _area,
        POLICY.CUBIC: _cubic,
        POLICY.LANCZOS4: _lanczos4,
    }[mode]
    return to_uint8(_by_taps(image, size, taps))


def cubic(image: np.ndarray, size: Size) -> np.ndarray:
    """(H, W, C) to (height, width, C) float32, not rounded (cv::INTER_CUBIC)."""
    return image if image.shape[:2] == size else _by_taps(image, size, _cubic)


def _by_taps(image: np.ndarray, size: Size, taps: Callable[[int, int], Taps]) -> np.ndarray:
    rows = _along(image.astype(np.float32), *taps(image.shape[0], size[0]))
    columns = _along(rows.transpose(1, 0, 2), *taps(image.shape[1], size[1]))
    return columns.transpose(1, 0, 2)


def nearest(image: np.ndarray, size: Size) -> np.ndarray:
    """(H, W, C) to (height, width, C) by the pixel at or before each place (cv::INTER_NEAREST)."""
    rows, columns = (
        np.minimum(np.floor(np.arange(new) * (old / new)).astype(int), old - 1)
        for new, old in zip(size, image.shape[:2], strict=True)
    )
    return image[rows][:, columns]


def _along(image: np.ndarray, index: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What taps do to axis 0; those outside are the first or last pixel's."""
    index = index.clip(0, len(image) - 1)
    weights = weights.astype(np.float32)[:, :, None, None]
    return sum(image[index[:, k]] * weights[:, k] for k in range(index.shape[1]))


def _area(old: int, new: int) -> Taps:
    """Each new pixel is the mean of what it covers."""
    scale = old / new
    start = np.arange(new) * scale
    end = np.minimum(start + scale, old)
    index = np.floor(start).astype(int)[:, None] + np.arange(math.ceil(scale) + 1)
    covered = np.minimum(index + 1, end[:, None]) - np.maximum(index, start[:, None])
    covered = np.where(covered > 1e-3, covered, 0)
    return index, covered / covered.sum(1, keepdims=True)


def _area_of_larger(old: int, new: int) -> Taps:
    """As LINEAR, but only pixels that lie on two old ones mix them."""
    first = np.floor(np.arange(new) * (old / new)).astype(int)
    part = (np.arange(new) + 1) - (first + 1) * (new / old)
    part = np.where(part > 0, part - np.floor(part), 0)
    return first[:, None] + np.arange(2), np.stack([1 - part, part], 1)


def _places(old: int, new: int, before: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` old pixels around each new one, and how far it lies from the last at its left."""
    at = (np.arange(new) + 0.5) * (old / new) - 0.5
    first = np.floor(at)
    return first.astype(int)[:, None] + np.arange(count) - before, at - first


def _cubic(old: int, new: int) -> Taps:
    index, part = _places(old, new, 1, 4)
    return index, cubic_weights(part)


def _lanczos4(old: int, new: int) -> Taps:
    index, part = _places(old, new, 3, 8)
    return index, _lanczos4_weights(part)


def cubic_weights(part: np.ndarray) -> np.ndarray:
    """Those of the four values around a place `part` behind the second one, a last axis more."""
    near, far = np.stack([part, 1 - part], -1), np.stack([part + 1, 2 - part], -1)
    inner = ((CUBIC_A + 2) * near - (CUBIC_A + 3)) * near * near + 1
    outer = ((CUBIC_A * far - 5 * CUBIC_A) * far + 8 * CUBIC_A) * far - 4 * CUBIC_A
    return np.stack([outer[..., 0], inner[..., 0], inner[..., 1], outer[..., 1]], -1)


def _lanczos4_weights(part: np.ndarray) -> np.ndarray:
    apart = part[..., None] - (np.arange(8) - 3)
    weights = np.sinc(apart) * np.sinc(apart / 4)
    return weights / weights.sum(-1, keepdims=True)


# How many values lie at or before a place, less one, and the weights of all around it.
POINTS: dict[int, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    POLICY.NEAREST: (0, lambda part: np.ones((*part.shape, 1))),
    POLICY.LINEAR: (0, lambda part: np.stack([1 - part, part], -1)),
    POLICY.CUBIC: (1, cubic_weights),
    POLICY.LANCZOS4: (3, _lanczos4_weights),
}
