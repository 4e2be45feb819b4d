"""What the 20 VOC classes look like in synthetic scenes: outlines, textures, hues.

Every class has its own shape (limbs, wheels, window holes a few pixels wide), texture and pair of
hues; any two share at most some of these.
"""

from collections.abc import Callable

import numpy as np

Part = tuple[int, np.ndarray]
Texture = Callable[[np.ndarray, np.ndarray, int, np.random.Generator], np.ndarray]

# ---- shapes: (fill, polygon in the unit square, y down), drawn in order; fill 0 cuts a hole ----


def _oval(x: float, y: float, rx: float, ry: float, fill: int = 1) -> Part:
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return fill, np.stack([x + rx * np.cos(t), y + ry * np.sin(t)], 1)


def _box(x0: float, y0: float, x1: float, y1: float, fill: int = 1) -> Part:
    return fill, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)


def _poly(*points: tuple[float, float], fill: int = 1) -> Part:
    return fill, np.array(points, float)


def _line(x0: float, y0: float, x1: float, y1: float, width: float = 0.1) -> Part:
    along = np.array([x1 - x0, y1 - y0])
    side = np.array([-along[1], along[0]]) / np.hypot(*along) * width / 2
    start, end = np.array([x0, y0]), np.array([x1, y1])
    return 1, np.array([start + side, end + side, end - side, start - side])


def _wheel(x: float, y: float, r: float, rim: float) -> list[Part]:
    return [_oval(x, y, r, r), _oval(x, y, r - rim, r - rim, 0)]


def _legs(top: float, bottom: float, *xs: float, width: float = 0.09) -> list[Part]:
    return [_line(x, top, x, bottom, width) for x in xs]


def _windows(y0: float, y1: float, *xs: float, width: float = 0.13) -> list[Part]:
    return [_box(x, y0, x + width, y1, 0) for x in xs]


def _star(x: float, y: float, outer: float, inner: float, points: int) -> Part:
    t = np.arange(2 * points) * np.pi / points - np.pi / 2
    r = np.where(np.arange(2 * points) % 2, inner, outer)
    return 1, np.stack([x + r * np.cos(t), y + r * np.sin(t)], 1)


SHAPES: dict[str, list[Part]] = {
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


def _stripes(u: np.ndarray, v: np.ndarray, period: int, rng: np.random.Generator) -> np.ndarray:
    return (u / period % 1 < 0.5).astype(np.float32)


def _checks(u: np.ndarray, v: np.ndarray, period: int, rng: np.random.Generator) -> np.ndarray:
    return ((u / period % 1 < 0.5) ^ (v / period % 1 < 0.5)).astype(np.float32)


def _dots(u: np.ndarray, v: np.ndarray, period: int, rng: np.random.Generator) -> np.ndarray:
    du, dv = u / period % 1 - 0.5, v / period % 1 - 0.5
    return (du * du + dv * dv < 0.09).astype(np.float32)


def _waves(u: np.ndarray, v: np.ndarray, period: int, rng: np.random.Generator) -> np.ndarray:
    return 0.5 + 0.5 * np.sin(2 * np.pi * u / period) * np.sin(2 * np.pi * v / period)


def _grain(u: np.ndarray, v: np.ndarray, period: int, rng: np.random.Generator) -> np.ndarray:
    cells = rng.random((u.shape[0] // period + 1, u.shape[1] // period + 1), dtype=np.float32)
    return np.kron(cells, np.ones((period, period), np.float32))[: u.shape[0], : u.shape[1]]


def _gradient(u: np.ndarray, v: np.ndarray, period: int, rng: np.random.Generator) -> np.ndarray:
    return np.clip(0.5 + v / (8 * period), 0, 1)


# class: texture, period in pixels, hue of its light and of its dark colour (0-1)
LOOKS: dict[str, tuple[Texture, int, float, float]] = {
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
