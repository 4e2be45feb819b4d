"""LiftedStructSimilaritySoftmaxLoss."""

import math

import torch

from ..base import Shape, item_rows, layer_type
from ..loss import Loss

NEVER = -1e30  # an exponent that adds nothing; -inf would have no gradient


@layer_type("LiftedStructSimilaritySoftmaxLoss", "lifted structured embedding")
class LiftedStructSimilaritySoftmaxLoss(Loss):
    """Items N x C and their labels (Song et al. 2016, equation 4).

    Of each pair of one label its distance, plus the logarithm of the summed exponentials of
    `margin` minus the distance from either to all items of other labels; squared where it is
    positive, and averaged over the pairs, halved.
    """

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        self.check(
            math.prod(shapes[1]) == shapes[0][0],
            f"needs a label for each of {shapes[0][0]} items; found shape {shapes[1]}",
        )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        items, labels = item_rows(bottoms[0]), bottoms[1].detach().flatten()
        margin = self.spec.lifted_struct_sim_softmax_loss_param.margin
        squares = (items[:, None] - items).square().sum(2)
        distance = squares.clamp(min=1e-12).sqrt()  # below that there is no gradient
        same = labels[:, None] == labels
        far = (margin - distance).masked_fill(same, NEVER).logsumexp(1)
        first, second = torch.triu(same, 1).nonzero(as_tuple=True)
        others = torch.logaddexp(far[first], far[second])
        losses = (others + distance[first, second]).relu().square()
        return losses.sum() / (2 * max(1, len(first)))
