"""How boxes lie to each other: corners x1, y1, x2, y2, as parts of an image or in pixels."""

import numpy as np


def area(box: np.ndarray, pixel: int = 0) -> np.ndarray:
    """Of boxes (..., 4); 0 of one whose ends come before its beginnings.

    pixel: 1 where corners are pixels of which the last ones are inside.
    """
    sides = box[..., 2:] - box[..., :2]
    return np.where((sides < 0).any(-1), 0, (sides + pixel).prod(-1))


def overlap(one: np.ndarray, others: np.ndarray, pixel: int = 0) -> np.ndarray:
    """Intersection over union (Jaccard) of a box (..., 4) with others; 0 where they only touch.

    pixel: as `area` takes it.
    """
    low = np.maximum(one[..., :2], others[..., :2])
    sides = np.minimum(one[..., 2:], others[..., 2:]) - low + pixel
    common = sides.prod(-1)
    apart = (sides <= 0).any(-1)
    union = area(one, pixel) + area(others, pixel) - common
    return np.where(apart, 0, common / np.where(apart, 1, union))


def coverage(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The part of a box (..., 4) that lies in each of others; 0 of one without an area."""
    sides = np.minimum(one[..., 2:], others[..., 2:]) - np.maximum(one[..., :2], others[..., :2])
    common = sides.clip(min=0).prod(-1)
    return np.where(common > 0, common / np.where(common > 0, area(one), 1), 0)
