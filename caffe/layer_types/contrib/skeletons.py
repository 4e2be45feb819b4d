"""What DeepSkeleton makes of the scales of skeletons: Quantize, Rescale, and its loss."""

from collections.abc import Sequence

import torch

from ..base import LayerType, Shape, layer_type
from ..loss import SoftmaxWithLoss

FORK = "DeepSkeleton"
BOUNDS = (1, 12, 36, 80, 200)  # what a scale's class begins with; the last bound ends the last one
LEAST = 1e-4  # of a scale


@layer_type("Quantize", FORK)
class Quantize(LayerType):
    """The class of each scale: 1 to 4 from 1, 12, 36 and 80 on; 0 below 1, and from 200 on."""

    diff_bottoms = staticmethod(lambda index: False)
    pointwise = True
    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0].detach()
        passed = torch.stack([x >= bound for bound in BOUNDS[:-1]]).sum(0)
        return passed.to(x.dtype).where(x < BOUNDS[-1], 0)


@layer_type("Rescale", FORK)
class Rescale(LayerType):
    """2 x / rf - 1 of scales below rf, 0 of others; second top: 1 where it is a scale, else 0.

    What is at most 0.0001 away from 0 is none.
    """

    tops = (1, 2)
    diff_bottoms = staticmethod(lambda index: False)
    pointwise = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        rf = self.spec.rescale_param.rf
        self.check(rf > 0, f"needs rf above 0 in rescale_param; found {rf:g}")

    def expression(
        self, bottoms: list[torch.Tensor], params: list[torch.Tensor]
    ) -> list[torch.Tensor]:
        x, rf = bottoms[0].detach(), self.spec.rescale_param.rf
        known = (x < rf) & (x.abs() > LEAST)
        return [(2 * x / rf - 1).where(known, 0), known.to(x.dtype)][: len(self.spec.top)]


@layer_type("ClassBalancedSoftmaxWithLoss", f"{FORK}, which calls it SoftmaxWithLoss")
class ClassBalancedSoftmaxWithLoss(SoftmaxWithLoss):
    """SoftmaxWithLoss whose label 0 weighs the share of the others, and they that of label 0.

    The shares are the batch's. A label that is no class is 0. The gradient is the derivative; that
    of a batch of several items in DeepSkeleton's code has other shares. Its Caffe has the loss
    under the name of Caffe's own, so that a file cannot tell: give the layer this type.
    """

    bottoms = (2, 2)
    tops = (1, 2)

    def labels(self, label: torch.Tensor, classes: int) -> torch.Tensor:
        known, ignored = label.trunc() < classes, self.ignored()
        if ignored is not None:
            known |= label.trunc() == ignored
        return super().labels(label.where(known, 0), classes)

    def losses(
        self, log_prob: torch.Tensor, target: torch.Tensor, more: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        ignored = self.ignored()
        counts = target.ge(0) if ignored is None else target.ne(ignored)
        none = target == 0
        share = (counts & none).sum() / counts.sum().clamp(min=1)
        weights = torch.where(none, 1 - share, share)
        return super().losses(log_prob, target, more) * weights
