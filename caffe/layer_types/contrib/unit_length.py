"""Items, and channels, of unit length, under the names that forks gave the layer."""

import torch

from ..base import LayerType, Shape, layer_type


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
    square, axes = x.square(), tuple(range(1, x.dim()))
    square = square.sum(axes, keepdim=True) if axes else square  # over no axes is over all
    return x * square.where(square > 0, 1).rsqrt()


@layer_type("Norm", "several forks")
class Norm(LayerType):
    """x over the length of a place's channels, and 1e-6 more."""

    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(len(shapes[0]) > 1, f"needs 2 axes at least; found shape {shapes[0]}")
        return shapes

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        square = x.square().sum(1, keepdim=True)
        length = square.where(square > 0, 1).sqrt().where(square > 0, 0)
        return x / (length + 1e-6)


@layer_type("GRN", "OpenVINO's training toolbox")
class GRN(Norm):
    """x over the square root of `bias` and the sum of the squares of a place's channels."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        return x / (x.square().sum(1, keepdim=True) + self.spec.grn_param.bias).sqrt()
