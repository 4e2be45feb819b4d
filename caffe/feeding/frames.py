"""Frames of videos: images of a folder, or what OpenCV decodes of a file or a camera."""

import importlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import CaffeError
from ..proto import caffe_pb2
from .images import gray, read_image, resize
from .resizing import Size

VIDEO = caffe_pb2.VideoDataParameter
_OF_SEGMENTS = ("num_segments", "modality", "name_pattern")
_PATTERN = re.compile(r"[^%]*(%c[^%]*)?%0?\d*d[^%]*")


def segment_modality(param: caffe_pb2.VideoDataParameter) -> int | None:
    """What the temporal segment networks read, FLOW where they do not say; None: it is not theirs.

    They say that it is theirs by one of their fields.
    """
    if not any(map(param.HasField, _OF_SEGMENTS)):
        return None
    return param.modality if param.HasField("modality") else VIDEO.FLOW


def check_pattern(pattern: str, letter: bool = False) -> None:
    """Raise CaffeError unless a name has a place for the frame's number, as %06d.

    letter: and one before it for x or y, %c.
    """
    if not _PATTERN.fullmatch(pattern) or ("%c" in pattern) != letter:
        example = "flow_%c_%04d.jpg" if letter else "image_%04d.jpg"
        raise CaffeError(f"name_pattern '{pattern}'; expected one like {example}")


def folder_frames(
    folder: str, pattern: str, numbers: Sequence[int], color: bool, size: Size | None
) -> list[np.ndarray]:
    """The images of a folder with these numbers, (H, W, C) uint8 BGR or gray, resized to `size`.

    Raises CaffeError naming a file that is missing or damaged.
    """
    return [read_image(Path(folder, pattern % number), color, size) for number in numbers]


def video_frames(
    path: str, numbers: Sequence[int], color: bool, size: Size | None
) -> list[np.ndarray]:
    """The frames of a video file with these numbers, which count from 0 and rise; as above."""
    found: list[np.ndarray] = []
    wanted = list(numbers)
    for number, frame in enumerate(decoded(path, wanted[0]), wanted[0]):
        if number == wanted[len(found)]:
            frame = frame if color else gray(frame)
            found.append(resize(frame, size) if size else frame)
            if len(found) == len(wanted):
                return found
    raise CaffeError(
        f"{path}: frame {wanted[len(found)]} cannot be read; expected {len(wanted)} frames from "
        f"{wanted[0]} to {wanted[-1]}"
    )


def count_frames(path: str) -> int:
    """How many frames a video file has."""
    capture = _opened(path)
    return int(capture.get(_opencv().CAP_PROP_FRAME_COUNT))


def decoded(source: str | int, start: int = 0) -> Iterator[np.ndarray]:
    """The frames (H, W, 3) uint8 BGR of a video file from one on; of a camera's number, for ever.

    Raises CaffeError where it cannot be opened, and where OpenCV is not there.
    """
    capture = _opened(source)
    if start:
        capture.set(_opencv().CAP_PROP_POS_FRAMES, start)
    try:
        while True:
            there, frame = capture.read()
            if not there:
                return
            yield frame
    finally:
        capture.release()


def _opened(source: str | int) -> Any:
    capture = _opencv().VideoCapture(source)
    if not capture.isOpened():
        kind = f"camera {source}" if isinstance(source, int) else source
        raise CaffeError(f"{kind}: cannot be opened as a video")
    return capture


def _opencv() -> Any:
    try:
        return importlib.import_module("cv2")
    except ImportError:
        raise CaffeError(
            "videos are read by OpenCV, which is not installed: pip install "
            "opencv-python-headless, or take folders of frames"
        ) from None
