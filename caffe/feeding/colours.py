"""Images of 8 bits in other colours, and changed ones: distort_param of SSD (im_transforms.cpp)."""

from collections.abc import Callable, Iterator

import numpy as np

from ..core.errors import CaffeError
from ..proto import caffe_pb2
from .resizing import to_uint8

HUES = 180  # OpenCV's hue is half the angle
Change = Callable[[np.ndarray], np.ndarray]


def need_colours(image: np.ndarray, field: str) -> None:
    """Raise CaffeError unless an image (H, W, C) has blue, green and red."""
    if image.shape[2] != 3:
        raise CaffeError(
            f"{field} needs images of 3 channels; found {image.shape[2]}. Set force_color: true"
        )


def bgr_to_hsv(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 BGR to hue below 180, saturation and value, in OpenCV's whole numbers."""
    b, g, r = (channel.astype(np.int64) for channel in np.moveaxis(image, -1, 0))
    value = np.maximum(np.maximum(b, g), r)
    spread = value - np.minimum(np.minimum(b, g), r)
    saturation = _times(spread, np.rint(255 * 4096 / np.maximum(value, 1)))
    turn = np.select([value == r, value == g], [g - b, b - r + 2 * spread], r - g + 4 * spread)
    hue = _times(turn, np.rint(HUES * 4096 / (6 * np.maximum(spread, 1))))
    hue = np.where(hue < 0, hue + HUES, hue)
    return np.stack([hue, saturation, value], -1).clip(0, 255).astype(np.uint8)


def _times(number: np.ndarray, in_4096ths: np.ndarray) -> np.ndarray:
    return (number * in_4096ths.astype(np.int64) + 2048) >> 12


def hsv_to_bgr(image: np.ndarray) -> np.ndarray:
    """The way back; hues from 180 on go round once more."""
    values = image.astype(np.float32)
    chroma, value = values[..., 1:2] * values[..., 2:] / np.float32(255), values[..., 2:]
    # How far round the circle each channel lies from where it is lowest, in sixths.
    at = (values[..., :1] * np.float32(6 / HUES) + np.array([1, 3, 5], np.float32)) % 6
    return to_uint8(value - chroma * np.minimum(at, 4 - at).clip(0, 1))


def shifted_hsv(image: np.ndarray, degrees: float, saturation: float) -> np.ndarray:
    """(H, W, 3) BGR of 0 to 1 with another hue, and saturation times so much; float64."""
    values = image.astype(np.float64)
    b, g, r = np.moveaxis(values, -1, 0)
    value = values.max(-1)
    chroma = value - values.min(-1)
    by = 60 / np.where(chroma == 0, 1, chroma)
    turn = np.select(
        [value == r, value == g], [(g - b) * by, (b - r) * by + 120], (r - g) * by + 240
    )
    chroma = (chroma * saturation)[..., None]
    at = ((turn[..., None] + degrees) / 60 + np.array([1, 3, 5])) % 6
    return value[..., None] - chroma * np.minimum(at, 4 - at).clip(0, 1)


def distorted(
    image: np.ndarray, param: caffe_pb2.DistortionParameter, uniforms: Iterator[float]
) -> np.ndarray:
    """An image (H, W, 3) uint8 BGR with brightness, contrast, saturation and hue changed by chance.

    By chance too, contrast comes second or last of these; at the end the channels may change
    places.
    """
    need_colours(image, "distort_param")

    def within(low: float, high: float) -> float:
        return low + (high - low) * next(uniforms)

    def brightness(x: np.ndarray) -> np.ndarray:
        return to_uint8(x + within(-param.brightness_delta, param.brightness_delta))

    def contrast(x: np.ndarray) -> np.ndarray:
        return to_uint8(x * within(param.contrast_lower, param.contrast_upper))

    def saturation(x: np.ndarray) -> np.ndarray:
        hsv = bgr_to_hsv(x)
        hsv[..., 1] = to_uint8(hsv[..., 1] * within(param.saturation_lower, param.saturation_upper))
        return hsv_to_bgr(hsv)

    def hue(x: np.ndarray) -> np.ndarray:
        hsv = bgr_to_hsv(x)
        hsv[..., 0] = to_uint8(hsv[..., 0] + within(-param.hue_delta, param.hue_delta))
        return hsv_to_bgr(hsv)

    def order(x: np.ndarray) -> np.ndarray:
        return x[..., np.argsort([next(uniforms) for _ in range(3)], kind="stable")]

    steps: list[tuple[float, Change]] = [
        (param.brightness_prob, brightness),
        (param.contrast_prob, contrast),
        (param.saturation_prob, saturation),
        (param.hue_prob, hue),
    ]
    if next(uniforms) <= 0.5:
        steps.append(steps.pop(1))
    for chance, change in [*steps, (param.random_order_prob, order)]:
        if next(uniforms) < chance:
            image = change(image)
    return image


def check_distortion(param: caffe_pb2.DistortionParameter) -> None:
    """Raise CaffeError for ranges that are none."""
    for name in ("brightness_delta", "hue_delta"):
        if getattr(param, name) < 0:
            raise CaffeError(f"{name} must not be negative; found {getattr(param, name):g}")
    for name in ("contrast", "saturation"):
        low, high = getattr(param, f"{name}_lower"), getattr(param, f"{name}_upper")
        if not 0 <= low <= high:
            raise CaffeError(f"0 <= {name}_lower <= {name}_upper; found {low:g} and {high:g}")
