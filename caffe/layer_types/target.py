"""The losses on targets: EuclideanLoss, ContrastiveLoss, SigmoidCrossEntropyLoss."""

import math

import torch
import torch.nn.functional as F

from ..core.strict import is_strict
from ..proto import caffe_pb2
from .base import Shape, layer_type
from .loss import Loss, with_gradient


class Distance(Loss):
    """A loss of two bottoms whose items are of one size; both get a gradient."""

    diff_bottoms = staticmethod(lambda index: True)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        self.check(
            math.prod(shapes[0][1:]) == math.prod(shapes[1][1:]),
            f"items of both bottoms must have one size: '{self.spec.bottom[0]}' is {shapes[0]}, "
            f"'{self.spec.bottom[1]}' is {shapes[1]}",
        )
        return tops


@layer_type("EuclideanLoss")
class EuclideanLoss(Distance):
    """Half the squared distance of an item to its target, on average (euclidean_loss_layer.cpp)."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, target = bottoms
        return (x - target.reshape(x.shape)).square().sum() / x.shape[0] / 2


@layer_type("ContrastiveLoss")
class ContrastiveLoss(Loss):
    """Draws similar pairs together, others apart up to `margin` (contrastive_loss_layer.cpp).

    Bottoms: two of N x C (x 1 x 1), and N values that are 0 for a dissimilar pair. happynear's: two
    times N labels instead, which are equal for a similar pair, and the legacy version always.
    """

    bottoms = (3, 4)
    diff_bottoms = staticmethod(lambda index: index < 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        self.check(not is_strict() or len(shapes) == 3, "takes 3 bottom blob(s); found 4")
        for name, shape, length in zip(self.spec.bottom, shapes, (2, 2, 1, 1), strict=False):
            self.check(
                len(shape) <= 4 and all(size == 1 for size in shape[length:]),
                f"'{name}' must be {'N x C x 1 x 1' if length == 2 else 'N x 1 x 1 x 1'} "
                f"(axes of 1 may be left out); found shape {shape}",
            )
        self.check(
            math.prod(shapes[0]) == math.prod(shapes[1]),
            f"bottoms 0 and 1 need as many channels: found shapes {shapes[0]} and {shapes[1]}",
        )
        for name, shape in zip(self.spec.bottom[2:], shapes[2:], strict=True):
            self.check(
                shape[:1] == shapes[0][:1],
                f"needs one value in '{name}' for each of {shapes[0][0]} pairs; found "
                f"shape {shape}",
            )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param = self.spec.contrastive_loss_param
        a, b = (x.reshape(x.shape[0], math.prod(x.shape[1:])) for x in bottoms[:2])
        marks = [mark.detach().flatten().trunc() for mark in bottoms[2:]]
        similar = marks[0] == marks[1] if len(marks) == 2 else marks[0] != 0
        square = (a - b).square().sum(1)
        fixed = square.detach()
        if param.legacy_version or len(marks) == 2:
            apart = (param.margin - fixed).clamp(min=0)
            slope = -(apart > 0).to(fixed.dtype)
        else:
            distance = fixed.sqrt()
            apart = (param.margin - distance).clamp(min=0)
            slope = -apart / (distance + 1e-4)  # Caffe's way round a distance of 0
            apart = apart.square()
        losses = with_gradient(fixed.where(similar, apart), square, slope.masked_fill(similar, 1))
        return losses.sum() / a.shape[0] / 2


@layer_type("SigmoidCrossEntropyLoss")
class SigmoidCrossEntropyLoss(Loss):
    """-t log s(x) - (1 - t) log(1 - s(x)), summed (sigmoid_cross_entropy_loss_layer.cpp).

    Normalised by BATCH_SIZE where loss_param does not say otherwise. Bottom 2 (MNC) weighs each
    value, and the sum is divided by that of the weights; 0 where that is 0.
    """

    bottoms = (2, 3)
    diff_bottoms = staticmethod(lambda index: index == 0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        self.check(
            not (is_strict() and len(shapes) == 3), f"takes 2 bottom blob(s); found {len(shapes)}"
        )
        self.check(
            len(shapes) < 3 or math.prod(shapes[2]) == math.prod(shapes[0]),
            f"needs a weight for each value; found shapes {shapes}",
        )
        self.check(
            math.prod(shapes[0]) == math.prod(shapes[1]),
            f"needs one target for each value: '{self.spec.bottom[0]}' is {shapes[0]}, "
            f"'{self.spec.bottom[1]}' is {shapes[1]}",
        )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, target = bottoms[0], bottoms[1].detach().reshape(bottoms[0].shape)
        losses = self.losses(x, target)
        if len(bottoms) == 3:
            weights = bottoms[2].detach().reshape(x.shape)
            total = weights.sum()
            return (losses * weights).sum() / total.where(total > 0, math.inf)
        outer, inner = x.shape[0], math.prod(x.shape[1:])
        valid = outer * inner
        if self.spec.loss_param.HasField("ignore_label"):
            counts = self.counts(target)
            losses, valid = losses.where(counts, 0), int(counts.sum())
        mode = caffe_pb2.LossParameter.BATCH_SIZE
        return losses.sum() / self.normaliser(outer, inner, valid, default=mode)

    def losses(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of each value, whether it counts or not."""
        return F.binary_cross_entropy_with_logits(x, target, reduction="none")

    def counts(self, target: torch.Tensor) -> torch.Tensor:
        """Which targets are not ignored."""
        loss = self.spec.loss_param
        if not loss.HasField("ignore_label"):
            return torch.ones_like(target, dtype=torch.bool)
        return target.trunc() != loss.ignore_label
