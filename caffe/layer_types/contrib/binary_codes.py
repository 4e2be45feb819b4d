"""Codes of few bits: losses of SSDH, of deep hashing networks and of HashNet, and its ScaleTanH."""

import math

import torch
import torch.nn.functional as F

from ...core.blob import Blob
from ..base import LayerType, Shape, layer_type
from ..loss import Loss, with_gradient
from .annealed import Annealed


class Code(Loss):
    """Two bottoms, the code twice; the second one counts for nothing (Yang et al. 2018)."""

    diff_bottoms = staticmethod(lambda index: index == 0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(shapes[0][1:] == shapes[1][1:], f"needs bottoms of one shape; found {shapes}")
        return super().top_shapes(shapes)


@layer_type("K1_EuclideanLoss", "SSDH")
class FarFromTheMiddle(Code):
    """Minus half of the mean square of what a code's values are away from 0.5, over N."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return -(bottoms[0] - 0.5).square().mean() / (2 * len(bottoms[0]))


@layer_type("K2_EuclideanLoss", "SSDH")
class HalfOfThem(Code):
    """Half of the square of what the mean of all values is away from 0.5, over N."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return (bottoms[0].mean() - 0.5).square() / (2 * len(bottoms[0]))


@layer_type("ScaleTanH", "HashNet")
class ScaleTanH(Annealed):
    """tanh(scale x), the scale growing: init_scale * (1 + gamma * pass)^power.

    It is taken anew every step_size passes, of TEST too; setting up counts as the first one, and
    until step_size the scale is init_scale (Cao et al. 2017, section 3.2).
    """

    @property
    def draws(self) -> bool:
        return True

    def setup_from(self, shapes: list[Shape]) -> None:
        steps = self.spec.scale_tanh_param.step_size
        self.check(steps > 0, f"step_size must be positive; found {steps}")

    def scale(self) -> float:
        """That of the pass to come."""
        param = self.spec.scale_tanh_param
        last = (self.iteration + 2) // param.step_size * param.step_size
        return float(param.init_scale * (1 + param.gamma * last) ** param.power)

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().forward(bottom, top)
        self.iteration += 1

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return torch.tanh(self.scale() * bottoms[0])


@layer_type("PairwiseLoss", "HashNet and deep hashing networks")
class PairwiseLoss(Loss):
    """log(1 + e^p) - s p on average over all pairs: p, sigmoid_param times a product of two codes.

    Bottoms: codes, labels (a value a class), and the same of the items that they are paired with;
    without these two, in deep hashing networks, the items are paired with each other. s
    is 1 where labels share a class, which weighs class_num, and 0 where they do not; a pair whose
    labels' product is none of 0 to their number less 1 counts for nothing. From l_threshold on, or
    threshold, its older name, the loss is (1 - s) p. The gradient is twice the derivative, times
    l_lambda, and as in its fork the factor sigmoid_param is in that of a bottom's first values
    alone, as many as there are items. continous_similarity: and times 4 s'^2 / (|l|^2 |l'|^2), s'
    the labels' product, or times 1 where that is 0. With q_gamma, of two bottoms,
    log cosh(|x| - 1) is added on average over the codes' values, from q_threshold on
    |x| - 1 - log 2 (Zhu et al. 2016, equation 5); as in the fork its gradient is q_gamma times the
    derivative of the sum, over the number of items.
    """

    bottoms = (2, 4)
    diff_bottoms = staticmethod(lambda index: index in (0, 2))

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(shapes) != 3 and shapes[:2] == shapes[-2:] and min(map(len, shapes)) > 1,
            "needs codes and labels, a label of each item for every class, and as many of those "
            f"they are paired with or none; found shapes {shapes}",
        )
        return super().top_shapes(shapes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param = self.spec.pairwise_param
        given = [bottom.detach().flatten(1) for bottom in bottoms]
        code, label, other, others_label = *given[:2], *given[-2:]
        shared = label @ others_label.T
        known = (shared >= 0) & (shared < label.shape[1])
        alike = (shared > 0).to(code)
        weight = torch.where(alike > 0, param.class_num, 1.0) * known
        count = weight.sum()
        count = count.where(count > 0, 1)
        product = param.sigmoid_param * code @ other.T
        losses = F.softplus(product) - alike * product
        threshold = param.threshold if param.HasField("threshold") else param.l_threshold
        if threshold >= 0:
            losses = losses.where(product < threshold, product * (1 - alike))
        slope = 2 * (torch.sigmoid(product) - alike) * weight * (param.l_lambda / count)
        if param.continous_similarity:
            slope = slope * 4 * _closeness(shared, label, others_label)
        loss = (losses.abs() * weight).sum() / count * (param.l_lambda > 0)
        for x, diff in zip(bottoms[::2], (slope @ other, slope.T @ code), strict=False):
            diff.view(-1)[: len(x)] *= param.sigmoid_param
            loss = loss + with_gradient(torch.zeros_like(x), x, diff.reshape(x.shape)).sum()
        if len(bottoms) == 2:
            loss = loss + _far_from_a_bit(bottoms[0], param.q_threshold, param.q_gamma)
        return loss


@layer_type("QuantizationLoss", "deep hashing networks")
class QuantizationLoss(LayerType):
    """log cosh(|x| - 1) on average over the codes' values: how far they are from 1 and -1.

    From quantization_param's threshold on |x| - 1 - log 2 (Zhu et al. 2016, equation 5). The
    gradient is that of the sum, over the number of items.
    """

    loss = True

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(len(shapes[0]) > 0, "needs a code for each item; found one value")
        return [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return _far_from_a_bit(bottoms[0], self.spec.quantization_param.threshold, 1)


def _far_from_a_bit(x: torch.Tensor, threshold: float, gamma: float) -> torch.Tensor:
    """How far the codes' values are from 1 and -1; gamma is in the gradient, 0 makes it nothing."""
    apart = x.detach().abs() - 1
    losses = apart.abs() + F.softplus(-2 * apart.abs()) - math.log(2)  # log cosh
    if threshold > 0:
        losses = losses.where(apart <= threshold, apart - math.log(2))
    slope = torch.where(x >= 0, 1, -1) * apart.tanh() * (gamma / len(x))
    zeros = with_gradient(torch.zeros_like(x), x, slope)
    return losses.abs().mean() * (gamma > 0) + zeros.sum()


def _closeness(shared: torch.Tensor, label: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Squared cosines of labels, 0.25 for 0."""
    squares, others = (each.square().sum(1) for each in (label, other))
    lengths = squares.where(squares != 0, 1)[:, None] * others.where(others != 0, 1)
    close = shared.square() / lengths
    return close.where(close != 0, 0.25)
