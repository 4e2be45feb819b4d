"""What a position of each blob sees of the image, from the windows of the layers below it."""

from typing import NamedTuple

from ..layer_types import LayerType
from ..layer_types.base import Shape, Window
from ..layer_types.convolution import Windowed
from ..layer_types.pooling import Pooling
from .build import Graph

# Types whose top has the bottom's height and width, though a position of it may depend on all.
MIXING = {"Flip", "MVN", "MultiStageMeanfield", "Normalize", "Reverse"}
# Types that make a map larger, and how many positions of the bottom, on a side, meet in one.
ENLARGING = {"Interp": 2, "Unpooling": 1, "Upsample": 1}


class Sees(NamedTuple):
    """Height and width in pixels of the image.

    size: what a position of a blob depends on, as if the image had no end; stride: from one
    position to the next.
    """

    size: tuple[float, float] = (1, 1)
    stride: tuple[float, float] = (1, 1)


def receptive_fields(graph: Graph) -> dict[str, Sees]:
    """What each 4-d blob sees, but for those behind a layer that may look at all positions."""
    made = {name for tops in graph.tops for name in tops}
    found = {name: Sees() for name, blob in graph.blobs.items() if name not in made}
    for i, layer in enumerate(graph.layers):
        bottoms = [name for name in graph.bottoms[i] if len(graph.blobs[name].shape) == 4]
        seen = None
        if not graph.bottoms[i]:
            seen = Sees()
        elif len(bottoms) == len(graph.bottoms[i]) and all(name in found for name in bottoms):
            seen = _through(layer, graph, i, [found[name] for name in bottoms])
        for name, blob in zip(graph.tops[i], graph.top(i), strict=True):
            found.pop(name, None)
            if seen and len(blob.shape) == 4:
                found[name] = seen
    return found


def _through(layer: LayerType, graph: Graph, i: int, below: list[Sees]) -> Sees | None:
    """What the tops of layer i see, from what its bottoms do; None where that is not known."""
    shapes, tops = ([blob.shape for blob in blobs] for blobs in (graph.bottom(i), graph.top(i)))
    first, sizes = below[0], {shape[2:] for shape in (*shapes, *tops)}
    if layer.type in ENLARGING:
        windows = [
            _enlarging(layer.type, *sides) for sides in zip(shapes[0][2:], tops[0][2:], strict=True)
        ]
        return _slid(first, windows, transposed=True)
    if windows := _windows(layer, shapes):
        most = first if layer.type == "Crop" else _largest(below)  # whose second gives its size
        return _slid(most, windows, layer.transposed)
    return _largest(below) if len(sizes) == 1 and layer.type not in MIXING else None


def _windows(layer: LayerType, shapes: list[Shape]) -> tuple[Window, Window] | None:
    if isinstance(layer, Windowed):
        return layer.sliding()
    if isinstance(layer, Pooling):
        height, width = map(Window, layer.kernel or shapes[0][2:], layer.stride, layer.pad)
        return height, width
    return layer.windows(shapes)


def _enlarging(kind: str, bottom: int, top: int) -> Window:
    """From the first position to the last, or by a whole factor less what is cut off."""
    factor = (top - 1) / max(bottom - 1, 1) if kind == "Interp" else max(round(top / bottom), 1)
    return Window(ENLARGING[kind] * factor, factor, 0)  # type: ignore[arg-type]  # not whole


def _largest(below: list[Sees]) -> Sees:
    sizes = zip(*(seen.size for seen in below), strict=True)
    height, width = map(max, sizes)
    return Sees((height, width), below[0].stride)


def _slid(below: Sees, windows: tuple[Window, ...] | list[Window], transposed: bool) -> Sees:
    sizes, strides = [], []
    for size, stride, window in zip(*below, windows, strict=True):
        meeting = -(-window.extent // window.stride) if transposed else window.extent
        sizes.append(size + (meeting - 1) * stride)
        strides.append(stride / window.stride if transposed else stride * window.stride)
    return Sees((sizes[0], sizes[1]), (strides[0], strides[1]))
