"""Pooling of N x C x L x H x W, of Pooling and of forks' types."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F

from .base import Shape

Triple = tuple[int, int, int]


class VolumePooling(NamedTuple):
    """The maximum, or the mean, of windows over length, height and width."""

    kernel: Triple
    stride: Triple
    pad: Triple
    average: bool  # padding counts, but only as far as one `pad` behind the bottom
    floor: bool = False  # sizes are rounded down
    drops: bool = False  # in a padded pooling a last window that would start behind one `pad` is
    dilation: Triple = (1, 1, 1)  # of maxima

    def places(self, shape: Shape) -> Triple:
        """How many windows there are along each axis; 0 or less where the bottom is smaller."""
        length, height, width = (self._places(shape[2 + i], i) for i in range(3))
        return length, height, width

    def _places(self, size: int, i: int) -> int:
        span = size + 2 * self.pad[i] - self._extent(i)
        if span < 0:
            return 0
        steps = span // self.stride[i] if self.floor else -(-span // self.stride[i])
        if self.drops and any(self.pad):
            steps = min(steps, (size + self.pad[i] - 1) // self.stride[i])
        return steps + 1

    def _extent(self, i: int) -> int:
        return self.dilation[i] * (self.kernel[i] - 1) + 1

    def pooled(self, x: torch.Tensor) -> torch.Tensor:
        """The windows' values, (N, C, *places)."""
        places = self.places(tuple(x.shape))
        padding: list[int] = []
        for i in reversed(range(3)):
            extent = (places[i] - 1) * self.stride[i] + self._extent(i)
            padding += [self.pad[i], max(0, extent - x.shape[2 + i] - self.pad[i])]
        if not self.average:
            padded = F.pad(x, padding, value=-torch.finfo(x.dtype).max)
            length, height, width = places
            top = F.max_pool3d(padded, self.kernel, self.stride, dilation=self.dilation)
            return top[:, :, :length, :height, :width]
        sums = F.avg_pool3d(F.pad(x, padding), self.kernel, self.stride) * math.prod(self.kernel)
        length, height, width = places
        counts = x.new_ones(())
        for i in range(3):
            start = torch.arange(places[i], device=x.device) * self.stride[i] - self.pad[i]
            end = (start + self.kernel[i]).clamp(max=x.shape[2 + i] + self.pad[i])
            counts = counts.unsqueeze(-1) * (end - start).to(x.dtype)
        return sums[:, :, :length, :height, :width] / counts
