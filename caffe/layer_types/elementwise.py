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
        (x,) = bottoms
        slope = self.spec.relu_param.negative_slope
        if slope:
            return F.leaky_relu(x, slope)
        # The gradient is decided by the bottom's sign, and in place by what is there now.
        in_place = self.spec.top[0] == self.spec.bottom[0]
        return F.relu(x) if in_place else F.threshold(x, 0, 0)


@layer_type("Dropout")
class Dropout(LayerType):
    """In TRAIN, zeroes values with dropout_ratio and scales the rest by 1 / (1 - ratio)."""

    def setup(self, shapes: list[Shape]) -> None:
        ratio = self.spec.dropout_param.dropout_ratio
        self.check(0 <= ratio < 1, f"dropout_ratio must lie in [0, 1); found {ratio:g}")

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
            eltwise.operation != caffe_pb2.EltwiseParameter.PROD or not eltwise.coeff,
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
        if operation == caffe_pb2.EltwiseParameter.SUM:
            coeff = self.spec.eltwise_param.coeff or [1.0] * len(bottoms)
            out = bottoms[0] * coeff[0] if coeff[0] != 1 else bottoms[0]
            for x, c in zip(bottoms[1:], coeff[1:], strict=True):
                out = torch.add(out, x, alpha=c)
            return out
        out = bottoms[0]
        for i, x in enumerate(bottoms[1:]):
            if operation == caffe_pb2.EltwiseParameter.PROD:
                out = out * x
            elif i == 0:  # on a tie the gradient goes to the second bottom, ...
                out = torch.where(out > x, out, x)
            else:  # ... but never to a later one
                out = torch.where(x > out, x, out)
        return out
