"""Numbers near 0 and 1 kept as they are where onnxscript simplifies a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir
    import torch

NO_OPS = {"Add": 0, "Sub": 0, "Mul": 1, "Div": 1}


def simplify(program: torch.onnx.ONNXProgram, names: Sequence[str]) -> None:
    """Fold constants and drop what has no effect, in place, as torch.onnx.export does by itself.

    names: of the inputs and then the outputs, which they keep; empty for whatever torch calls them.
    onnxscript takes a scalar within 1e-8 of 0 for 0, and leaves out what adds it: an eps of 1e-10,
    without which a norm of 0 makes NaN. It leaves arrays alone, so such scalars become those.
    """
    from onnxscript import optimizer

    optimizer.inline(program.model)
    optimizer.fold_constants(program.model)  # behind which the scalars are seen
    graph = program.model.graph
    for node in list(graph):
        for value in node.inputs if node.op_type in NO_OPS else ():
            if value is not None and _is_taken_for(value, NO_OPS[node.op_type]):
                _make_array(graph, node, value)
    program.optimize()
    _tell_apart(graph)
    # An output that is an input had taken the input's name along.
    for value, name in zip((*graph.inputs, *graph.outputs), names, strict=False):
        value.name = name


def _tell_apart(graph: onnx_ir.Graph) -> None:
    """Make outputs of their own of those that are an input, or another output.

    A Dropout in TEST gives its bottom: the value would have two names.
    """
    import onnx_ir

    known = {id(value) for value in graph.inputs}
    for i, value in enumerate(graph.outputs):
        if id(value) in known:
            same = onnx_ir.node("Identity", [value])
            same.outputs[0].shape, same.outputs[0].type = value.shape, value.type
            graph.append(same)
            graph.outputs[i] = same.outputs[0]
        known.add(id(value))


def _is_taken_for(value: onnx_ir.Value, number: int) -> bool:
    """Whether it is a scalar as near the number as onnxscript takes for the same, and another."""
    constant = value.const_value
    if constant is None or constant.shape.rank() or not constant.dtype.is_floating_point():
        return False
    found = constant.numpy().item()
    return found != number and math.isclose(found, number, rel_tol=1e-4, abs_tol=1e-7)


def _make_array(graph: onnx_ir.Graph, node: onnx_ir.Node, scalar: onnx_ir.Value) -> None:
    """Give a node an array of one value in place of a scalar; its top keeps its axes."""
    import onnx_ir

    assert scalar.const_value is not None
    values = scalar.const_value.numpy().reshape(1)
    array = onnx_ir.node("Constant", [], {"value": onnx_ir.tensor(values)})
    graph.insert_before(node, array)
    for i, value in enumerate(node.inputs):
        if value is scalar:
            node.replace_input_with(i, array.outputs[0])
    (top,) = node.outputs
    if top.shape is not None and top.shape.rank() == 0:
        axis = onnx_ir.node("Constant", [], {"value": onnx_ir.tensor([0])})
        squeezed = onnx_ir.node("Squeeze", [top, axis.outputs[0]])
        squeezed.outputs[0].shape, squeezed.outputs[0].type = top.shape, top.type
        squeezed.outputs[0].name, top.name = top.name, f"{top.name}.array"
        top.replace_all_uses_with(squeezed.outputs[0], replace_graph_outputs=True)
        squeezed.replace_input_with(0, top)
        top.shape = onnx_ir.Shape([1])
        graph.insert_after(node, [axis, squeezed])
