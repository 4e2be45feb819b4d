"""Classifiers with a margin for the true class: of L-Softmax, A-Softmax and additive margins."""

import math

import torch
import torch.nn.functional as F

from ...core.blob import Blob
from ...proto import caffe_pb2
from ..base import Shape, Tensors, item_rows, layer_type
from ..loss import Labelled, with_gradient
from ..weights import unit_rows
from .annealed import Annealed

Param = caffe_pb2.MarginInnerProductParameter


class Margin(Annealed, Labelled):
    """Scores of classes (bottom 0 or what follows from it) and a label for each item (bottom 1).

    What is added or mixed in may change with the number of forward passes in TRAIN.
    """

    tops = (1, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)

    def class_axis(self) -> int:
        return 1

    def ignored(self) -> None:
        return None


@layer_type("LabelSpecificAdd", "AM-Softmax")
class LabelSpecificAdd(Margin):
    """In TRAIN, `bias` is added to an item's score of its class where that exceeds -bias.

    Wang et al. 2018, equation 6. With bias_base the bias is bias_base - 1 + (1 + bias_gamma *
    pass)^bias_power, between bias_min and bias_max. Second top: the bias.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        self.iteration = self.spec.label_specific_add_param.iteration

    def bias(self) -> float:
        add = self.spec.label_specific_add_param
        if not add.HasField("bias_base"):
            return add.bias
        bias = add.bias_base + (1 + add.bias_gamma * self.iteration) ** add.bias_power - 1
        return min(max(bias, add.bias_min), add.bias_max)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_item_labels(shapes)
        return [shapes[0], (1,)][: len(self.spec.top)]

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().forward(bottom, top)
        if self.phase == caffe_pb2.TRAIN:
            self.iteration += 1

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, bias = bottoms[0], self.bias()
        if self.phase == caffe_pb2.TRAIN:
            scores = item_rows(x)
            target = self.labels(bottoms[1], scores.shape[1]).reshape(-1, 1)
            exceeds = scores.detach().gather(1, target) > -bias
            x = scores.scatter_add(1, target, bias * exceeds.to(x.dtype)).reshape(x.shape)
        return [x, x.new_tensor([bias])][: len(self.spec.top)]


def plain_share(param: Param | caffe_pb2.LabelSpecificRescaleParameter, iteration: int) -> float:
    """How much of plain scores there is still, lambda to 1: it falls from pass to pass."""
    share = param.base * (1 + param.gamma * iteration) ** -param.power
    return max(share, param.lambda_min)


class MarginProduct(Margin):
    """x W^T, but of an item's class |x| |w| psi(theta), theta the angle between x and w.

    psi(theta) is (-1)^k cos(m theta) - 2 k, k = floor(m theta / pi), m of 1 to 4 by `type`. It is
    mixed with cos(theta), lambda to 1; lambda is base * (1 + gamma * pass)^-power, lambda_min at
    least. Second top: lambda.
    """

    def param(self) -> Param:
        raise NotImplementedError

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.param()
        self.check(param.num_output > 0, f"num_output must be positive; found {param.num_output}")
        self.iteration = param.iteration
        axis = self.axis(param.axis, shapes[0])
        self.add_param((param.num_output, math.prod(shapes[0][axis:])), param.weight_filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        axis = self.axis(self.param().axis, shapes[0])
        outputs, inputs = self.blobs[0].shape
        found = math.prod(shapes[0][axis:])
        self.check(
            found == inputs,
            f"its weights take {inputs} inputs; the bottom of shape {shapes[0]} has {found}",
        )
        self.check_labels((math.prod(shapes[0][:axis]), outputs), shapes[1])
        return [(*shapes[0][:axis], outputs), (1,)][: len(self.spec.top)]

    def mixed(self) -> float:
        """lambda."""
        return plain_share(self.param(), self.iteration)

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.iteration += 1
        super().forward(bottom, top)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        (weight,), param = params, self.param()
        axis = self.axis(param.axis, tuple(bottoms[0].shape))
        x = bottoms[0].flatten(axis).reshape(-1, weight.shape[1])
        weight = self.rows(weight)
        top = F.linear(x, weight)
        if param.type != Param.SINGLE:
            target = self.labels(bottoms[1], len(weight)).reshape(-1)
            own = top.gather(1, target[:, None]).squeeze(1)
            further = self.with_margin(x, weight[target], own, param.type + 1)
            top = top.scatter_add(1, target[:, None], further[:, None] / (1 + self.mixed()))
        top = top.reshape(*bottoms[0].shape[:axis], len(weight))
        return [top, top.new_tensor([self.mixed()])][: len(self.spec.top)]

    def rows(self, weight: torch.Tensor) -> torch.Tensor:
        """The weights as they are multiplied."""
        return weight

    def with_margin(
        self, x: torch.Tensor, weight: torch.Tensor, own: torch.Tensor, times: int
    ) -> torch.Tensor:
        """|x| |w| psi(theta) - own: of each item, its class's weights, and their product."""
        raise NotImplementedError


@layer_type("LargeMarginInnerProduct", "L-Softmax")
class LargeMarginInnerProduct(MarginProduct):
    __doc__ = f"""{MarginProduct.__doc__}
    Liu et al. 2016, equation 6.
    """

    def param(self) -> Param:
        return self.spec.largemargin_inner_product_param

    def with_margin(
        self, x: torch.Tensor, weight: torch.Tensor, own: torch.Tensor, times: int
    ) -> torch.Tensor:
        lengths = x.norm(dim=1) * weight.norm(dim=1) + 1e-9
        cosine = own / lengths
        psi, slope = _psi(cosine.detach(), times)
        return lengths * with_gradient(psi, cosine, slope) - own


@layer_type("MarginInnerProduct", "SphereFace")
class MarginInnerProduct(MarginProduct):
    """As LargeMarginInnerProduct, of rows W of unit length (Liu et al. 2017, equation 7).

    As in the fork, the rows' division by their length is none of the weights' gradient, nor is the
    margin; and of the margin's gradient by x only the direction counts, at length 1.
    """

    def param(self) -> Param:
        return self.spec.margin_inner_product_param

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        self.updates_params = self.phase == caffe_pb2.TRAIN

    def rows(self, weight: torch.Tensor) -> torch.Tensor:
        return unit_rows(weight, self.updates_params)

    def with_margin(
        self, x: torch.Tensor, weight: torch.Tensor, own: torch.Tensor, times: int
    ) -> torch.Tensor:
        x_now, weight, own = x.detach(), weight.detach(), own.detach()
        length = x_now.norm(dim=1)
        cosine = own / length
        psi, slope = _psi(cosine, times)
        of_x = (psi - cosine * slope) / length
        size = (slope.square() + of_x.square()).sqrt()
        direction = (slope / size)[:, None] * weight + (of_x / size)[:, None] * x_now
        moved = ((direction - weight) * (x - x_now)).sum(1)
        return length * psi - own + moved


def _psi(cosine: torch.Tensor, times: int) -> tuple[torch.Tensor, torch.Tensor]:
    """psi of an angle by its cosine, and the slope by the cosine."""
    before, slope_before = torch.ones_like(cosine), torch.zeros_like(cosine)
    value, slope = cosine, torch.ones_like(cosine)
    for _ in range(times - 1):  # Chebyshev's: cos(m theta) is a polynomial of cos(theta)
        before, value, slope_before, slope = (
            value,
            2 * cosine * value - before,
            slope,
            2 * value + 2 * cosine * slope - slope_before,
        )
    turns = sum(
        (cosine < math.cos(math.pi * k / times)).to(cosine.dtype) for k in range(1, times)
    ) + torch.zeros_like(cosine)
    sign = 1 - 2 * (turns % 2)
    return sign * value - 2 * turns, sign * slope
