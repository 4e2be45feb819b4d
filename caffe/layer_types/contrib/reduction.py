"""Sums along an axis, of items or bottoms, and of products: BatchReduction, Sum, Gram."""

import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, item_rows, layer_type
from ..loss import with_gradient

REDUCTION = caffe_pb2.ReductionParameter


@layer_type("BatchReduction", "the temporal segment networks and PSPNet")
class BatchReduction(LayerType):
    """The sums, or means, of parts of an axis, level * level values each, one part a level.

    With the one level 1, which is the default, of the whole axis, which is no axis of the top then.
    TOPK: the mean of the k largest values of that axis. pos: of what has the same place on this and
    the next axis, both of one length, neither of which the top has.
    """

    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.batch_reduction_param
        self.largest = param.reduction_param.operation == REDUCTION.TOPK
        self.check(
            self.largest or param.reduction_param.operation in (REDUCTION.SUM, REDUCTION.MEAN),
            "its operation is SUM, MEAN or TOPK",
        )
        self.levels = list(param.level) or [1]
        self.check(
            self.levels == [1] or not (self.largest or param.pos),
            f"TOPK and pos take the one level 1; found {self.levels}",
        )
        self.check(not (self.largest and param.pos), "takes TOPK or pos, not both")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        param = self.spec.batch_reduction_param
        axis, k = self.axis(param.reduction_param.axis, shape), param.reduction_param.k
        self.check(
            not self.largest or 0 < k <= shape[axis],
            f"k must be from 1 to {shape[axis]}, the length of axis {axis}; found {k}",
        )
        if param.pos:
            self.check(
                shape[axis : axis + 1] == shape[axis + 1 : axis + 2],
                f"pos needs two axes of one length from axis {axis} on; found shape {shape}",
            )
            return [shape[:axis] + shape[axis + 2 :]]
        if self.levels == [1]:
            return [shape[:axis] + shape[axis + 1 :]]
        size = sum(level * level for level in self.levels)
        self.check(
            size == shape[axis],
            f"levels {self.levels} are of {size} values; axis {axis} of {shape} has {shape[axis]}",
        )
        return [(*shape[:axis], len(self.levels), *shape[axis + 1 :])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), param = bottoms, self.spec.batch_reduction_param.reduction_param
        reduce = torch.mean if param.operation == REDUCTION.MEAN else torch.sum
        axis = param.axis % x.dim()
        if self.spec.batch_reduction_param.pos:
            return reduce(x.diagonal(dim1=axis, dim2=axis + 1), -1)
        if self.largest:
            return x.topk(param.k, axis).values.mean(axis)
        if self.levels == [1]:
            return reduce(x, axis)
        parts = x.split([level * level for level in self.levels], axis)
        return torch.stack([reduce(part, axis) for part in parts], axis)


@layer_type("Sum", "several forks")
class Sum(LayerType):
    """The sum of each item's values, N x 1 x 1 x 1; of several bottoms, of one shape, their sum."""

    bottoms = (1, None)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(set(shapes)) == 1 and len(shapes[0]) > 0,
            f"needs bottoms of one shape; found shapes {shapes}",
        )
        return [(shapes[0][0], 1, 1, 1) if len(shapes) == 1 else shapes[0]]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        first, *others = bottoms
        if not others:
            return item_rows(first).sum(1).reshape(-1, 1, 1, 1)
        for other in others:
            first = first + other
        return first


@layer_type("Gram", "happynear's Caffe")
class Gram(LayerType):
    """The products of channels at all places, over the count of N x C x H x W's items' values.

    N x C x C x 1. The gradient counts an entry of the top once, twice on the diagonal.
    """

    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        return [(shape[0], shape[1], shape[1], 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0].flatten(2)
        scale = 1 / (x.shape[1] * x.shape[2])
        other = x.detach().transpose(1, 2)
        once = x @ other * scale
        twice = once * (1 + torch.eye(x.shape[1], dtype=x.dtype, device=x.device))
        return with_gradient(once, twice, 1).unsqueeze(3)
