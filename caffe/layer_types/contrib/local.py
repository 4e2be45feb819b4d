"""Convolutions that are none everywhere: weights differ, or in DeformableConvolution places."""

import math

import torch
import torch.nn.functional as F
from google.protobuf.message import Message

from ..base import Shape, layer_type
from ..convolution import Windowed
from .sampling import sampled


class Filters(Windowed):
    """Filters whose settings stand in a message of another name than convolution_param."""

    def given(self) -> Message:
        """The message."""
        raise NotImplementedError

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(len(shapes[0]) == 4, f"needs 4 axes (N, C, H, W); found shape {shapes[0]}")
        conv = self.spec.convolution_param
        conv.Clear()
        for field, value in self.given().ListFields():
            if field.name not in conv.DESCRIPTOR.fields_by_name or field.enum_type:
                continue
            if field.message_type:
                getattr(conv, field.name).CopyFrom(value)
            elif conv.DESCRIPTOR.fields_by_name[field.name].is_repeated:
                getattr(conv, field.name).extend(value if field.is_repeated else [value])
            else:
                setattr(conv, field.name, value)
        super().setup_from(shapes[:1])
        self.channels = shapes[0][1]
        self.check(conv.num_output > 0, f"num_output must be positive; found {conv.num_output}")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        top = self.out_shape(shapes[0], self.spec.convolution_param.num_output)
        self.check(
            shapes[0][1] == self.channels,
            f"expects {self.channels} channels; found a bottom of shape {shapes[0]}",
        )
        return [top]


@layer_type("Local", "several forks")
class Local(Filters):
    """As Convolution, with weights and a bias of its own for each place of the top.

    Parameters: num_output x 1 x (C kernel_size^2) x places, and 1 x 1 x num_output x places.
    """

    def given(self) -> Message:
        return self.spec.local_param

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        local = self.spec.convolution_param
        self.check(
            local.group == 1 and set(self.dilation) == {1},
            f"has neither group nor dilation; found {local.group} and {list(self.dilation)}",
        )
        self.size = shapes[0][2:]
        places = math.prod(self.out_shape(shapes[0], 1)[2:])
        window = self.channels * math.prod(self.kernel)
        self.add_param((local.num_output, 1, window, places), local.weight_filler)
        if local.bias_term:
            self.add_param((1, 1, local.num_output, places), local.bias_filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            shapes[0][2:] == self.size,
            f"has weights for the places of bottoms of {self.size[0]} x {self.size[1]}; found "
            f"shape {shapes[0]}",
        )
        return super().top_shapes(shapes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), weight = bottoms, params[0]
        columns = F.unfold(x, self.kernel, 1, self.pad, self.stride)
        # A product for each place p: (n k) @ (k o).
        top = (columns.permute(2, 0, 1) @ weight.squeeze(1).permute(2, 1, 0)).permute(1, 2, 0)
        if len(params) > 1:
            top = top + params[1].squeeze(0)
        return top.reshape(self.top_shapes([tuple(x.shape)])[0])

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        return tops[0][0] * math.prod(self.blobs[0].shape)


@layer_type("DeformableConvolution", "Deformable ConvNets")
class DeformableConvolution(Filters):
    """As Convolution, each weight's place moved by an offset (Dai et al. 2017, equation 2).

    Bottoms: maps and offsets, N x (2 deformable_group kernel) x the top's height x width: of each
    group of channels and weight the rows and the columns that its place moves by. Values are
    bilinear; outside of the map they are 0.
    """

    bottoms = (2, 2)

    def given(self) -> Message:
        return self.spec.deformable_convolution_param

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        conv = self.spec.convolution_param
        self.groups = self.spec.deformable_convolution_param.deformable_group
        self.check(
            all(group > 0 and self.channels % group == 0 for group in (conv.group, self.groups))
            and conv.num_output % conv.group == 0,
            f"group {conv.group} must divide num_output {conv.num_output}, and it and "
            f"deformable_group {self.groups} the {self.channels} channels",
        )
        shape = (conv.num_output, self.channels // conv.group, *self.kernel)
        self.add_param(shape, conv.weight_filler)
        if conv.bias_term:
            self.add_param((conv.num_output,), conv.bias_filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (top,) = super().top_shapes(shapes)
        expected = (top[0], 2 * self.groups * math.prod(self.kernel), *top[2:])
        self.check(
            shapes[1] == expected, f"needs offsets of shape {expected}; found shape {shapes[1]}"
        )
        return [top]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        maps, offsets = bottoms
        weight, bias = params[0], params[1] if len(params) == 2 else None
        n, _, height, width = offsets.shape
        moved = offsets.reshape(n, self.groups, math.prod(self.kernel), 2, height, width)
        rows, columns = self._places(maps, height, 0), self._places(maps, width, 1)
        y = moved[:, :, :, 0] + rows.repeat_interleave(self.kernel[1], 0)[:, :, None]
        x = moved[:, :, :, 1] + columns.repeat(self.kernel[0], 1)[:, None, :]
        parts = maps.reshape(n * self.groups, -1, *maps.shape[2:])
        each = (n * self.groups, -1)
        seen = sampled(parts, y.reshape(each), x.reshape(each), 0)
        seen = seen.reshape(n, maps.shape[1] * math.prod(self.kernel), height * width)
        group = self.spec.convolution_param.group
        top = F.conv1d(seen, weight.reshape(len(weight), -1, 1), bias, groups=group)
        return top.reshape(n, -1, height, width)

    def _places(self, like: torch.Tensor, count: int, i: int) -> torch.Tensor:
        """Where a kernel's weights lie along an axis, (kernel, count)."""
        steps = torch.arange(self.kernel[i], device=like.device) * self.dilation[i]
        starts = torch.arange(count, device=like.device) * self.stride[i] - self.pad[i]
        return (steps[:, None] + starts).to(like.dtype)

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        return math.prod(tops[0]) // tops[0][1] * math.prod(self.blobs[0].shape)
