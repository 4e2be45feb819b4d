"""Sums over windows, in the form that every runtime of an exported net computes alike."""

import torch
import torch.nn.functional as F

from . import exporting

Pair = tuple[int, int]


def window_sums(
    x: torch.Tensor, kernel: Pair, stride: Pair = (1, 1), pad: Pair = (0, 0)
) -> torch.Tensor:
    """The sum over each window of kernel H x W of N x C x H x W, `pad` zeros around it.

    In an ONNX export it is a convolution with ones: torch exports no divisor of an average, and
    onnxruntime 1.23 averages wrongly where the padding is not the same on all sides.
    """
    if not exporting.into_onnx():
        return F.avg_pool2d(x, kernel, stride, pad, divisor_override=1)
    n, c, *size = x.shape
    ones = x.new_ones(1, 1, *kernel)
    sums = F.conv2d(x.reshape(n * c, 1, *size), ones, stride=stride, padding=pad)
    return sums.reshape(n, c, *sums.shape[2:])
