"""A net as a drawing: a box for each layer that makes a blob, a line to each that takes it."""

from __future__ import annotations

from typing import NamedTuple

from caffe.proto import caffe_pb2
from infer.predictor import Predictor
from nets.receptive_field import Window, windows

BOX, PITCH = (178, 46), (200, 66)  # width and height in pixels, and from one box to the next
ROUND = 14  # pixels of a line's bend


class Box(NamedTuple):
    """A layer, with those that work in place on its top (ReLU, Dropout).

    text     its type and what it slides, as "Convolution 3x3, ReLU"
    channels of the blob
    window   what a pixel sees of the image; None where the blob has no pixels
    x, y     the upper left corner, in pixels
    """

    blob: str
    text: str
    channels: int
    window: Window | None
    x: int
    y: int


class Graph(NamedTuple):
    """The boxes in the order of the layers, and the lines between them as paths of SVG."""

    boxes: list[Box]
    lines: list[str]
    width: int
    height: int


def layout(predictor: Predictor) -> Graph:
    """Places the layers of a net: each below all that it takes, no line behind a box."""
    net = predictor.param
    making = [layer for layer in net.layer if _makes(layer)]
    edges = [(bottom, layer.top[0]) for layer in making for bottom in _taken(layer)]
    rows = _rows(making)
    columns = _columns(making, rows)
    seen = windows(net)
    boxes = [
        Box(
            layer.top[0],
            ", ".join([_text(layer), *_in_place(net, layer.top[0])]),
            predictor.net.blobs[layer.top[0]].shape[1],
            seen.get(layer.top[0]),
            columns[layer.top[0]] * PITCH[0],
            rows[layer.top[0]] * PITCH[1],
        )
        for layer in making
    ]
    places = {box.blob: box for box in boxes}
    lines = [_line(places[bottom], places[top]) for bottom, top in edges]
    width = max(box.x for box in boxes) + BOX[0]
    return Graph(boxes, lines, width, max(box.y for box in boxes) + BOX[1])


def _makes(layer: caffe_pb2.LayerParameter) -> bool:
    """Whether a layer makes a blob, rather than changes one in place."""
    return bool(layer.top) and layer.top[0] not in layer.bottom


def _taken(layer: caffe_pb2.LayerParameter) -> list[str]:
    """The blobs whose values a layer takes: of its second bottom, Crop takes the size alone."""
    return list(layer.bottom[:1] if layer.type == "Crop" else layer.bottom)


def _in_place(net: caffe_pb2.NetParameter, blob: str) -> list[str]:
    return [layer.type for layer in net.layer if blob in layer.top and blob in layer.bottom]


def _text(layer: caffe_pb2.LayerParameter) -> str:
    if layer.type == "Crop":
        return f"Crop to {layer.bottom[1]}"
    if layer.type == "Pooling":
        size, stride = layer.pooling_param.kernel_size, layer.pooling_param.stride
        kind = "max" if layer.pooling_param.pool == caffe_pb2.PoolingParameter.MAX else "average"
        return f"{kind} {layer.type} {size}x{size}" + (f" / {stride}" if stride > 1 else "")
    if layer.type in ("Convolution", "Deconvolution"):
        param = layer.convolution_param
        size = param.kernel_size[0] if param.kernel_size else param.kernel_h
        stride = param.stride[0] if param.stride else 1
        return f"{layer.type} {size}x{size}" + (f" / {stride}" if stride > 1 else "")
    return layer.type


def _rows(making: list[caffe_pb2.LayerParameter]) -> dict[str, int]:
    """The longest way from the image to each blob."""
    rows: dict[str, int] = {}
    for layer in making:
        rows[layer.top[0]] = 1 + max((rows[name] for name in _taken(layer)), default=-1)
    return rows


def _columns(making: list[caffe_pb2.LayerParameter], rows: dict[str, int]) -> dict[str, int]:
    """The leftmost column of each blob that none has whose line passes its row.

    A line goes down in the column where it begins, until the row of the last that takes it.
    """
    until = dict(rows)  # the last row of the column that a blob keeps for itself
    for layer in making:
        for name in _taken(layer):
            until[name] = max(until[name], rows[layer.top[0]] - 1)
    columns: dict[str, int] = {}
    for layer in sorted(making, key=lambda layer: rows[layer.top[0]]):
        blob = layer.top[0]
        kept = {
            columns[other]
            for other in columns
            if rows[other] <= until[blob] and rows[blob] <= until[other]
        }
        columns[blob] = next(column for column in range(len(making)) if column not in kept)
    return columns


def _line(bottom: Box, top: Box) -> str:
    """From the middle of a box's lower edge down, and aside only right above the other box."""
    x, y = bottom.x + BOX[0] // 2, bottom.y + BOX[1]
    to_x, to_y = top.x + BOX[0] // 2, top.y
    if x == to_x:
        return f"M{x} {y}V{to_y}"
    level = to_y - (PITCH[1] - BOX[1]) // 2
    return f"M{x} {y}V{level - ROUND // 2}Q{x} {level} {x + ROUND * _sign(to_x - x)} {level}" + (
        f"H{to_x - ROUND * _sign(to_x - x)}Q{to_x} {level} {to_x} {to_y}"
    )


def _sign(number: int) -> int:
    return 1 if number > 0 else -1
