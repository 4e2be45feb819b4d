"""Layers that multiply by parameters: InnerProduct, Scale."""

import math

import torch

from ..proto import caffe_pb2
from .base import LayerType, Shape, layer_type


@layer_type("InnerProduct")
class InnerProduct(LayerType):
    """x W^T + b with everything from `axis` on as one vector (inner_product_layer.cpp)."""

    def setup(self, shapes: list[Shape]) -> None:
        ip = self.spec.inner_product_param
        self.check(ip.num_output > 0, f"num_output must be positive; found {ip.num_output}")
        self.inputs = math.prod(shapes[0][self.axis(ip.axis, shapes[0]) :])
        shape = (ip.num_output, self.inputs)
        self.add_param(shape[::-1] if ip.transpose else shape, ip.weight_filler)
        if ip.bias_term:
            self.add_param((ip.num_output,), ip.bias_filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        ip = self.spec.inner_product_param
        axis = self.axis(ip.axis, shapes[0])
        inputs = math.prod(shapes[0][axis:])
        self.check(
            inputs == self.inputs,
            f"its weights take {self.inputs} inputs; the bottom of shape {shapes[0]} has {inputs}",
        )
        return [(*shapes[0][:axis], ip.num_output)]

    def expression(self, bottoms, params):
        (x,) = bottoms
        ip = self.spec.inner_product_param
        x = x.flatten(self.axis(ip.axis, tuple(x.shape)))
        weight = params[0].t() if ip.transpose else params[0]
        return torch.nn.functional.linear(x, weight, params[1] if ip.bias_term else None)


@layer_type("Scale")
class Scale(LayerType):
    """Multiplies by a parameter, or by bottom 1, spread over the other axes; may add a bias."""

    bottoms = (1, 2)

    def setup(self, shapes: list[Shape]) -> None:
        scale = self.spec.scale_param
        if len(shapes) == 1:
            axis = self.axis(scale.axis, shapes[0])
            self.check(scale.num_axes >= -1, f"num_axes must be -1 or more; found {scale.num_axes}")
            end = len(shapes[0]) if scale.num_axes == -1 else axis + scale.num_axes
            self.check(
                end <= len(shapes[0]),
                f"axis {axis} and num_axes {scale.num_axes} reach behind a bottom of shape "
                f"{shapes[0]}",
            )
            self.factor_shape = shapes[0][axis:end]
            one = caffe_pb2.FillerParameter(type="constant", value=1)
            self.add_param(self.factor_shape, scale.filler if scale.HasField("filler") else one)
        else:
            self.factor_shape = shapes[1]
        if scale.bias_term:
            self.add_param(self.factor_shape, scale.bias_filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        factor = shapes[1] if len(shapes) == 2 else self.factor_shape
        start = self._start(shapes[0])
        self.check(
            shapes[0][start : start + len(factor)] == factor,
            f"the factor's shape {factor} does not match a bottom of shape {shapes[0]} "
            f"from axis {start}",
        )
        return [shapes[0]]

    def _start(self, shape: Shape) -> int:
        # A factor without axes is a scalar: its axis does not matter.
        return self.axis(self.spec.scale_param.axis, shape) if self.factor_shape else 0

    def expression(self, bottoms, params):
        x, *factors = *bottoms, *params
        spread = (1,) * (x.dim() - self._start(tuple(x.shape)) - factors[0].dim())
        out = x * factors[0].reshape(factors[0].shape + spread)
        if self.spec.scale_param.bias_term:
            out = out + factors[1].reshape(factors[1].shape + spread)
        return out
