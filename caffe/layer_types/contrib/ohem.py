"""Online hard example mining of R-FCN: losses of each region, and the regions that count."""

import math

import torch

from ..base import LayerType, Shape, Tensors, layer_type
from ..loss import SoftmaxWithLoss
from .losses import SmoothL1Loss


@layer_type("SmoothL1LossOHEM", "R-FCN")
class SmoothL1LossOHEM(SmoothL1Loss):
    """As SmoothL1Loss, normalised as loss_param says."""

    def divisor(self, losses: torch.Tensor) -> float:
        outer, inner = losses.shape[0], math.prod(losses.shape[2:])
        return self.normaliser(outer, inner, outer * inner)


@layer_type("SoftmaxWithLossOHEM", "R-FCN")
class SoftmaxWithLossOHEM(SoftmaxWithLoss):
    """As SoftmaxWithLoss without weights; third top: the loss of each label."""

    bottoms = (2, 2)


@layer_type("BoxAnnotatorOHEM", "R-FCN")
class BoxAnnotatorOHEM(LayerType):
    """Of each image the roi_per_img regions with the largest loss (Shrivastava et al. 2016).

    Bottoms: regions R x 5, the image's number first, and of each its loss, its label, and the
    weights of its box's loss. Tops: the labels, ignore_label for the other regions, and the
    weights, 0 for these. Of equal losses the first region comes first.
    """

    bottoms = (4, 4)
    tops = (2, 2)
    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.box_annotator_ohem_param
        self.check(param.roi_per_img > 0, "roi_per_img must be positive; found 0")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        regions, losses, labels, weights = shapes
        count = math.prod(regions[:1] + regions[2:])  # each place of a region has its own
        self.check(
            regions[1:2] == (5,)
            and math.prod(losses) == math.prod(labels) == count
            and len(weights) > 1
            and math.prod(weights[:1] + weights[2:]) == count,
            f"needs regions R x 5, a loss and a label for each, and weights R x C; found {shapes}",
        )
        return [labels, weights]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        regions, losses, labels, weights = (bottom.detach() for bottom in bottoms)
        param = self.spec.box_annotator_ohem_param
        images = regions[:, 0].flatten()
        chosen = torch.zeros_like(images, dtype=torch.bool)
        for image in images.unique():
            mine = (images == image).nonzero()[:, 0]
            hardest = losses.flatten()[mine].sort(descending=True, stable=True).indices
            chosen[mine[hardest[: param.roi_per_img]]] = True
        kept = chosen.reshape(labels.shape)
        other = torch.full_like(labels, param.ignore_label)
        each = chosen.reshape(weights.shape[0], 1, *weights.shape[2:])
        return [torch.where(kept, labels, other), weights * each]
