"""Online hard example mining of R-FCN: losses of each region, and the regions that count."""

import torch

from ..base import LayerType, Shape, Tensors, layer_type
from ..loss import SoftmaxWithLoss
from .losses import SmoothL1Loss


@layer_type("SmoothL1LossOHEM", "R-FCN")
class SmoothL1LossOHEM(SmoothL1Loss):
    """As SmoothL1Loss, normalised as loss_param says."""

    def divisor(self, losses: torch.Tensor) -> float:
        outer = losses.shape[0]
        return self.normaliser(outer, losses[0, 0].numel(), losses.numel() // losses.shape[1])


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
        self.check(
            len(regions) > 1 and regions[1] == 5 and losses[0] == labels[0] == weights[0],
            f"needs regions R x 5 and a loss, a label and weights for each; found {shapes}",
        )
        return [labels, weights]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        regions, losses, labels, weights = (bottom.detach() for bottom in bottoms)
        param = self.spec.box_annotator_ohem_param
        images = regions[:, 0].flatten()  # each place of a region has its own
        chosen = torch.zeros_like(images, dtype=torch.bool)
        for image in images.unique():
            mine = (images == image).nonzero()[:, 0]
            hardest = losses.flatten()[mine].sort(descending=True, stable=True).indices
            chosen[mine[hardest[: param.roi_per_img]]] = True
        kept = chosen.reshape(labels.shape)
        other = torch.full_like(labels, param.ignore_label)
        each = chosen.reshape(weights.shape[0], 1, *weights.shape[2:])
        return [torch.where(kept, labels, other), weights * each]
