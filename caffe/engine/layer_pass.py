"""One layer's passes in a training step: where they can, they work in place and form no gradient.

Values are those of the layer's own passes, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from ..core.precision import current_precision
from ..graph.build import Graph
from ..layer_types import LayerType
from .layerwise import Layerwise

Update = Callable[[int], None]  # of the parameter at this place in Graph.params
# The same by the layer's add_weight_gradient, from its bottom and its top's diff
Fused = Callable[[int, LayerType, torch.Tensor, torch.Tensor], None]


def forward(layerwise: Layerwise, i: int) -> float:
    """Layer i's forward pass; returns what it adds to the loss."""
    if not is_in_place(layerwise.graph, i):
        return layerwise.forward_layer(i)
    (blob,) = layerwise.graph.top(i)
    blob._data.own(blob.shape).relu_()
    return 0.0


def backward(
    layerwise: Layerwise, i: int, places: list[int], update: Update, fused: Fused | None
) -> None:
    """Layer i's backward pass and its parameters' updates; places: theirs in Graph.params."""
    layer = layerwise.graph.layers[i]
    if is_in_place(layerwise.graph, i):
        (blob,) = layerwise.graph.top(i)
        diff = blob._diff.own(blob.shape)
        grad_input = torch.ops.aten.threshold_backward.grad_input
        grad_input(diff, blob.data_tensor(), 0, grad_input=diff)
    elif fused and layer.param_propagate_down[:1] == [True] and adds_gradient(layerwise.graph, i):
        layer.param_propagate_down[0] = False
        try:
            layerwise.backward_layer(i)
        finally:
            layer.param_propagate_down[0] = True
        (bottom,), (top,) = layerwise.graph.bottom(i), layerwise.graph.top(i)
        fused(places.pop(0), layer, bottom.data_tensor(), top.diff_tensor())
    else:
        layerwise.backward_layer(i)
    for place in places:
        update(place)


def is_in_place(graph: Graph, i: int) -> bool:
    """Whether this is the ReLU of a Convolution, which needs its top for nothing later."""
    layer, before = graph.layers[i], graph.layers[max(i - 1, 0)]
    return (
        layer.is_relu
        and layer.need_backward
        and graph.bottoms[i] == graph.tops[i] == graph.tops[i - 1]
        and before.matrix_product
        and not before.transposed
        and not any(graph.loss_weights[i])
        and current_precision() != "bf16"
    )


def adds_gradient(graph: Graph, i: int) -> bool:
    """Whether layer i's weights are better updated without forming their gradient."""
    layer = graph.layers[i]
    shapes = [blob.shape for blob in graph.bottom(i)]
    return layer.need_backward and layer.adds_weight_gradient(shapes)
