"""Label maps whose indices an image editor has renumbered, told by their colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from data.datasets import VOID


def renumbered(path: Path, table: np.ndarray, classes: int) -> tuple[int, int] | None:
    """An index of a palette PNG in another class's colour, and that class; None: there is none.

    table: (256, 3) uint8 RGB colour map of the classes. An editor that saves a picture with a
    palette of its own keeps the colours and numbers them anew; grey palettes and those of other
    datasets have other colours altogether. The colour of class 0 tells nothing: of VOC's it is
    black, which stands for what a palette leaves out.
    """
    with Image.open(path) as image:
        if image.mode != "P":
            return None
        own = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        used = np.flatnonzero(np.bincount(np.asarray(image).ravel())).tolist()
    known = {tuple(table[index].tolist()): index for index in (*range(1, classes), VOID)}
    for index in used:
        colour = tuple(own[index].tolist()) if index < len(own) else (0, 0, 0)
        meant = known.get(colour, index)
        if meant != index and tuple(table[index].tolist()) != colour:
            return index, meant
    return None
