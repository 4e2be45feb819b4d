"""Losses of how far two maps overlap: DiceLoss, DiceCoefLoss."""

import math

import torch

from ..base import Shape, item_rows, layer_type
from ..loss import Loss
from ..target import Distance

EPS = 1e-6  # of DiceLoss's quotient
SMOOTH = 1.0  # of DiceCoefLoss's


@layer_type("DiceLoss", "several forks")
class DiceLoss(Loss):
    """1 - 2 sum(p t) / sum(p + t) over all values: p the sigmoids of scores, t targets of 0 and 1.

    What loss_param's ignore_label marks among the targets counts for nothing (Milletari et al.
    2016, equation 3, of sums instead of sums of squares).
    """

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            math.prod(shapes[0]) == math.prod(shapes[1]),
            f"needs a target for each score; found shapes {shapes[0]} and {shapes[1]}",
        )
        return super().top_shapes(shapes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        target = bottoms[1].detach().flatten().trunc()
        prob = bottoms[0].flatten().sigmoid()
        if self.spec.loss_param.HasField("ignore_label"):
            counts = target != self.spec.loss_param.ignore_label
            target, prob = target.where(counts, 0), prob.where(counts, 0)
        return 1 - (2 * (prob * target).sum() + EPS) / ((prob + target).sum() + EPS)


@layer_type("DiceCoefLoss", "several forks")
class DiceCoefLoss(Distance):
    """1 - (2 x.y + 1) / (x.x + y.y + 1) of two items, on average."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, y = map(item_rows, bottoms)
        shared = 2 * (x * y).sum(1) + SMOOTH
        return (1 - shared / (x.square().sum(1) + y.square().sum(1) + SMOOTH)).mean()
