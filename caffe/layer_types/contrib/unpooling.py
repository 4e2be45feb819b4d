"""UnPooling and Upsampling: values at places of windows, whatever pooled them."""

import math

import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type

Param = caffe_pb2.UnpoolingParameter
Pair = tuple[int, int]


@layer_type("UnPooling", "several forks")
class UnPooling(LayerType):
    """The values N x C x H x W of windows at the windows' pixels.

    FIXED: at the middle one, of an even number the one before it, the last value where several
    have the same, and 0 elsewhere. REP: at all of them, the mean where windows overlap; DIV: that
    over the window's size. A window is out_kernel_size large, out_stride from the next one, and
    out_pad is cut off around all. With bottom 1 these follow from its size: the windows are as
    large, and as far from each other, as it is larger, rounded up.
    """

    bottoms = (1, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)
    reads_bottom = staticmethod(lambda index: index == 0)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.unpooling_param
        name = Param.UnpoolMethod.Name(param.unpool)
        self.check(
            not param.HasField("unpool") or param.unpool in (Param.FIXED, Param.DIV, Param.REP),
            f"unpool is FIXED, DIV or REP; found {name}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            all(len(shape) == 4 and min(shape[2:]) > 0 for shape in shapes),
            f"needs N x C x H x W; found shapes {shapes}",
        )
        axes = self._axes(shapes)
        for kernel, stride, pad in axes:
            self.check(
                kernel > pad and stride > 0,
                "windows need a size above their pad, and a positive stride; found "
                f"out_kernel_size {kernel}, out_pad {pad}, out_stride {stride}",
            )
        size = [
            (length - 1) * stride - 2 * pad + kernel
            for length, (kernel, stride, pad) in zip(shapes[0][2:], axes, strict=True)
        ]
        self.check(min(size) > 0, f"out_pad leaves nothing of a bottom of shape {shapes[0]}")
        return [(*shapes[0][:2], *size)]

    def _axes(self, shapes: list[Shape]) -> list[tuple[int, int, int]]:
        """Size, stride and pad of the windows, for each axis."""
        if len(shapes) == 1:
            names = ("out_kernel", "out_stride", "out_pad")
            return list(zip(*(self._pair(name) for name in names), strict=True))
        found = []
        for length, wanted in zip(shapes[0][2:], shapes[1][2:], strict=True):
            kernel = math.ceil(wanted / length)
            stride = 1 if kernel == wanted else kernel
            found.append((kernel, stride, max(0, (length - 1) * stride + kernel - wanted) // 2))
        return found

    def _pair(self, name: str) -> Pair:
        param = self.spec.unpooling_param
        if param.HasField(f"{name}_h"):
            return getattr(param, f"{name}_h"), getattr(param, f"{name}_w")
        both = getattr(param, f"{name}_size" if name == "out_kernel" else name)
        return both, both

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        shapes, x = [tuple(bottom.shape) for bottom in bottoms], bottoms[0]
        size, axes = self.top_shapes(shapes)[0][2:], self._axes(shapes)
        kernel, stride, pad = zip(*axes, strict=True)
        param = self.spec.unpooling_param
        if param.unpool not in (Param.DIV, Param.REP):
            x = F.pad(x, (0, 1, 0, 1))
            for axis, window, end in zip((2, 3), axes, size, strict=True):
                index = _sources(shapes[0][axis], window, end)
                x = x.index_select(axis, torch.tensor(index, device=x.device))
            return x
        ones = x.new_ones((1, 1, *kernel))
        flat = x.flatten(0, 1).unsqueeze(1)
        spread = F.conv_transpose2d(flat, ones, stride=stride, padding=pad)
        counts = F.conv_transpose2d(torch.ones_like(flat[:1]), ones, stride=stride, padding=pad)
        top = (spread / counts.clamp(min=1)).reshape(*x.shape[:2], *size)
        return top / math.prod(kernel) if param.unpool == Param.DIV else top


def _sources(length: int, window: tuple[int, int, int], end: int) -> list[int]:
    """Of an axis, for each place of the top whose middle it is; `length`: nobody's."""
    kernel, stride, pad = window
    found = [length] * end
    for i in range(length):
        middle = (2 * (i * stride - pad) + kernel - 1) // 2
        found[min(max(middle, 0), end - 1)] = i
    return found


@layer_type("Upsampling", "several forks")
class Upsampling(LayerType):
    """Each value of N x C x H x W at the first pixel of a window, 0 at all others.

    Windows are kernel_size, or kernel_h x kernel_w, large.
    """

    passes_on = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.upsampling_param
        both = param.kernel_h > 0 and param.kernel_w > 0
        self.check(
            (param.kernel_size > 0) != both,
            "needs kernel_size, or else kernel_h and kernel_w, in upsampling_param; found "
            f"{param.kernel_size}, {param.kernel_h} and {param.kernel_w}",
        )

    def window(self) -> Pair:
        """Its height and width."""
        param = self.spec.upsampling_param
        return param.kernel_h or param.kernel_size, param.kernel_w or param.kernel_size

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), (rows, columns) = shapes, self.window()
        self.check(len(shape) == 4, f"needs N x C x H x W; found shape {shape}")
        return [(*shape[:2], shape[2] * rows, shape[3] * columns)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), (rows, columns) = bottoms, self.window()
        spread = F.pad(x[..., :, None, :, None], (0, columns - 1, 0, 0, 0, rows - 1))
        return spread.flatten(4, 5).flatten(2, 3)
