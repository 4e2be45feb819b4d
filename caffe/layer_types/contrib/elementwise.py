"""Layer types that act elementwise: ReLU6, Axpy."""

import math

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, layer_type


@layer_type("ReLU6", "MobileNet")
class ReLU6(LayerType):
    """min(max(x, 0), 6); its gradient at 0 and 6 is 0."""

    pointwise = True
    reads_values = False
    gradient_of_bottom = True

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.hardtanh(bottoms[0], 0, 6)


@layer_type("Axpy", "SENet")
class Axpy(LayerType):
    """a * x + y: bottoms a, one value a channel N x C (x 1 x 1), x and y of N x C x H x W."""

    bottoms = (3, 3)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scale, x, y = shapes
        self.check(
            x == y and scale[:2] == x[:2] and math.prod(scale[2:]) == 1,
            f"needs bottoms N x C (x 1 x 1), and two of N x C x H x W; found {scale}, {x} and {y}",
        )
        return [x]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        scale, x, y = bottoms
        return scale.reshape(*x.shape[:2], *(1,) * (x.dim() - 2)) * x + y
