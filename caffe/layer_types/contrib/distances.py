"""Distances from items to classes, and losses of them: NormFace's, and SphereFace+'s InterClass."""

import math

import torch

from ...core.blob import Blob
from ...proto import caffe_pb2
from .. import exporting
from ..base import Shape, Tensors, item_rows, layer_type
from ..loss import Loss, with_gradient
from ..weights import InnerProduct, unit_rows
from .losses import unweighed
from .margins import Margin

InterClassParam = caffe_pb2.InterClassParameter


@layer_type("InnerDistance", "NormFace")
class InnerDistance(InnerProduct):
    """The distance of each item to each row of the weights, in place of their product.

    distance_type: L2, the sum of squared differences, or L1, of their absolute values. All else is
    as in InnerProduct, weights that are a bottom too. The settings are in inner_distance_param, or
    without one in inner_product_param.
    """

    matrix_product = False
    gradient_of_bottom = False

    def setup_from(self, shapes: list[Shape]) -> None:
        if self.spec.HasField("inner_distance_param"):
            given = self.spec.inner_distance_param
            product = self.spec.inner_product_param
            product.Clear()
            for field, value in given.ListFields():
                if field.message_type:
                    getattr(product, field.name).CopyFrom(value)
                else:
                    setattr(product, field.name, value)
        ip = self.spec.inner_product_param
        if len(shapes) == 1 and not ip.HasField("bias_filler"):
            ip.bias_term = ip.bias_term and ip.HasField("bias_term")
        elif len(shapes) == 2:
            ip.bias_term = False
        kind = ip.distance_type
        self.check(kind in ("L1", "L2"), f"distance_type is L1 or L2; found {kind}")
        super().setup_from(shapes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        ip = self.spec.inner_product_param
        axis = self.axis(ip.axis, tuple(bottoms[0].shape))
        x, (weight, *bias) = bottoms[0].flatten(axis), bottoms[1:] or params
        weight = item_rows(weight)
        weight = weight.t() if ip.transpose else weight
        if ip.normalize:
            weight = unit_rows(weight, self.updates_params)
        if exporting.is_traced():
            apart = x.unsqueeze(-2) - weight
            top = apart.square().sum(-1) if ip.distance_type == "L2" else apart.abs().sum(-1)
        else:  # whose differences, items x classes x inputs, would be large
            top = _distances(x.reshape(-1, weight.shape[1]), weight, ip.distance_type)
            top = top.reshape(*x.shape[:-1], len(weight))
        return top + bias[0].flatten() if bias else top

    def output_axis(self, shape: Shape) -> int | None:
        return None

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        return 0


def _distances(x: torch.Tensor, rows: torch.Tensor, kind: str) -> torch.Tensor:
    """Of N x K to C x K: N x C, of differences, which products would have no digits of."""
    if kind == "L1":
        return torch.cdist(x, rows, 1)
    return torch.cdist(x, rows, compute_mode="donot_use_mm_for_euclid_dist").square()


class DistanceLoss(Margin, Loss):
    """A loss of distances to classes N x C and labels N; second top: two mean distances.

    Bottom 2, if given, weighs each item's gradient.
    """

    bottoms = (2, 3)

    def setup_from(self, shapes: list[Shape]) -> None:
        """There is nothing to set up."""

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_item_labels(shapes)
        self.check(
            len(shapes) < 3 or math.prod(shapes[2]) == shapes[0][0],
            f"needs a weight for each of {shapes[0][0]} items; found shape {shapes[-1]}",
        )
        return [(), (2,)][: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        distances = item_rows(bottoms[0])
        labels = self.labels(bottoms[1], distances.shape[1]).reshape(-1, 1)
        own = torch.zeros_like(distances, dtype=torch.bool).scatter(1, labels, True)
        now = distances.detach()
        value, slope, means = self.loss_of(now, own)
        if len(bottoms) == 3:
            slope = slope * self.shares(bottoms[2].detach()).reshape(-1, 1)
        count = len(now)
        loss = with_gradient(value / count, distances, slope / count)
        loss = loss.sum() if loss.dim() else loss
        return [loss, torch.stack(means) / count][: len(self.spec.top)]

    def loss_of(
        self, distances: torch.Tensor, own: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """Losses and slopes by the distances (N, C) whose own classes' are marked.

        Then the sums of own distances, and of the mean of the others.
        """
        raise NotImplementedError

    def shares(self, weights: torch.Tensor) -> torch.Tensor:
        """What the items' gradients are multiplied by."""
        return weights


@layer_type("GeneralContrastiveLoss", "NormFace")
class GeneralContrastiveLoss(DistanceLoss):
    """Draws items to their class, beyond positive_margin, and from others within negative_margin.

    Wang et al. 2017, equation 12, of distances as they are. An own distance counts up to
    positive_outlier_thresh; with max_negative_only the nearest other class, and of all items the
    first one's own distance. normalize_negative: what the gradients of the others weigh at most.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.general_contrastive_loss_param
        for name in ("exp_negative_weight", "square", "max_positive_only", "add_intra_mae"):
            self.check(not getattr(param, name), f"{name} is not here; leave it out")

    def shares(self, weights: torch.Tensor) -> torch.Tensor:
        return weights / weights.mean()

    def loss_of(
        self, distances: torch.Tensor, own: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        param = self.spec.general_contrastive_loss_param
        beyond = (distances - param.positive_margin).clamp(0, param.positive_outlier_thresh)
        within = (param.negative_margin - distances).clamp(min=0)
        draws = (distances > param.positive_margin) & (distances < param.positive_outlier_thresh)
        losses = torch.where(own, beyond * param.positive_weight, within * param.negative_weight)
        counted = torch.ones_like(own)
        if param.max_negative_only:
            nearest = losses.masked_fill(own, 0).argmax(1, keepdim=True)
            nearest_only = torch.zeros_like(own).scatter(1, nearest, True)
            of_own = losses.where(own, 0).sum(1)
            first = torch.arange(len(own), device=own.device) == of_own.argmin()
            counted = torch.where(own, first[:, None], nearest_only)
        others = -param.negative_weight * (within > 0).to(distances.dtype)
        if param.max_negative_only:
            others = others * (own | nearest_only)
        others = others.masked_fill(own, 0)
        if param.HasField("normalize_negative"):
            weight = others.sum().abs() / param.normalize_negative / len(own)
            others = torch.where(weight > param.positive_weight, others / weight, others)
        slope = torch.where(own, draws * param.positive_weight, others)
        means = [beyond[own].sum(), within[~own].sum() / max(1, own.shape[1] - 1)]
        return (losses * counted).abs(), slope, means


@layer_type("GeneralTripletLoss", "NormFace")
class GeneralTripletLoss(DistanceLoss):
    """How far the own class is not nearer than each other class by `margin`, or than the nearest.

    Wang et al. 2017, equation 13. On the way back the own distance counts once, however many
    classes are too near; with add_center_loss it does where none is. With hardest_only the class
    that is too near by most has a gradient, or else class 0.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.general_triplet_loss_param
        for name in ("positive_first", "positive_upper_bound"):
            self.check(not getattr(param, name), f"{name} is not here; leave it out")

    def loss_of(
        self, distances: torch.Tensor, own: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        param = self.spec.general_triplet_loss_param
        same = distances[own][:, None]
        losses = (same + param.margin - distances).clamp(min=0) * param.negative_weight
        losses = losses.masked_fill(own, 0)
        near = (same + param.margin > distances) & ~own
        if param.hardest_only:
            hardest = losses.argmax(1, keepdim=True)
            near = torch.zeros_like(own).scatter(1, hardest, True)
            losses = losses * near
        draws = param.add_center_loss | near.any(1, keepdim=True)
        slope = torch.where(own, draws * param.positive_weight, near * -param.negative_weight).to(
            distances.dtype
        )
        others = distances.masked_fill(own, 0).sum() / max(1, own.shape[1] - 1)
        return losses.abs(), slope, [same.sum(), others]


@layer_type("InterClass", "SphereFace+")
class InterClass(Margin, Loss):
    """How far apart the rows of a classifier's weights are, those of the labels' classes.

    Liu et al. 2018, section 3. Top: MEAN, 1 - the mean product of the labels' rows with the mean of
    all rows (of unit length with normalize); AMONG, the sum of squared distances between the
    labels' rows and all, over num_output. Second top: alpha, what the gradient is multiplied by,
    whatever the loss weighs: alpha_start_value from pass alpha_start_iter on, alpha_step more at
    each alpha_stepvalue. The parameter is shared with the classifier's. As in the fork, MEAN's
    gradient is alpha over the number of items times the mean row, and AMONG's is -4 alpha times the
    row's difference from the mean, over the number of items and the squared top.
    """

    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.inter_class_param
        self.check(param.num_output > 0, f"num_output must be positive; found {param.num_output}")
        self.iteration = param.iteration
        axis = self.axis(param.axis, shapes[0])
        self.add_param((param.num_output, math.prod(shapes[0][axis:])), param.weight_filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        axis = self.axis(self.spec.inter_class_param.axis, shapes[0])
        self.check_labels((math.prod(shapes[0][:axis]), self.blobs[0].shape[0]), shapes[1])
        return [(), (1,)][: len(self.spec.top)]

    def alpha(self) -> float:
        param = self.spec.inter_class_param
        if not param.iteration < param.alpha_start_iter <= self.iteration:
            return 0.0
        steps = sum(at <= self.iteration for at in param.alpha_stepvalue)
        return param.alpha_start_value + steps * param.alpha_step

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.iteration += 1
        super().forward(bottom, top)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        (rows,), param, alpha = params, self.spec.inter_class_param, self.alpha()
        now = rows.detach()
        labels = self.labels(bottoms[1], len(now)).flatten()
        mean = now.mean(0)
        if param.normalize:
            mean = mean / (mean.square().sum() + 1e-5).sqrt()
        if param.type == InterClassParam.MEAN:
            value = 1 - (now[labels] @ mean).mean()
            each = (alpha / len(labels) * mean).expand(len(labels), -1)
        else:
            squares = now.square().sum(1)
            apart = squares.sum() * len(labels) + squares[labels].sum() * len(now)
            value = (apart - 2 * (now.sum(0) @ now[labels].sum(0))) / len(now)
            each = -4 * alpha / (len(labels) * value.square() + 1e-5) * (now[labels] - mean)
        gradient = torch.zeros_like(now).index_add(0, labels, each)
        top = value + unweighed(rows, gradient)
        return [top, top.new_tensor([alpha])][: len(self.spec.top)]
