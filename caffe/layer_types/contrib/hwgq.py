"""HWGQ's layers, of few weights and values: BinaryConvolution, BinaryInnerProduct, Quant."""

import math

import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, Tensors, layer_type
from ..convolution import Convolution
from ..loss import with_gradient
from ..weights import InnerProduct
from .other_weights import OtherWeights


class Binary(OtherWeights):
    """A layer of the same name whose weights are 1, and -1 where its own are below 0.

    With use_alpha they are an output's mean absolute weight in place of 1 (Rastegari et al. 2016,
    section 3.1); use_binarization: false leaves them as they are. A bias is not changed. On the way
    back binarisation counts for nothing: a weight has the gradient of what stands for it (Cai et
    al. 2017, section 2).
    """

    def binary_param(
        self,
    ) -> caffe_pb2.BinaryConvolutionParameter | caffe_pb2.BinaryInnerProductParameter:
        raise NotImplementedError

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        weight, *bias = params
        param = self.binary_param()
        if param.use_binarization:
            now = weight.detach()
            size = now.abs().mean(tuple(range(1, now.dim())), keepdim=True)
            size = size if param.use_alpha else torch.ones_like(size)
            weight = with_gradient(size.where(now >= 0, -size), weight, 1)
        return super().expression(bottoms, [weight, *bias])


@layer_type("BinaryConvolution", "HWGQ")
class BinaryConvolution(Binary, Convolution):
    __doc__ = f"""A Convolution. {Binary.__doc__}"""

    def binary_param(self) -> caffe_pb2.BinaryConvolutionParameter:
        return self.spec.binary_convolution_param


@layer_type("BinaryInnerProduct", "HWGQ")
class BinaryInnerProduct(Binary, InnerProduct):  # type: ignore[misc]
    __doc__ = f"""An InnerProduct. {Binary.__doc__}"""

    bottoms = (1, 1)

    def binary_param(self) -> caffe_pb2.BinaryInnerProductParameter:
        return self.spec.binary_inner_product_param

    def setup_from(self, shapes: list[Shape]) -> None:
        transposed = self.spec.inner_product_param.transpose
        self.check(not transposed, "has no transpose: an output's weights are a row")
        super().setup_from(shapes)


@layer_type("Quant", "HWGQ")
class Quant(LayerType):
    """Values as a few numbers (Cai et al. 2017, section 3).

    forward_func hwgq: up to 0 -negative_slope, above 0 the nearest of `centers`, of two that are as
    near the smaller; sign: 1, and -1 below 0; hard_tanh: cut to -1 and 1; relu: x, and below 0
    negative_slope x. backward_func is where the gradient goes through: relu above 0, times
    negative_slope elsewhere; hard_tanh everywhere; neither beyond clip_thr, if that is positive,
    and hard_tanh neither below -clip_thr.
    """

    pointwise = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.quant_param
        for field, known in (
            ("forward_func", ("hwgq", "sign", "hard_tanh", "relu")),
            ("backward_func", ("relu", "hard_tanh")),
        ):
            found = getattr(param, field)
            self.check(found in known, f"{field} is one of {', '.join(known)}; found '{found}'")
        centers = list(param.centers)
        self.check(
            param.forward_func != "hwgq" or min(centers, default=0) > 0,
            f"needs centers, all positive; found {centers}",
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        return with_gradient(self._values(x.detach()), x, self._slope(x.detach()))

    def _values(self, x: torch.Tensor) -> torch.Tensor:
        param = self.spec.quant_param
        if param.forward_func == "sign":
            return torch.ones_like(x).where(x >= 0, -1)
        if param.forward_func == "hard_tanh":
            return x.clamp(-1, 1)
        if param.forward_func == "relu":
            return x.clamp(min=0) + param.negative_slope * x.clamp(max=0)
        centers = torch.tensor(list(param.centers))
        between = ((centers[:-1] + centers[1:]) * 0.5).tolist()
        top = torch.full_like(x, param.centers[0])
        for center, above in zip(param.centers[1:], between, strict=True):
            top = top.where(x <= above, center)
        return top.where(x > 0, -param.negative_slope)

    def _slope(self, x: torch.Tensor) -> torch.Tensor:
        param = self.spec.quant_param
        most = param.clip_thr if param.clip_thr > 0 else math.inf
        if param.backward_func == "hard_tanh":
            return (x.abs() <= most).to(x.dtype)
        return torch.ones_like(x).where(x > 0, param.negative_slope) * (x <= most)
