"""Windows of images for detection: R-CNN's window files, cutting and warping (window_data_layer).

A window file holds for each image: `# index`, path, channels, height, width, number of windows, and
a line `class overlap x1 y1 x2 y2` for each window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..core.errors import CaffeError
from ..core.files import PathLike, cannot_be_read
from .images import resize

IMAGE, LABEL, X1, Y1, X2, Y2 = range(6)  # columns of the windows


@dataclass(frozen=True)
class WindowFile:
    """Image paths, and the windows (N, 6) int64 that are foreground and background."""

    paths: list[str]
    channels: int  # of the last image, as in Caffe
    foreground: np.ndarray
    background: np.ndarray  # with label 0
    in_order: np.ndarray  # both, and those between the thresholds


def read_windows(
    path: PathLike, root_folder: str, fg_threshold: float, bg_threshold: float
) -> WindowFile:
    """Read a window file; windows that overlap between the thresholds are of neither kind.

    Raises CaffeError naming the file and the image at which it goes wrong.
    """
    words = words_of(path)
    paths: list[str] = []
    foreground, background, in_order, channels = [], [], [], 0
    for mark in words:
        place = f"{path}: image {len(paths)}"
        try:
            index = int(next(words, ""))
            name = root_folder + next(words, "")
            channels, _, _, count = (int(word) for word in islice(words, 4))
            numbers = np.array(list(islice(words, 6 * count)), np.float64).reshape(count, 6)
            if mark != "#" or abs(numbers).max(initial=0) > 2**31 or np.isnan(numbers).any():
                raise ValueError
        except ValueError:
            raise CaffeError(
                f"{place}: expected '# index', path, channels, height, width, number of windows, "
                "and 'class overlap x1 y1 x2 y2' for each"
            ) from None
        paths.append(name)
        overlap = numbers[:, 1].astype(np.float32)
        windows = numbers.astype(np.int64)
        windows[:, 1] = windows[:, 0]
        windows[:, 0] = min(max(index, -1), 2**31)
        is_foreground = overlap >= np.float32(fg_threshold)
        if (windows[is_foreground, LABEL] <= 0).any():
            raise CaffeError(f"{place}: a foreground window's class must be greater than 0")
        foreground.append(windows[is_foreground])
        is_background = ~is_foreground & (overlap < np.float32(bg_threshold))
        windows[is_background, LABEL] = 0
        background.append(windows[is_background])
        in_order.append(windows)
    if not paths:
        raise CaffeError(f"{path}: Window file is empty")
    found = WindowFile(paths, channels, *map(np.concatenate, (foreground, background, in_order)))
    if not np.isin(found.in_order[:, IMAGE], range(len(paths))).all():
        raise CaffeError(f"{path}: image indices must be 0 to {len(paths) - 1}")
    return found


def words_of(path: PathLike) -> Iterator[str]:
    """The words of a text file; CaffeError for one that cannot be read."""
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            for line in file:
                yield from line.split()
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None


@dataclass(frozen=True)
class Warp:
    """A cutting (x2, y2 included), the size to warp it to, and where that lies in the crop."""

    x1: int
    y1: int
    x2: int
    y2: int
    height: int
    width: int
    pad_h: int = 0
    pad_w: int = 0

    def __call__(self, image: np.ndarray, mirror: bool) -> np.ndarray:
        """The warped cutting of an image (H, W, C) as (C, height, width), uint8."""
        height, width = image.shape[:2]
        inside = 0 <= self.x1 <= self.x2 < width and 0 <= self.y1 <= self.y2 < height
        if not inside or self.height < 1 or self.width < 1:
            raise CaffeError(
                f"window ({self.x1}, {self.y1}) to ({self.x2}, {self.y2}) does not lie in the "
                f"image of height {height}, width {width}"
            )
        cutting = image[self.y1 : self.y2 + 1, self.x1 : self.x2 + 1]
        warped = resize(cutting, (self.height, self.width))
        return (warped[:, ::-1] if mirror else warped).transpose(2, 0, 1)


def expand(
    window: tuple[int, int, int, int],
    image: tuple[int, int],
    crop_size: int,
    context_pad: int,
    square: bool,
    mirror: bool,
) -> Warp:
    """A window (x1, y1, x2, y2) with context_pad pixels of its surroundings, after warping.

    What lies outside of the image (height, width) is left out and becomes padding. In float32, as
    Caffe computes it.
    """
    x1, y1, x2, y2 = window
    scale = np.float32(crop_size) / np.float32(crop_size - 2 * context_pad)
    half_h, half_w = np.float32((y2 - y1 + 1) / 2), np.float32((x2 - x1 + 1) / 2)
    center_x, center_y = np.float32(x1) + half_w, np.float32(y1) + half_h
    if square:
        half_h = half_w = max(half_h, half_w)
    x1, x2 = _round(center_x - half_w * scale), _round(center_x + half_w * scale)
    y1, y2 = _round(center_y - half_h * scale), _round(center_y + half_h * scale)
    before_x, after_x = max(0, -x1), max(0, x2 - image[1] + 1)
    before_y, after_y = max(0, -y1), max(0, y2 - image[0] + 1)
    scale_x = np.float32(crop_size) / np.float32(x2 - x1 + 1)
    scale_y = np.float32(crop_size) / np.float32(y2 - y1 + 1)
    x1, x2, y1, y2 = x1 + before_x, x2 - after_x, y1 + before_y, y2 - after_y
    pad_h = _round(np.float32(before_y) * scale_y)
    pad_w = _round(np.float32(after_x if mirror else before_x) * scale_x)
    height = min(_round(np.float32(y2 - y1 + 1) * scale_y), crop_size - pad_h)
    width = min(_round(np.float32(x2 - x1 + 1) * scale_x), crop_size - pad_w)
    return Warp(x1, y1, x2, y2, height, width, pad_h, pad_w)


def _round(value: np.float32) -> int:
    """C's round: halves go away from zero."""
    return int(math.copysign(math.floor(abs(float(value)) + 0.5), value))
