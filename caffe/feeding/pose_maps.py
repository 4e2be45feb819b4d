"""The maps that a pose net learns: where joints are, and along which way limbs lie."""

import math

import numpy as np

from .people import ABSENT, People

# Which joints each limb lies between.
COCO_LIMBS = (
    np.array([2, 9, 10, 2, 12, 13, 2, 3, 4, 3, 2, 6, 7, 6, 2, 1, 1, 15, 16]) - 1,
    np.array([9, 10, 11, 12, 13, 14, 3, 4, 5, 17, 6, 7, 8, 18, 1, 15, 16, 17, 18]) - 1,
)
MPI_LIMBS = (
    np.array([0, 1, 2, 3, 1, 5, 6, 1, 14, 8, 9, 14, 11, 12]),
    np.array([1, 2, 3, 4, 5, 6, 7, 14, 8, 9, 10, 11, 12, 13]),
)
LIMB_SCALE = 0.125  # places on the maps, whatever the stride
LIMB_WIDTH = 1  # on both sides, on the maps
LEAST = math.log(100)  # an exponent that counts for nothing


def pose_maps(
    people: People,
    limbs: tuple[np.ndarray, np.ndarray],
    size: tuple[int, int],
    stride: int,
    sigma: float,
) -> np.ndarray:
    """Limbs' x and y, joints, what is no joint: (2 L + J + 1, *size) float32 (Cao et al. 2017)."""
    joints = people.joints.shape[1]
    ways = np.zeros((2 * len(limbs[0]), *size), np.float32)
    spots = np.zeros((joints + 1, *size), np.float32)
    for places, visible in zip(people.joints, people.visible, strict=True):
        for joint in np.flatnonzero(visible < ABSENT):
            _add_spot(spots[joint], places[joint], stride, sigma)
        for limb, (a, b) in enumerate(zip(*limbs, strict=True)):
            if max(visible[a], visible[b]) < ABSENT:
                _draw_limb(ways[2 * limb : 2 * limb + 2], places[a], places[b])
    spots[-1] = (1 - spots[:-1].max(0)).clip(0)
    return np.concatenate([ways, spots])


def _add_spot(spot: np.ndarray, place: np.ndarray, stride: int, sigma: float) -> None:
    """A Gaussian around a place, added up to 1."""
    start = stride / 2 - 0.5
    y, x = (start + np.arange(size) * stride for size in spot.shape)
    far = ((x - place[0]) ** 2 + (y[:, None] - place[1]) ** 2) / (2 * sigma**2)
    spot += np.where(far > LEAST, 0, np.exp(-far))
    spot.clip(max=1, out=spot)


def _draw_limb(ways: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
    """The direction of a limb near to it, over that of limbs drawn before."""
    start, end = start * LIMB_SCALE, end * LIMB_SCALE
    length = float(np.hypot(*(end - start)))
    if not length:
        return
    along = (end - start) / length
    low, high = np.minimum(start, end) - LIMB_WIDTH, np.maximum(start, end) + LIMB_WIDTH
    left, above = np.maximum(_rounded(low), 0)
    right, below = np.minimum(_rounded(high), ways.shape[:0:-1])
    x, y = np.arange(left, right), np.arange(above, below)[:, None]
    near = np.abs((x - start[0]) * along[1] - (y - start[1]) * along[0]) <= LIMB_WIDTH
    ways[:, above:below, left:right][:, near] = along[:, None]


def _rounded(values: np.ndarray) -> np.ndarray:
    """To the nearest, halves away from 0."""
    return (np.sign(values) * np.floor(np.abs(values) + 0.5)).astype(int)
