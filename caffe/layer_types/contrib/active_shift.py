"""ActiveShift: each channel moved by a distance of its own, which is learnt."""

from collections.abc import Sequence
from typing import Any

import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type


@layer_type("ActiveShift", "active shift layers")
class ActiveShift(LayerType):
    """Bilinear values of each channel, as far to the right and below as parameters 0 and 1 say.

    Jeon & Kim 2018, section 3.2. Pixel i of the top is at i stride - pad and that; outside of the
    map is 0. Parameters: C x 1 x 1 x 1 along x, and the same along y, from -base_radius to
    base_radius at first. normalize: a channel's two gradients are divided by their length.
    """

    param_names = ("x", "y")

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.asl_param
        self.check(len(shapes[0]) == 4, f"needs 4 axes (N, C, H, W); found shape {shapes[0]}")
        self.check(param.multiplier == 1, f"multiplier is 1 here; found {param.multiplier}")
        self.check(min(self._stride()) > 0, f"stride must be positive; found {self._stride()}")
        left = [
            name
            for name in ("clip_gradient", "warming_up", "lattice_decay")
            if getattr(param, name) and self.phase == caffe_pb2.TRAIN
        ]
        self.check(not left, f"{' and '.join(left)} of its training: not here; leave it out")
        filler = caffe_pb2.FillerParameter()
        if param.base_radius > 0:
            filler.type, filler.max, filler.min = "uniform", param.base_radius, -param.base_radius
        for _ in range(2):
            self.add_param((shapes[0][1], 1, 1, 1), filler)

    def _stride(self) -> tuple[int, int]:
        param = self.spec.asl_param
        if param.HasField("stride_h") or param.HasField("stride_w"):
            return param.stride_h, param.stride_w
        return param.stride, param.stride

    def _pad(self) -> tuple[int, int]:
        param = self.spec.asl_param
        if param.HasField("pad_h") or param.HasField("pad_w"):
            return param.pad_h, param.pad_w
        return param.pad, param.pad

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        channels = self.blobs[0].shape[0]
        self.check(
            len(shapes[0]) == 4 and shapes[0][1] == channels,
            f"expects N x {channels} x H x W; found a bottom of shape {shapes[0]}",
        )
        return [(*shapes[0][:2], *self._size(shapes[0][2:]))]

    def _size(self, lengths: Sequence[int]) -> list[int]:
        """How many rows and columns become of these."""
        return [
            (length + 2 * pad - 1) // stride + 1
            for length, pad, stride in zip(lengths, self._pad(), self._stride(), strict=True)
        ]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        along_x, along_y = (param.flatten() for param in params)
        if self.spec.asl_param.normalize and along_x.requires_grad and along_y.requires_grad:
            along_x, along_y = _Normalised.apply(along_x, along_y)
        rows, columns = self._size(x.shape[2:])
        (stride_h, stride_w), (pad_h, pad_w) = self._stride(), self._pad()
        below = _moved(along_y, x.shape[2], rows, stride_h, pad_h)
        across = _moved(along_x, x.shape[3], columns, stride_w, pad_w)
        return below @ x @ across.transpose(1, 2)


def _moved(shift: torch.Tensor, length: int, count: int, stride: int, pad: int) -> torch.Tensor:
    """How much of each pixel of an axis is in each of the top's: (C, count, length)."""
    at = torch.arange(count, device=shift.device) * stride - pad
    whole = shift.detach().floor()
    part = (shift - whole)[:, None, None]
    apart = torch.arange(length, device=shift.device) - at[:, None] - whole[:, None, None]
    return torch.where(apart == 0, 1 - part, torch.where(apart == 1, part, 0))


class _Normalised(torch.autograd.Function):
    """Two tensors, whose gradients are divided by the length of both."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x.view_as(x), y.view_as(y)

    @staticmethod
    def backward(
        ctx: Any, along_x: torch.Tensor, along_y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        length = torch.hypot(along_x, along_y)
        length = length.where(length > 0, 1)
        return along_x / length, along_y / length
