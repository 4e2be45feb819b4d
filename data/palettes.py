"""Label maps whose indices an image editor has renumbered, told by their colours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from data.datasets import VOID

Colour = tuple[int, int, int]


class Renumbered(NamedTuple):
    """A label map, a value in it, and the class that the value has the colour of."""

    name: str
    value: int
    meant: int


def used_colours(path: Path) -> dict[int, Colour]:
    """The RGB colours of the indices that a palette PNG uses; nothing of any other image."""
    with Image.open(path) as image:
        if image.mode != "P":
            return {}
        own = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        used = np.flatnonzero(np.bincount(np.asarray(image).ravel())).tolist()
    return {index: tuple(own[index].tolist()) for index in used if index < len(own)}


def renumbered(
    used: Mapping[str, Mapping[int, Colour]], table: np.ndarray, classes: int
) -> list[Renumbered]:
    """The label maps with an index in another class's colour, by name `used_colours` of each.

    table: (256, 3) uint8 RGB colour map of the classes. An editor that saves pictures with palettes
    of its own keeps their colours and numbers them anew. Where any colour is none of the classes',
    the dataset has other colours altogether, and nothing is told by them. Neither does the colour
    of class 0 tell: VOC's is black, as what a palette leaves out.
    """
    known = {tuple(table[index].tolist()): index for index in (*range(classes), VOID)}
    if any(colour not in known for colours in used.values() for colour in colours.values()):
        return []
    found = []
    for name, colours in used.items():
        displaced = [
            Renumbered(name, index, known[colour])
            for index, colour in colours.items()
            if known[colour] not in (0, index) and tuple(table[index].tolist()) != colour
        ]
        found += displaced[:1]
    return found
