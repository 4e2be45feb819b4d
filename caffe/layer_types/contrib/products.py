"""Products of the items of two bottoms: DotProduct, CosineSimilarity."""

import math

import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, Tensors, item_rows, layer_type

MODE = caffe_pb2.DotProductParameter


@layer_type("DotProduct", "several forks")
class DotProduct(LayerType):
    """The product of each item of one bottom with the other's, of one shape: N x 1 x 1 x 1.

    With the mode of another fork's dot_product_param, of the last axes: vectors V, the last one, or
    matrices M, the last two; all axes in front of them are alike. VV leaves an axis of 1.
    """

    bottoms = (2, 2)
    reads_values = False

    def modes(self) -> tuple[int, int] | None:
        """How many axes at the end of each bottom are multiplied; None: all of an item's."""
        if not self.spec.HasField("dot_product_param"):
            return None
        param = self.spec.dot_product_param
        self.check(param.HasField("mode"), "dot_product_param needs a mode: VV, VM, MV or MM")
        first, second = (1 + (letter == "M") for letter in MODE.Mode.Name(param.mode))
        return first, second

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (one, other), modes = shapes, self.modes()
        if modes is None:
            self.check(
                one == other and len(one) > 0, f"needs bottoms of one shape; found shapes {shapes}"
            )
            return [(one[0], 1, 1, 1)]
        first, second = modes
        self.check(
            len(one) >= first
            and len(other) >= second
            and one[:-first] == other[:-second]
            and one[-1] == other[-second],
            f"bottoms of shapes {one} and {other} cannot be multiplied in their mode: the axes in "
            "front must be alike, and the last one of bottom 0 as long as "
            f"{'the last but one' if second == 2 else 'the last one'} of bottom 1",
        )
        rows, columns = one[-2:-1] if first == 2 else (), other[-1:] if second == 2 else ()
        return [(*one[:-first], *((*rows, *columns) or (1,)))]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (one, other), modes = bottoms, self.modes()
        if modes is None:
            return (item_rows(one) * item_rows(other)).sum(1).reshape(-1, 1, 1, 1)
        first, second = modes
        (top,) = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])
        one = one if first == 2 else one.unsqueeze(-2)
        return (one @ (other if second == 2 else other.unsqueeze(-1))).reshape(top)


@layer_type("CosineSimilarity", "several forks")
class CosineSimilarity(LayerType):
    """The cosine of the angle between the items of two bottoms, on average.

    With two tops those of another fork: the cosine of each item, N x 1 x 1 x 1, and zeros.
    """

    bottoms = (2, 2)
    tops = (1, 2)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        one, other = shapes
        self.check(
            one[:1] == other[:1] and len(one) > 0 and math.prod(one[1:]) == math.prod(other[1:]),
            f"needs as many items of as many values; found shapes {one} and {other}",
        )
        return [(one[0], 1, 1, 1)] * 2 if len(self.spec.top) == 2 else [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        one, other = map(item_rows, bottoms)
        cosines = (one * other).sum(1) / (one.norm(dim=1) * other.norm(dim=1))
        if len(self.spec.top) == 1:
            return cosines.mean()
        each = cosines.reshape(-1, 1, 1, 1)
        return [each, torch.zeros_like(each)]
