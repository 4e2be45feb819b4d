"""The boxes of an SSD database's items, and what becomes of them when their image is changed.

They are rows (G, 7) float64: class, number of the object, x1, y1, x2, y2 as parts of the image, and
1 for a difficult one (data_transformer.cpp, bbox_util.cpp of SSD).
"""

import numpy as np
from google.protobuf.message import DecodeError

from ..core.errors import CaffeError
from ..core.rectangles import area, coverage
from ..proto import caffe_pb2
from .resizing import Size

BOX = slice(2, 6)  # the columns of the corners
POLICY = caffe_pb2.ResizeParameter


def parse_annotated_datum(data: bytes | memoryview, where: object) -> caffe_pb2.AnnotatedDatum:
    """The AnnotatedDatum that an item's value holds; `where` names the item in the CaffeError."""
    try:
        # types-protobuf wants bytes, of which a memoryview would be a copy
        datum = caffe_pb2.AnnotatedDatum.FromString(data)  # type: ignore[arg-type]
    except DecodeError:
        raise CaffeError(
            f"{where}: not an AnnotatedDatum ({len(data)} bytes that do not parse)"
        ) from None
    if not datum.HasField("datum"):
        raise CaffeError(
            f"{where}: not an AnnotatedDatum, for it holds no image; a database of Datum is read "
            "by a Data layer"
        )
    return datum


def rows_of(datum: caffe_pb2.AnnotatedDatum) -> np.ndarray:
    """The rows of a datum, group by group."""
    rows = [
        [group.group_label, each.instance_id, box.xmin, box.ymin, box.xmax, box.ymax, box.difficult]
        for group in datum.annotation_group
        for each in group.annotation
        for box in [each.bbox]
    ]
    return np.array(rows, np.float64).reshape(-1, 7)


def seen_in(
    rows: np.ndarray, window: np.ndarray, constraint: caffe_pb2.EmitConstraint | None
) -> np.ndarray:
    """The rows whose boxes have something in a window (4) of the image, as parts of it.

    constraint: only those whose centre lies in the window, or that lie in it by more than
    emit_overlap.
    """
    corners = rows[:, BOX]
    kept = (corners[:, :2] < window[2:]).all(1) & (corners[:, 2:] > window[:2]).all(1)
    if constraint and constraint.emit_type == caffe_pb2.EmitConstraint.CENTER:
        centre = (corners[:, :2] + corners[:, 2:]) / 2
        kept &= ((window[:2] <= centre) & (centre <= window[2:])).all(1)
    elif constraint:
        kept &= coverage(corners, window) > constraint.emit_overlap
    rows = rows[kept]
    low, side = window[[0, 1, 0, 1]], np.tile(window[2:] - window[:2], 2)
    rows[:, BOX] = ((rows[:, BOX] - low) / side).clip(0, 1)
    return rows[area(rows[:, BOX]) > 0]


def mirrored(rows: np.ndarray) -> np.ndarray:
    """Left and right change places."""
    rows = rows.copy()
    rows[:, [2, 4]] = 1 - rows[:, [4, 2]]
    return rows


def inside_padding(policy: caffe_pb2.ResizeParameter, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Where FIT_LARGE_SIZE_AND_PAD puts an image of that height and width: first corner, sides.

    x and y each, as parts of what it becomes.
    """
    aspect = size[1] / size[0]
    if aspect > policy.width / policy.height:
        inner = np.array([1, policy.width / aspect / policy.height])
    else:
        inner = np.array([aspect * policy.height / policy.width, 1])
    return (1 - inner) / 2, inner


def after_resize(rows: np.ndarray, policy: caffe_pb2.ResizeParameter, size: Size) -> np.ndarray:
    """The rows of an image of that size (height, width), once `resizing.resized` has resized it."""
    rows = rows.copy()
    rows[:, BOX] = rows[:, BOX].clip([0, 0, -np.inf, -np.inf], [np.inf, np.inf, 1, 1])
    if policy.resize_mode == POLICY.FIT_LARGE_SIZE_AND_PAD:
        low, inner = inside_padding(policy, size)
        rows[:, BOX] = np.tile(low, 2) + rows[:, BOX] * np.tile(inner, 2)
    return rows


def extrapolated(
    rows: np.ndarray, policy: caffe_pb2.ResizeParameter, size: Size, window: np.ndarray
) -> np.ndarray:
    """With FIT_SMALL_SIZE and height_scale, width_scale: corners count in these instead.

    size: of the image that was resized, height and width; window: what was cut out of it then.
    """
    scale = np.array([policy.width_scale, policy.height_scale])
    if policy.resize_mode != POLICY.FIT_SMALL_SIZE or not scale.all():
        return rows
    height, width = float(policy.height), float(policy.width)
    aspect = size[1] / size[0]
    if aspect < width / height:
        height = width / aspect
    else:
        width = height * aspect
    cut = np.array([width, height]) * (window[2:] - window[:2])
    if (cut < scale).any():
        raise CaffeError(
            f"resize_param: width_scale and height_scale {scale.tolist()} are larger than the "
            f"image is after resize and crop, {cut.tolist()}"
        )
    rows = rows.copy()
    rows[:, BOX] *= np.tile(cut / scale, 2)
    return rows
