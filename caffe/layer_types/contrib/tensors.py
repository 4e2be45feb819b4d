"""TensorFlow's operators in Synopsys' Caffe: Mul, Add, Sub, ..., MatMul, Gemm, Stack, Unstack."""

import itertools

import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, Tensors, layer_type

SYNOPSYS = "Synopsys' Caffe"


class Broadcast(LayerType):
    """Of two bottoms, value by value; an axis of 1, or one that lacks in front, is repeated."""

    bottoms = (2, 2)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        reversed_shapes = [shape[::-1] for shape in shapes]
        axes = list(itertools.zip_longest(*reversed_shapes, fillvalue=1))
        self.check(
            all(len(set(sizes) - {1}) < 2 for sizes in axes),
            f"axes must be alike, or 1; found shapes {shapes}",
        )
        return [tuple(max(sizes) if min(sizes) else 0 for sizes in reversed(axes))]


@layer_type("Mul", SYNOPSYS)
class Mul(Broadcast):
    """Bottoms multiplied as in numpy; of one bottom, with a parameter of mul_shape."""

    bottoms = (1, 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        if len(shapes) == 1:
            shape = tuple(self.spec.mul_param.mul_shape)
            self.add_param(shape, caffe_pb2.FillerParameter())

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return super().top_shapes([*shapes, *(blob.shape for blob in self.blobs)])

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        one, other = [*bottoms, *params]
        return one * other


@layer_type("BroadcastMul", "DeepDetect's Caffe")
class BroadcastMul(Broadcast):
    """Bottoms N x C x H x W and N x C x 1 x 1 multiplied: a weight for each map."""

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        maps, weights = shapes
        self.check(
            len(maps) > 1 and weights in (maps[:2], (*maps[:2], *(1,) * len(maps[2:]))),
            f"needs maps N x C x H x W and weights N x C x 1 x 1; found shapes {shapes}",
        )
        return [maps]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        maps, weights = bottoms
        return maps * weights.reshape(*weights.shape[:2], *(1,) * (maps.dim() - 2))


@layer_type("Add", SYNOPSYS)
class Add(Broadcast):
    """Two bottoms added as in numpy."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0] + bottoms[1]


class OfTwo(Broadcast):
    """Broadcast of a type whose fork takes a constant of the caffemodel in place of bottom 1.

    A prototxt does not say the constant's shape, and so it has to be a bottom here.
    """

    bottoms = (1, 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(shapes) == 2,
            "takes 2 bottoms; found 1. Its fork has a constant as the other, the layer's blob 0 in "
            f"the caffemodel: write a layer of type Parameter, of the name '{self.name}' and the "
            "constant's shape, give this layer another name, and the Parameter's top as bottom 1",
        )
        return super().top_shapes(shapes)


@layer_type("Maximum", SYNOPSYS)
class Maximum(OfTwo):
    """The larger values of two bottoms, as in numpy; equal ones have half the gradient each."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return torch.maximum(bottoms[0], bottoms[1])


@layer_type("Minimum", SYNOPSYS)
class Minimum(OfTwo):
    """The smaller values of two bottoms, as in numpy; equal ones have half the gradient each."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return torch.minimum(bottoms[0], bottoms[1])


@layer_type("Sub", SYNOPSYS)
class Sub(OfTwo):
    """One bottom less the other, as in numpy."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0] - bottoms[1]


@layer_type("Div", SYNOPSYS)
class Div(OfTwo):
    """One bottom over the other, as in numpy."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0] / bottoms[1]


@layer_type("FloorDiv", SYNOPSYS)
class FloorDiv(OfTwo):
    """One bottom over the other, as in numpy, rounded down; the gradient is 0."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return (bottoms[0] / bottoms[1]).floor()


@layer_type("FloorMod", SYNOPSYS)
class FloorMod(OfTwo):
    """What is left of one bottom beyond FloorDiv times the other."""

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        one, other = bottoms
        return one - (one / other).floor() * other


@layer_type("Pow", SYNOPSYS)
class Pow(Broadcast):
    """One bottom to the power of the other, as in numpy; else of a parameter of its shape."""

    bottoms = (1, 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        if len(shapes) == 1:
            self.add_param(shapes[0], caffe_pb2.FillerParameter())

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return super().top_shapes([*shapes, *(blob.shape for blob in self.blobs)])

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        one, power = [*bottoms, *params]
        return one.pow(power)


@layer_type("MatMul", SYNOPSYS)
class MatMul(LayerType):
    """Products of matrices, the last two axes, each turned by transpose_a or transpose_b."""

    bottoms = (2, 2)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        one, other = shapes
        self.check(
            len(one) == len(other) > 1 and one[:-2] == other[:-2],
            f"needs matrices, and all axes in front of them alike; found shapes {shapes}",
        )
        param = self.spec.matmul_param
        rows, inner = one[:-3:-1] if param.transpose_a else one[-2:]
        inner_too, columns = other[:-3:-1] if param.transpose_b else other[-2:]
        self.check(
            inner == inner_too,
            f"rows of {inner} values cannot be multiplied with columns of {inner_too}; found "
            f"shapes {shapes}",
        )
        return [(*one[:-2], rows, columns)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (one, other), param = bottoms, self.spec.matmul_param
        one = one.transpose(-2, -1) if param.transpose_a else one
        return one @ (other.transpose(-2, -1) if param.transpose_b else other)


@layer_type("Gemm", SYNOPSYS)
class Gemm(LayerType):
    """alpha A B + beta C of matrices A and B, each turned by transA or transB.

    C is M x N, M x 1, 1 x N, or one value.
    """

    bottoms = (3, 3)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (one, other, more), param = shapes, self.spec.gemm_param
        self.check(
            len(one) == len(other) == 2, f"needs matrices A and B; found shapes {one} and {other}"
        )
        rows, inner = one[::-1] if param.transA else one
        inner_too, columns = other[::-1] if param.transB else other
        self.check(
            inner == inner_too,
            f"rows of {inner} values cannot be multiplied with columns of {inner_too}; found "
            f"shapes {one} and {other}",
        )
        self.check(
            more == (1,) or (len(more) == 2 and more[0] in (1, rows) and more[1] in (1, columns)),
            f"needs C of {rows} x {columns}, {rows} x 1, 1 x {columns} or one value; found shape "
            f"{more}",
        )
        return [(rows, columns)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (one, other, more), param = bottoms, self.spec.gemm_param
        one, other = one.T if param.transA else one, other.T if param.transB else other
        return param.alpha * (one @ other) + param.beta * more


@layer_type("Atan", SYNOPSYS)
class Atan(LayerType):
    """The arc tangent."""

    pointwise = True
    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0].atan()


@layer_type("ExpandDimsND", SYNOPSYS)
class ExpandDimsND(LayerType):
    """The bottom with one more axis, of 1, as axis `axis`."""

    passes_on = True
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        axis = _new_axis(self, self.spec.expand_dims_nd_param.axis, shape)
        return [(*shape[:axis], 1, *shape[axis:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0].unsqueeze(self.spec.expand_dims_nd_param.axis)


def _new_axis(layer: LayerType, axis: int, shape: Shape) -> int:
    """Where a new axis of a shape comes; -1 is behind the last one."""
    axes = len(shape) + 1
    layer.check(-axes <= axis < axes, f"axis must lie in {-axes} to {axes - 1}; found {axis}")
    return axis % axes


@layer_type("Stack", SYNOPSYS)
class Stack(LayerType):
    """The bottoms, of one shape, one behind the other along a new axis `axis`."""

    bottoms = (1, None)
    passes_on = True
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(len(set(shapes)) == 1, f"bottoms must have one shape; found {shapes}")
        axis = _new_axis(self, self.spec.stack_param.axis, shapes[0])
        return [(*shapes[0][:axis], len(shapes), *shapes[0][axis:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack(bottoms, self.spec.stack_param.axis)


@layer_type("Unstack", SYNOPSYS)
class Unstack(LayerType):
    """A top for each place on the axis `axis`, without it."""

    tops = (1, None)
    passes_on = True
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        axis = self.axis(self.spec.unstack_param.axis, shape)
        self.check(
            shape[axis] == len(self.spec.top),
            f"needs {shape[axis]} tops for a bottom of shape {shape}; found {len(self.spec.top)}",
        )
        return [(*shape[:axis], *shape[axis + 1 :])] * shape[axis]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        return list(bottoms[0].unbind(self.spec.unstack_param.axis))
