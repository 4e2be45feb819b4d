"""A small dataset in exactly VOC's and SBD's layouts: textured pictograms of the 20 VOC classes.

Every class has its own shape (limbs, wheels, window holes a few pixels wide), texture and pair of
hues; any two share at most some of these. Grounds are textured too, but pale. Everything is a
function of the seed.

    python -m data.synthetic --out DIR --train 400 --val 80 --seed 1337

writes DIR/pascal/VOC2011 (all images; palette PNG labels whose object borders are 255, as VOC's)
and DIR/sbdd/dataset (all images; .mat labels without void, as SBD's).
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image, ImageDraw
from tqdm import tqdm

from data.datasets import DATASETS, VOC_CLASSES, VOID, palette

OVERSAMPLING = 4  # masks are drawn this much larger, then averaged: soft edges as in a photograph
OBJECT_SIZE = (140, 280)  # pixels, the longer side
AREA = 45000  # pixels of an image for each object that it may hold
SYNTHETIC = DATASETS["synthetic"]

# ---- shapes: (fill, polygon in the unit square, y down), drawn in order; fill 0 cuts a hole ----


def _oval(x, y, rx, ry, fill=1):
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return fill, np.stack([x + rx * np.cos(t), y + ry * np.sin(t)], 1)


def _box(x0, y0, x1, y1, fill=1):
    return fill, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)


def _poly(*points, fill=1):
    return fill, np.array(points, float)


def _line(x0, y0, x1, y1, width=0.1):
    along = np.array([x1 - x0, y1 - y0])
    side = np.array([-along[1], along[0]]) / np.hypot(*along) * width / 2
    start, end = np.array([x0, y0]), np.array([x1, y1])
    return 1, np.array([start + side, end + side, end - side, start - side])


def _wheel(x, y, r, rim):
    return [_oval(x, y, r, r), _oval(x, y, r - rim, r - rim, 0)]


def _legs(top, bottom, *xs, width=0.09):
    return [_line(x, top, x, bottom, width) for x in xs]


def _windows(y0, y1, *xs, width=0.13):
    return [_box(x, y0, x + width, y1, 0) for x in xs]


def _star(x, y, outer, inner, points):
    t = np.arange(2 * points) * np.pi / points - np.pi / 2
    r = np.where(np.arange(2 * points) % 2, inner, outer)
    return 1, np.stack([x + r * np.cos(t), y + r * np.sin(t)], 1)


SHAPES = {
    "aeroplane": [
        _oval(0.5, 0.5, 0.5, 0.09),
        _poly((0.42, 0.5), (0.58, 0.5), (0.36, 0.02), (0.24, 0.02)),
        _poly((0.42, 0.5), (0.58, 0.5), (0.36, 0.98), (0.24, 0.98)),
        _poly((0.04, 0.5), (0.16, 0.5), (0.08, 0.28), (0.0, 0.28)),
        _poly((0.04, 0.5), (0.16, 0.5), (0.08, 0.72), (0.0, 0.72)),
    ],
    "bicycle": [
        *_wheel(0.22, 0.7, 0.22, 0.08),
        *_wheel(0.78, 0.7, 0.22, 0.08),
        _line(0.22, 0.7, 0.4, 0.36, 0.08),
        _line(0.4, 0.36, 0.68, 0.36, 0.08),
        _line(0.78, 0.7, 0.66, 0.24, 0.08),
        _line(0.5, 0.7, 0.68, 0.36, 0.08),
        _line(0.56, 0.26, 0.76, 0.22, 0.08),
        _line(0.3, 0.3, 0.46, 0.3, 0.09),
    ],
    "bird": [
        _oval(0.5, 0.52, 0.12, 0.24),
        _poly((0.5, 0.42), (0.5, 0.58), (0.2, 0.36), (0.0, 0.5), (0.14, 0.22)),
        _poly((0.5, 0.42), (0.5, 0.58), (0.8, 0.36), (1.0, 0.5), (0.86, 0.22)),
        _oval(0.5, 0.24, 0.1, 0.1),
        _poly((0.5, 0.66), (0.62, 0.96), (0.5, 0.86), (0.38, 0.96)),
    ],
    "boat": [
        _poly((0.04, 0.7), (0.96, 0.7), (0.8, 0.96), (0.18, 0.96)),
        _line(0.48, 0.04, 0.48, 0.74, 0.08),
        _poly((0.58, 0.1), (0.58, 0.6), (0.94, 0.6)),
        _poly((0.4, 0.22), (0.4, 0.6), (0.12, 0.6)),
    ],
    "bottle": [
        _box(0.3, 0.4, 0.7, 1.0),
        _poly((0.3, 0.4), (0.7, 0.4), (0.57, 0.24), (0.43, 0.24)),
        _box(0.43, 0.06, 0.57, 0.26),
        _box(0.38, 0.0, 0.62, 0.08),
    ],
    "bus": [
        _box(0.0, 0.16, 1.0, 0.82),
        *_windows(0.28, 0.46, 0.07, 0.25, 0.43, 0.61, 0.79),
        _oval(0.22, 0.84, 0.11, 0.11),
        _oval(0.78, 0.84, 0.11, 0.11),
    ],
    "car": [
        _box(0.0, 0.48, 1.0, 0.74),
        _poly((0.16, 0.5), (0.3, 0.24), (0.7, 0.24), (0.86, 0.5)),
        _poly((0.27, 0.47), (0.36, 0.32), (0.46, 0.32), (0.46, 0.47), fill=0),
        _poly((0.55, 0.47), (0.55, 0.32), (0.65, 0.32), (0.74, 0.47), fill=0),
        _oval(0.24, 0.76, 0.12, 0.12),
        _oval(0.76, 0.76, 0.12, 0.12),
    ],
    "cat": [
        _oval(0.5, 0.64, 0.26, 0.3),
        _oval(0.5, 0.3, 0.2, 0.17),
        _poly((0.3, 0.3), (0.32, 0.02), (0.48, 0.18)),
        _poly((0.7, 0.3), (0.68, 0.02), (0.52, 0.18)),
        _line(0.7, 0.88, 0.92, 0.7, 0.09),
        _line(0.92, 0.72, 0.9, 0.4, 0.09),
        *_legs(0.8, 1.0, 0.38, 0.62, width=0.12),
    ],
    "chair": [
        _line(0.26, 0.0, 0.26, 1.0),
        _line(0.74, 0.5, 0.74, 1.0),
        _line(0.2, 0.54, 0.8, 0.54, 0.12),
        _line(0.26, 0.04, 0.4, 0.04),
        _line(0.26, 0.8, 0.74, 0.8, 0.08),
        _line(0.4, 0.0, 0.4, 0.54, 0.08),
    ],
    "cow": [
        _box(0.14, 0.34, 0.84, 0.68),
        _box(0.76, 0.2, 1.0, 0.44),
        *_legs(0.6, 0.96, 0.2, 0.34, 0.66, 0.79),
        _line(0.78, 0.24, 0.7, 0.06, 0.08),
        _line(0.96, 0.24, 1.0, 0.04, 0.08),
        _line(0.14, 0.38, 0.03, 0.66, 0.08),
    ],
    "diningtable": [
        _poly((0.12, 0.3), (0.88, 0.3), (1.0, 0.46), (0.0, 0.46)),
        *_legs(0.4, 0.92, 0.06, 0.94),
        *_legs(0.4, 0.74, 0.28, 0.72),
    ],
    "dog": [
        _oval(0.46, 0.5, 0.3, 0.15),
        _oval(0.82, 0.34, 0.14, 0.13),
        _oval(0.93, 0.4, 0.09, 0.06),
        _line(0.66, 0.46, 0.8, 0.36, 0.16),
        *_legs(0.52, 0.92, 0.24, 0.36, 0.58, 0.7, width=0.08),
        _line(0.2, 0.46, 0.02, 0.24, 0.08),
    ],
    "horse": [
        _oval(0.44, 0.5, 0.3, 0.14),
        _line(0.66, 0.48, 0.84, 0.14, 0.14),
        _line(0.8, 0.14, 1.0, 0.26, 0.12),
        _line(0.24, 0.5, 0.12, 1.0, 0.08),
        _line(0.28, 0.5, 0.36, 1.0, 0.08),
        _line(0.6, 0.5, 0.54, 1.0, 0.08),
        _line(0.66, 0.5, 0.78, 0.98, 0.08),
        _poly((0.18, 0.42), (0.2, 0.52), (0.0, 0.84)),
    ],
    "motorbike": [
        _oval(0.2, 0.72, 0.2, 0.2),
        _oval(0.8, 0.72, 0.2, 0.2),
        _oval(0.2, 0.72, 0.07, 0.07, 0),
        _oval(0.8, 0.72, 0.07, 0.07, 0),
        _poly((0.2, 0.68), (0.14, 0.4), (0.5, 0.5), (0.66, 0.36), (0.76, 0.7), (0.4, 0.76)),
        _line(0.78, 0.7, 0.6, 0.18, 0.09),
        _line(0.5, 0.16, 0.66, 0.2, 0.09),
    ],
    "person": [
        _oval(0.5, 0.13, 0.12, 0.13),
        _box(0.38, 0.27, 0.62, 0.62),
        _line(0.4, 0.32, 0.14, 0.5),
        _line(0.16, 0.48, 0.2, 0.26, 0.09),
        _line(0.6, 0.32, 0.84, 0.56),
        _line(0.44, 0.6, 0.32, 1.0, 0.11),
        _line(0.56, 0.6, 0.68, 1.0, 0.11),
    ],
    "pottedplant": [
        _star(0.5, 0.32, 0.36, 0.15, 7),
        _line(0.5, 0.4, 0.5, 0.7, 0.08),
        _poly((0.26, 0.68), (0.74, 0.68), (0.66, 1.0), (0.34, 1.0)),
    ],
    "sheep": [
        *(
            _oval(0.46 + 0.26 * np.cos(t), 0.46 + 0.16 * np.sin(t), 0.16, 0.14)
            for t in np.arange(8) * np.pi / 4
        ),
        _oval(0.46, 0.46, 0.26, 0.16),
        _oval(0.88, 0.4, 0.11, 0.15),
        *_legs(0.6, 0.92, 0.26, 0.4, 0.54, 0.66, width=0.08),
    ],
    "sofa": [
        _box(0.0, 0.42, 0.14, 0.86),
        _box(0.86, 0.42, 1.0, 0.86),
        _box(0.1, 0.64, 0.9, 0.86),
        _box(0.18, 0.24, 0.48, 0.58),
        _box(0.54, 0.24, 0.84, 0.58),
        *_legs(0.84, 0.98, 0.07, 0.93, width=0.08),
    ],
    "train": [
        _box(0.0, 0.34, 0.3, 0.72),
        _box(0.36, 0.34, 0.64, 0.72),
        _box(0.7, 0.34, 1.0, 0.72),
        _line(0.28, 0.66, 0.72, 0.66, 0.08),
        *_windows(0.42, 0.54, 0.09, 0.44, 0.79, width=0.12),
        *(_oval(x, 0.74, 0.07, 0.07) for x in (0.07, 0.23, 0.42, 0.58, 0.77, 0.93)),
        _box(0.86, 0.14, 0.95, 0.36),
    ],
    "tvmonitor": [
        _box(0.02, 0.1, 0.98, 0.76),
        _box(0.13, 0.21, 0.87, 0.65, 0),
        _box(0.45, 0.76, 0.55, 0.9),
        _box(0.24, 0.88, 0.76, 0.97),
    ],
}

# ---- textures: (u, v) pixel coordinates in the object's frame -> share of the light colour ----


def _stripes(u, v, period, rng):
    return (u / period % 1 < 0.5).astype(np.float32)


def _checks(u, v, period, rng):
    return ((u / period % 1 < 0.5) ^ (v / period % 1 < 0.5)).astype(np.float32)


def _dots(u, v, period, rng):
    du, dv = u / period % 1 - 0.5, v / period % 1 - 0.5
    return (du * du + dv * dv < 0.09).astype(np.float32)


def _waves(u, v, period, rng):
    return 0.5 + 0.5 * np.sin(2 * np.pi * u / period) * np.sin(2 * np.pi * v / period)


def _grain(u, v, period, rng):
    cells = rng.random((u.shape[0] // period + 1, u.shape[1] // period + 1), dtype=np.float32)
    return np.kron(cells, np.ones((period, period), np.float32))[: u.shape[0], : u.shape[1]]


def _gradient(u, v, period, rng):
    return np.clip(0.5 + v / (8 * period), 0, 1)


# class: texture, period in pixels, hue of its light and of its dark colour (0-1)
LOOKS = {
    "aeroplane": (_stripes, 5, 0.55, 0.62),
    "bicycle": (_grain, 2, 0.0, 0.08),
    "bird": (_dots, 5, 0.12, 0.95),
    "boat": (_checks, 8, 0.6, 0.1),
    "bottle": (_gradient, 5, 0.33, 0.42),
    "bus": (_stripes, 8, 0.02, 0.14),
    "car": (_gradient, 5, 0.0, 0.92),
    "cat": (_stripes, 4, 0.07, 0.1),
    "chair": (_grain, 3, 0.78, 0.85),
    "cow": (_grain, 5, 0.9, 0.55),
    "diningtable": (_waves, 8, 0.09, 0.14),
    "dog": (_dots, 6, 0.1, 0.65),
    "horse": (_waves, 6, 0.04, 0.97),
    "motorbike": (_checks, 4, 0.7, 0.5),
    "person": (_checks, 6, 0.95, 0.75),
    "pottedplant": (_grain, 2, 0.28, 0.36),
    "sheep": (_waves, 5, 0.5, 0.45),
    "sofa": (_dots, 7, 0.8, 0.35),
    "train": (_stripes, 6, 0.3, 0.85),
    "tvmonitor": (_checks, 5, 0.68, 0.3),
}


def _rgb(hue, saturation, value):
    """HSV (0-1 scalars) to a float32 RGB triple in 0-255."""
    k = (np.array([5.0, 3.0, 1.0]) + 6 * hue) % 6
    shade = np.clip(np.minimum(k, 4 - k), 0, 1)
    return (255 * value * (1 - saturation * shade)).astype(np.float32)


def _smooth(rng, h, w, cell):
    """Noise (h, w) in 0-1 that varies over `cell` pixels."""
    coarse = rng.integers(0, 256, (h // cell + 2, w // cell + 2), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((w, h), Image.Resampling.BICUBIC)
    return np.asarray(smooth, np.float32) / 255


def _ground(rng, h, w):
    """Pale textured ground, (h, w, 3) float32 RGB in 0-255."""
    hue, saturation = rng.random(), rng.uniform(0.0, 0.22)
    dark = _rgb(hue, saturation, rng.uniform(0.3, 0.6))
    light = _rgb(hue + rng.uniform(-0.1, 0.1), saturation, rng.uniform(0.6, 0.95))
    mix = 0.7 * _smooth(rng, h, w, int(rng.choice([8, 20, 50])))
    mix += 0.3 * rng.random((h, w), dtype=np.float32)
    return dark + mix[..., None] * (light - dark)


def _draw(rng, canvas, name, centre, size):
    """Blend one object of class `name` into canvas (h, w, 3) float32; return its (h, w) bool mask.

    size: the longer side in pixels; centre: (x, y).
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


def _finish(rng, canvas):
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


def _populate(rng, canvas) -> tuple[np.ndarray, np.ndarray]:
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


def scene(size: tuple[int, int], seed) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One image with a few objects.

    size is (h, w); seed is whatever numpy.random.default_rng takes. Returns the image
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


def _write_sample(voc, sbd, name, size, seed):
    image, label, instance = scene(size, seed)
    jpeg = io.BytesIO()
    Image.fromarray(image).save(jpeg, "JPEG", quality=92, subsampling=0)
    (voc / "JPEGImages" / f"{name}.jpg").write_bytes(jpeg.getvalue())
    (sbd / "img" / f"{name}.jpg").write_bytes(jpeg.getvalue())

    voided = Image.fromarray(np.where(border(instance), VOID, label).astype(np.uint8))
    voided.putpalette(palette().ravel().tolist())  # turns the mode from L to P
    voided.save(voc / "SegmentationClass" / f"{name}.png")

    present = np.unique(label[label > 0])[:, None]
    scipy.io.savemat(
        sbd / "cls" / f"{name}.mat",
        {"GTcls": {"Segmentation": label, "CategoriesPresent": present}},
        do_compression=True,
    )


def generate(
    out: str | os.PathLike,
    *,
    train: int,
    val: int,
    size: tuple[int, int] = (320, 416),
    seed: int = 1337,
) -> None:
    """Write `train` + `val` images of size (h, w) below the new folder `out`.

    The folder appears under its name only when it is complete. Raises FileExistsError if it is
    there already, ValueError if train or val is below 1, the size below 32 pixels or the
    seed below 0.
    """
    out = Path(out)
    if out.exists():
        raise FileExistsError(f"{out} exists already; remove it or choose another --out")
    if train < 1 or val < 1:
        raise ValueError(f"train={train}, val={val}: each split needs at least 1 image")
    if min(size) < 32:
        raise ValueError(f"size {size[0]}x{size[1]}: at least 32x32 pixels are needed")
    if seed < 0:
        raise ValueError(f"seed={seed}: expected 0 or more")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{out.name}.", dir=out.parent) as scratch:
        part = Path(scratch) / out.name
        train_split, val_split = SYNTHETIC.splits["train"], SYNTHETIC.splits["val"]
        sbd, voc = part / train_split.folder, part / val_split.folder
        for folder in (
            voc / "JPEGImages",
            voc / "SegmentationClass",
            voc / "ImageSets" / "Segmentation",
            sbd / "img",
            sbd / "cls",
        ):
            folder.mkdir(parents=True)
        names = [f"synthetic_{i:06d}" for i in range(train + val)]
        for i, name in enumerate(tqdm(names, desc=f"writing {out}", unit="image")):
            which = (seed, 0, i) if i < train else (seed, 1, i - train)
            _write_sample(voc, sbd, name, size, which)
        for split, ids in (("train", names[:train]), ("val", names[train:])):
            for layout in (train_split, val_split):
                (part / layout.file(split)).write_text("".join(f"{x}\n" for x in ids))
        os.replace(part, out)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m data.synthetic",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, help="folder to write; must not exist")
    parser.add_argument("--train", type=int, default=400, help="training images (400)")
    parser.add_argument("--val", type=int, default=80, help="validation images (80)")
    parser.add_argument("--size", type=int, nargs=2, default=(320, 416), metavar=("H", "W"))
    parser.add_argument("--seed", type=int, default=1337)
    args = parser.parse_args(argv)
    try:
        generate(args.out, train=args.train, val=args.val, size=tuple(args.size), seed=args.seed)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
