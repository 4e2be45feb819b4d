"""SSDH's losses for codes of 0 and 1: K1_EuclideanLoss and K2_EuclideanLoss."""

import torch

from ..base import Shape, layer_type
from ..loss import Loss


class Code(Loss):
    """Two bottoms, the code twice; the second one counts for nothing (Yang et al. 2018)."""

    diff_bottoms = staticmethod(lambda index: index == 0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(shapes[0][1:] == shapes[1][1:], f"needs bottoms of one shape; found {shapes}")
        return super().top_shapes(shapes)


@layer_type("K1_EuclideanLoss", "SSDH")
class FarFromTheMiddle(Code):
    """Minus half of the mean square of what a code's values are away from 0.5, over N."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return -(bottoms[0] - 0.5).square().mean() / (2 * len(bottoms[0]))


@layer_type("K2_EuclideanLoss", "SSDH")
class HalfOfThem(Code):
    """Half of the square of what the mean of all values is away from 0.5, over N."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return (bottoms[0].mean() - 0.5).square() / (2 * len(bottoms[0]))
