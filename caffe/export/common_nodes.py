"""Nodes in the spelling that every runtime takes, of those with which ONNX says the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx


def respell(model: onnx.ModelProto) -> None:
    """Write a model's nodes, in place, as OpenCV 5.0 reads them too.

    It takes no ConstantOfShape without a value, which ONNX has as float32's zero, and no Clip of
    integers, which is a Max and a Min.
    """
    graph = model.graph
    values = (*graph.input, *graph.value_info, *graph.output)
    types = {each.name: each.type.tensor_type.elem_type for each in values}
    types |= {each.name: each.data_type for each in graph.initializer}
    nodes = [new for node in graph.node for new in _respelt(node, types)]
    graph.ClearField("node")
    graph.node.extend(nodes)


def _respelt(node: onnx.NodeProto, types: dict[str, int]) -> Iterator[onnx.NodeProto]:
    from onnx import TensorProto, helper, numpy_helper

    if node.op_type == "ConstantOfShape" and not node.attribute:
        zero = numpy_helper.from_array(np.zeros(1, np.float32))
        node.attribute.append(helper.make_attribute("value", zero))
    integers = TensorProto.INT32, TensorProto.INT64
    x, *limits = node.input or [""]
    bounds = [each for each in zip(("Max", "Min"), limits, strict=False) if each[1]]
    if node.op_type != "Clip" or types.get(x) not in integers or not bounds:
        yield node
        return
    names = [f"{node.output[0]}.{kind}" for kind, _ in bounds[:-1]] + [node.output[0]]
    for (kind, limit), name in zip(bounds, names, strict=True):
        yield helper.make_node(kind, [x, limit], [name])
        x = name
