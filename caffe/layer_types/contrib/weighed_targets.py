"""Losses on targets that weigh them: WeightedEuclideanLoss, and sigmoid losses."""

import math

import torch
import torch.nn.functional as F

from ..base import Shape, item_rows, layer_type
from ..loss import Loss
from ..target import Distance


def check_weights(layer: Loss, shapes: list[Shape]) -> None:
    """Raise CaffeError unless bottom 2 has a value for each of bottom 0."""
    layer.check(
        math.prod(shapes[2]) == math.prod(shapes[0]),
        f"needs a weight for each value; found shapes {shapes[0]} and {shapes[2]}",
    )


@layer_type("WeightedEuclideanLoss", "several forks")
class WeightedEuclideanLoss(Distance):
    """Half the squared distance of an item to its target, on average, each value's by bottom 2."""

    bottoms = (3, 3)
    diff_bottoms = staticmethod(lambda index: index < 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        check_weights(self, shapes)
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, target, weight = (bottom.reshape(bottoms[0].shape) for bottom in bottoms)
        return ((x - target).square() * weight.detach()).sum() / x.shape[0] / 2


class TargetOfEach(Loss):
    """A loss of values and as many targets, in whatever shape."""

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        self.check(
            math.prod(shapes[0]) == math.prod(shapes[1]),
            f"needs a target for each value; found shapes {shapes[0]} and {shapes[1]}",
        )
        return tops


@layer_type("NormalizedSigmoidCrossEntropyLoss", "several forks")
class NormalizedSigmoidCrossEntropyLoss(TargetOfEach):
    """As SigmoidCrossEntropyLoss; of each value of an item the items above 0.5 weigh half.

    Of one value, the mean of the losses with targets above 0.5 and that of the others are added,
    half of each; all values' are summed.
    """

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = item_rows(bottoms[0])
        target = bottoms[1].detach().reshape(x.shape)
        losses = F.binary_cross_entropy_with_logits(x, target, reduction="none")
        positive = target > 0.5
        count = positive.sum(0)
        weight = torch.where(positive, count, len(x) - count)
        return (losses / (2 * weight)).sum()


@layer_type("SigmoidCrossEntropyLossWeighted", "MR-CNN and LocNet")
@layer_type("WeightedSigmoidCrossEntropyLoss", "several forks")
class WeightedSigmoidCrossEntropyLoss(TargetOfEach):
    """As SigmoidCrossEntropyLoss without loss_param, each value's loss times bottom 2.

    In one fork's last version ones weigh 2 w and zeros 2 (1 - w) instead, which a prototxt does not
    tell.
    """

    bottoms = (2, 3)
    diff_bottoms = staticmethod(lambda index: index == 0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(shapes) == 3,
            "needs weights as bottom 2. Of forks that give it two bottoms each weighs targets in "
            "another way: write a NormalizedSigmoidCrossEntropyLoss or a "
            "ClassBalancedSigmoidCrossEntropyLoss, or make the weights",
        )
        tops = super().top_shapes(shapes)
        check_weights(self, shapes)
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0]
        target, weight = (bottom.detach().reshape(x.shape) for bottom in bottoms[1:])
        losses = F.binary_cross_entropy_with_logits(x, target, reduction="none")
        return (losses * weight).sum() / x.shape[0]
