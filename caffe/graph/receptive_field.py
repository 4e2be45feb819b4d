"""What a position of each blob sees of the image, from the windows of the layers below it."""

from typing import NamedTuple

from ..layer_types import LayerType
from ..layer_types.base import Shape, Window
from ..layer_types.convolution import Windowed
from ..layer_types.pooling import Pooling
from .build import Graph

# Types whose top has the bottom's height and width, though a position of it may depend on all.
MIXING = {"DenseCRF", "Flip", "MVN", "MultiStageMeanfield", "Normalize", "Reverse"}


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
    if layer.type in ("Interp", "Unpooling", "Upsample"):
        sides = zip(shapes[0][2:], tops[0][2:], strict=True)
        return _stepped(below[0], [_resized(layer.type, *side) for side in sides])
    if windows := _windows(layer, shapes):
        most = below[0] if layer.type == "Crop" else _largest(below)  # whose second gives its size
        return _stepped(most, [_slid(window, layer.transposed) for window in windows])
    alike = len({shape[2:] for shape in (*shapes, *tops)}) == 1
    return _largest(below) if alike and layer.type not in MIXING else None


def _windows(layer: LayerType, shapes: list[Shape]) -> tuple[Window, Window] | None:
    if isinstance(layer, Windowed):
        return layer.sliding()
    if isinstance(layer, Pooling) and len(shapes[0]) == 4:
        extent = layer.extent(layer.kernel or shapes[0][2:])
        height, width = map(Window, extent, layer.stride, layer.pad)
        return height, width
    return layer.windows(shapes)


def _largest(below: list[Sees]) -> Sees:
    height, width = map(max, zip(*(seen.size for seen in below), strict=True))
    return Sees((height, width), below[0].stride)


# Along an axis: how many positions of the bottom one of the top sees, and how many of them lie
# between two of the top.


def _slid(window: Window, transposed: bool) -> tuple[int, float]:
    if transposed:
        return -(-window.extent // window.stride), 1 / window.stride
    return window.extent, window.stride


def _resized(kind: str, bottom: int, top: int) -> tuple[int, float]:
    if kind != "Interp":  # by a whole factor, less what is cut off
        return 1, 1 / max(round(top / bottom), 1)
    step = (bottom - 1) / max(top - 1, 1)  # from the first position to the last
    return 1 if step.is_integer() else 2, step


def _stepped(below: Sees, axes: list[tuple[int, float]]) -> Sees:
    height, width = (
        (size + (count - 1) * stride, stride * step)
        for size, stride, (count, step) in zip(*below, axes, strict=True)
    )
    return Sees((height[0], width[0]), (height[1], width[1]))
