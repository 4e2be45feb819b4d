"""Synthetic scenes: textured pictograms of the 20 VOC classes on pale grounds, with their labels.

Everything is a function of the seed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from data.classes import VOC as VOC_CLASSES
from data.shapes import LOOKS, SHAPES

Seed = int | Sequence[int]

OVERSAMPLING = 4  # masks are drawn this much larger, then averaged: soft edges as in a photograph
OBJECT_SIZE = (140, 280)  # pixels, the longer side
AREA = 45000  # pixels of an image for each object that it may hold
FLOOR = 21  # label of the lower ground of a scene with a horizon


def _rgb(hue: float, saturation: float, value: float) -> np.ndarray:
    """HSV (0-1 scalars) to a float32 RGB triple in 0-255."""
    k = (np.array([5.0, 3.0, 1.0]) + 6 * hue) % 6
    shade = np.clip(np.minimum(k, 4 - k), 0, 1)
    return (255 * value * (1 - saturation * shade)).astype(np.float32)


def _smooth(rng: np.random.Generator, h: int, w: int, cell: int) -> np.ndarray:
    """Noise (h, w) in 0-1 that varies over `cell` pixels."""
    coarse = rng.integers(0, 256, (h // cell + 2, w // cell + 2), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((w, h), Image.Resampling.BICUBIC)
    return np.asarray(smooth, np.float32) / 255


def _ground(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    """Pale textured ground, (h, w, 3) float32 RGB in 0-255."""
    hue, saturation = rng.random(), rng.uniform(0.0, 0.22)
    dark = _rgb(hue, saturation, rng.uniform(0.3, 0.6))
    light = _rgb(hue + rng.uniform(-0.1, 0.1), saturation, rng.uniform(0.6, 0.95))
    mix = 0.7 * _smooth(rng, h, w, int(rng.choice([8, 20, 50])))
    mix += 0.3 * rng.random((h, w), dtype=np.float32)
    return dark + mix[..., None] * (light - dark)


def _draw(
    rng: np.random.Generator, canvas: np.ndarray, name: str, centre: np.ndarray, size: float
) -> np.ndarray:
    """Blend one object of class `name` into canvas (h, w, 3) float32; return its (h, w) bool mask.

    size: the longer side in pixels; centre: x and y.
    """
    h, w = canvas.shape[:2]
    angle = rng.uniform(-0.4, 0.4)
    scale = size * np.array([rng.choice([-1, 1]) * rng.uniform(0.8, 1.0), rng.uniform(0.8, 1.0)])
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])

    # Work inside the object's own window: the longest diagonal, cut to the canvas.
    reach = int(np.ceil(size * 0.75)) + 1
    x0, x1 = max(0, int(centre[0]) - reach), min(w, int(centre[0]) + reach)
    y0, y1 = max(0, int(centre[1]) - reach), min(h, int(centre[1]) + reach)

    large = Image.new("L", ((x1 - x0) * OVERSAMPLING, (y1 - y0) * OVERSAMPLING))
    pen = ImageDraw.Draw(large)
    for fill, polygon in SHAPES[name]:
        wobble = rng.normal(0, 0.008, polygon.shape)
        points = ((polygon + wobble - 0.5) * scale) @ turn + np.subtract(centre, (x0, y0))
        pen.polygon((points * OVERSAMPLING).ravel().tolist(), fill=255 * fill)
    cover = np.asarray(large.reduce(OVERSAMPLING), np.float32) / 255

    texture, period, hue, second = LOOKS[name]
    y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    slant = angle + rng.normal(0, 0.2)
    u = (x - centre[0]) * np.cos(slant) + (y - centre[1]) * np.sin(slant)
    v = (y - centre[1]) * np.cos(slant) - (x - centre[0]) * np.sin(slant)
    mix = texture(u, v, period, rng)[..., None]
    light = _rgb(hue + rng.normal(0, 0.01), rng.uniform(0.75, 0.95), rng.uniform(0.85, 1.0))
    dark = _rgb(second + rng.normal(0, 0.01), rng.uniform(0.75, 0.95), rng.uniform(0.4, 0.55))
    look = dark + mix * (light - dark)

    window = canvas[y0:y1, x0:x1]
    window += cover[..., None] * (look - window)
    mask = np.zeros((h, w), bool)
    mask[y0:y1, x0:x1] = cover > 0.5
    return mask


def _finish(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """Sensor noise, then (h, w, 3) uint8."""
    noise = rng.standard_normal(canvas.shape, dtype=np.float32) * 4
    return np.clip(canvas + noise, 0, 255).astype(np.uint8)


def border(instance: np.ndarray) -> np.ndarray:
    """(h, w) bool: the pixels on either side of a change in the (h, w) instance map."""
    edge = np.zeros(instance.shape, bool)
    across = instance[:, 1:] != instance[:, :-1]
    down = instance[1:] != instance[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return edge


def _populate(rng: np.random.Generator, canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw objects of random classes into canvas (h, w, 3); return label and instance (h, w)."""
    h, w = canvas.shape[:2]
    label = np.zeros((h, w), np.uint8)
    instance = np.zeros((h, w), np.uint8)
    for number in range(1, rng.binomial(max(3, h * w // AREA), 0.6) + 2):
        kind = int(rng.integers(1, len(VOC_CLASSES)))
        extent = min(rng.uniform(*OBJECT_SIZE), 0.9 * min(h, w))
        # Least overlap of a few tries; objects may still touch and hide each other, as in photos.
        places = rng.uniform([extent * 0.4] * 2, [w - extent * 0.4, h - extent * 0.4], (8, 2))
        half = int(extent / 2)
        taken = [
            np.count_nonzero(instance[max(0, y - half) : y + half, max(0, x - half) : x + half])
            for x, y in places.astype(int)
        ]
        mask = _draw(rng, canvas, VOC_CLASSES[kind], places[int(np.argmin(taken))], extent)
        label[mask] = kind
        instance[mask] = number
    return label, instance


def scene(size: tuple[int, int], seed: Seed) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One image with a few objects.

    size is (h, w); seed is one that numpy.random.default_rng takes. Returns the image
    (h, w, 3) uint8 RGB, the label (h, w) uint8 of 0-20 and the instance map (h, w) uint8.
    """
    rng = np.random.default_rng(seed)
    canvas = _ground(rng, *size)
    label, instance = _populate(rng, canvas)
    return _finish(rng, canvas), label, instance


def classification(n: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """n images for classifier pretraining: an object in the middle, every second time of a scene.

    Returns images (n, size, size, 3) uint8 RGB and labels (n,) int64 in 0-19, the class of the
    object in the middle: label k is class k + 1 of VOC_CLASSES.
    """
    images = np.empty((n, size, size, 3), np.uint8)
    labels = np.empty(n, np.int64)
    for i in range(n):
        rng = np.random.default_rng((seed, 2, i))
        canvas = _ground(rng, size, size)
        if i % 2:
            _populate(rng, canvas)
        labels[i] = rng.integers(len(VOC_CLASSES) - 1)
        extent = min(rng.uniform(*OBJECT_SIZE), 1.1 * size)
        middle = size / 2 + rng.uniform(-16, 16, 2)
        _draw(rng, canvas, VOC_CLASSES[labels[i] + 1], middle, extent)
        images[i] = _finish(rng, canvas)
    return images, labels


def landscape(size: tuple[int, int], seed: Seed) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """A scene on two grounds that meet in a horizon.

    Returns image, label and instance map as `scene` does, the lower ground being FLOOR, and the
    row of the horizon, between 0.62 and 0.8 of the height.
    """
    rng = np.random.default_rng(seed)
    horizon = int(rng.uniform(0.62, 0.8) * size[0])
    canvas = _ground(rng, *size)
    canvas[horizon:] = _ground(rng, *size)[horizon:] * 0.5
    label, instance = _populate(rng, canvas)
    label[horizon:][instance[horizon:] == 0] = FLOOR
    return _finish(rng, canvas), label, instance, horizon
