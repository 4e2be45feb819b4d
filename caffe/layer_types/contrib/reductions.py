"""What TensorFlow and ONNX make of several axes in Synopsys' Caffe: ReduceSum, ReduceMax, ...."""

import torch

from ..base import LayerType, Shape, layer_type
from .tensors import SYNOPSYS


class Reduce(LayerType):
    """One value of all along some axes; of all axes where none is given.

    They are of length 1 in the top where they are kept, else they are left out.
    """

    reads_values = False
    field: str  # of LayerParameter

    def axes(self, shape: Shape) -> list[int]:
        """Those that are reduced, in their order."""
        param = getattr(self.spec, self.field)
        given = param.axes if hasattr(param, "axes") else param.axis
        found = sorted(self.axis(axis, shape) for axis in given)
        self.check(len(set(found)) == len(found), f"names an axis twice: {list(given)}")
        return found or list(range(len(shape)))

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), axes = shapes, self.axes(shapes[0])
        if getattr(self.spec, self.field).keepdims:
            return [tuple(1 if i in axes else size for i, size in enumerate(shape))]
        return [tuple(size for i, size in enumerate(shape) if i not in axes)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        axes = self.axes(tuple(x.shape))
        if not axes:
            return self.reduced(x.reshape(1), [0]).reshape(())
        top = self.reduced(x, axes)
        return top if getattr(self.spec, self.field).keepdims else top.squeeze(axes)

    def reduced(self, x: torch.Tensor, axes: list[int]) -> torch.Tensor:
        """The top, with axes of 1."""
        raise NotImplementedError


@layer_type("ReduceSum", SYNOPSYS)
class ReduceSum(Reduce):
    """The sum."""

    field = "reduce_sum_param"

    def reduced(self, x: torch.Tensor, axes: list[int]) -> torch.Tensor:
        return x.sum(axes, keepdim=True)


@layer_type("ReduceMean", SYNOPSYS)
class ReduceMean(Reduce):
    """The mean."""

    field = "reduce_mean_param"

    def reduced(self, x: torch.Tensor, axes: list[int]) -> torch.Tensor:
        return x.mean(axes, keepdim=True)


@layer_type("ReduceMax", SYNOPSYS)
class ReduceMax(Reduce):
    """The largest; of equal ones each has its share of the gradient."""

    field = "reduce_max_param"

    def reduced(self, x: torch.Tensor, axes: list[int]) -> torch.Tensor:
        return x.amax(axes, keepdim=True)


@layer_type("ReduceMin", SYNOPSYS)
class ReduceMin(Reduce):
    """The least; of equal ones each has its share of the gradient."""

    field = "reduce_min_param"

    def reduced(self, x: torch.Tensor, axes: list[int]) -> torch.Tensor:
        return x.amin(axes, keepdim=True)


@layer_type("ReduceProd", SYNOPSYS)
class ReduceProd(Reduce):
    """The product."""

    field = "reduce_prod_param"

    def reduced(self, x: torch.Tensor, axes: list[int]) -> torch.Tensor:
        for axis in axes:
            x = x.prod(axis, keepdim=True)
        return x


@layer_type("ReduceLogsumexp", SYNOPSYS)
class ReduceLogsumexp(Reduce):
    """The logarithm of the sum of the exponentials."""

    field = "reduce_logsumexp_param"

    def reduced(self, x: torch.Tensor, axes: list[int]) -> torch.Tensor:
        return x.logsumexp(axes, keepdim=True)


@layer_type("ReduceL1", SYNOPSYS)
class ReduceL1(Reduce):
    """The sum of the absolute values; axes are kept where keepdims does not say otherwise."""

    field = "reduce_l1_param"

    def reduced(self, x: torch.Tensor, axes: list[int]) -> torch.Tensor:
        return x.abs().sum(axes, keepdim=True)


@layer_type("ReduceL2", SYNOPSYS)
class ReduceL2(Reduce):
    """The root of the sum of the squares, whose gradient is 0 where it is 0.

    Axes are kept where keepdims does not say otherwise.
    """

    field = "reduce_l2_param"

    def reduced(self, x: torch.Tensor, axes: list[int]) -> torch.Tensor:
        return torch.linalg.vector_norm(x, dim=axes, keepdim=True)
