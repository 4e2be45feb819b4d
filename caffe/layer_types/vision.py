"""Layers over spatial axes: Convolution, Deconvolution, Pooling."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F

from ..proto import caffe_pb2
from .base import LayerType, Shape, layer_type

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@layer_type("Convolution")
class Convolution(LayerType):
    """N-d cross-correlation over the axes behind `axis` (caffe/layers/base_conv_layer.cpp)."""

    bottoms = (1, None)
    tops = (1, None)

    def setup(self, shapes: list[Shape]) -> None:
        conv = self.spec.convolution_param
        channel_axis = self.axis(conv.axis, shapes[0])
        self.spatial = len(shapes[0]) - channel_axis - 1
        self.check(
            channel_axis == 1 and self.spatial in CONV,
            f"convolves 1, 2 or 3 spatial axes behind axis 1; bottom has shape {shapes[0]}, "
            f"axis is {conv.axis}",
        )
        self.check(len(self.spec.bottom) == len(self.spec.top), "needs as many tops as bottoms")
        self.kernel = self._spatial("kernel_size", "kernel", conv.kernel_size, None)
        self.stride = self._spatial("stride", "stride", conv.stride, 1)
        self.pad = self._spatial("pad", "pad", conv.pad, 0)
        self.dilation = self._spatial("dilation", None, conv.dilation, 1)
        self.check(min(self.kernel) > 0, f"kernel_size must be positive; found {self.kernel}")
        self.check(min(self.stride) > 0, f"stride must be positive; found {self.stride}")
        self.check(min(self.dilation) > 0, f"dilation must be positive; found {self.dilation}")
        self.channels = shapes[0][1]
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

    def out_size(self, size: int, i: int) -> int:
        """The extent of spatial axis i after the layer."""
        extent = self.dilation[i] * (self.kernel[i] - 1) + 1
        return (size + 2 * self.pad[i] - extent) // self.stride[i] + 1

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = []
        for shape in shapes:
            self.check(
                len(shape) == self.spatial + 2 and shape[1] == self.channels,
                f"expects {self.channels} channels and {self.spatial} spatial axes; "
                f"found a bottom of shape {shape}",
            )
            sizes = [self.out_size(size, i) for i, size in enumerate(shape[2:])]
            self.check(
                min(sizes) > 0,
                f"a bottom of shape {shape} is smaller than kernel_size {self.kernel} "
                f"with pad {self.pad}",
            )
            tops.append((shape[0], self.spec.convolution_param.num_output, *sizes))
        return tops

    def expression(self, bottoms, params):
        group = self.spec.convolution_param.group
        weight, bias = params[0], params[1] if len(params) > 1 else None
        conv = CONV[self.spatial]
        return [conv(x, weight, bias, self.stride, self.pad, self.dilation, group) for x in bottoms]

    def _spatial(self, name: str, hw: str | None, values, default: int | None) -> tuple[int, ...]:
        """A value for each spatial axis from `name`, or from `hw`_h and `hw`_w."""
        conv = self.spec.convolution_param
        if hw and (conv.HasField(f"{hw}_h") or conv.HasField(f"{hw}_w")):
            self.check(self.spatial == 2, f"{hw}_h and {hw}_w are for 2 spatial axes")
            self.check(not values, f"either {name} or {hw}_h and {hw}_w, not both")
            return (getattr(conv, f"{hw}_h"), getattr(conv, f"{hw}_w"))
        if not values and default is not None:
            return (default,) * self.spatial
        self.check(
            len(values) in (1, self.spatial),
            f"{name} needs 1 value or {self.spatial}; found {list(values)}",
        )
        return tuple(values) if len(values) == self.spatial else (values[0],) * self.spatial


@layer_type("Deconvolution")
class Deconvolution(Convolution):
    """The transpose of Convolution: its gradient as a forward pass (deconv_layer.cpp)."""

    def weight_shape(self) -> Shape:
        conv = self.spec.convolution_param
        return (self.channels, conv.num_output // conv.group, *self.kernel)

    def out_size(self, size: int, i: int) -> int:
        extent = self.dilation[i] * (self.kernel[i] - 1) + 1
        return self.stride[i] * (size - 1) + extent - 2 * self.pad[i]

    def expression(self, bottoms, params):
        group = self.spec.convolution_param.group
        weight, bias = params[0], params[1] if len(params) > 1 else None
        deconv = CONV_TRANSPOSE[self.spatial]
        return [
            deconv(x, weight, bias, self.stride, self.pad, 0, group, self.dilation) for x in bottoms
        ]

    def backward(self, top, propagate_down, bottom) -> None:
        # oneDNN adds up the 64 x 64 x 21 products of a diff in one float32 chain, with 15 times
        # the rounding error of Caffe's gemm; torch's other backend is a gemm too.
        with _without_onednn():
            super().backward(top, propagate_down, bottom)


@contextmanager
def _without_onednn() -> Iterator[None]:
    enabled = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = enabled


@layer_type("Pooling")
class Pooling(LayerType):
    """MAX and AVE pooling of N x C x H x W, sizes rounded up, padding counted by AVE.

    pooling_layer.cpp: in a padded pooling a last window that would start behind the bottom and one
    `pad` is dropped.
    """

    tops = (1, 2)

    def setup(self, shapes: list[Shape]) -> None:
        pool = self.spec.pooling_param
        self.check(len(shapes[0]) == 4, f"pools 4 axes (N, C, H, W); found shape {shapes[0]}")
        self.check(
            pool.pool != caffe_pb2.PoolingParameter.STOCHASTIC,
            "STOCHASTIC pooling is not supported; use MAX or AVE",
        )
        self.check(
            len(self.spec.top) == 1 or pool.pool == caffe_pb2.PoolingParameter.MAX,
            "only MAX pooling has a second top (the mask)",
        )
        self.stride = self._pair("stride", "stride", 1)
        self.pad = self._pair("pad", "pad", 0)
        self.check(min(self.stride) > 0, f"stride must be positive; found {self.stride}")
        if pool.global_pooling:
            given = [f for f in ("kernel_size", "kernel_h", "kernel_w") if pool.HasField(f)]
            self.check(not given, f"global_pooling takes its kernel from the bottom; drop {given}")
            self.check(
                self.stride == (1, 1) and self.pad == (0, 0),
                f"global_pooling needs stride 1 and pad 0; found {self.stride} and {self.pad}",
            )
            self.kernel = None
            return
        self.kernel = self._pair("kernel_size", "kernel", None)
        self.check(min(self.kernel) > 0, f"kernel_size must be positive; found {self.kernel}")
        self.check(
            all(p < k for p, k in zip(self.pad, self.kernel, strict=True)),
            f"pad {self.pad} must be smaller than kernel_size {self.kernel}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        n, c, *size = shapes[0]
        kernel = self.kernel or size
        pooled = tuple(self._pooled(size[i], kernel[i], i) for i in range(2))
        self.check(
            min(pooled) > 0, f"a bottom of shape {shapes[0]} is smaller than kernel {kernel}"
        )
        return [(n, c, *pooled)] * len(self.spec.top)

    def _pooled(self, size: int, kernel: int, i: int) -> int:
        floor = self.spec.pooling_param.round_mode == caffe_pb2.PoolingParameter.FLOOR
        span = size + 2 * self.pad[i] - kernel
        steps = span // self.stride[i] if floor else -(-span // self.stride[i])
        if any(self.pad) and steps * self.stride[i] >= size + self.pad[i]:
            steps -= 1
        return steps + 1

    def expression(self, bottoms, params):
        (x,) = bottoms
        kernel = self.kernel or tuple(x.shape[2:])
        pooled = self.top_shapes([tuple(x.shape)])[0][2:]
        if self.spec.pooling_param.pool == caffe_pb2.PoolingParameter.AVE:
            return self._average(x, kernel, pooled)
        return self._maximum(x, kernel, pooled)

    def _torch_rounding(self, x: torch.Tensor, kernel, pooled) -> bool | None:
        """torch's ceil_mode that gives Caffe's windows here; None where neither does."""
        if any(2 * p > k for p, k in zip(self.pad, kernel, strict=True)):
            return None
        for ceil in (False, True):
            sizes = []
            for size, k, s, p in zip(x.shape[2:], kernel, self.stride, self.pad, strict=True):
                steps = (size + 2 * p - k + (s - 1 if ceil else 0)) // s
                sizes.append(steps + 1 - (ceil and steps * s >= size + p))
            if tuple(sizes) == tuple(pooled):
                return ceil
        return None

    def _padding(self, x: torch.Tensor, kernel, pooled) -> tuple[int, int, int, int]:
        """F.pad's arguments that make every window whole."""
        ends = [
            max(0, (pooled[i] - 1) * self.stride[i] + kernel[i] - x.shape[2 + i] - self.pad[i])
            for i in range(2)
        ]
        return (self.pad[1], ends[1], self.pad[0], ends[0])

    def _maximum(self, x: torch.Tensor, kernel, pooled):
        mask = len(self.spec.top) == 2
        ceil = self._torch_rounding(x, kernel, pooled)
        if ceil is not None:
            out = F.max_pool2d(
                x, kernel, self.stride, self.pad, ceil_mode=ceil, return_indices=mask
            )
            return [out[0], out[1].to(x.dtype)] if mask else out
        padding = self._padding(x, kernel, pooled)
        padded = F.pad(x, padding, value=-torch.finfo(torch.float32).max)  # Caffe's -FLT_MAX
        out, at = F.max_pool2d(padded, kernel, self.stride, return_indices=True)
        if not mask:
            return out
        width = padded.shape[3]
        at = (at // width - padding[2]) * x.shape[3] + at % width - padding[0]
        return [out, at.to(x.dtype)]

    def _average(self, x: torch.Tensor, kernel, pooled):
        ceil = self._torch_rounding(x, kernel, pooled)
        if ceil is not None:
            return F.avg_pool2d(x, kernel, self.stride, self.pad, ceil_mode=ceil)
        padded = F.pad(x, self._padding(x, kernel, pooled))
        sums = F.avg_pool2d(padded, kernel, self.stride, divisor_override=1)
        # The padding counts, but only as far as one `pad` behind the bottom.
        extents = []
        for i in range(2):
            start = torch.arange(pooled[i], device=x.device) * self.stride[i] - self.pad[i]
            end = (start + kernel[i]).clamp(max=x.shape[2 + i] + self.pad[i])
            extents.append((end - start).to(x.dtype))
        return sums / torch.outer(*extents)

    def _pair(self, name: str, hw: str, default: int | None) -> tuple[int, int]:
        pool = self.spec.pooling_param
        if pool.HasField(f"{hw}_h") or pool.HasField(f"{hw}_w"):
            self.check(not pool.HasField(name), f"either {name} or {hw}_h and {hw}_w, not both")
            both = pool.HasField(f"{hw}_h") and pool.HasField(f"{hw}_w")
            self.check(both, f"{hw}_h and {hw}_w must be given together")
            return (getattr(pool, f"{hw}_h"), getattr(pool, f"{hw}_w"))
        self.check(
            default is not None or pool.HasField(name), f"{name} (or {hw}_h and {hw}_w) is missing"
        )
        value = getattr(pool, name) if pool.HasField(name) else default
        return (value, value)
