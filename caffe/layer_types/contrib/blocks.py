"""TensorFlow's blocks as items, in Synopsys' Caffe: SpaceToBatchND and BatchToSpaceND."""

import math

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, layer_type
from .padding import last_first


class Blocks(LayerType):
    """Blocks of block_shape, a value for each axis but the first."""

    passes_on = True
    reads_values = False

    def given(self) -> tuple[list[int], list[int]]:
        """The blocks, and what is given before and behind each axis."""
        raise NotImplementedError

    def check_axes(self, shape: Shape, name: str) -> None:
        block, ends = self.given()
        self.check(
            len(ends) == 2 * len(block) and 0 < len(block) < len(shape) and min(block) > 0,
            f"needs a positive block_shape for each axis but the first, and two {name} each; "
            f"found {block} and {ends} for a bottom of shape {shape}",
        )


@layer_type("SpaceToBatchND", "Synopsys' Caffe")
class SpaceToBatchND(Blocks):
    """Axes with so many zeros more, and each place in their blocks as items: the first place's.

    N x C x H x W becomes N * (c h w) x C / c x H / h x W / w for blocks of c x h x w.
    """

    def given(self) -> tuple[list[int], list[int]]:
        param = self.spec.space_to_batch_nd_param
        return list(param.block_shape), list(param.paddings)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), (block, ends) = shapes, self.given()
        self.check_axes(shape, "paddings")
        sizes = [n + ends[2 * i] + ends[2 * i + 1] for i, n in enumerate(shape[1:][: len(block)])]
        self.check(
            not any(size % each for size, each in zip(sizes, block, strict=True)),
            f"block_shape {block} must divide the padded axes {sizes}",
        )
        smaller = [size // each for size, each in zip(sizes, block, strict=True)]
        return [(shape[0] * math.prod(block), *smaller, *shape[1 + len(block) :])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), (block, ends) = bottoms, self.given()
        axes, rest = len(block), x.dim() - 1 - len(block)
        x = F.pad(x, [0, 0] * rest + last_first(ends))
        for i, each in enumerate(block):
            x = x.unflatten(1 + 2 * i, (-1, each))
        places = [2 + 2 * i for i in range(axes)]
        others = [axis for axis in range(x.dim()) if axis not in places]
        return x.permute(*places, *others).flatten(0, axes)


@layer_type("BatchToSpaceND", "Synopsys' Caffe")
class BatchToSpaceND(Blocks):
    """SpaceToBatchND back again; then `crops` are cut from each axis."""

    def given(self) -> tuple[list[int], list[int]]:
        param = self.spec.batch_to_space_nd_param
        return list(param.block_shape), list(param.crops)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), (block, ends) = shapes, self.given()
        self.check_axes(shape, "crops")
        self.check(
            shape[0] % math.prod(block) == 0,
            f"block_shape {block} must divide the {shape[0]} items",
        )
        sizes = [
            n * each - ends[2 * i] - ends[2 * i + 1]
            for i, (n, each) in enumerate(zip(shape[1:], block, strict=False))
        ]
        self.check(min(sizes) > 0, f"nothing is left of a bottom of shape {shape}")
        return [(shape[0] // math.prod(block), *sizes, *shape[1 + len(block) :])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), (block, ends) = bottoms, self.given()
        axes = len(block)
        x = x.unflatten(0, (*block, -1))
        order = [axes]
        for i in range(axes):
            order += [axes + 1 + i, i]
        x = x.permute(*order, *range(2 * axes + 1, x.dim()))
        for i in range(axes):
            x = x.flatten(1 + i, 2 + i)
            length = x.shape[1 + i] - ends[2 * i] - ends[2 * i + 1]
            x = x.narrow(1 + i, ends[2 * i], length)
        return x
