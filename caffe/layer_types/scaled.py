"""Products whose weights and bias do the work of the scales and shifts behind them too."""

from collections.abc import Sequence

import torch

from .base import Affine, LayerType, Shape


def scaled(
    layer: LayerType, shape: Shape, params: Sequence[torch.Tensor], others: Sequence[Affine]
) -> list[torch.Tensor]:
    """Weight and bias, in the weight's type, of a product that does the others' work too.

    shape: of its bottom. params: its weight and, if it has one, its bias.
    """
    axis = layer.output_axis(shape)
    assert axis is not None  # it is a product
    count = layer.top_shapes([shape])[0][axis]
    weight, *rest = params
    scale = weight.new_ones(count, dtype=torch.double)
    bias = rest[0].double() if rest else torch.zeros_like(scale)
    for each in others:
        scale, bias = scale * each.scale, bias * each.scale + each.shift
    return [layer.scaled_outputs(weight, scale.to(weight.dtype)), bias.to(weight.dtype)]
