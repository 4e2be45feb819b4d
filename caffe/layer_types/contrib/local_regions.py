"""Local by other names, and a map's regions with weights of their own: LocalConvolution."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from google.protobuf.message import Message

from ..base import Shape, layer_type
from .local import Filters, Local


@layer_type("LocalConv", "several forks")
class LocalConv(Local):
    """Local by the name of other forks, with two values for kernel, stride and pad if need be.

    Parameters of num_output x C x kernel_size^2 x places, and 1 x num_output x height x width, are
    the same in memory.
    """

    loads_by_count = True

    def given(self) -> Message:
        return self.spec.local_conv_param

    def setup_from(self, shapes: list[Shape]) -> None:
        fields = [field.name for field, _ in self.given().ListFields()]
        regions = [name for name in fields if name.startswith("local_region_")]
        self.check(
            not regions,
            f"has weights for each place, not for regions; found {', '.join(regions)}: leave it "
            "out, or write a LocalConvolution with local_conv_param, which has regions",
        )
        super().setup_from(shapes)


@layer_type("LocalConvolution", "several forks")
class LocalConvolution(LocalConv):
    """Convolutions of several regions of a map, whose results stand side by side.

    There are local_region_number regions along each axis, of local_region_ratio of its length,
    which is rounded down. They begin local_region_step from each other, as seen from the border
    that they are nearer to; the middle one of an odd number lies in the middle. What is outside of
    a region is 0 for its convolution. Parameters: regions x (num_output C / group) x kernel, and
    regions x num_output x 1 x 1. Each of the three may be given by axis, with _h and _w. With
    local_convolution_param instead of local_conv_param, in another fork, it is Local.
    """

    @property
    def by_place(self) -> bool:
        """Whether it is Local."""
        return self.spec.HasField("local_convolution_param")

    def given(self) -> Message:
        spec = self.spec
        return spec.local_convolution_param if self.by_place else spec.local_conv_param

    def setup_from(self, shapes: list[Shape]) -> None:
        if self.by_place:
            self.check(
                not self.spec.HasField("local_conv_param"),
                "takes local_convolution_param, for weights for each place, or local_conv_param, "
                "for regions; found both",
            )
            super().setup_from(shapes)
            return
        Filters.setup_from(self, shapes)
        conv = self.spec.convolution_param
        self.check(
            conv.group > 0 and self.channels % conv.group == 0 == conv.num_output % conv.group,
            f"group {conv.group} must divide num_output {conv.num_output} and the {self.channels} "
            "channels",
        )
        self.numbers = self._of_both("number")
        self.ratios = self._of_both("ratio")
        self.steps = self._of_both("step")
        self.check(
            min(self.numbers) > 0 and min(self.ratios) > 0 and max(self.ratios) <= 1,
            "needs local_region_number above 0, and local_region_ratio above 0 and at most 1; "
            f"found {self.numbers} and {self.ratios}",
        )
        self.check(
            all(n < 4 or step > 0 for n, step in zip(self.numbers, self.steps, strict=True)),
            f"needs local_region_step for {self.numbers} regions along the axes",
        )
        regions, outputs = int(math.prod(self.numbers)), conv.num_output
        weights = (regions, outputs * self.channels // conv.group, *self.kernel)
        self.add_param(weights, conv.weight_filler)
        if conv.bias_term:
            self.add_param((regions, outputs, 1, 1), conv.bias_filler)

    def _of_both(self, name: str) -> tuple[float, float]:
        """A setting of the regions, for height and width."""
        param, name = self.spec.local_conv_param, f"local_region_{name}"
        if param.HasField(f"{name}_h") or param.HasField(f"{name}_w"):
            return getattr(param, f"{name}_h"), getattr(param, f"{name}_w")
        return (getattr(param, name),) * 2

    def _region(self, shape: Shape) -> tuple[int, int]:
        """Height and width of a region, which are counted in float32."""
        height, width = (
            int(np.float32(length) * np.float32(ratio))
            for length, ratio in zip(shape[2:], self.ratios, strict=True)
        )
        return height, width

    def _starts(self, length: int, region: int, axis: int) -> list[int]:
        """Where the regions begin along an axis."""
        number, step = int(self.numbers[axis]), int(self.steps[axis])
        before = [i * step for i in range(number // 2)]
        middle = [(length - region) // 2] * (number % 2)
        return before + middle + [length - region - start for start in reversed(before)]

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        if self.by_place:
            return super().top_shapes(shapes)
        (shape,) = shapes
        self.check(
            len(shape) == 4 and shape[1] == self.channels,
            f"expects N x {self.channels} x H x W; found a bottom of shape {shape}",
        )
        region = self._region(shape)
        for axis in range(2):
            starts = self._starts(shape[2 + axis], region[axis], axis)
            self.check(
                min(starts) >= 0 and max(starts) <= shape[2 + axis] - region[axis],
                f"regions of {region[axis]} that begin at {starts} do not lie on the "
                f"{shape[2 + axis]} pixels of axis {2 + axis}; local_region_step is too large",
            )
        top = self.out_shape((*shape[:2], *region), self.spec.convolution_param.num_output)
        return [(*top[:2], *(int(n) * size for n, size in zip(self.numbers, top[2:], strict=True)))]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        if self.by_place:
            return super().expression(bottoms, params)
        (x,), shape = bottoms, tuple(bottoms[0].shape)
        (height, width), conv = self._region(shape), self.spec.convolution_param
        weights = params[0].unflatten(1, (conv.num_output, -1))
        biases = params[1].flatten(1) if len(params) == 2 else [None] * len(weights)
        numbered = iter(range(len(weights)))
        rows = []
        for top in self._starts(shape[2], height, 0):
            row = []
            for left in self._starts(shape[3], width, 1):
                region, at = x[..., top : top + height, left : left + width], next(numbered)
                row.append(
                    F.conv2d(
                        region,
                        weights[at],
                        biases[at],
                        self.stride,
                        self.pad,
                        self.dilation,
                        conv.group,
                    )
                )
            rows.append(torch.cat(row, 3))
        return torch.cat(rows, 2)

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        if self.by_place:
            return super().multiply_adds(bottoms, tops)
        return math.prod(tops[0]) * math.prod(self.blobs[0].shape[1:]) // tops[0][1]
