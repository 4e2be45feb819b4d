"""Layers that work value by value: ReLU, Dropout, Eltwise."""

import torch
import torch.nn.functional as F

from .. import mode
from ..proto import caffe_pb2
from .base import LayerType, Shape, layer_type


@layer_type("ReLU")
class ReLU(LayerType):
    """max(x, 0), and negative_slope * x below 0."""

    def expression(self, bottoms, params):
        slope = self.spec.relu_param.negative_slope
        return F.leaky_relu(bottoms[0], slope) if slope else F.relu(bottoms[0])


@layer_type("Dropout")
class Dropout(LayerType):
    """In TRAIN, zeroes values with dropout_ratio and scales the rest by 1 / (1 - ratio)."""

    def setup(self, shapes: list[Shape]) -> None:
        ratio = self.spec.dropout_param.dropout_ratio
        self.check(0 < ratio < 1, f"dropout_ratio must lie between 0 and 1; found {ratio:g}")

    def expression(self, bottoms, params):
        (x,) = bottoms
        if self.phase == caffe_pb2.TEST:
            return x
        keep = 1 - self.spec.dropout_param.dropout_ratio
        mask = torch.empty_like(x, requires_grad=False)
        return x * mask.bernoulli_(keep, generator=mode.generator(x.device)).div_(keep)


@layer_type("Eltwise")
class Eltwise(LayerType):
    """SUM (with coeff), PROD or MAX of bottoms of one shape (eltwise_layer.cpp)."""

    bottoms = (2, None)

    def setup(self, shapes: list[Shape]) -> None:
        eltwise = self.spec.eltwise_param
        self.check(
            len(eltwise.coeff) in (0, len(shapes)),
            f"coeff needs one value for each of {len(shapes)} bottoms; found {len(eltwise.coeff)}",
        )
        self.check(
            eltwise.operation == caffe_pb2.EltwiseParameter.SUM or not eltwise.coeff,
            "coeff is for operation SUM only",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        for name, shape in zip(self.spec.bottom, shapes, strict=True):
            self.check(
                shape == shapes[0],
                f"bottoms must have one shape: '{self.spec.bottom[0]}' is {shapes[0]}, "
                f"'{name}' is {shape}",
            )
        return [shapes[0]]

    def expression(self, bottoms, params):
        operation = self.spec.eltwise_param.operation
        coeff = self.spec.eltwise_param.coeff or [1.0] * len(bottoms)
        out = bottoms[0] * coeff[0] if coeff[0] != 1 else bottoms[0]
        for x, c in zip(bottoms[1:], coeff[1:], strict=True):
            if operation == caffe_pb2.EltwiseParameter.SUM:
                out = torch.add(out, x, alpha=c)
            elif operation == caffe_pb2.EltwiseParameter.PROD:
                out = out * x
            elif x is bottoms[1]:  # on a tie the gradient goes to the second bottom, ...
                out = torch.where(out > x, out, x)
            else:  # ... but never to a later one
                out = torch.where(x > out, x, out)
        return out
