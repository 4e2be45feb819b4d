"""Synthetic streets: a road scene's picture and its polygons, all a function of the seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from data.scenes import Seed

Corners = list[list[float]]  # [x, y] in pixels
Polygon = tuple[str, Corners]  # the name of its class, as annotations have it

# Corners of what stands on the road, in a box of (0, 0) to (1, 1), and of what is drawn dark in it
_BOX = ((0, 0), (1, 0), (1, 1), (0, 1))
OUTLINES = {
    "car": ((0, 1), (0, 0.55), (0.2, 0.5), (0.3, 0.1), (0.72, 0.1), (0.85, 0.5), (1, 0.6), (1, 1)),
    "bus": _BOX,
    "truck": ((0, 1), (0, 0), (0.65, 0), (0.65, 0.3), (1, 0.35), (1, 1)),
    "autorickshaw": ((0.05, 1), (0.1, 0.45), (0.3, 0), (0.85, 0), (1, 0.6), (1, 1)),
    "motorcycle": ((0, 1), (0, 0.5), (0.3, 0.3), (0.7, 0.3), (1, 0.5), (1, 1)),
    "rider": ((0.3, 1), (0.2, 0.4), (0.5, 0), (0.8, 0.4), (0.7, 1)),
    "bicycle": ((0, 0.7), (0.3, 0.1), (0.8, 0), (1, 0.7), (0.75, 1), (0.2, 1)),
    "person": ((0.2, 1), (0.05, 0.35), (0.5, 0), (0.95, 0.35), (0.8, 1)),
}
WINDOWS = {
    "car": ((0.36, 0.18), (0.68, 0.18), (0.76, 0.48), (0.28, 0.48)),
    "bus": ((0.06, 0.12), (0.94, 0.12), (0.94, 0.45), (0.06, 0.45)),
    "truck": ((0.7, 0.4), (0.95, 0.42), (0.95, 0.6), (0.7, 0.6)),
    "autorickshaw": ((0.35, 0.15), (0.8, 0.15), (0.9, 0.5), (0.25, 0.5)),
}
# Height where the road begins, as a share of the image's, and width / height
SIZES = {
    "car": (0.34, 1.7),
    "bus": (0.62, 1.2),
    "truck": (0.55, 1.3),
    "autorickshaw": (0.4, 1.0),
    "motorcycle": (0.26, 1.3),
    "bicycle": (0.26, 1.5),
    "person": (0.42, 0.4),
}
# Mean RGB and how rough it is; what is not here comes in any colour
LOOKS = {
    "sky": ((150, 185, 225), 4),
    "building": ((165, 140, 120), 14),
    "vegetation": ((70, 105, 45), 28),
    "non-drivable fallback": ((150, 130, 95), 20),
    "sidewalk": ((170, 165, 160), 8),
    "curb": ((215, 200, 90), 10),
    "road": ((95, 95, 100), 7),
    "wall": ((150, 110, 100), 10),
    "pole": ((80, 80, 85), 5),
    "traffic sign": ((225, 60, 50), 6),
    "autorickshaw": ((225, 180, 40), 8),
    "motorcycle": ((40, 40, 50), 10),
    "bicycle": ((70, 60, 60), 10),
    "ego vehicle": ((30, 30, 35), 3),
}
DARK = (35, 40, 50)


def street(size: tuple[int, int], seed: Seed) -> tuple[np.ndarray, list[Polygon]]:
    """A picture (h, w, 3) uint8 RGB and its polygons, each over those before it; size is (h, w)."""
    rng = np.random.default_rng(seed)
    height, width = size
    polygons: list[Polygon] = []
    picture = np.zeros((height, width, 3), np.float32)
    for name, points, windows in _parts(rng, height, width):
        corners = [[round(float(x), 1), round(float(y), 1)] for x, y in points]
        polygons.append((name, corners))
        _paint(rng, picture, name, corners, windows)
    noise = rng.standard_normal(picture.shape, dtype=np.float32) * 4
    return np.clip(picture + noise, 0, 255).astype(np.uint8), polygons


_Part = tuple[str, np.ndarray, np.ndarray | None]


def _parts(rng: np.random.Generator, height: int, width: int) -> Iterator[_Part]:
    """What is seen, from behind to the front: name, corners, and those of its windows."""
    horizon = rng.uniform(0.32, 0.48) * height
    middle = rng.uniform(0.35, 0.65) * width
    yield "sky", _box(0, 0, width, horizon + 1), None
    yield "non-drivable fallback", _box(0, horizon, width, height), None
    x = -rng.uniform(0, 0.2) * width
    while x < width:
        wide = rng.uniform(0.08, 0.25) * width
        name = str(rng.choice(["building", "vegetation", "building", "vegetation", "wall"]))
        high = rng.uniform(0.03, 0.08) if name == "wall" else rng.uniform(0.1, 0.9)
        yield name, _box(x, horizon * (1 - high), x + wide, horizon + 0.03 * height), None
        x += wide
    for side in (-1, 1):
        for name, near, far in (("sidewalk", 0.85, 0.09), ("curb", 0.6, 0.06)):
            yield name, _strip(middle, width, horizon, height, side, near, far), None
    near, far = 0.56 * width, 0.05 * width
    road = [(middle - near, height), (middle - far, horizon), (middle + far, horizon)]
    yield "road", np.array([*road, (middle + near, height)]), None
    yield from _roadside(rng, middle, width, horizon, height)
    for depth in np.sort(rng.uniform(0.15, 0.95, rng.integers(2, 7))):
        yield from _thing(rng, str(rng.choice(list(SIZES))), depth, middle, width, horizon, height)
    yield "ego vehicle", _box(0.2 * width, 0.96 * height, 0.8 * width, height), None


def _box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _strip(
    middle: float, width: int, horizon: float, height: int, side: int, near: float, far: float
) -> np.ndarray:
    """From the road's middle to one side, narrower at the horizon."""
    bottom, top = middle + side * near * width, middle + side * far * width
    return np.array([(middle, height), (middle, horizon), (top, horizon), (bottom, height)])


def _roadside(
    rng: np.random.Generator, middle: float, width: int, horizon: float, height: int
) -> Iterator[_Part]:
    """Poles with a billboard, a traffic sign or nothing on them."""
    for depth in np.sort(rng.uniform(0.1, 0.5, rng.integers(1, 4))):
        x = middle + rng.choice([-1, 1]) * (0.08 + 0.7 * depth) * width
        foot, high = horizon + depth * (height - horizon), (0.2 + depth) * 0.8 * height
        thick = max(1.0, 0.012 * height * (0.4 + depth))
        yield "pole", _box(x - thick, foot - high, x + thick, foot), None
        kind = rng.choice(["billboard", "traffic sign", "pole"])
        if kind == "billboard":
            yield (
                "billboard",
                _box(x - 0.3 * high, foot - 1.1 * high, x + 0.3 * high, foot - 0.7 * high),
                None,
            )
        elif kind == "traffic sign":
            angles = np.arange(8) * np.pi / 4
            ring = 0.09 * high * np.stack([np.cos(angles), np.sin(angles)], 1)
            yield "traffic sign", ring + np.array([x, foot - high]), None


def _thing(
    rng: np.random.Generator,
    name: str,
    depth: float,
    middle: float,
    width: int,
    horizon: float,
    height: int,
) -> Iterator[_Part]:
    """One thing on the road or, if it is a person, beside it; a motorcycle may have a rider."""
    share, aspect = SIZES[name]
    high = share * (0.15 + 0.85 * depth) * height
    box = np.array([aspect * high, high])
    reach = (0.05 + 0.5 * depth) * width
    x = (
        middle
        + (
            rng.uniform(1, 1.4) * rng.choice([-1, 1])
            if name == "person"
            else rng.uniform(-0.8, 0.8)
        )
        * reach
    )
    corner = np.array([x - box[0] / 2, horizon + depth * (height - horizon) - high])
    windows = np.array(WINDOWS[name]) * box + corner if name in WINDOWS else None
    yield name, np.array(OUTLINES[name]) * box + corner, windows
    if name in ("motorcycle", "bicycle") and rng.random() < 0.8:
        taller = np.array([0.7 * box[0], 1.3 * high])
        yield (
            "rider",
            np.array(OUTLINES["rider"]) * taller + corner + np.array([0.15 * box[0], -0.8 * high]),
            None,
        )


def _paint(
    rng: np.random.Generator,
    picture: np.ndarray,
    name: str,
    corners: Corners,
    windows: np.ndarray | None,
) -> None:
    colour, rough = LOOKS.get(name, (rng.uniform(30, 230, 3), 8))
    mask = _mask(picture.shape[:2], corners)
    texture = rng.standard_normal((int(mask.sum()), 1), dtype=np.float32) * rough
    picture[mask] = np.asarray(colour, np.float32) * np.float32(rng.uniform(0.85, 1.15)) + texture
    if windows is not None:
        picture[_mask(picture.shape[:2], windows.tolist())] = DARK


def _mask(size: tuple[int, int], corners: Corners) -> np.ndarray:
    image = Image.new("1", size[::-1])
    ImageDraw.Draw(image).polygon([(x, y) for x, y in corners], fill=1)
    return np.asarray(image)
