"""Nodes in the spelling that every runtime takes, of those with which ONNX says the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

REDUCTIONS = tuple(f"Reduce{kind}" for kind in ("L1", "L2", "Max", "Mean", "Min", "Prod", "Sum"))


def respell(model: onnx.ModelProto) -> None:
    """Write a model's nodes, in place, as OpenCV 5.0 reads them too.

    It takes no ConstantOfShape without a value, which ONNX has as float32's zero, no Clip of
    integers, which is a Max and a Min, and no GatherND of booleans, which is one of integers. Over
    axis 0 and two more it reduces wrongly: here it does so over the others, and then over axis 0.
    OpenVINO 2026.4 adds constants wrongly to what a reduction has left of 3 axes, but for one
    constant for all: here that drops its axes by a Squeeze, or if it keeps them, has 4 axes.
    """
    from onnx import numpy_helper

    graph = model.graph
    held = {each.name: each for each in graph.initializer}
    held |= {n.output[0]: n.attribute[0].t for n in graph.node if _is_array(n)}
    values = (*graph.input, *graph.value_info, *graph.output)
    types = {each.name: each.type.tensor_type.elem_type for each in values}
    types |= {each.name: each.data_type for each in graph.initializer}
    axes_of = {each.name: len(each.type.tensor_type.shape.dim) for each in values}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        axes = held.get(node.input[1]) if node.op_type in REDUCTIONS and node.input[1:] else None
        if axes is not None:
            over = numpy_helper.to_array(axes).tolist()
            nodes += _reduced(node, over, axes_of.get(node.input[0], 0))
        else:
            nodes += _respelt(node, types)
    graph.ClearField("node")
    graph.node.extend(nodes)


def _respelt(node: onnx.NodeProto, types: dict[str, int]) -> Iterator[onnx.NodeProto]:
    from onnx import TensorProto, helper, numpy_helper

    of = types.get(node.input[0]) if node.input else None
    if node.op_type == "ConstantOfShape" and not node.attribute:
        zero = numpy_helper.from_array(np.zeros(1, np.float32))
        node.attribute.append(helper.make_attribute("value", zero))
    if node.op_type == "Clip" and of in (TensorProto.INT32, TensorProto.INT64):
        yield from _max_and_min(node)
    elif node.op_type == "GatherND" and of == TensorProto.BOOL:
        yield from _of_integers(node)
    else:
        yield node


def _is_array(node: onnx.NodeProto) -> bool:
    return node.op_type == "Constant" and node.attribute[0].name == "value"


def _reduced(reduction: onnx.NodeProto, axes: list[int], of_axes: int) -> Iterator[onnx.NodeProto]:
    """of_axes: how many the bottom has, 0 where that is not known."""
    from onnx import helper

    (x, given), (y,) = reduction.input, reduction.output
    drops = [each for each in reduction.attribute if each.name == "keepdims" and not each.i]
    for each in drops:
        each.i = 1
    last = f"{y}.kept" if drops else y
    if len(axes) > 2 and 0 in axes:
        for top, over in ((f"{y}.items", [axis for axis in axes if axis]), (last, [0])):
            yield _constant(f"{top}.axes", over)
            yield helper.make_node(reduction.op_type, [x, f"{top}.axes"], [top])
            x = top
    elif of_axes == 3 and not drops:
        yield _constant(f"{y}.behind", [3])
        yield helper.make_node("Unsqueeze", [x, f"{y}.behind"], [f"{y}.of"])
        yield _constant(f"{y}.axes", [axis % 3 for axis in axes])
        reduction.input[:], reduction.output[:] = [f"{y}.of", f"{y}.axes"], [f"{y}.four"]
        yield reduction
        yield helper.make_node("Squeeze", [f"{y}.four", f"{y}.behind"], [y])
    else:
        reduction.output[0] = last
        yield reduction
    if drops:
        yield helper.make_node("Squeeze", [last, given], [y])


def _constant(name: str, values: list[int]) -> onnx.NodeProto:
    from onnx import helper, numpy_helper

    value = numpy_helper.from_array(np.array(values))
    return helper.make_node("Constant", [], [name], value=value)


def _max_and_min(clip: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    from onnx import helper

    x, *limits = clip.input
    bounds = [each for each in zip(("Max", "Min"), limits, strict=False) if each[1]]
    if not bounds:
        yield clip
        return
    names = [f"{clip.output[0]}.{kind}" for kind, _ in bounds[:-1]] + [clip.output[0]]
    for (kind, limit), name in zip(bounds, names, strict=True):
        yield helper.make_node(kind, [x, limit], [name])
        x = name


def _of_integers(gather: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    from onnx import TensorProto, helper

    (x, *indices), (y,) = gather.input, gather.output
    yield helper.make_node("Cast", [x], [f"{y}.of"], to=TensorProto.INT32)
    gather.input[:], gather.output[:] = [f"{y}.of", *indices], [f"{y}.integers"]
    yield gather
    yield helper.make_node("Cast", [f"{y}.integers"], [y], to=TensorProto.BOOL)
