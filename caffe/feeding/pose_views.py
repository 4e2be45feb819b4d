"""What pose nets are shown of an image in training: scaled, turned, cut and mirrored by chance."""

from collections.abc import Iterator

import numpy as np

from ..proto import caffe_pb2
from .people import People, mirrored
from .resizing import cubic_weights, interpolated, rotation, to_uint8

OUTSIDE = (128, 128, 128, 255)  # colours and mask beyond the image
CUBIC = caffe_pb2.ResizeParameter.CUBIC


def view(
    image: np.ndarray,
    people: People,
    param: caffe_pb2.CPMTransformationParameter,
    order: np.ndarray,
    draws: Iterator[float],
) -> tuple[np.ndarray, People]:
    """An image (H, W, 4) uint8, BGR and mask, as it is shown, (crop_size_y, crop_size_x, 4).

    The first person is made target_dist / scale times as large, times a number between scale_min
    and scale_max; all is turned by up to max_rotate_degree and cut up to center_perterb_max from
    that person's centre. `order` is of mirrored joints.
    """
    factor = param.target_dist / people.scale
    if next(draws) <= param.scale_prob:
        factor *= param.scale_min + (param.scale_max - param.scale_min) * next(draws)
    size = tuple(max(1, round(side * factor)) for side in image.shape[:2])
    image = interpolated(image, (size[0], size[1]), CUBIC)
    people = people.moved(np.array([[factor, 0, 0], [0, factor, 0]]))

    degree = (next(draws) - 0.5) * 2 * param.max_rotate_degree
    matrix, turned = rotation(image.shape[1], image.shape[0], degree)
    people = people.moved(matrix)

    away = [int((next(draws) - 0.5) * 2 * param.center_perterb_max) for _ in range(2)]
    wide, tall = param.crop_size_x, param.crop_size_y
    corner = np.rint(people.centre + away).astype(int) - [wide // 2, tall // 2]
    people = people.moved(np.array([[1.0, 0, -corner[0]], [0, 1, -corner[1]]]))
    image = _turned(image, matrix, turned, corner, (tall, wide))

    if next(draws) <= param.flip_prob:
        image, people = image[:, ::-1], mirrored(people, wide, order)
    return image, people


def _turned(
    image: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    corner: np.ndarray,
    crop: tuple[int, int],
) -> np.ndarray:
    """The part of the turned image (of that width and height) from a corner on, cubically."""
    outside = np.array(OUTSIDE, np.float64)
    across, down = np.arange(crop[1]) + corner[0], np.arange(crop[0]) + corner[1]
    inside = np.ix_((down >= 0) & (down < size[1]), (across >= 0) & (across < size[0]))
    shown = np.tile(outside.astype(np.uint8), (*crop, 1))
    x, y = np.meshgrid(across[inside[1][0]], down[inside[0][:, 0]])
    back = np.linalg.inv(matrix[:, :2])
    places = np.stack([x - matrix[0, 2], y - matrix[1, 2]], -1) @ back.T
    first = np.floor(places).astype(int)
    weights = cubic_weights(places - first)
    edged = np.pad(image, ((4, 4), (4, 4), (0, 0)))
    edged[:4] = edged[-4:] = edged[:, :4] = edged[:, -4:] = OUTSIDE
    limits = np.array([image.shape[1], image.shape[0]]) + 7
    sums = np.zeros((*x.shape, 4))
    for i in range(4):
        row = (first[..., 1] + i + 3).clip(0, limits[1])
        for j in range(4):
            column = (first[..., 0] + j + 3).clip(0, limits[0])
            sums += edged[row, column] * (weights[..., 1, i] * weights[..., 0, j])[..., None]
    shown[inside] = to_uint8(sums)
    return shown
