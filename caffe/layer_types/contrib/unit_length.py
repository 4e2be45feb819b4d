"""Items of unit length, under the names that forks gave the layer."""

import torch

from ..base import LayerType, layer_type


@layer_type("L2Normalization", "several forks")
@layer_type("L2Normalize", "C3D and others")
@layer_type("L2Norm", "several forks")
@layer_type("Normalization", "several forks")
class UnitLength(LayerType):
    """Each item over its L2 norm; an item of zeros stays so."""

    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return unit_length(bottoms[0])


def unit_length(x: torch.Tensor) -> torch.Tensor:
    square = x.square().sum(tuple(range(1, x.dim())), keepdim=True)
    return x * square.where(square > 0, 1).rsqrt()
