"""Lists of images with the objects in them, as MS-CNN trains on them.

Such a file holds for each image: `# index`, path, channels, height, width, the number of objects
and `class ignore x1 y1 x2 y2` for each, the number of regions that do not count and `x1 y1 x2 y2`
for each. Cascade R-CNN's have whether an object is difficult behind `ignore`.
"""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

import numpy as np

from ..core.errors import CaffeError
from ..core.files import PathLike
from .windows import words_of


class ObjectsOf(NamedTuple):
    """An image's path and size, its objects (G, 6 or 7) as they stand there, regions (R, 4)."""

    path: str
    channels: int
    height: int
    width: int
    objects: np.ndarray
    regions: np.ndarray


def read_objects(path: PathLike, root_folder: str, difficult: bool = False) -> list[ObjectsOf]:
    """Read such a file, Cascade R-CNN's with `difficult`.

    CaffeError names the file and the image at which it goes wrong.
    """
    words = words_of(path)
    found: list[ObjectsOf] = []

    def numbers(columns: int) -> np.ndarray:
        count = int(next(words, ""))
        values = [int(word) for word in islice(words, columns * count)]
        return np.array(values, np.float64).reshape(count, columns)

    for mark in words:
        try:
            int(next(words, ""))
            name = root_folder + next(words, "")
            channels, height, width = (int(word) for word in islice(words, 3))
            objects, regions = numbers(6 + difficult), numbers(4)
            if mark != "#" or not (objects[:, 0] > 0).all():
                raise ValueError
        except (ValueError, OverflowError):
            raise CaffeError(
                f"{path}: image {len(found)}: expected '# index', path, channels, height, width, "
                f"number of objects and 'class ignore {'difficult ' * difficult}x1 y1 x2 y2' for "
                "each, of a class of 1 or "
                "more, number of regions and 'x1 y1 x2 y2' for each"
            ) from None
        found.append(ObjectsOf(name, channels, height, width, objects, regions))
    if not found:
        raise CaffeError(f"{path}: the file is empty")
    return found
