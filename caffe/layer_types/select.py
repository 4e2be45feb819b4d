"""Layers that choose or sum up: ArgMax, BatchReindex, Filter, Reduction."""

import math

import numpy as np
import torch

from ..core.blob import Blob
from ..proto import caffe_pb2
from . import exporting
from .base import LayerType, Shape, Tensors, layer_type
from .ordering import highest


@layer_type("ArgMax")
class ArgMax(LayerType):
    """Where the top_k largest values are, the largest first; of equal ones the last comes first.

    With `axis` along it, and their values instead with out_max_val. Without, of each item: a top
    of N x 1 x top_k (and more axes of 1), or of N x 2 x top_k with the values behind the indices
    (argmax_layer.cpp).
    """

    diff_bottoms = staticmethod(lambda index: False)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        argmax = self.spec.argmax_param
        if argmax.HasField("axis"):
            axis = self.axis(argmax.axis, shape)
            among, top = shape[axis], (*shape[:axis], argmax.top_k, *shape[axis + 1 :])
        else:
            self.check(len(shape) > 0, "needs a bottom of at least one axis; found shape ()")
            among = math.prod(shape[1:])
            top = (shape[0], 1 + argmax.out_max_val, argmax.top_k, *(1,) * (len(shape) - 3))
        self.check(
            1 <= argmax.top_k <= among,
            f"top_k must lie in 1 to {among}, the values to choose from in a bottom of shape "
            f"{shape}; found {argmax.top_k}",
        )
        return [top]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0].detach()
        argmax = self.spec.argmax_param
        (top,) = self.top_shapes([tuple(x.shape)])
        along = argmax.HasField("axis")
        axis = argmax.axis if along else 1
        flipped = (x if along else x.reshape(x.shape[0], math.prod(x.shape[1:]))).flip(axis)
        if argmax.top_k == 1:  # faster, and known to ONNX
            values, behind = flipped.max(axis, keepdim=True)
        else:
            values, behind = highest(flipped, argmax.top_k, axis)
        indices = (flipped.shape[axis] - 1 - behind).to(x.dtype)
        if along:
            return values if argmax.out_max_val else indices
        return torch.cat([indices, values] if argmax.out_max_val else [indices], 1).reshape(top)


@layer_type("BatchReindex")
class BatchReindex(LayerType):
    """The items of bottom 0 in the order, and as often, as the indices in bottom 1 say."""

    gradient_of_bottom = True
    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        return rng.randint(0, max(shapes[0][0], 1), shapes[1]) if index == 1 else None

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        shape, indices = shapes
        self.check(
            len(shape) > 0 and len(indices) == 1,
            f"needs items and one axis of indices; found shapes {shape} and {indices}",
        )
        return [(*indices, *shape[1:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, index = bottoms[0], bottoms[1].detach()
        wrong = ~((index >= 0) & (index < x.shape[0]))
        if not exporting.is_traced() and wrong.any():
            self.check(
                False,
                f"index blob '{self.spec.bottom[1]}' holds {index[wrong][0].item():g}; expected 0 "
                f"to {x.shape[0] - 1}, the items of '{self.spec.bottom[0]}'",
            )
        return x[index.long()]


@layer_type("Filter")
class Filter(LayerType):
    """Lets those items of the bottoms through whose value in the last bottom is not 0.

    Until the first forward, where no values are known, the tops have room for all items
    (filter_layer.cpp).
    """

    bottoms = (2, None)
    tops = (1, None)

    def diff_bottoms(self, index: int) -> bool:
        return index < len(self.spec.bottom) - 1

    def setup_from(self, shapes: list[Shape]) -> None:
        tops, bottoms = len(self.spec.top), len(shapes)
        self.check(
            tops == bottoms - 1,
            f"needs a top for each bottom but the last, the selector; found {tops} tops and "
            f"{bottoms} bottoms",
        )
        self.check(
            not set(self.spec.top) & set(self.spec.bottom),
            "does not run in place; give the tops names of their own",
        )
        self.built = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        *filtered, selector = shapes
        name = self.spec.bottom[len(filtered)]
        self.check(
            len(selector) > 0 and math.prod(selector[1:]) == 1,
            f"the selector '{name}' must have one value for each item; found shape {selector}",
        )
        for other, shape in zip(self.spec.bottom, filtered, strict=False):
            self.check(
                shape[:1] == selector[:1],
                f"'{other}' and the selector '{name}' need the same number of items; found shapes "
                f"{shape} and {selector}",
            )
        return filtered

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        shapes = self.top_shapes([blob.shape for blob in bottom])
        chosen = int(bottom[-1].data_tensor().count_nonzero()) if self.built else shapes[0][0]
        self.built = True
        for blob, shape in zip(top, shapes, strict=True):
            blob.reshape(chosen, *shape[1:])

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        *filtered, selector = bottoms
        chosen = selector.detach().flatten() != 0
        return [x[chosen] for x in filtered]


@layer_type("Reduction")
class Reduction(LayerType):
    """SUM, ASUM, SUMSQ or MEAN over all axes from `axis` on, times coeff (reduction_layer.cpp)."""

    gradient_of_bottom = True

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        largest = self.spec.reduction_param.operation == caffe_pb2.ReductionParameter.TOPK
        self.check(not largest, "its operation is SUM, ASUM, SUMSQ or MEAN; found TOPK")
        return [shapes[0][: self.axis(self.spec.reduction_param.axis, shapes[0])]]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        reduction = self.spec.reduction_param
        x = x.flatten(self.axis(reduction.axis, tuple(x.shape)))
        if reduction.operation == caffe_pb2.ReductionParameter.ASUM:
            x = x.abs()
        elif reduction.operation == caffe_pb2.ReductionParameter.SUMSQ:
            x = x.square()
        mean = reduction.operation == caffe_pb2.ReductionParameter.MEAN
        return (x.mean(-1) if mean else x.sum(-1)) * reduction.coeff
