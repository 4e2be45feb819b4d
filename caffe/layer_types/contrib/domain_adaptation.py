"""What deep adaptation networks add: MMDLoss, JMMDLoss, EntropyLoss, OuterProduct; CORALLoss."""

import math

import torch

from ...core.blob import Blob
from ...core.rng import generator
from ...proto import caffe_pb2
from ..base import LayerType, Shape, item_rows, layer_type
from ..loss import Loss, with_gradient
from .annealed import Annealed

LEAST = 1e-5  # EntropyLoss shows nothing of smaller probabilities


class Discrepancy(Loss):
    """How far items of bottom 0 and of bottom 1 are from one distribution, by pairs at random.

    As many times as the larger bottom has items, two different items s, s' of bottom 0 and t, t' of
    bottom 1 are drawn: k(s, s') + k(t, t') - k(s, t') - k(s', t) is summed up (Gretton et al. 2012,
    section 6). k is a sum of kernel_num Gaussians exp(-g d^2), whose g are kernel_mul apart, around
    1 over the mean squared distance of two items; with fix_gamma, of those of the first pass. The
    gradient is of the mean over the draws. With one item alone both are 0.
    """

    diff_bottoms = staticmethod(lambda index: True)
    gamma: torch.Tensor | None = None

    @property
    def draws(self) -> bool:
        return True

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        first, second = shapes[:2]
        self.check(
            min(len(first), len(second)) > 0 and math.prod(first[1:]) == math.prod(second[1:]),
            f"needs items of one size; found shapes {first} and {second}",
        )
        return [()] * len(self.spec.top)

    def mean_discrepancy(
        self,
        source: torch.Tensor,
        target: torch.Tensor,
        param: caffe_pb2.MMDParameter | caffe_pb2.JMMDParameter,
        also: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The mean over the draws; `also`: another kernel, of all items, that multiplies."""
        counts = len(source), len(target)
        items = torch.cat([item_rows(source), item_rows(target)])
        apart = squared_distances(items)
        if self.gamma is None or not param.fix_gamma:
            total = len(items)
            self.gamma = (total * total - total) / apart.detach().sum()
        kernel = gaussians(apart * self.gamma, param.kernel_num, param.kernel_mul)
        if also is not None:
            kernel = kernel * also
        (s, s2), (t, t2) = (self._pairs(count, max(counts), items.device) for count in counts)
        t, t2 = t + counts[0], t2 + counts[0]
        found = kernel[s, s2] + kernel[t, t2] - kernel[s, t2] - kernel[s2, t]
        return found.mean() * (1 if min(counts) > 1 else 0)

    def _pairs(
        self, count: int, draws: int, device: torch.device
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Two different numbers below count, `draws` times."""
        first, second = (
            torch.randint(count, (draws,), device=device, generator=generator(device))
            for _ in range(2)
        )
        return first, torch.where(first == second, (second + 1) % count, second)


def squared_distances(items: torch.Tensor) -> torch.Tensor:
    """Of N x D, N x N."""
    return (items[:, None] - items[None]).square().sum(-1)


def gaussians(apart: torch.Tensor, count: int, step: float) -> torch.Tensor:
    """The sum of exp(-apart / w), w from step ** (count // 2) on, each 1 / step times the last."""
    widths = [step ** (count // 2 - i) for i in range(count)]
    return torch.stack([torch.exp(-apart / width) for width in widths]).sum(0)


@layer_type("MMDLoss", "deep adaptation networks")
class MMDLoss(Discrepancy):
    """The sum of Discrepancy, with the gradient of its mean (Long et al. 2015)."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        mean = self.mean_discrepancy(bottoms[0], bottoms[1], self.spec.mmd_param)
        draws = max(len(bottoms[0]), len(bottoms[1]))
        return with_gradient(mean * draws, mean, 1)


@layer_type("JMMDLoss", "deep adaptation networks")
class JMMDLoss(Discrepancy):
    """0, with the gradient of Discrepancy's mean by bottoms 0 and 1 (Long et al. 2017).

    Bottoms 2 and 3, if given, are the items' probabilities; their kernel, exp(-d^2 / w) of
    label_kernel_num w around sigma, multiplies, and nothing is learnt through them.
    """

    bottoms = (2, 4)
    diff_bottoms = staticmethod(lambda index: index < 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.jmmd_param
        self.check(
            param.label_kernel_mode == param.PROB_RBF
            and not (param.auto_sigma or param.label_back_propagate),
            "knows label_kernel_mode: PROB_RBF, auto_sigma: false and label_back_propagate: false",
        )
        self.check(len(shapes) != 3, "needs probabilities of both bottoms, or of none; found one")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        if len(shapes) == 4:
            super().top_shapes(shapes[2:])
            self.check(
                [shape[0] for shape in shapes[:2]] == [shape[0] for shape in shapes[2:]],
                f"needs as many probabilities as items; found shapes {shapes}",
            )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        source, target, *labels = bottoms
        also, param = None, self.spec.jmmd_param
        if labels:
            apart = squared_distances(torch.cat([item_rows(label.detach()) for label in labels]))
            also = gaussians(
                apart / param.sigma, param.label_kernel_num, 1 / param.label_kernel_mul
            )
        mean = self.mean_discrepancy(source, target, param, also)
        return mean - mean.detach()


@layer_type("EntropyLoss", "deep adaptation networks")
class EntropyLoss(Annealed):
    """The sum of p^prob_pow log p over all probabilities, with the mean entropy's gradient.

    That has the other sign: -p^(prob_pow - 1) (1 + prob_pow log p) over the number of items, 0
    where p is below the threshold. The first iterations_num passes in TRAIN give 0 (Long et al.
    2016, section 3.2). A second bottom, labels, counts for nothing.
    """

    bottoms = (1, 2)
    loss = True
    diff_bottoms = staticmethod(lambda index: index == 0)
    reads_bottom = staticmethod(lambda index: index == 0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(len(shapes[0]) > 1, f"needs items of probabilities; found shape {shapes[0]}")
        return [()]

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().forward(bottom, top)
        if self.phase == caffe_pb2.TRAIN:
            self.iteration += 1

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        prob, param = bottoms[0], self.spec.entropy_param
        if self.iteration < param.iterations_num:
            return prob.sum() * 0
        p = prob.detach()
        shown = (p**param.prob_pow * p.log()).where(p >= LEAST, 0)
        slope = -(p ** (param.prob_pow - 1)) * (1 + param.prob_pow * p.log())
        return with_gradient(shown, prob, slope.where(p >= param.threshold, 0) / len(p)).sum()


@layer_type("OuterProduct", "deep adaptation networks")
class OuterProduct(LayerType):
    """Of each item all products of a value of bottom 0 and one of bottom 1: N x 1 x C0 x C1."""

    bottoms = (2, 2)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        first, second = shapes
        self.check(
            min(len(first), len(second)) > 1
            and first[0] == second[0]
            and math.prod([*first[2:], *second[2:]]) == 1,
            f"needs bottoms N x C (x 1 x 1) of equal N; found shapes {first} and {second}",
        )
        return [(first[0], 1, first[1], second[1])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        first, second = (bottom.flatten(1) for bottom in bottoms)
        return first[:, None, :, None] * second[:, None, None]


@layer_type("CORALLoss", "deep CORAL")
class CORALLoss(Loss):
    """How far the covariances of two bottoms' items are apart (Sun & Saenko 2016, equation 1).

    The sum of the squares of their differences over 4 D^2; a covariance, D x D, is over N - 1.
    """

    diff_bottoms = staticmethod(lambda index: True)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(shapes[0]) > 0
            and shapes[0][:1] == shapes[1][:1]
            and math.prod(shapes[0]) == math.prod(shapes[1]),
            f"needs as many items of one size; found shapes {shapes[0]} and {shapes[1]}",
        )
        self.check(shapes[0][0] > 1, "needs 2 items or more, for a covariance; found 1")
        return [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        first, second = (_covariance(item_rows(bottom)) for bottom in bottoms)
        return (first - second).square().mean() / 4


def _covariance(items: torch.Tensor) -> torch.Tensor:
    centred = items - items.mean(0)
    return centred.T @ centred / (len(items) - 1)
