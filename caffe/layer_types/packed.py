"""oneDNN's convolution with weights that are in the order of its kernels already.

torch.nn.functional.conv2d lays them out anew in every pass. torch's compiler calls these operators
instead; they are not public: where a torch has none, or none for the processor, nothing is packed.
They could compute a ReLU too, but it makes 0 of what is no number, where Caffe's shows it.
"""

from __future__ import annotations

import torch

from .base import Shape


def can_pack(weight: torch.Tensor) -> bool:
    """Whether `packed` takes a convolution's weights."""
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and bool(torch.backends.mkldnn.enabled)
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
        and hasattr(torch.ops.mkldnn, "_reorder_convolution_weight")
    )


def packed(
    weight: torch.Tensor, shape: Shape, stride: Shape, pad: Shape, dilation: Shape, group: int
) -> torch.Tensor:
    """Weights (K, C / group, kh, kw) as `convolve` takes them, best for a bottom of this shape."""
    reorder = torch.ops.mkldnn._reorder_convolution_weight
    return reorder(weight, pad, stride, dilation, group, shape)


def convolve(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    stride: Shape,
    pad: Shape,
    dilation: Shape,
    group: int,
) -> torch.Tensor:
    """The convolution of x, (N, C, H, W) with the channels last in memory, by `packed` weights.

    So is the result. It keeps no gradient.
    """
    conv = torch.ops.mkldnn._convolution_pointwise
    return conv(x, weight, bias, pad, stride, dilation, group, "none", [], "")
