"""Functions of each value, and of an item's values together, in Synopsys' Caffe: Floor, ...."""

import math

import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
from ..loss import LOG_THRESHOLD
from .tensors import SYNOPSYS


class OfEach(LayerType):
    """A function of each value."""

    pointwise = True
    reads_values = False


@layer_type("Floor", SYNOPSYS)
class Floor(OfEach):
    """The largest whole number that is not above the value; the gradient is 0."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0].floor()


@layer_type("Ceil", SYNOPSYS)
class Ceil(OfEach):
    """The least whole number that is not below the value; the gradient is 0."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0].ceil()


@layer_type("Softplus", SYNOPSYS)
class Softplus(OfEach):
    """log(1 + exp(x))."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.softplus(bottoms[0])


@layer_type("HardTanh", SYNOPSYS)
class HardTanh(OfEach):
    """x from -1 to 1."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.hardtanh(bottoms[0])


@layer_type("ThresholdedReLU", SYNOPSYS)
class ThresholdedReLU(OfEach):
    """x where it is above alpha, else 0."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        return x.where(x > self.spec.thresholded_relu_param.alpha, 0)


@layer_type("LogSoftmax", SYNOPSYS)
class LogSoftmax(LayerType):
    """The logarithm of the softmax along `axis`, no less than that of 1e-20."""

    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        self.axis(self.spec.log_softmax_param.axis, shapes[0])

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        log_prob = F.log_softmax(bottoms[0], self.spec.log_softmax_param.axis)
        return log_prob.clamp(min=math.log(LOG_THRESHOLD))


@layer_type("LayerNorm", SYNOPSYS)
class LayerNorm(LayerType):
    """(x - mean) / sqrt(variance + eps) of all values of an item (Ba et al. 2016, equation 3).

    With elementwise_affine times parameter 0, and plus parameter 1, of an item's shape. Where
    layer_norm_param does not say otherwise eps is 1e-5 and there are these two, as in torch.
    """

    param_names = ("weight", "bias")
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(len(shapes[0]) > 1, f"needs items of values; found shape {shapes[0]}")
        self.item = shapes[0][1:]
        if self.spec.layer_norm_param.elementwise_affine:
            for value in (1, 0):
                self.add_param(self.item, caffe_pb2.FillerParameter(value=value))

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            shapes[0][1:] == self.item or not self.blobs,
            f"has a factor for each value of items of shape {self.item}; found shape {shapes[0]}",
        )
        return [shapes[0]]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        weight, bias = params or (None, None)
        return F.layer_norm(x, list(x.shape[1:]), weight, bias, self.spec.layer_norm_param.eps)
