"""Losses of how far two maps overlap: DiceLoss, DiceCoefLoss, VolumeDiceLoss."""

import math

import torch

from ..base import Shape, item_rows, layer_type
from ..loss import Loss, with_gradient
from ..target import Distance

EPS = 1e-6  # of DiceLoss's quotient
SMOOTH = 1.0  # of DiceCoefLoss's
VOLUME_EPS = 1e-5  # of VolumeDiceLoss's


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


@layer_type("VolumeDiceLoss", "V-Net")
class VolumeDiceLoss(Loss):
    """Dice's coefficient of volumes, summed over the items: the gradient makes it larger.

    Bottoms: the probabilities of background and object, N x 2 x M, and a mask N x 1 x M. What is
    more probably object counts as it; the gradient by the object's probability p is
    -2 (t / u - 2 p s / u^2), s the object's pixels that both have, u those of the one and of the
    other, and that by the background's the opposite.
    """

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        super().top_shapes(shapes)
        scores, mask = shapes
        self.check(
            len(scores) > 1 and scores[1] == 2 and math.prod(scores) == 2 * math.prod(mask),
            f"needs two probabilities for each value of a mask; found shapes {scores} and {mask}",
        )
        return [(1,)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0].reshape(len(bottoms[0]), 2, -1)
        mask = (bottoms[1].detach() > 0.5).reshape(len(x), -1).to(x.dtype)
        found = x.detach().argmax(1).to(x.dtype)
        shared = (found * mask).sum(1, keepdim=True)
        both = (found + mask).sum(1, keepdim=True)
        value = (2 * shared / (both + VOLUME_EPS)).sum()
        pixels = both.clamp(min=1)
        slope = 2 * (mask / pixels - 2 * x.detach()[:, 1] * shared / pixels**2)
        slopes = torch.stack([slope, -slope], 1)
        return (value + with_gradient(torch.zeros_like(x), x, slopes).sum()).reshape(1)
