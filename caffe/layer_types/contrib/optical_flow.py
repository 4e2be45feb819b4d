"""FlowNet's layer types: Correlation, Correlation1D, FlowWarp, ChannelNorm, NegReLU."""

import math

import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
from ..windows import window_sums
from .sampling import sampled

Param = caffe_pb2.CorrelationParameter


@layer_type("Correlation", "FlowNet")
class Correlation(LayerType):
    """How alike patches of two maps are (Fischer et al. 2015, equation 1).

    A top's channel is a displacement of the second map's patch, by up to max_displacement in steps
    of stride_2, rows first; its values are the mean products (of type SUBTRACT the mean absolute
    differences) over the patches' kernel_size x kernel_size x C values. The first map's patches are
    stride_1 apart, where both fit into maps with `pad` zeros around them.
    """

    bottoms = (2, 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.correlation_param
        self.check(
            param.kernel_size % 2 == 1, f"kernel_size must be odd; found {param.kernel_size}"
        )
        self.check(param.HasField("max_displacement"), "max_displacement is missing")
        self.check(
            param.stride_1 > 0 and param.stride_2 > 0,
            f"stride_1 and stride_2 must be positive; found {param.stride_1} and {param.stride_2}",
        )
        self.check(not param.do_abs, "do_abs is of no known fork's sums; drop it")

    def displacements(self) -> tuple[list[int], list[int]]:
        """Of the rows, and of the columns."""
        param = self.spec.correlation_param
        steps = param.max_displacement // param.stride_2
        both = [step * param.stride_2 for step in range(-steps, steps + 1)]
        return both, both

    def pads(self) -> tuple[int, int]:
        """Zeros above and below, and left and right."""
        pad = self.spec.correlation_param.pad
        return pad, pad

    def reach(self) -> tuple[int, int]:
        """How far from the padded maps' edges the patches stay, less their own size."""
        reach = self.spec.correlation_param.max_displacement
        return reach, reach

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(shapes[0]) == 4 and shapes[0] == shapes[1],
            f"needs two maps N x C x H x W of one shape; found {shapes[0]} and {shapes[1]}",
        )
        param = self.spec.correlation_param
        sizes = []
        for size, pad, reach in zip(shapes[0][2:], self.pads(), self.reach(), strict=True):
            left = size + 2 * pad - 2 * reach - (param.kernel_size - 1)
            sizes.append(-(-left // param.stride_1))
        self.check(
            min(sizes) > 0,
            f"maps of shape {shapes[0]} with pad {param.pad} are smaller than max_displacement "
            f"{param.max_displacement} and kernel_size {param.kernel_size} need",
        )
        rows, columns = self.displacements()
        return [(shapes[0][0], len(rows) * len(columns), *sizes)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, stride = self.spec.correlation_param, self.spec.correlation_param.stride_1
        kernel = (param.kernel_size, param.kernel_size)
        high, wide = self.pads()
        above, left = self.reach()
        first, second = (F.pad(x, (wide, wide, high, high)) for x in bottoms)
        size = [first.shape[2] - 2 * above, first.shape[3] - 2 * left]
        first = first[:, :, above : above + size[0], left : left + size[1]]
        # Correlation1D's steps to the left go one further than max_displacement.
        further = param.stride_2
        second = F.pad(second, (further, further))
        found = []
        for down in self.displacements()[0]:
            for across in self.displacements()[1]:
                row, column = above + down, left + across + further
                moved = second[:, :, row : row + size[0], column : column + size[1]]
                if param.correlation_type == Param.SUBTRACT:
                    alike = (first - moved).abs()
                else:
                    alike = first * moved
                found.append(alike.sum(1, keepdim=True))
        sums = window_sums(torch.cat(found, 1), kernel, (stride, stride))
        return sums / (math.prod(kernel) * bottoms[0].shape[1])


@layer_type("Correlation1D", "DispNet")
class Correlation1D(Correlation):
    """As Correlation, along rows alone, which alone are padded.

    single_direction: 1 to the right, from 0 on; -1 to the left, from max_displacement and a step on
    to one step.
    """

    def displacements(self) -> tuple[list[int], list[int]]:
        param = self.spec.correlation_param
        steps = param.max_displacement // param.stride_2
        start = {0: -steps, 1: 0, -1: -steps - 1}[self._direction()]
        count = steps + 1 if self._direction() else 2 * steps + 1
        return [0], [step * param.stride_2 for step in range(start, start + count)]

    def _direction(self) -> int:
        direction = self.spec.correlation_param.single_direction
        self.check(direction in (-1, 0, 1), f"single_direction is -1, 0 or 1; found {direction}")
        return direction

    def pads(self) -> tuple[int, int]:
        return 0, self.spec.correlation_param.pad

    def reach(self) -> tuple[int, int]:
        return 0, self.spec.correlation_param.max_displacement


@layer_type("FlowWarp", "FlowNet2")
class FlowWarp(LayerType):
    """At each pixel the bottom's bilinear value where the flow (N x 2 x H x W: x, y) leads.

    Where that is outside the top is 0, or by fill_value no number.
    """

    bottoms = (2, 2)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        maps, flow = shapes
        self.check(
            len(maps) == 4 and flow == (maps[0], 2, *maps[2:]),
            f"needs maps N x C x H x W and a flow N x 2 x H x W; found shapes {maps} and {flow}",
        )
        return [maps]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        maps, flow = bottoms
        height, width = maps.shape[2:]
        rows = torch.arange(height, device=maps.device).to(maps.dtype)[:, None]
        columns = torch.arange(width, device=maps.device).to(maps.dtype)
        y, x = (flow[:, 1] + rows).flatten(1), (flow[:, 0] + columns).flatten(1)
        zero = caffe_pb2.FlowWarpParameter.ZERO
        outside = 0.0 if self.spec.flow_warp_param.fill_value == zero else math.nan
        return sampled(maps, y, x, outside).reshape(maps.shape)


@layer_type("ChannelNorm", "FlowNet2")
class ChannelNorm(LayerType):
    """The length of the vector of channels at each place of N x C x H x W; N x 1 x H x W."""

    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        return [(shape[0], 1, *shape[2:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0].norm(dim=1, keepdim=True)


@layer_type("NegReLU", "FlowNet2")
class NegReLU(LayerType):
    """min(x, 0)."""

    pointwise = True
    reads_values = False
    gradient_of_bottom = True

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return -F.relu(-bottoms[0])
