"""The sizes that an exported net takes: which axes of its inputs are left open, and what to try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import CaffeError

if TYPE_CHECKING:
    from ..net import Net

Shapes = dict[str, tuple[int, ...]]  # by input
OpenAxes = dict[str, dict[int, str]]  # of each input those that are left open, and their names

WHAT = ("batch", "height", "width")  # may be open
# What is added to batch, height and width, to see that they are open
FARTHER = ((1, 32, 0), (2, 13, 45))
PARTS = (2, 4, 8, 16)  # and what part of them is taken away, the first that the net takes


def own_shapes(net: Net) -> Shapes:
    """The inputs' shapes, as the prototxt or the last reshape has them."""
    return {name: net.blobs[name].shape for name in net.inputs}


def axes_to_open(net: Net, batch: bool) -> OpenAxes:
    """Height and width where every layer of the net takes other sizes; with `batch` axis 0 too.

    Height and width are the axes behind the second of inputs with 4 axes, where they are no 1.
    Raises CaffeError where `batch` is asked for and a layer has one batch size only.
    """
    shapes = own_shapes(net)
    sized = {name: {2: "height", 3: "width"} for name, s in shapes.items() if _is_map(s)}
    open_axes: OpenAxes = {name: {} for name in shapes}
    if sized and all(_refusal(net, other) is None for other in _moved(shapes, sized, FARTHER)):
        open_axes |= sized
    if batch:
        first = {name: {0: "batch"} for name in shapes}
        for other in _moved(shapes, first, FARTHER):
            if error := _refusal(net, other):
                raise CaffeError(
                    f"net '{net.name}' takes no other batch than {next(iter(shapes.values()))[0]}: "
                    f"{error}. Where a Reshape names the batch, write dim: 0 there"
                )
        open_axes = {name: {0: "batch"} | axes for name, axes in open_axes.items()}
    return open_axes


def without_sizes(open_axes: OpenAxes) -> OpenAxes:
    """These axes without height and width."""
    return {
        name: {axis: what for axis, what in axes.items() if what == "batch"}
        for name, axes in open_axes.items()
    }


def sizes_to_try(shapes: Shapes, open_axes: OpenAxes) -> list[Shapes]:
    """These shapes, and two more in which what is open is larger."""
    return [shapes, *_moved(shapes, open_axes, FARTHER)] if any(open_axes.values()) else [shapes]


def smaller(net: Net, open_axes: OpenAxes) -> list[Shapes]:
    """The net's shapes, smaller in what is open, in a list: empty where the net takes no such."""
    shapes = own_shapes(net)
    batch, height, width = (
        min(
            (
                shapes[name][axis]
                for name, axes in open_axes.items()
                for axis, kind in axes.items()
                if kind == what
            ),
            default=1,
        )
        for what in WHAT
    )
    for part in PARTS:
        by = (-(batch > 1), -(height // part), -(width // (part + 1)))
        (other,) = _moved(shapes, open_axes, (by,))
        if other != shapes and _refusal(net, other) is None:
            return [other]
    return []


def in_words(open_axes: OpenAxes) -> str:
    """The open axes for a reader: `data: height, width; rois: batch`; "" for none."""
    return "; ".join(
        f"{name}: {', '.join(axes.values())}" for name, axes in open_axes.items() if axes
    )


def _is_map(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and min(shape[2:]) > 1


def _moved(shapes: Shapes, axes: OpenAxes, by: tuple[tuple[int, int, int], ...]) -> list[Shapes]:
    """The shapes with each of `by` added to the batch, the height and the width of what is open."""
    return [
        {
            name: tuple(
                size + dict(zip(WHAT, each, strict=True)).get(axes.get(name, {}).get(axis, ""), 0)
                for axis, size in enumerate(shape)
            )
            for name, shape in shapes.items()
        }
        for each in by
    ]


def _refusal(net: Net, shapes: Shapes) -> CaffeError | None:
    """What a layer says against inputs of these shapes, or what they lead to; None: all take it."""
    blobs = dict(shapes)
    graph = net._graph
    try:
        for layer, bottoms, tops in zip(graph.layers, graph.bottoms, graph.tops, strict=True):
            if not layer.is_input:
                found = layer.top_shapes([blobs[name] for name in bottoms])
                blobs.update(zip(tops, found, strict=True))
    except CaffeError as error:
        return error
    return None
