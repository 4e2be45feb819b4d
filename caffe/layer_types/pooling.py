"""Layers that pool: Pooling, SPP."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from ..core.rng import generator
from ..core.strict import is_strict
from ..proto import caffe_pb2
from . import exporting
from .base import LayerType, Shape, Tensors, Window, layer_type
from .convolution import OF_ND
from .volume_pooling import Triple, VolumePooling
from .windows import Pair, window_sums

SIDES = ("pad_l", "pad_r", "pad_t", "pad_b", "pad_type")
OF_PLANES = (
    *(f"{name}_{axis}" for name in ("kernel", "stride", "pad") for axis in "hw"),
    *SIDES,
    "cmp_out_shape_floor_as_conv",
)


@layer_type("Pooling")
class Pooling(LayerType):
    """Pooling of N x C x H x W, sizes rounded up, padding counted by AVE.

    pooling_layer.cpp: in a padded pooling a last window that would start behind the bottom and one
    `pad` is dropped. STOCHASTIC follows pooling_layer.cu: in TRAIN a value drawn in proportion to
    its size, in TEST what would be drawn on average. N x C x L x H x W, of which BVLC's CPU code
    has no pooling, is pooled as forks do, by the same rules. With a dilation (naibaf7's Caffe) the
    values of a window of MAX lie so far apart. Synopsys' Caffe pads by pad_l, pad_r, pad_t and
    pad_b, or with pad_type 1 so that windows cover the bottom; AVE_EXC_PAD counts no padding. MIN
    (nets that judge images' quality) is the least value of a window, of what is no padding.
    cmp_out_shape_floor_as_conv (Apollo) rounds towards zero, as C does of a convolution: down, but
    up to one window where the bottom is smaller than it by less than a stride.
    """

    tops = (1, 2)
    pools = True
    reads_values = False

    @property
    def draws(self) -> bool:
        stochastic = caffe_pb2.PoolingParameter.STOCHASTIC
        return self.phase == caffe_pb2.TRAIN and self.spec.pooling_param.pool == stochastic

    @property
    def passes_on(self) -> bool:
        """MAX does; but the second top, the mask, has indices: too large for bfloat16."""
        return self._is_maximum and len(self.spec.top) == 1

    @property
    def _is_maximum(self) -> bool:
        return self.spec.pooling_param.pool == caffe_pb2.PoolingParameter.MAX

    def setup_from(self, shapes: list[Shape]) -> None:
        pool = self.spec.pooling_param
        of_nd = [field for field in OF_ND if pool.HasField(field)]
        self.check(not of_nd, f"{of_nd} are NdPooling's; write kernel_size, stride and pad")
        self.volume = self._volume() if len(shapes[0]) == 5 else None
        if self.volume:
            return
        self.check(
            len(self.spec.top) == 1 or self._is_maximum,
            "only MAX pooling has a second top (the mask)",
        )
        self.stride = self._pair("stride", "stride", 1)
        self.pad = self._pair("pad", "pad", 0)
        self.behind = self.pad  # of padding that is another one at the other end
        sides = pool.pad_t, pool.pad_l, pool.pad_b, pool.pad_r
        if any(sides) or pool.pad_type:
            self.check(
                self.pad == (0, 0) and pool.pad_type < 2 and not (pool.pad_type and any(sides)),
                "takes pad_type 0 or 1, and either that or pad_l, pad_r, pad_t and pad_b or pad",
            )
            self.pad, self.behind = sides[:2], sides[2:]
        self.same = pool.pad_type == 1
        self.dilation = self._dilation(2)
        self.check(min(self.stride) > 0, f"stride must be positive; found {self.stride}")
        self.check(
            pool.pool != caffe_pb2.PoolingParameter.STOCHASTIC
            or not (any(self.pad) or any(self.behind) or self.same),
            f"padding is for MAX and AVE only; STOCHASTIC needs pad 0, found {self.pad}",
        )
        if pool.global_pooling:
            given = [f for f in ("kernel_size", "kernel_h", "kernel_w") if pool.HasField(f)]
            self.check(not given, f"global_pooling takes its kernel from the bottom; drop {given}")
            self.check(
                self.stride == (1, 1) and not any(self.pad + self.behind),
                f"global_pooling needs stride 1 and pad 0; found {self.stride} and {self.pad}",
            )
            self.check(not self.same, f"global_pooling has no pad_type; found {pool.pad_type}")
            self.kernel = None
            return
        self.kernel = self._pair("kernel_size", "kernel", None)
        self.check(min(self.kernel) > 0, f"kernel_size must be positive; found {self.kernel}")
        self.check(
            all(max(ends) < k for *ends, k in zip(self.pad, self.behind, self.kernel, strict=True)),
            f"pad {self.pad if self.pad == self.behind else self.pad + self.behind} must be "
            f"smaller than kernel_size {self.kernel}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        if self.volume:
            return [self._volume_top(shapes[0], self.volume)]
        self.check(
            len(shapes[0]) == 4,
            f"pools 4 axes (N, C, H, W), or 5 with a length; found shape {shapes[0]}",
        )
        n, c, *size = shapes[0]
        kernel = self.kernel or size
        extent = self.extent(kernel)
        pooled = tuple(self._pooled(size[i], extent[i], i) for i in range(2))
        # Each by itself, for an export would keep to which of them is the least.
        self.check(
            pooled[0] > 0 and pooled[1] > 0,
            f"a bottom of shape {shapes[0]} is smaller than kernel {kernel}",
        )
        return [(n, c, *pooled)] * len(self.spec.top)

    def extent(self, kernel: Sequence[int]) -> Pair:
        """How far a window of this kernel reaches."""
        height, width = (d * (k - 1) + 1 for d, k in zip(self.dilation, kernel, strict=True))
        return height, width

    def windows(self, shapes: list[Shape]) -> tuple[Window, Window] | None:
        """Of a maximum whose windows lie in a part of the bottom as they do in the whole."""
        if self.volume or not self._is_maximum or self.kernel is None or self.pad != (0, 0):
            return None
        if self.spec.pooling_param.cmp_out_shape_floor_as_conv:
            return None
        if self.dilation != (1, 1) or self.same or any(self.behind):
            return None
        height, width = map(Window, self.kernel, self.stride, self.pad)
        no_gaps = all(window.extent >= window.stride for window in (height, width))
        return (height, width) if no_gaps else None

    def _pooled(self, size: int, kernel: int, i: int) -> int:
        if self.same:
            return (size + self.stride[i] - 1) // self.stride[i]
        pool = self.spec.pooling_param
        before, behind = self._ends(size, kernel, i)
        floor = pool.round_mode == caffe_pb2.PoolingParameter.FLOOR
        span = size + before + behind - kernel
        if pool.cmp_out_shape_floor_as_conv:
            missing = torch.sym_max(-span, 0) // self.stride[i]
            return torch.sym_max(span, 0) // self.stride[i] - missing + 1
        # An export may leave the size open: no `if` on it, and no quotient of a negative number,
        # which onnxruntime rounds towards zero.
        steps = (span if floor else span + self.stride[i] - 1) // self.stride[i]
        if any(self.pad) or any(self.behind):
            steps = torch.sym_min(steps, (size + before - 1) // self.stride[i])
        return steps + 1

    def _ends(self, size: int, extent: int, i: int) -> tuple[int, int]:
        """The padding before and behind an axis of this size."""
        if not self.same:
            return self.pad[i], self.behind[i]
        missing = torch.sym_max(extent - ((size - 1) % self.stride[i] + 1), 0)
        return missing // 2, missing - missing // 2

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        (x,) = bottoms
        if self.volume:
            return self._of_size(self.volume, tuple(x.shape)).pooled(x)
        if self.kernel is None and len(self.spec.top) == 1 and exporting.is_traced():
            if self.spec.pooling_param.pool == caffe_pb2.PoolingParameter.AVE:
                return x.mean((2, 3), keepdim=True)  # at any size, where a kernel has its own
            if self._is_maximum:
                return x.amax((2, 3), keepdim=True)
            if self.spec.pooling_param.pool == caffe_pb2.PoolingParameter.MIN:
                return x.amin((2, 3), keepdim=True)
        height, width = x.shape[2:]
        kernel = self.kernel or (height, width)
        try:
            if self.spec.pooling_param.pool == caffe_pb2.PoolingParameter.AVE:
                return self._average(x, kernel)
            if self.spec.pooling_param.pool == caffe_pb2.PoolingParameter.STOCHASTIC:
                return self._stochastic(x, kernel)
            if self.spec.pooling_param.pool == caffe_pb2.PoolingParameter.MIN:
                return self._minimum(x, kernel)
            return self._maximum(x, kernel)
        except RuntimeError:
            self.top_shapes([tuple(x.shape)])  # says so where the bottom is too small
            raise

    def _torch_rounding(self, x: torch.Tensor, kernel: Pair) -> bool | None:
        """torch's ceil_mode, where it gives Caffe's windows at every size; None where not."""
        pool = self.spec.pooling_param
        if self.same or self.behind != self.pad or pool.exclude_pad:
            return None
        floor = pool.round_mode == caffe_pb2.PoolingParameter.FLOOR
        if pool.cmp_out_shape_floor_as_conv:
            floor = True
            for size, p, k in zip(x.shape[2:], self.pad, kernel, strict=True):
                if size + 2 * p < k:  # one window here, none in torch
                    return None
        ceil = not floor and max(self.stride) > 1
        average = pool.pool == caffe_pb2.PoolingParameter.AVE
        for p, k, s in zip(self.pad, kernel, self.stride, strict=True):
            if 2 * p > k or k < s:  # torch allows no such pad, and drops other windows
                return None
            # onnxruntime before 1.23 divides what is cut off by other numbers and drops no window;
            # 1.23 averages wrongly over some paddings.
            may_drop = ceil and p > k - s
            differs = (ceil or p) if average else may_drop
            if (differs and exporting.into_onnx()) or (may_drop and exporting.is_traced()):
                return None
        return ceil

    def _padded(self, x: torch.Tensor, kernel: Pair, value: float = 0) -> torch.Tensor:
        """x with as much around it that every window is whole."""
        pooled = self.top_shapes([tuple(x.shape)])[0][2:]
        sides = (self._ends(x.shape[2 + i], kernel[i], i) for i in range(2))
        (above, below), (beside, behind) = sides
        rows, columns = ((pooled[i] - 1) * self.stride[i] + kernel[i] for i in range(2))
        if not exporting.is_traced():
            below, behind = rows - x.shape[2] - above, columns - x.shape[3] - beside
            return F.pad(x, (beside, max(0, behind), above, max(0, below)), value=value)
        # As much as any size needs: what this one does would be part of all sizes behind it, and
        # once more at each pooling of these; and torch would keep to whether it is 0.
        pool = self.spec.pooling_param
        if pool.round_mode != caffe_pb2.PoolingParameter.FLOOR:
            below, behind = below + self.stride[0] - 1, behind + self.stride[1] - 1
        wide = F.pad(x, (beside, behind, above, below), value=value)
        exact = not (self.same or any(self.pad) or any(self.behind))
        if exact and not pool.cmp_out_shape_floor_as_conv:
            return wide  # no window more than there are
        if exporting.into_onnx():
            return wide[:, :, :rows, :columns]
        # Not narrow, whose result torch keeps to be, or not to be, of one piece.
        return F.pad(wide, (0, columns - wide.shape[3], 0, rows - wide.shape[2]))

    def _maximum(self, x: torch.Tensor, kernel: Pair) -> Tensors:
        mask = len(self.spec.top) == 2
        ceil = self._torch_rounding(x, kernel)
        if ceil is not None and self.dilation == (1, 1):
            if not mask:
                return F.max_pool2d(x, kernel, self.stride, self.pad, ceil_mode=ceil)
            out, at = F.max_pool2d(
                x, kernel, self.stride, self.pad, ceil_mode=ceil, return_indices=True
            )
            return [out, at.to(x.dtype)]
        extent, least = self.extent(kernel), -torch.finfo(x.dtype).max  # Caffe's -FLT_MAX
        padded = self._padded(x, extent, least)
        out, at = F.max_pool2d(
            padded, kernel, self.stride, dilation=self.dilation, return_indices=True
        )
        if not mask:
            return out
        width = padded.shape[3]
        above, beside = (self._ends(x.shape[2 + i], extent[i], i)[0] for i in range(2))
        at = (at // width - above) * x.shape[3] + at % width - beside
        return [out, at.to(x.dtype)]

    def _minimum(self, x: torch.Tensor, kernel: Pair) -> torch.Tensor:
        top = self._maximum(-x, kernel)
        assert isinstance(top, torch.Tensor)  # no second top, which MAX alone has
        return -top

    def _average(self, x: torch.Tensor, kernel: Pair) -> torch.Tensor:
        ceil = self._torch_rounding(x, kernel)
        if ceil is not None:
            return F.avg_pool2d(x, kernel, self.stride, self.pad, ceil_mode=ceil)
        padded = self._padded(x, kernel)
        sums = window_sums(padded, kernel, self.stride)
        # The padding counts, but only as far as one `pad` behind the bottom.
        extents, excluded = [], self.spec.pooling_param.exclude_pad
        for i in range(2):
            before, behind = self._ends(x.shape[2 + i], kernel[i], i)
            start = torch.arange(sums.shape[2 + i], device=x.device) * self.stride[i] - before
            end = (start + kernel[i]).clamp(max=x.shape[2 + i] + (0 if excluded else behind))
            start = start.clamp(min=0) if excluded else start
            extents.append((end - start).to(x.dtype))
        return sums / torch.outer(*extents)

    def _stochastic(self, x: torch.Tensor, kernel: Pair) -> torch.Tensor:
        padded = self._padded(x, kernel)
        windows = padded.unfold(2, kernel[0], self.stride[0]).unfold(3, kernel[1], self.stride[1])
        windows = windows.flatten(4)
        if self.phase == caffe_pb2.TEST:
            total = windows.sum(-1)
            mean = windows.square().sum(-1) / total.where(total > 0, 1)
            return mean.where(total > 0, 0)
        # In float64 the sums are exact: what was padded adds nothing and is never drawn.
        sums = windows.detach().double().cumsum(-1)
        draws = generator(x.device)
        share = 1 - torch.rand(sums.shape[:-1], generator=draws, device=x.device)
        drawn = (sums >= (share * sums[..., -1])[..., None]).int().argmax(-1, keepdim=True)
        return windows.gather(-1, drawn).squeeze(-1)

    # Of 5 axes; a kernel of (0, 0, 0) is the bottom's size.

    def _volume(self) -> VolumePooling:
        pool = self.spec.pooling_param
        self.check(not is_strict(), "pools 4 axes (N, C, H, W); found a bottom of 5")
        self.check(len(self.spec.top) == 1, "of 5 axes no mask is given; found two tops")
        methods = (caffe_pb2.PoolingParameter.MAX, caffe_pb2.PoolingParameter.AVE)
        self.check(pool.pool in methods, "of 5 axes pools by MAX or AVE")
        planes = [field for field in OF_PLANES if pool.HasField(field)]
        self.check(
            not planes,
            f"has 5 axes: drop {planes}, and give kernel_size, stride and pad once or 3 times",
        )
        self.check(not pool.exclude_pad, "of 5 axes pools by MAX or AVE; found AVE_EXC_PAD")
        kernel, stride, pad = (self._triple(f) for f in ("kernel_size", "stride", "pad"))
        self.check(
            pool.global_pooling or min(kernel) > 0, f"kernel_size must be positive; found {kernel}"
        )
        self.check(min(stride) > 0, f"stride must be positive; found {stride}")
        if pool.global_pooling:
            self.check(
                not any(kernel), "global_pooling takes its kernel from the bottom; drop kernel_size"
            )
            self.check(
                (stride, pad) == ((1, 1, 1), (0, 0, 0)),
                f"global_pooling needs stride 1 and pad 0; found {stride} and {pad}",
            )
        else:
            self.check(
                all(p < k for p, k in zip(pad, kernel, strict=True)),
                f"pad {pad} must be smaller than kernel_size {kernel}",
            )
        length, height, width = self._dilation(3)
        floor = pool.round_mode == caffe_pb2.PoolingParameter.FLOOR
        volume = VolumePooling(kernel, stride, pad, not self._is_maximum, floor, drops=True)
        return volume._replace(dilation=(length, height, width))

    def _dilation(self, axes: int) -> tuple[int, ...]:
        """How far apart a window's values are, along each axis."""
        given = _for_axes(self.spec.pooling_param.dilation or [1], axes)
        self.check(given is not None, f"needs dilation once or {axes} times")
        assert given
        self.check(
            max(given) == 1 or (self._is_maximum and min(given) > 0),
            f"a dilation is positive, and of MAX pooling alone; found {given}",
        )
        return given

    def _triple(self, name: str) -> Triple:
        pool = self.spec.pooling_param
        given = list(getattr(pool, f"axis_{name}"))
        given = given or [getattr(pool, name)] * 3
        self.check(len(given) == 3, f"needs {name} once or 3 times; found {given}")
        length, height, width = given
        return length, height, width

    def _of_size(self, volume: VolumePooling, shape: Shape) -> VolumePooling:
        length, height, width = shape[2:]
        return volume if any(volume.kernel) else volume._replace(kernel=(length, height, width))

    def _volume_top(self, shape: Shape, volume: VolumePooling) -> Shape:
        self.check(len(shape) == 5, f"was set up for 5 axes; found shape {shape}")
        whole = self._of_size(volume, shape)
        places = whole.places(shape)
        self.check(
            min(places) > 0, f"a bottom of shape {shape} is smaller than kernel {whole.kernel}"
        )
        return (*shape[:2], *places)

    def _pair(self, name: str, hw: str, default: int | None) -> tuple[int, int]:
        pool = self.spec.pooling_param
        if several := getattr(pool, f"axis_{name}"):
            given = _for_axes(several, 2)
            self.check(given is not None, f"has 4 axes, and {name} for {len(several)}: {several}")
            assert given
            return given[0], given[1]
        if pool.HasField(f"{hw}_h") or pool.HasField(f"{hw}_w"):
            self.check(not pool.HasField(name), f"either {name} or {hw}_h and {hw}_w, not both")
            both = pool.HasField(f"{hw}_h") and pool.HasField(f"{hw}_w")
            self.check(both, f"{hw}_h and {hw}_w must be given together")
            return (getattr(pool, f"{hw}_h"), getattr(pool, f"{hw}_w"))
        self.check(
            default is not None or pool.HasField(name), f"{name} (or {hw}_h and {hw}_w) is missing"
        )
        value = getattr(pool, name) if default is None or pool.HasField(name) else default
        return (value, value)


def _for_axes(values: Sequence[int], axes: int) -> tuple[int, ...] | None:
    """One of the values for each axis, None where there are none for all.

    naibaf7's nets name more of them than there are axes, all alike.
    """
    values = values[:1] if len(values) > axes and len(set(values)) == 1 else values
    if len(values) not in (1, axes):
        return None
    return tuple(values) * (axes // len(values))


@layer_type("SPP")
class SPP(LayerType):
    """Spatial pyramid pooling: level l pools 2^l x 2^l windows over the whole of N x C x H x W.

    The tops of all levels, flattened, follow one another; a single level is left as it is
    (spp_layer.cpp).
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        height = self.spec.spp_param.pyramid_height
        self.check(height > 0, f"pyramid_height must be positive; found {height}")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(
            len(shape) == 4 and min(shape[2:]) > 0,
            f"needs 4 axes (N, C, H, W), height and width positive; found shape {shape}",
        )
        tops = [level.top_shapes(shapes)[0] for level in self._levels(shape)]
        if len(tops) == 1:
            return tops
        return [(shape[0], shape[1] * sum(h * w for _, _, h, w in tops))]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        levels = self._levels(tuple(x.shape))
        tops: list[Any] = [level.expression(bottoms, params) for level in levels]  # one top each
        return tops[0] if len(tops) == 1 else torch.cat([top.flatten(1) for top in tops], 1)

    def _levels(self, shape: Shape) -> list[Pooling]:
        return [self._level(2**i, shape) for i in range(self.spec.spp_param.pyramid_height)]

    def _level(self, bins: int, shape: Shape) -> Pooling:
        """The pooling of one level: kernel and stride alike, padding in equal parts at the ends."""
        spec = caffe_pb2.LayerParameter(name=self.name, type=self.type, top=self.spec.top)
        pool = spec.pooling_param
        pool.pool = self.spec.spp_param.pool
        for axis, size in zip("hw", shape[2:], strict=True):
            kernel = -(-size // bins)
            pad = (kernel * bins - size + 1) // 2
            self.check(
                pad < kernel,
                f"a bottom of shape {shape} does not fill {bins} x {bins} windows; "
                "lower pyramid_height",
            )
            setattr(pool, f"kernel_{axis}", kernel)
            setattr(pool, f"stride_{axis}", kernel)
            setattr(pool, f"pad_{axis}", pad)
        level = Pooling(spec, self.phase)
        level.setup_from([shape])
        return level
