"""Online hard example mining of R-FCN: losses of each region, and the regions that count."""

import torch

from ..base import LayerType, Shape, Tensors, layer_type
from ..loss import SoftmaxWithLoss
from .losses import SmoothL1Loss


@layer_type("SmoothL1LossOHEM", "R-FCN")
class SmoothL1LossOHEM(SmoothL1Loss):
    """As SmoothL1Loss, normalised as loss_param says; second top: each region's, N x 1 x H x W."""

    tops = (1, 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        each = (shapes[0][0], 1, *shapes[0][2:])
        return [*super().top_shapes(shapes), each][: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        losses = self.losses(bottoms)
        outer, inner = losses.shape[0], losses[0, 0].numel()
        loss = losses.sum() / self.normaliser(outer, inner, outer * inner)
        return [loss, losses.detach().sum(1, keepdim=True)][: len(self.spec.top)]


@layer_type("SoftmaxWithLossOHEM", "R-FCN")
class SoftmaxWithLossOHEM(SoftmaxWithLoss):
    """As SoftmaxWithLoss; third top: the loss of each label, in the shape of the labels."""

    bottoms = (2, 2)
    tops = (1, 3)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return [*super().top_shapes(shapes), shapes[1]][: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, label = bottoms
        outer, classes, inner = self.check_labels(tuple(x.shape), tuple(label.shape))
        log_prob = torch.log_softmax(x, self.class_axis())
        target = self.labels(label, classes).reshape(outer, inner)
        losses = self.losses(log_prob.reshape(outer, classes, inner), target, [])
        loss = losses.sum() / self.normaliser(outer, inner, self.counted(target, []))
        tops = [loss, log_prob.detach().exp(), losses.detach().reshape(label.shape)]
        return tops[: len(self.spec.top)]


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
