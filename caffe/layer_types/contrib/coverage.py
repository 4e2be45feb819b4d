"""DetectNet's grid over an image: which of its squares an object covers, and where its box is."""

import numpy as np

from ...proto import caffe_pb2

LABEL = 16  # values of an object
Param = caffe_pb2.DetectNetGroundTruthParameter
EPSILON = np.finfo(np.float32).eps


def object_classes(param: Param) -> dict[int, int]:
    """The channel of each class that counts; class 1 alone where none is given."""
    return {each.src: each.dst for each in param.object_class} or {1: 0}


def coverage(param: Param, objects: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """(8 + classes, rows, columns) of objects (K, 16), the later ones above the earlier.

    Channels: 1 in a square that an object's middle part covers; its box's corners x1, y1, x2, y2
    from the square's corner; 1 / width and 1 / height; the square's area over that of the covered
    part (1 at least without obj_norm); then 1 in the object's class. The middle part is scale_cvg
    of the box, min_cvg_len at least but no more than the box (GRIDBOX_MIN), or max_cvg_len at most.
    With crop_bboxes boxes are cut at the image's edges first.
    """
    classes = object_classes(param)
    found = np.zeros((8 + max(classes.values()) + 1, *grid), np.float32)
    corners = np.arange(max(grid)) * param.stride
    for each in objects:
        start, size = _box(param, each[:2], each[2:4])
        if int(each[5]) not in classes or size[0] * size[1] < EPSILON:
            continue
        part = size * param.scale_cvg
        if param.gridbox_type == Param.GRIDBOX_MIN:
            part = np.minimum(size, np.maximum(param.min_cvg_len, part))
        else:
            part = np.minimum(param.max_cvg_len, part)
        middle = start + size / 2
        covered = [
            np.clip(
                np.minimum(middle[i] + part[i] / 2, corners[: grid[1 - i]] + param.stride)
                - np.maximum(middle[i] - part[i] / 2, corners[: grid[1 - i]]),
                0,
                None,
            )
            for i in (0, 1)
        ]
        rows, columns = np.nonzero(np.outer(covered[1], covered[0]) / param.stride**2 > EPSILON)
        x, y = corners[columns], corners[rows]
        norm = param.stride**2 / (part[0] * part[1])
        values = np.zeros((len(found), len(rows)))
        values[0] = 1
        values[1:5] = start[0] - x, start[1] - y, *(start[:, None] + size[:, None] - (x, y))
        values[5:7] = (1 / size)[:, None]
        values[7] = max(0 if param.obj_norm else 1, norm)
        values[8 + classes[int(each[5])]] = 1
        found[:, rows, columns] = values
    return found


def _box(param: Param, start: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The box in the image, by crop_bboxes; of no size where it lies outside."""
    if not param.crop_bboxes:
        return start, size
    whole = (param.image_size_x, param.image_size_y)
    first, last = np.clip(start, 0, None), np.minimum(start + size, whole)
    return (first, last - first) if (last > first).all() else (first, np.zeros(2))
