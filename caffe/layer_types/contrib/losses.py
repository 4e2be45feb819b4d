"""Losses of forks: SmoothL1Loss, L1Loss, CenterLoss, ..., and softmax losses of other targets."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from ..base import Shape, Tensors, item_rows, layer_type
from ..loss import LOG_FLT_MIN, Labelled, Loss, SoftmaxWithLoss, with_gradient
from ..target import Distance

NO_WEIGHT = 1e-12  # of an item of LSTD's: it does not count


@layer_type("SmoothL1Loss", "Fast R-CNN")
class SmoothL1Loss(Loss):
    """The sum of f(w (x - t)) over the number of items (Girshick 2015, equation 3).

    f(d) is (sigma d)^2 / 2 where |d| is below 1 / sigma^2, else |d| - 1 / (2 sigma^2). Bottoms: x,
    t, if given w, if given what multiplies f. The gradient by the last two is 0. Second top, if
    named: the sum over each item's channels, N x 1 x H x W.
    """

    bottoms = (2, 4)
    tops = (1, 2)
    # By weights too: those of Faster R-CNN come from a layer above what is learnt.
    diff_bottoms = staticmethod(lambda index: True)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        self.check(
            all(math.prod(shape) == math.prod(shapes[0]) for shape in shapes),
            f"needs bottoms of one size; found shapes {shapes}",
        )
        return [*tops, self._each(shapes[0])][: len(self.spec.top)]

    def _each(self, shape: Shape) -> Shape:
        """The second top's, of four axes however few x has."""
        return (shape[0], 1, *shape[2:], *(1,) * (4 - max(len(shape), 2)))

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        losses = self.losses(bottoms)
        tops = [losses.sum() / self.divisor(losses)]
        if len(self.spec.top) == 2:
            sums = losses.detach().sum(1) if losses.dim() > 1 else losses.detach()
            tops.append(sums.reshape(self._each(tuple(losses.shape))))
        return tops

    def divisor(self, losses: torch.Tensor) -> float:
        return losses.shape[0]

    def losses(self, bottoms: list[torch.Tensor]) -> torch.Tensor:
        """Of each value."""
        x, target, *weights = (bottom.reshape(bottoms[0].shape) for bottom in bottoms)
        apart = self.apart(x, target)
        if weights:
            apart = apart * weights[0].detach()
        square = self.spec.smooth_l1_loss_param.sigma**2
        far = apart.abs() - 0.5 / square
        losses = torch.where(apart.abs() < 1 / square, apart.square() * square / 2, far)
        return losses * weights[1].detach() if len(weights) == 2 else losses

    def apart(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """How far x lies from the target."""
        return x - target


@layer_type("OrientationSmoothL1Loss", "DOOBNet")
class OrientationSmoothL1Loss(SmoothL1Loss):
    """SmoothL1Loss of angles: x + t in place of x - t where x lies beyond pi, on the side of t.

    Bottoms: x, t and what weighs the difference, such as a mask of edges.
    """

    bottoms = (3, 3)
    tops = (1, 1)
    diff_bottoms = staticmethod(lambda index: index == 0)

    def apart(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        target = target.detach()
        beyond = ((x > math.pi) & (target > 0)) | ((x < -math.pi) & (target < 0))
        return x - target.where(~beyond, -target)


@layer_type("L1Loss", "several forks")
class L1Loss(Distance):
    """The sum of |x - t| over the number of items; its gradient at 0 is 0.

    With l1_loss_param (FlowNet) x alone may be given; what is no number counts for nothing, as does
    what is below `plateau`. l2_per_location: of each place the square root of epsilon and the sum
    (with l2_prescale_by_channels the mean) of the squares over the channels.
    normalize_by_num_entries: over the number of places with numbers.
    """

    bottoms = (1, 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(len(shapes[0]) > 1, f"needs items of values; found shape {shapes[0]}")
        return super().top_shapes(shapes) if len(shapes) == 2 else [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, *target = bottoms
        apart = x - target[0].reshape(x.shape) if target else x
        if self.spec.HasField("l1_loss_param"):
            return self._flownets(apart)
        return apart.abs().sum() / x.shape[0]

    def _flownets(self, apart: torch.Tensor) -> torch.Tensor:
        param = self.spec.l1_loss_param
        known = ~apart.detach().isnan()
        apart = apart.where(known, 0)
        if param.l2_per_location:
            squares = apart.square()
            sums = squares.mean(1) if param.l2_prescale_by_channels else squares.sum(1)
            losses = (sums.where(sums >= param.plateau**2, 0) + param.epsilon).sqrt()
        else:
            losses = apart.abs()
            losses = losses.where(losses >= param.plateau, 0)
        if param.normalize_by_num_entries:
            return losses.sum() / (known.sum() / apart.shape[1]).clamp(min=1)
        return losses.sum() / apart.shape[0]


@layer_type("SVRLoss", "several forks")
class SVRLoss(Distance):
    """The sum of |x - t| over the number of items; nothing is learnt through t."""

    diff_bottoms = staticmethod(lambda index: index == 0)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, target = bottoms
        return (x - target.detach().reshape(x.shape)).abs().sum() / x.shape[0]


@layer_type("XCovLoss", "several forks")
class XCovLoss(Loss):
    """Half the sum of the squared covariances of each value of one bottom and each of the other.

    The covariances are over the items (Cheung et al. 2014, equation 3). The top is 1 x 1 x 1 x 1.
    """

    diff_bottoms = staticmethod(lambda index: True)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        super().top_shapes(shapes)
        return [(1, 1, 1, 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        one, other = (x - x.mean(0) for x in map(item_rows, bottoms))
        return ((one.T @ other / len(one)).square().sum() / 2).reshape(1, 1, 1, 1)


@layer_type("WeightedSoftmaxWithLoss", "several forks")
class WeightedSoftmaxWithLoss(SoftmaxWithLoss):
    """SoftmaxWithLoss of predictions that are weighed, by bottom 2 or by their labels.

    The class pos_cid of softmax_param, which is 1, weighs pos_mult, and the others 1; both fields
    may be repeated. VALID predictions are those that are not ignored, however little they weigh.
    Weights of items, each of all predictions of one (LSTD), are the exception: there those of 0 do
    not count. That they do not count of items with one prediction either, a prototxt does not tell.
    """

    weighs_classes = True

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        param = self.spec.softmax_param
        classes = list(param.pos_cid) or [1] * len(param.pos_mult)
        weights = list(param.pos_mult) or [1.0] * len(param.pos_cid)
        self.check(
            len(set(classes)) == len(classes) == len(weights),
            f"needs a pos_mult for each pos_cid; found {weights} for {classes}",
        )
        self.multiples = dict(zip(classes, weights, strict=True))

    def check_weights(self, shapes: list[Shape]) -> None:
        axis = self.axis(self.class_axis(), shapes[0])
        of_items = len(shapes) == 3 and math.prod(shapes[2]) == math.prod(shapes[0][:axis])
        super().check_weights(shapes[:2] if of_items else shapes)

    def losses(
        self, log_prob: torch.Tensor, target: torch.Tensor, more: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        losses = super().losses(log_prob, target, [_of_each(target, w) for w in more])
        for label, weight in self.multiples.items():
            losses = torch.where(target == label, weight * losses, losses)
        return losses

    def counted(self, target: torch.Tensor, more: Sequence[torch.Tensor]) -> float:
        if not more or more[0].numel() == target.numel():
            return super().counted(target, [])
        ignored = self.ignored()
        counts = _of_each(target, more[0]) > NO_WEIGHT
        return int((counts if ignored is None else counts & (target != ignored)).sum())


def _of_each(target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weights of each of outer x inner predictions, from those or from ones of outer items."""
    if weights.numel() == target.numel():
        return weights
    return weights.reshape(-1, 1).expand_as(target)


@layer_type("SoftmaxCrossEntropyLoss", "several forks")
class SoftmaxCrossEntropyLoss(Loss):
    """-t log softmax(x) of targets t, one for each score; summed and normalised as SoftmaxWithLoss.

    The gradient is softmax(x) - t, as of targets that sum up to 1. Second top: the softmax.
    """

    tops = (1, 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.axis(self.spec.softmax_param.axis, shapes[0])
        self.check(
            math.prod(shapes[0]) == math.prod(shapes[1]),
            f"needs a target for each score; found shapes {shapes[0]} and {shapes[1]}",
        )
        return [*super().top_shapes(shapes), shapes[0]][: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, target = bottoms[0], bottoms[1].detach().reshape(bottoms[0].shape)
        axis = self.axis(self.spec.softmax_param.axis, tuple(x.shape))
        log_prob = F.log_softmax(x, axis)
        losses = -target * log_prob.clamp(min=LOG_FLT_MIN)
        loss = with_gradient(losses, x, log_prob.exp() - target).sum()
        outer, inner = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
        loss = loss / self.normaliser(outer, inner, outer * inner)
        return [loss, log_prob.detach().exp()] if len(self.spec.top) == 2 else loss


@layer_type("CenterLoss", "the authors of the center loss")
class CenterLoss(Loss, Labelled):
    """Half the squared distance of items to the centre of their class, on average.

    Parameter: the centres, num_output x the size of an item. A centre's gradient is the sum of its
    items' differences from it over one more than their number (Wen et al. 2016, equation 4),
    whatever the loss weighs.
    """

    bottoms = (2, 2)

    def class_axis(self) -> int:
        return self.spec.center_loss_param.axis

    def ignored(self) -> None:
        return None

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.center_loss_param
        axis = self.axis(param.axis, shapes[0])
        self.check(param.num_output > 0, "num_output, the number of classes, is missing")
        self.add_param((param.num_output, math.prod(shapes[0][axis:])), param.center_filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        axis = self.axis(self.spec.center_loss_param.axis, shapes[0])
        items, size = math.prod(shapes[0][:axis]), math.prod(shapes[0][axis:])
        self.check(
            size == self.blobs[0].shape[1] and math.prod(shapes[1]) == items,
            f"needs items of {self.blobs[0].shape[1]} values and a label for each; found shapes "
            f"{shapes[0]} and {shapes[1]}",
        )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (centres,) = params
        x = bottoms[0].reshape(-1, centres.shape[1])
        target = self.labels(bottoms[1], len(centres)).flatten()
        apart = x - centres.detach()[target]
        loss = apart.square().sum() / x.shape[0] / 2
        return loss + _centres_share(centres, apart.detach(), target)


def _centres_share(
    centres: torch.Tensor, apart: torch.Tensor, target: torch.Tensor
) -> torch.Tensor:
    """0, whose gradient by the centres is what moves them, however the 0 is weighed."""
    counts = torch.bincount(target, minlength=len(centres)).to(apart.dtype)
    sums = torch.zeros_like(centres).index_add(0, target, -apart)
    return unweighed(centres, sums / (counts + 1)[:, None])


def unweighed(x: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """0, whose gradient by x is this one, however the 0 is weighed."""
    return _Unweighed.apply(x, gradient)


class _Unweighed(torch.autograd.Function):
    """0 of a tensor, with this gradient by it."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:  # type: ignore
        ctx.save_for_backward(gradient)
        return x.new_zeros(())

    @staticmethod
    def backward(ctx, weight: torch.Tensor):  # type: ignore
        (gradient,) = ctx.saved_tensors
        return gradient, None
