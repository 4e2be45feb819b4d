"""Layers that move a window over spatial axes: Convolution, Im2col."""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F

from ..core.log import LOGGER
from ..core.strict import is_strict
from . import packed, winograd
from .base import LayerType, Margins, Shape, Tensors, Window, layer_type

# From so many weights on (fc6, fc7) a convolution is computed as a product of matrices.
MANY_WEIGHTS = 1 << 22
COLUMNS = 1 << 23  # values that a bottom's windows are written out to at once

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}

OF_ND = ("kernel_shape", "stride_shape", "pad_shape")


class Windowed(LayerType):
    """A layer that moves a window over the axes behind `axis`, the channels.

    The axes before it are one batch. setup_from gives `spatial`, the number of axes moved over, and
    for each of them its kernel, stride, pad and dilation.
    """

    least_spatial = 0

    def setup_from(self, shapes: list[Shape]) -> None:
        conv = self.spec.convolution_param
        of_nd = [field for field in OF_ND if conv.HasField(field)]
        self.check(not of_nd, f"{of_nd} are NdConvolution's; write kernel_size, stride and pad")
        self.channel_axis = self.axis(conv.axis, shapes[0])
        self.spatial = len(shapes[0]) - self.channel_axis - 1
        self.check(
            self.spatial >= self.least_spatial,
            f"needs a spatial axis behind axis {self.channel_axis}; found shape {shapes[0]}",
        )
        self.kernel = self._spatial("kernel_size", "kernel", conv.kernel_size, None)
        self.stride = self._spatial("stride", "stride", conv.stride, 1)
        self.pad = self._spatial("pad", "pad", conv.pad, 0)
        self.dilation = self._spatial("dilation", None, conv.dilation, 1)
        for name, values in (
            ("kernel_size", self.kernel),
            ("stride", self.stride),
            ("dilation", self.dilation),
        ):
            self.check(all(values), f"{name} must be positive; found {values}")

    def extent(self, i: int) -> int:
        """How far a window reaches on spatial axis i."""
        return self.dilation[i] * (self.kernel[i] - 1) + 1

    def sliding(self) -> tuple[Window, Window] | None:
        """How the window moves over height and width, None where it moves over other axes."""
        if self.channel_axis != 1 or self.spatial != 2:
            return None
        height, width = (Window(self.extent(i), self.stride[i], self.pad[i]) for i in range(2))
        return height, width

    def fits(self, sizes: Sequence[int]) -> bool:
        """Whether a window fits on a bottom of these spatial sizes."""
        return all(n + 2 * self.pad[i] >= self.extent(i) for i, n in enumerate(sizes))

    def out_size(self, size: int, i: int) -> int:
        """The extent of spatial axis i after the layer."""
        span = size + 2 * self.pad[i] - self.extent(i)
        # C++ rounds towards 0: a bottom a little smaller than the window is looked at once.
        return (span // self.stride[i] if span >= 0 else -(-span // self.stride[i])) + 1

    def out_shape(self, shape: Shape, channels: int) -> Shape:
        """The top's shape for a bottom's, with so many channels."""
        self.check(
            len(shape) == self.channel_axis + 1 + self.spatial,
            f"expects {self.spatial} spatial axes behind axis {self.channel_axis}; "
            f"found a bottom of shape {shape}",
        )
        sizes = [self.out_size(size, i) for i, size in enumerate(shape[self.channel_axis + 1 :])]
        self.check(
            all(size > 0 for size in sizes),
            f"a bottom of shape {shape} is smaller than kernel_size {self.kernel} "
            f"with pad {self.pad}",
        )
        return (*shape[: self.channel_axis], channels, *sizes)

    def batched(self, function: Callable, x: torch.Tensor) -> torch.Tensor:
        """The function of x with one axis before the channels; the top gets those of x back."""
        if self.channel_axis == 1:
            return function(x)
        batch, rest = x.shape[: self.channel_axis], x.shape[self.channel_axis :]
        y = function(x.reshape(math.prod(batch), *rest))
        return y.reshape(*batch, *y.shape[1:])

    def columns(self, x: torch.Tensor, places: Sequence[int]) -> torch.Tensor:
        """(batch, channels * kernel, *places): what the window shows at each place (im2col.cpp).

        What lies behind x is 0.
        """
        padding = []
        for i in reversed(range(self.spatial)):
            end = (places[i] - 1) * self.stride[i] + self.extent(i)
            padding += [self.pad[i], torch.sym_max(0, end - x.shape[2 + i] - self.pad[i])]
        return self.shown(F.pad(x, padding))

    def shown(self, x: torch.Tensor) -> torch.Tensor:
        """`columns` of a bottom that has its pad."""
        for i in range(self.spatial):
            x = x.unfold(2 + i, self.extent(i), self.stride[i])[..., :: self.dilation[i]]
        outer = range(2, 2 + self.spatial)
        x = x.permute(0, 1, *(i + self.spatial for i in outer), *outer)
        return x.flatten(1, 1 + self.spatial)

    def _spatial(
        self, name: str, hw: str | None, values: Sequence[int], default: int | None
    ) -> tuple[int, ...]:
        """A value for each spatial axis from `name`, or from `hw`_h and `hw`_w."""
        conv = self.spec.convolution_param
        if hw and (conv.HasField(f"{hw}_h") or conv.HasField(f"{hw}_w")):
            self.check(self.spatial == 2, f"{hw}_h and {hw}_w are for 2 spatial axes")
            self.check(not values, f"either {name} or {hw}_h and {hw}_w, not both")
            return (getattr(conv, f"{hw}_h"), getattr(conv, f"{hw}_w"))
        if not values and default is not None:
            return (default,) * self.spatial
        if len(values) > self.spatial and len(set(values)) == 1 and not is_strict():
            # naibaf7's nets of two axes name three. Caffe refuses that, and an axis may be missing.
            LOGGER.info(
                "layer '%s': of %s %s the first is for each of %d axes",
                *(self.name, name, list(values), self.spatial),
            )
            values = values[:1]
        self.check(
            len(values) in (1, self.spatial),
            f"{name} needs 1 value or {self.spatial}; found {list(values)}",
        )
        return tuple(values) if len(values) == self.spatial else (values[0],) * self.spatial


@layer_type("Im2col")
class Im2col(Windowed):
    """What the window shows at each place, as channels (im2col_layer.cpp)."""

    least_spatial = 1

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        return [self.out_shape(shape, shape[self.channel_axis] * math.prod(self.kernel))]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        (top,) = self.top_shapes([tuple(x.shape)])
        return self.batched(lambda x: self.columns(x, top[self.channel_axis + 1 :]), x)


@layer_type("Convolution")
class Convolution(Windowed):
    """Cross-correlation over any number of axes behind `axis` (base_conv_layer.cpp)."""

    gradient_of_bottom = True

    bottoms = (1, None)
    tops = (1, None)
    matrix_product = True
    param_names = ("weight", "bias")
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        conv = self.spec.convolution_param
        self.check(len(self.spec.bottom) == len(self.spec.top), "needs as many tops as bottoms")
        self.channels = shapes[0][self.channel_axis]
        self.check(conv.num_output > 0, f"num_output must be positive; found {conv.num_output}")
        self.check(
            conv.group > 0 and not self.channels % conv.group and not conv.num_output % conv.group,
            f"group {conv.group} must divide both channels {self.channels} "
            f"and num_output {conv.num_output}",
        )
        self.add_param(self.weight_shape(), conv.weight_filler)
        if conv.bias_term:
            self.add_param((conv.num_output,), conv.bias_filler)

    def weight_shape(self) -> Shape:
        conv = self.spec.convolution_param
        return (conv.num_output, self.channels // conv.group, *self.kernel)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = [self.out_shape(s, self.spec.convolution_param.num_output) for s in shapes]
        for shape in shapes:
            self.check(
                shape[self.channel_axis] == self.channels,
                f"expects {self.channels} channels; found a bottom of shape {shape}",
            )
            self.check(
                shape == shapes[0], f"bottoms must have one shape; found {shapes[0]} and {shape}"
            )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        weight, bias = params[0], params[1] if len(params) > 1 else None
        return [self.batched(lambda x: self.convolve(x, weight, bias), x) for x in bottoms]

    def convolve(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        """The top of one bottom with one axis before the channels."""
        group = self.spec.convolution_param.group
        sizes = x.shape[2:]
        if self.fits(sizes) and self.spatial in CONV:
            if self.is_product(weight):
                return self.product(x, weight, bias, self.pad)
            conv = CONV[self.spatial]
            return conv(x, weight, bias, self.stride, self.pad, self.dilation, group)
        places = [self.out_size(size, i) for i, size in enumerate(sizes)]
        columns = self.columns(x, places).reshape(x.shape[0], -1, math.prod(places))
        y = F.conv1d(columns, weight.reshape(len(weight), -1, 1), bias, groups=group)
        return y.reshape(*y.shape[:2], *places)

    def output_axis(self, shape: Shape) -> int | None:
        return self.channel_axis

    def scaled_outputs(self, weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return weight * scale.reshape(-1, *(1,) * (weight.dim() - 1))

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        """At each place of the tops every weight is used once, on what is padding too."""
        outputs = self.spec.convolution_param.num_output
        return sum(map(math.prod, tops)) // outputs * math.prod(self.blobs[0].shape)

    def windows(self, shapes: list[Shape]) -> tuple[Window, Window] | None:
        return self.sliding() if self.fits(shapes[0][self.channel_axis + 1 :]) else None

    def part(
        self, bottoms: list[torch.Tensor], params: list[torch.Tensor], margins: Margins
    ) -> torch.Tensor:
        (x,), weight = bottoms, params[0]
        bias = params[1] if len(params) > 1 else None
        if self._is_filtered(x.shape, weight):
            return winograd.convolve(in_fastest_order(x), weight, bias, margins)
        (above, below), (left, right) = margins
        if (
            not self._is_even(0, x.shape[2], above, below)
            or not self._is_even(1, x.shape[3], left, right)
            or self._may_miss(x.shape[3], max(left, right))
        ):
            x, above, left = F.pad(x, (left, right, above, below)), 0, 0
        if not weight.is_mkldnn and self.is_product(weight):
            return self.product(x, weight, bias, (above, left))
        group = self.spec.convolution_param.group
        conv = packed.convolve if weight.is_mkldnn else F.conv2d
        x = in_fastest_order(x)
        return conv(x, weight, bias, self.stride, (above, left), self.dilation, group)

    def _is_even(self, i: int, size: int, before: int, behind: int) -> bool:
        """Whether as much pad behind as before, on spatial axis i, shows as many windows."""
        least = size + before - self.extent(i)
        return (least + behind) // self.stride[i] == (least + before) // self.stride[i]

    def _may_miss(self, width: int, pad: int) -> bool:
        """Whether a dilated window may show no column of a bottom so wide: pad, or between two.

        oneDNN, with the channels last, reads wild memory then.
        """
        dilation = self.dilation[1]
        return dilation > 1 and (width < dilation or pad >= self.extent(1))

    def arranged(self, params: list[torch.Tensor], shape: Shape) -> list[torch.Tensor]:
        weight, *bias = params
        if self._is_filtered(shape, weight) or self.is_product(weight):
            return params
        if packed.can_pack(weight):
            how = (self.stride, self.pad, self.dilation, self.spec.convolution_param.group)
            return [packed.packed(weight, shape, *how), *bias]
        return [in_fastest_order(weight), *bias]

    def _is_filtered(self, shape: Shape, weight: torch.Tensor) -> bool:
        return self.is_three_by_three() and not weight.is_mkldnn and winograd.pays(shape, weight)

    def is_three_by_three(self) -> bool:
        """Whether this is a convolution that `winograd` can compute."""
        window = self.kernel, self.stride, self.dilation
        return window == ((3, 3), (1, 1), (1, 1)) and self.spec.convolution_param.group == 1

    def is_product(self, weight: torch.Tensor) -> bool:
        """Whether `product` is the faster way: oneDNN lays out all weights anew in every pass."""
        return (
            self.spatial == 2
            and self.spec.convolution_param.group == 1
            and weight.numel() >= MANY_WEIGHTS
            and weight.device.type == "cpu"
            and not torch.compiler.is_compiling()
        )

    def product(
        self,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        padding: Shape,
    ) -> torch.Tensor:
        """The weights as they are, times the windows of some rows of the top at a time."""
        matrix = weight.flatten(1)
        parts = [
            torch.stack([matrix @ item for item in windows])
            for _, windows in self._rows(x, padding)
        ]
        y = torch.cat(parts, 2).unflatten(2, self._sizes(x, padding))
        return y if bias is None else y + bias[:, None, None]

    def adds_weight_gradient(self, bottoms: list[Shape]) -> bool:
        return (
            not self.transposed
            and len(bottoms) == 1
            and self.channel_axis == 1
            and self.fits(bottoms[0][2:])
            and self.is_product(self.blobs[0].data_tensor())
        )

    def add_weight_gradient(
        self, to: torch.Tensor, x: torch.Tensor, diff: torch.Tensor, beta: float, alpha: float
    ) -> None:
        """to = beta * to + alpha * the gradient of `product`'s weights, without forming it."""
        columns = diff.shape[3]
        for rows, windows in self._rows(x, self.pad):
            part = diff.flatten(2)[:, :, rows.start * columns : rows.stop * columns]
            for d, w in zip(part, windows, strict=True):
                to.flatten(1).addmm_(d, w.T, beta=beta, alpha=alpha)
                beta = 1

    def _sizes(self, x: torch.Tensor, padding: Shape) -> tuple[int, int]:
        rows, columns = (
            (x.shape[2 + i] + 2 * padding[i] - self.extent(i)) // self.stride[i] + 1
            for i in range(2)
        )
        return rows, columns

    def _rows(self, x: torch.Tensor, padding: Shape) -> Iterator[tuple[range, torch.Tensor]]:
        """Rows of the top, and (N, channels * kernel, positions): what their windows show."""
        rows, columns = self._sizes(x, padding)
        x = F.pad(x, (padding[1], padding[1], padding[0], padding[0])) if any(padding) else x
        x = x.contiguous()
        window = x.shape[1] * math.prod(self.kernel)
        at_once = max(1, COLUMNS // (window * columns))
        for row in range(0, rows, at_once):
            end = min(row + at_once, rows)
            lines = x[:, :, row * self.stride[0] : (end - 1) * self.stride[0] + self.extent(0)]
            yield range(row, end), self.shown(lines).flatten(2)


def in_fastest_order(x: torch.Tensor) -> torch.Tensor:
    """oneDNN computes fastest with the channels as the last axis in memory, of all it is given.

    So does cuDNN in bfloat16.
    """
    last = x.device.type == "cpu" or x.dtype == torch.bfloat16
    return x.contiguous(memory_format=torch.channels_last) if last else x
