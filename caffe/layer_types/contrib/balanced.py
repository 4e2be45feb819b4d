"""Sigmoid losses in which the rarer of two answers weighs more."""

import math

import torch
import torch.nn.functional as F

from ..base import Shape, item_rows, layer_type
from ..loss import MODES, Loss
from ..target import SigmoidCrossEntropyLoss

LEAST = 1e-8  # of a probability, whose power has no slope at 0


@layer_type("ClassBalancedSigmoidCrossEntropyLoss", "HED, which calls it SigmoidCrossEntropyLoss")
class ClassBalancedSigmoidCrossEntropyLoss(SigmoidCrossEntropyLoss):
    """SigmoidCrossEntropyLoss whose ones weigh the share of zeros, zeros that of ones.

    Xie & Tu 2015, equation 2, the shares of each item; what is neither 0 nor 1 does not count.
    Over the number of items. HED's Caffe has it under the name of Caffe's own loss, so that a file
    cannot tell: give the layer this type.
    """

    bottoms = (2, 2)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, target = bottoms[0], bottoms[1].detach().reshape(bottoms[0].shape)
        weights = _balanced(item_rows(target)).reshape(x.shape)
        return (self.losses(x, target) * weights).sum() / x.shape[0]


def _balanced(target: torch.Tensor) -> torch.Tensor:
    """What each target of a row weighs."""
    ones, zeros = target == 1, target == 0
    share = [part.to(target).sum(1, keepdim=True) for part in (ones, zeros)]
    total = (share[0] + share[1]).clamp(min=1)
    return torch.where(ones, share[1] / total, torch.where(zeros, share[0] / total, 0))


@layer_type("ClassBalancedSigmoidCrossEntropyAttentionLoss", "DOOBNet")
class ClassBalancedSigmoidCrossEntropyAttentionLoss(SigmoidCrossEntropyLoss):
    """SigmoidCrossEntropyLoss, each loss times beta^((1 - p)^gamma), and the share of the other.

    Wang et al. 2018, equation 3; p is the probability of what is right. Ones weigh the share of all
    else in the batch, all else that of ones, both without ignore_label. loss_param as in
    SigmoidCrossEntropyLoss. The gradient is the derivative; that of ones in DOOBNet's code lacks a
    part of it.
    """

    bottoms = (2, 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        beta = self.spec.attention_loss_param.beta
        self.check(beta > 0, f"beta of attention_loss_param must be positive; found {beta:g}")

    def losses(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        param, ones = self.spec.attention_loss_param, target.trunc() == 1
        wrong = torch.sigmoid(torch.where(ones, -x, x)).clamp(min=LEAST)
        share = ones[self.counts(target)].to(x).mean().nan_to_num(0)
        weights = torch.where(ones, 1 - share, share)
        return super().losses(x, target) * weights * param.beta ** wrong.pow(param.gamma)


@layer_type("BalanceCrossEntropyLoss", "several forks")
class BalanceCrossEntropyLoss(Loss):
    """Sigmoid losses of C channels, the j-th for label j + 1; label 0 is none of them.

    Bottoms: scores N x C x H x W, labels N x 1 x H x W. What is right weighs the share of labels 0,
    what is not that of the others, a half each where the batch has not both. loss_param as in
    SigmoidCrossEntropyLoss; VALID counts the labels.
    """

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        scores, labels = shapes
        self.check(
            len(scores) > 1 and math.prod(labels) * scores[1] == math.prod(scores),
            f"needs a label for each place; found shapes {scores} and {labels}",
        )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0].flatten(2) if bottoms[0].dim() > 2 else bottoms[0].unsqueeze(2)
        label = bottoms[1].detach().reshape(x.shape[0], 1, x.shape[2]).trunc()
        loss = self.spec.loss_param
        counts = torch.ones_like(label, dtype=torch.bool)
        if loss.HasField("ignore_label"):
            counts = label != loss.ignore_label
        valid = int(counts.sum())
        none = int((counts & (label == 0)).sum())
        share = none / valid if 0 < none < valid else 0.5
        right = label == torch.arange(1, x.shape[1] + 1, device=x.device)[:, None]
        losses = F.softplus(torch.where(right, -x, x))
        losses = losses * torch.where(right, share, 1 - share) * counts
        outer, inner = x.shape[0], x.shape[2]
        return losses.sum() / self.normaliser(outer, inner, valid, default=MODES.BATCH_SIZE)
