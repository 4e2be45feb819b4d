"""The highest of some values, of equal ones the first first."""

import torch

from . import exporting


def highest(x: torch.Tensor, count: int, axis: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The `count` highest values along an axis, and where they are; of equal ones the first."""
    if exporting.into_onnx():  # whose TopK has this order; it has no sort
        values, at = x.topk(count, axis)
        return values, at
    values, at = x.sort(dim=axis, descending=True, stable=True)
    return values.narrow(axis, 0, count), at.narrow(axis, 0, count)
