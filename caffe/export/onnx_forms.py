"""What becomes of layer_types/onnx_operators.py in an ONNX file: nodes of ONNX's own operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def forms() -> dict[Callable, Callable]:
    """For torch.onnx.export's custom_translation_table."""
    from onnxscript import FLOAT, INT64, opset18

    from ..layer_types import onnx_operators  # noqa: F401

    op: Any = opset18  # whose types are of unions that no value fits

    def max_roi_pool(x: FLOAT, regions: FLOAT, rows: int, columns: int, scale: float) -> FLOAT:
        return op.MaxRoiPool(x, regions, pooled_shape=[rows, columns], spatial_scale=scale)

    def not_suppressed(boxes: FLOAT, scores: FLOAT, threshold: float) -> INT64:
        one = op.Constant(value_ints=[1])
        every = op.Constant(value_ints=[2**31 - 1])
        limit = op.Constant(value_floats=[threshold])
        # Rows of: which of B, the one class, which of K.
        found = op.NonMaxSuppression(boxes, op.Unsqueeze(scores, one), every, limit)
        at = op.Gather(found, op.Constant(value_ints=[0, 2]), axis=1)
        count = op.Shape(at, end=1)
        none = op.Expand(op.Constant(value_ints=[0]), op.Shape(scores))
        return op.ScatterND(none, at, op.Expand(one, count))

    return {
        torch.ops.caffe.max_roi_pool.default: max_roi_pool,
        torch.ops.caffe.not_suppressed.default: not_suppressed,
    }
