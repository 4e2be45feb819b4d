"""HHA images from depth: horizontal disparity, height above ground, angle with gravity.

As S. Gupta, R. Girshick, P. Arbelaez and J. Malik define them (Learning Rich Features from RGB-D
Images for Object Detection and Segmentation, ECCV 2014); constants are those of their saveHHA.m.
Camera coordinates: x right, y down, z forwards, in metres.
"""

from __future__ import annotations

import numpy as np

from depth import check_millimetres

# Focal lengths and centre of the Kinect's colour camera, for 640 x 480 pixels counted from 1
FX, FY, CX, CY = 518.8579, 519.4696, 325.5824, 253.7362
CROPPED = (425, 560)  # NYUDv2 as Gupta et al. cut it out, to avoid the frame without depth
CROP = (45, 40)
NEAREST = 1.0  # metres; nearer points get its disparity
RADII = (3, 10)  # of the window that a normal is fitted to: for the angle, to find gravity
# Estimating gravity: (degrees within which a normal counts as floor or wall, repeats)
ROUNDS = ((45, 5), (15, 5))


def camera(height: int, width: int) -> tuple[float, float, float, float]:
    """(fx, fy, cx, cy) of an NYUDv2 image, whole or cut; of other sizes, scaled to the width."""
    if (height, width) == CROPPED:
        return FX, FY, CX - CROP[1], CY - CROP[0]
    if (height, width) == (480, 640):
        return FX, FY, CX, CY
    scale = width / 640
    return FX * scale, FY * scale, (width + 1) / 2, (height + 1) / 2


def points(depth: np.ndarray, lens: tuple[float, float, float, float]) -> np.ndarray:
    """(H, W, 3) camera coordinates of an (H, W) depth map."""
    fx, fy, cx, cy = lens
    height, width = depth.shape
    y, x = np.mgrid[1 : height + 1, 1 : width + 1]
    return np.stack([(x - cx) * depth / fx, (y - cy) * depth / fy, depth], 2)


def _window_sums(values: np.ndarray, radius: int) -> np.ndarray:
    """Sums of (H, W, C) over square windows, cut off at the border."""
    for axis in (0, 1):
        size = values.shape[axis]
        total = np.cumsum(values, axis)
        total = np.concatenate([np.zeros_like(total.take([0], axis)), total], axis)
        index = np.arange(size)
        values = total.take(np.minimum(index + radius + 1, size), axis) - total.take(
            np.maximum(index - radius, 0), axis
        )
    return values


def normals(depth: np.ndarray, radius: int, lens: tuple[float, float, float, float]) -> np.ndarray:
    """(H, W, 3) unit normals that point away from the camera; NaN where nothing is in the window.

    A plane n.p = 1 is fitted to each window by least squares over n.p/z - 1/z: errors of disparity,
    which a Kinect's are. Depth 0 is missing and takes no part.
    """
    missing = depth <= 0
    z = np.where(missing, 1, depth)
    x_z, y_z = (points(z, lens)[..., i] / z for i in (0, 1))
    one = np.ones_like(z)
    rows = np.stack([x_z, y_z, one], 2)
    products = np.concatenate(
        [(rows[..., :, None] * rows[..., None, :]).reshape(*z.shape, 9), rows / z[..., None]], 2
    )
    sums = _window_sums(np.where(missing[..., None], 0, products), radius)
    matrix, right = sums[..., :9].reshape(*z.shape, 3, 3), sums[..., 9:]
    first, second, third = np.moveaxis(matrix, 2, 0)
    # The adjugate is the inverse but for a factor, which goes when the length becomes 1; unlike the
    # inverse, it is there where points are few or lie in a line.
    adjugate = [np.cross(second, third), np.cross(third, first), np.cross(first, second)]
    normal = (np.stack(adjugate, 2) @ right[..., None])[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    away = np.sum(normal * points(z, lens), 2, keepdims=True)
    return np.where(away < 0, -normal, normal)


def gravity(normal: np.ndarray) -> np.ndarray:
    """(3,) unit vector downwards: as parallel to floors and as orthogonal to walls as can be.

    Beginning with the camera's own y axis, normals near the estimate count as floors, those nearly
    orthogonal to it as walls, and the estimate is renewed from them.
    """
    known = normal[np.isfinite(normal).all(2)].T
    down = np.array([0.0, 1.0, 0.0])
    for degrees, repeats in ROUNDS:
        angle = np.radians(degrees)
        for _ in range(repeats):
            along = np.abs(down @ known)
            floor, wall = known[:, along > np.cos(angle)], known[:, along < np.sin(angle)]
            values, vectors = np.linalg.eigh(wall @ wall.T - floor @ floor.T)
            # Of the least eigenvalue; where several directions are as good, the nearest one
            best = vectors[:, values <= values[0] + 1e-6 * np.abs(values).max()]
            new = best @ (down @ best)
            length = np.linalg.norm(new)
            down = new / length if length else vectors[:, 0]
    return down


def encode(
    depth: np.ndarray,
    raw: np.ndarray | None = None,
    lens: tuple[float, float, float, float] | None = None,
) -> np.ndarray:
    """The (H, W, 3) uint8 HHA image of an (H, W) depth map in millimetres, its holes filled.

    Channels: 310 / depth in metres; centimetres above the lowest point (1.30 m below the camera
    where none is 0.90 m below it); angle of the normal with gravity in degrees, plus 38. `raw` is
    the depth before filling: where it is 0, normals are not fitted. Where there is no normal the
    angle is 180 degrees, as in saveHHA.m. `lens` is (fx, fy, cx, cy) in pixels counted from 1, by
    default `camera` of the size; images of 425 x 560 that were made with the whole camera's, not
    moved by the cut, need (FX, FY, CX, CY). Raises ValueError for depth that can't be a room's in
    millimetres.
    """
    check_millimetres(np.asarray(depth), "HHA")
    depth = np.asarray(depth, np.float64) / 1000
    lens = lens or camera(*depth.shape)
    measured = depth if raw is None else np.where(np.asarray(raw) > 0, depth, 0)
    fine, coarse = (normals(measured, radius, lens) for radius in RADII)
    down = gravity(coarse)
    height = -100 * (points(depth, lens) @ down)
    lowest = height.min()
    if lowest > -90:
        lowest = -130
    # MATLAB's max(-1, NaN) is -1
    cosine = np.fmin(np.fmax(fine @ down, -1), 1)
    angle = np.degrees(np.arccos(cosine)) + 128 - 90
    disparity = 310 / np.maximum(depth, NEAREST)
    channels = np.stack([disparity, height - lowest, angle], 2)
    return np.clip(np.floor(channels + 0.5), 0, 255).astype(np.uint8)
