"""Images that two splits have in common under other names: the same, or nearly the same.

A score on what was trained on flatters, and nothing else tells: lists of names may differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image

ROWS, COLUMNS = 16, 16  # of the comparisons that make a hash
BITS = ROWS * COLUMNS
# Bits that two hashes of one picture may differ in. Of 60 photographs of VOC saved again, smaller
# and brighter, or cut by 1%, they differ in 38 at most; of two of 676 in 54 at least.
NEAR = 40
CONTRAST = 2  # grey levels between neighbours that count as a difference
FLAT = BITS // 4  # pictures with fewer differences are not compared: all flat ones look alike


class Fingerprint(NamedTuple):
    """What two photographs are compared by.

    digest  of the pixels: equal only for equal pixels
    bits    (BITS,) bool, whether grey falls from left to right, of 16 x 16 neighbours (dHash):
            close for a picture saved again, made smaller or brighter; None of a flat picture
    """

    digest: bytes
    bits: np.ndarray | None


class Pair(NamedTuple):
    """An image of one split, one of another, and how many bits differ; -1: not even a pixel."""

    name: str
    other: str
    distance: int


def fingerprint(image: np.ndarray) -> Fingerprint:
    """The fingerprint of an (H, W, 3) uint8 RGB image."""
    digest = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
    size = COLUMNS + 1, ROWS
    grey = Image.fromarray(image).convert("L").resize(size, Image.Resampling.BOX)
    falls = -np.diff(np.asarray(grey, np.int16), axis=1)
    flat = (np.abs(falls) > CONTRAST).sum() < FLAT
    return Fingerprint(
        digest + bytes(str(image.shape), "ascii"), None if flat else falls.ravel() > 0
    )


def pairs(
    split: Mapping[str, Fingerprint], other: Mapping[str, Fingerprint], near: int = NEAR
) -> list[Pair]:
    """Each image of a split that another one has too, with the closest there; closest first."""
    same = {print.digest: name for name, print in other.items()}
    found = {
        name: Pair(name, same[print.digest], -1)
        for name, print in split.items()
        if print.digest in same
    }
    names = [name for name, print in other.items() if print.bits is not None]
    if names:
        hashes = np.stack([_bits(other[name]) for name in names])
        for name, print in split.items():
            if name in found or print.bits is None:
                continue
            distances = np.count_nonzero(hashes != print.bits, axis=1)
            closest = int(distances.argmin())
            if distances[closest] <= near:
                found[name] = Pair(name, names[closest], int(distances[closest]))
    return sorted(found.values(), key=lambda pair: pair.distance)


def _bits(print: Fingerprint) -> np.ndarray:
    assert print.bits is not None
    return print.bits
