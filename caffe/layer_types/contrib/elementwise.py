"""Layer types that act elementwise: ReLU6, Axpy, EltwiseAffine, ChannelScale, NegSquare, ExpMax."""

import math

import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from ..base import Affine, LayerType, Shape, layer_type
from ..loss import with_gradient


@layer_type("ReLU6", "MobileNet")
class ReLU6(LayerType):
    """min(max(x, 0), 6); its gradient at 0 and 6 is 0."""

    pointwise = True
    reads_values = False
    gradient_of_bottom = True

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.hardtanh(bottoms[0], 0, 6)


@layer_type("Axpy", "SENet")
class Axpy(LayerType):
    """a * x + y: bottoms a, one value a channel N x C (x 1 x 1), x and y of N x C x H x W."""

    bottoms = (3, 3)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scale, x, y = shapes
        self.check(
            len(x) > 1 and x == y and scale[:2] == x[:2] and math.prod(scale[2:]) == 1,
            f"needs bottoms N x C (x 1 x 1), and two of N x C x H x W; found {scale}, {x} and {y}",
        )
        return [x]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        scale, x, y = bottoms
        return scale.reshape(*x.shape[:2], *(1,) * (x.dim() - 2)) * x + y


@layer_type("EltwiseAffine", "ducha-aiki's Caffe")
class EltwiseAffine(LayerType):
    """slope * x + bias, parameters 0 and 1: a value a channel, or one for all (channel_shared).

    They begin at 1.0001 and 0.0001, unless slope_filler and bias_filler say otherwise.
    """

    param_names = ("weight", "bias")
    reads_values = False
    gradient_of_bottom = True
    pointwise = True

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.eltwise_affine_param
        self.check(len(shapes[0]) > 1, f"needs items of channels; found shape {shapes[0]}")
        shape = () if param.channel_shared else (shapes[0][1],)
        for name, value in (("slope_filler", 1.0001), ("bias_filler", 0.0001)):
            given = param.HasField(name)
            self.add_param(
                shape, getattr(param, name) if given else caffe_pb2.FillerParameter(value=value)
            )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        channels = self.blobs[0].shape
        self.check(
            channels in ((), shapes[0][1:2]),
            f"has a slope for each of {self.blobs[0].count} channels; found a bottom of shape "
            f"{shapes[0]}",
        )
        return [shapes[0]]

    def affine(self, shape: Shape) -> Affine | None:
        slope, bias = (blob.data_tensor().double() for blob in self.blobs)
        return Affine(slope, bias, 1 if slope.dim() else None)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        slope, bias = (
            param.reshape(-1, *(1,) * (x.dim() - 2)) if param.dim() else param for param in params
        )
        return slope * x + bias


@layer_type("ChannelScale", "NormFace")
class ChannelScale(LayerType):
    """x times bottom 1, one value for each place: N x C x H x W and N x 1 x H x W.

    do_forward: false leaves x as it is; do_backward_feature: false gives x the top's gradient, and
    do_backward_scale: false the other none.
    """

    bottoms = (2, 2)
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(
            not self.spec.channel_scale_param.global_scale,
            "global_scale is not here; write a Scale with num_axes: 0",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        x, scale = shapes
        self.check(
            len(x) > 1 and math.prod(scale) * x[1] == math.prod(x) and scale[:1] == x[:1],
            f"needs N x C x ... and a value for each place; found shapes {x} and {scale}",
        )
        return [x]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param = self.spec.channel_scale_param
        x, scale = bottoms[0], bottoms[1].reshape(-1, 1, *bottoms[0].shape[2:])
        top = with_gradient(
            x * scale if param.do_forward else x, x, scale if param.do_backward_feature else 1
        )
        return top + x.detach() * (scale - scale.detach()) if param.do_backward_scale else top


@layer_type("NegSquare", "LiteFlowNet")
class NegSquare(LayerType):
    """-x * x."""

    pointwise = True
    reads_values = False
    gradient_of_bottom = True

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return -bottoms[0] * bottoms[0]


@layer_type("ExpMax", "LiteFlowNet")
class ExpMax(LayerType):
    """base ** (shift + scale * (x - the largest of x over axis 1)); base -1 is e.

    The largest counts as a constant in the gradient.
    """

    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        base = self.spec.expmax_param.base
        self.check(base > 0 or base == -1, f"base must be positive, or -1 for e; found {base:g}")
        self.check(len(shapes[0]) > 1, f"needs items of channels; found shape {shapes[0]}")

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, (x,) = self.spec.expmax_param, bottoms
        log_base = 1.0 if param.base == -1 else math.log(param.base)
        apart = x - x.detach().amax(1, keepdim=True)
        return (log_base * (param.shift + param.scale * apart)).exp()
