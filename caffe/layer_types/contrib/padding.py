"""What goes around maps: Pad, Padding."""

import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type

PAD = caffe_pb2.PadParameter


@layer_type("Pad", "several forks")
class Pad(LayerType):
    """N x C x H x W with `pad` more rows and columns on each side.

    type: ZERO; REPLICATE, the last one; REFLECT, those inside from the last on; REFLECT_101, from
    the last but one on. With paddings (Synopsys' Caffe), before and behind each axis so many
    values more, which are constant_values.
    """

    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), param = shapes, self.spec.pad_param
        if param.paddings:
            self.check(
                len(param.paddings) == 2 * len(shape),
                f"needs two paddings for each axis of shape {shape}; found {list(param.paddings)}",
            )
            more = [sum(param.paddings[2 * axis : 2 * axis + 2]) for axis in range(len(shape))]
            return [tuple(size + pad for size, pad in zip(shape, more, strict=True))]
        self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        if param.same_kernel:
            kernel, stride = list(param.same_kernel), list(param.same_stride)
            self.check(
                len(kernel) == len(stride) == 2 and min(stride) > 0,
                f"needs 2 values of same_kernel and of same_stride; found {kernel} and {stride}",
            )
            return [(*shape[:2], *(n + sum(self._same(n, i)) for i, n in enumerate(shape[2:])))]
        inside = {PAD.REFLECT: 0, PAD.REFLECT_101: 1}.get(param.type)
        self.check(
            inside is None or param.pad + inside <= min(shape[2:]),
            f"a bottom of shape {shape} has too few rows or columns to reflect {param.pad} of them",
        )
        return [(*shape[:2], *(size + 2 * param.pad for size in shape[2:]))]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), kind, pad = bottoms, self.spec.pad_param.type, self.spec.pad_param.pad
        given = list(self.spec.pad_param.paddings)
        if self.spec.pad_param.same_kernel:
            given = [0] * 4 + [side for i in range(2) for side in self._same(x.shape[2 + i], i)]
        if given:
            return F.pad(x, last_first(given), value=self.spec.pad_param.constant_values)
        if kind == PAD.REFLECT:
            rows, columns = (_reflected(size, pad, x.device) for size in x.shape[2:])
            return x[:, :, rows][:, :, :, columns]
        modes = {PAD.ZERO: "constant", PAD.REPLICATE: "replicate", PAD.REFLECT_101: "reflect"}
        return F.pad(x, (pad,) * 4, mode=modes[kind])

    def _same(self, size: int, i: int) -> tuple[int, int]:
        """What lets windows with this stride cover an axis, half of it before (TensorFlow's)."""
        kernel, stride = self.spec.pad_param.same_kernel[i], self.spec.pad_param.same_stride[i]
        missing = max(kernel - (size % stride or stride), 0)
        return missing // 2, missing - missing // 2


def last_first(ends: list[int]) -> list[int]:
    """Pairs of each axis, the last axis' first, as torch has them."""
    return [end for i in reversed(range(0, len(ends), 2)) for end in ends[i : i + 2]]


def _reflected(size: int, pad: int, device: torch.device) -> torch.Tensor:
    """Which of an axis's values its padded positions have."""
    inside = torch.arange(size, device=device)
    return torch.cat([inside[:pad].flip(0), inside, inside[size - pad :].flip(0)])


@layer_type("Padding", "DeepLab")
class Padding(LayerType):
    """N x C x H x W with pad_beg zeros above and left, pad_end below and right; negative: cut."""

    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.padding_param
        self.check(
            min(param.pad_beg, param.pad_end) >= 0 or max(param.pad_beg, param.pad_end) <= 0,
            f"pads or cuts at both ends; found pad_beg {param.pad_beg}, pad_end {param.pad_end}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), param = shapes, self.spec.padding_param
        self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        sizes = [size + param.pad_beg + param.pad_end for size in shape[2:]]
        self.check(min(sizes) > 0, f"nothing is left of a bottom of shape {shape}")
        return [(*shape[:2], *sizes)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param = self.spec.padding_param
        return F.pad(bottoms[0], (param.pad_beg, param.pad_end) * 2)
