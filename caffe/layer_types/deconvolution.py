"""Deconvolution, the transpose of Convolution."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F

from ..core.blob import Blob
from . import exporting
from .base import Margins, Shape, Window, layer_type
from .convolution import Convolution

CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@layer_type("Deconvolution")
class Deconvolution(Convolution):
    """The transpose of Convolution: its gradient as a forward pass (deconv_layer.cpp)."""

    transposed = True

    def weight_shape(self) -> Shape:
        conv = self.spec.convolution_param
        return (self.channels, conv.num_output // conv.group, *self.kernel)

    def out_size(self, size: int, i: int) -> int:
        return self.stride[i] * (size - 1) + self.extent(i) - 2 * self.pad[i]

    def convolve(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        conv = self.spec.convolution_param
        if self.spatial in CONV_TRANSPOSE:
            deconv = CONV_TRANSPOSE[self.spatial]
            # Weights that learn have diffs between the channels too, and a trace has others later.
            if not (weight.requires_grad or exporting.is_traced() or exporting.is_jit_traced()):
                weight = self._apart(weight)
            group = conv.num_output // weight.shape[1]
            return deconv(x, weight, bias, self.stride, self.pad, 0, group, self.dilation)
        places = x.shape[2:]
        flat = x.reshape(*x.shape[:2], math.prod(places))
        columns = F.conv_transpose1d(flat, weight.reshape(len(weight), -1, 1), groups=conv.group)
        sizes = [self.out_size(size, i) for i, size in enumerate(places)]
        zeros = x.new_zeros(x.shape[0], conv.num_output, *sizes)
        add_up = torch.func.vjp(lambda y: self.columns(y, places), zeros)[1]
        (y,) = add_up(columns.reshape(*columns.shape[:2], *places))
        return y if bias is None else y + bias.reshape(-1, *[1] * self.spatial)

    def scaled_outputs(self, weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        groups = self.spec.convolution_param.group
        each = scale.reshape(groups, -1).repeat_interleave(len(weight) // groups, 0)
        return weight * each.reshape(*each.shape, *(1,) * (weight.dim() - 2))

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        return sum(map(math.prod, bottoms)) // self.channels * math.prod(self.blobs[0].shape)

    def windows(self, shapes: list[Shape]) -> tuple[Window, Window] | None:
        """Those of the bottom's positions on the top, if they leave no gaps between them."""
        found = self.sliding()
        no_gaps = found and all(window.extent >= window.stride for window in found)
        return found if no_gaps else None

    def part(
        self, bottoms: list[torch.Tensor], params: list[torch.Tensor], margins: Margins
    ) -> torch.Tensor:
        """What reaches beyond the region is left out by torch's padding, as far as it can be."""
        (x,), weight = bottoms, params[0]
        bias = params[1] if len(params) > 1 else None
        padding, longer = [], []
        for i, (before, behind) in enumerate(margins):
            told = 0 <= before - behind < self.stride[i]
            padding.append(before if told else min(before, behind))
            longer.append(before - behind if told else 0)
        group = self.spec.convolution_param.num_output // weight.shape[1]
        how = (self.stride, padding, longer, group, self.dilation)
        y = F.conv_transpose2d(x.contiguous(), weight, bias, *how)
        for i, (before, behind) in enumerate(margins):
            size = self.stride[i] * (x.shape[2 + i] - 1) + self.extent(i) - before - behind
            y = y.narrow(2 + i, before - padding[i], size)
        return y

    def arranged(self, params: list[torch.Tensor], shape: Shape) -> list[torch.Tensor]:
        weight, *bias = params
        return [self._apart(weight), *bias]

    def _apart(self, weight: torch.Tensor) -> torch.Tensor:
        """A filter that keeps the channels apart, as bilinear upsampling does: one for each."""
        if self.spec.convolution_param.group == 1 and _is_diagonal(weight):
            return torch.stack([weight[i, i : i + 1] for i in range(len(weight))])
        return weight

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        # oneDNN adds up the 64 x 64 x 21 products of a diff in one float32 chain, with 15 times
        # the rounding error of Caffe's gemm; torch's other backend is a gemm too.
        with _without_onednn():
            super().backward(top, propagate_down, bottom)


def _is_diagonal(weight: torch.Tensor) -> bool:
    if weight.shape[0] != weight.shape[1]:
        return False
    used = weight.flatten(2).ne(0).any(2)
    return not bool(used.fill_diagonal_(False).any())


@contextmanager
def _without_onednn() -> Iterator[None]:
    enabled = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # torch types no setter
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = enabled
