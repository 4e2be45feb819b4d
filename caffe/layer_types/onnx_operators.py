"""Operators that ONNX has and torch has not, so that an exported net has a node for each.

Imported by layers only while they are traced for ONNX (exporting.into_onnx). They are never run:
caffe/export/onnx.py has what they become.
"""

import torch


@torch.library.custom_op("caffe::max_roi_pool", mutates_args=())
def max_roi_pool(
    x: torch.Tensor, regions: torch.Tensor, rows: int, columns: int, scale: float
) -> torch.Tensor:
    """Maxima of rows x columns parts of regions (R, 5) of maps (N, C, H, W): MaxRoiPool."""
    raise NotImplementedError


@max_roi_pool.register_fake
def _(
    x: torch.Tensor, regions: torch.Tensor, rows: int, columns: int, scale: float
) -> torch.Tensor:
    return x.new_empty(regions.shape[0], x.shape[1], rows, columns)


@torch.library.custom_op("caffe::not_suppressed", mutates_args=())
def not_suppressed(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """Which of boxes (B, K, 4) with scores (B, K) are left by NonMaxSuppression: (B, K), 1 or 0."""
    raise NotImplementedError


@not_suppressed.register_fake
def _(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    return torch.empty_like(scores, dtype=torch.int64)
