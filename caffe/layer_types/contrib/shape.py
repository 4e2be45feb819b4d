"""Layer types that move values: Permute, Transpose, ShuffleChannel, Flip, Reverse, Reorg.

And PixelShuffle, Tiling, GSTiling, Extract, and Gather, which passes them on.
"""

import torch

from ...proto import caffe_pb2
from .. import exporting
from ..base import LayerType, Shape, Tensors, layer_type
from ..loss import with_gradient
from ..shape import Crop

MERGE = caffe_pb2.MergeCropParameter


@layer_type("Permute", "SSD")
class Permute(LayerType):
    """The axes in another order; those that are not named follow in theirs."""

    passes_on = True
    reads_values = False

    def named(self) -> list[int]:
        return list(self.spec.permute_param.order)

    def order(self, axes: int) -> list[int]:
        named = self.named()
        self.check(
            len(set(named)) == len(named) and all(0 <= axis < axes for axis in named),
            f"needs different axes of 0 to {axes - 1}; found {named}",
        )
        return named + [axis for axis in range(axes) if axis not in named]

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        return [tuple(shape[axis] for axis in self.order(len(shape)))]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        y = bottoms[0].permute(self.order(bottoms[0].dim()))
        if exporting.is_traced() and not exporting.into_onnx():
            # A reshape behind it would ask how it lies in memory, with a guard that no side is 1.
            return y.clone(memory_format=torch.contiguous_format)
        return y


@layer_type("Transpose", "CTPN")
class Transpose(Permute):
    """As Permute; `dim` names all axes."""

    def named(self) -> list[int]:
        return list(self.spec.transpose_param.dim)


@layer_type("ShuffleChannel", "ShuffleNet")
class ShuffleChannel(LayerType):
    """Of `group` groups of channels: the first of each, then the second of each, and so on."""

    passes_on = True
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        group = self.spec.shuffle_channel_param.group
        self.check(
            len(shape) > 1 and group > 0 and shape[1] % group == 0,
            f"group {group} must divide the channels of the bottom; its shape is {shape}",
        )
        return shapes

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        groups = x.unflatten(1, (self.spec.shuffle_channel_param.group, -1))
        return groups.transpose(1, 2).flatten(1, 2)


@layer_type("Flip", "several forks")
class Flip(LayerType):
    """N x C x H x W mirrored: left and right by flip_width, above and below by flip_height."""

    passes_on = True
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(len(shapes[0]) == 4, f"needs 4 axes (N, C, H, W); found shape {shapes[0]}")
        return shapes

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        flip = self.spec.flip_param
        axes = [axis for axis, on in ((2, flip.flip_height), (3, flip.flip_width)) if on]
        return bottoms[0].flip(axes)


@layer_type("Reverse", "CTPN")
class Reverse(LayerType):
    """The bottom backwards along `axis`: time, of a recurrent net that also reads from the end."""

    passes_on = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        self.axis(self.spec.reverse_param.axis, shapes[0])

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0].flip([self.spec.reverse_param.axis])


@layer_type("RingPad", "panoramic object detection")
class RingPad(LayerType):
    """The bottom, longer by `pad` at each end of `axis`, as if it were a ring."""

    passes_on = True

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param, shape = self.spec.ring_pad_param, list(shapes[0])
        axis = self.axis(param.axis, shapes[0])
        self.check(
            param.pad <= shape[axis], f"pad {param.pad} is longer than axis {axis} of {shapes[0]}"
        )
        shape[axis] += 2 * param.pad
        return [tuple(shape)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, x = self.spec.ring_pad_param, bottoms[0]
        axis = self.axis(param.axis, tuple(x.shape))
        last = x.narrow(axis, x.shape[axis] - param.pad, param.pad)
        return torch.cat([last, x, x.narrow(axis, 0, param.pad)], axis)


@layer_type("PixelShuffle", "several forks")
class PixelShuffle(LayerType):
    """N x C r^2 x H x W to N x C x H r x W r (Shi et al. 2016, equation 4)."""

    reads_values = False
    called, least = "upscale_factor", 2

    def factor(self) -> int:
        return self.spec.pixel_shuffle_param.upscale_factor

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        factor, (shape,) = self.factor(), shapes
        self.check(factor >= self.least, f"{self.called} is at least {self.least}; found {factor}")
        self.check(
            len(shape) == 4 and shape[1] % factor**2 == 0,
            f"needs N x C x H x W, C a multiple of {factor**2}; found shape {shape}",
        )
        n, channels, height, width = shape
        return [(n, channels // factor**2, height * factor, width * factor)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return torch.pixel_shuffle(bottoms[0], self.factor())


@layer_type("Tiling", "VPGNet")
class Tiling(PixelShuffle):
    """PixelShuffle by tile_dim, which may be 1."""

    called, least = "tile_dim", 1

    def factor(self) -> int:
        return self.spec.tiling_param.tile_dim


@layer_type("GSTiling", "Xilinx's Caffe")
class GSTiling(LayerType):
    """stride x stride pixels as channels, row by row, all C of each together; reverse: back again.

    As TensorFlow's space_to_depth and depth_to_space, of N x C x H x W.
    """

    passes_on = True
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), param = shapes, self.spec.gs_tiling_param
        stride = param.stride
        self.check(stride > 0, "stride is missing, or 0")
        self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        n, c, h, w = shape
        if param.reverse:
            self.check(
                c % stride**2 == 0, f"{stride}^2 must divide the channels; found shape {shape}"
            )
            return [(n, c // stride**2, h * stride, w * stride)]
        self.check(
            h % stride == w % stride == 0,
            f"stride {stride} must divide height and width; found shape {shape}",
        )
        return [(n, c * stride**2, h // stride, w // stride)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), stride = bottoms, self.spec.gs_tiling_param.stride
        if self.spec.gs_tiling_param.reverse:
            blocks = x.unflatten(1, (stride, stride, -1)).permute(0, 3, 4, 1, 5, 2)
            return blocks.flatten(4, 5).flatten(2, 3)
        blocks = x.unflatten(3, (-1, stride)).unflatten(2, (-1, stride))
        return blocks.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)


@layer_type("Reorg", "YOLOv2")
class Reorg(LayerType):
    """stride x stride pixels as channels, in Darknet's order; reverse: back again.

    Darknet takes the bottom, N x C x H x W, for one of N x C / stride^2 x H * stride x W * stride,
    writes the pixels of each block of that behind one another, and gives the result the shape N x
    C * stride^2 x H / stride x W / stride.
    """

    passes_on = True
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        reorg = self.spec.reorg_param
        stride = reorg.stride
        self.check(stride > 0, "stride is missing")
        self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        n, c, h, w = shape
        self.check(
            c % stride**2 == 0 and (reorg.reverse or h % stride == w % stride == 0),
            f"stride {stride} must divide height and width, and its square the channels; found "
            f"shape {shape}",
        )
        if reorg.reverse:
            return [(n, c // stride**2, h * stride, w * stride)]
        return [(n, c * stride**2, h // stride, w // stride)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        n, c, h, w = x.shape
        (top,) = self.top_shapes([tuple(x.shape)])
        stride = self.spec.reorg_param.stride
        channels = c // stride**2
        if self.spec.reorg_param.reverse:
            blocks = x.reshape(n, stride, stride, channels, h, w).permute(0, 3, 4, 1, 5, 2)
        else:
            blocks = x.reshape(n, channels, h, stride, w, stride).permute(0, 3, 5, 1, 2, 4)
        return blocks.reshape(top)


@layer_type("Gather", "the temporal segment networks")
@layer_type("Scatter", "the temporal segment networks")
class Gather(LayerType):
    """Each top is a bottom: with one process its part of a batch is all of it."""

    bottoms = (1, None)
    tops = (1, None)
    pairs_tops = True
    passes_on = True
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(shapes) == len(self.spec.top),
            f"needs a top for each of {len(shapes)} bottoms; found {len(self.spec.top)}",
        )
        return shapes

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        return [bottom.view_as(bottom) for bottom in bottoms]


@layer_type("AutoCrop", "RCF")
class AutoCrop(Crop):
    """As Crop, at the offset that aligns both bottoms by the layers between them."""


@layer_type("Extract", "GBD-Net")
class Extract(LayerType):
    """Of maps N x C x H x W the h rows from y on, and of these the w columns from x on."""

    passes_on = True
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), part = shapes, self.spec.extract_param
        self.check(
            len(shape) == 4
            and min(part.h, part.w) > 0
            and part.y + part.h <= shape[2]
            and part.x + part.w <= shape[3],
            f"needs N x C x H x W, H at least {part.y} + {part.h}, W {part.x} + {part.w}, with h "
            f"and w positive; found shape {shape}",
        )
        return [(*shape[:2], part.h, part.w)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        part = self.spec.extract_param
        return bottoms[0][:, :, part.y : part.y + part.h, part.x : part.x + part.w]


@layer_type("MergeCrop", "naibaf7's Caffe")
class MergeCrop(LayerType):
    """Bottom 0, and behind its channels (or, operation ADD, added) the middle of bottom 1.

    The middle is of bottom 0's size. forward: false of a bottom is zeros in its place, backward:
    false no gradient, which is bottom 1's default.
    """

    bottoms = (2, 2)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        first, second = shapes
        adds = self.spec.mergecrop_param.operation == MERGE.ADD
        self.check(
            len(first) == len(second) > 1
            and first[0] == second[0]
            and (first[1] == second[1] or not adds)
            and all(a <= b for a, b in zip(first[2:], second[2:], strict=True)),
            "needs bottoms of as many items, the second no smaller than the first; found shapes "
            f"{first} and {second}",
        )
        return [(first[0], first[1] + (0 if adds else second[1]), *first[2:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, (first, second) = self.spec.mergecrop_param, bottoms
        for axis in range(2, first.dim()):
            size = first.shape[axis]
            second = second.narrow(axis, (second.shape[axis] - size) // 2, size)
        forward = [*param.forward, *(True, True)[len(param.forward) :]]
        backward = [*param.backward, *(True, False)[len(param.backward) :]]
        parts = []
        for x, shown, learns in zip((first, second), forward, backward, strict=True):
            value = x.detach() if shown else torch.zeros_like(x)
            parts.append(with_gradient(value, x, 1) if learns else value)
        return sum(parts[1:], parts[0]) if param.operation == MERGE.ADD else torch.cat(parts, 1)
