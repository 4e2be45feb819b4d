"""Whether an expression is being traced for a net that is exported, and for what."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_into_onnx = False


@contextmanager
def for_onnx() -> Iterator[None]:
    """Expressions inside may use `onnx_operators`, which caffe/export/onnx.py translates."""
    global _into_onnx
    before, _into_onnx = _into_onnx, True
    try:
        yield
    finally:
        _into_onnx = before


def into_onnx() -> bool:
    """Whether the expression becomes a part of an ONNX file."""
    return _into_onnx or torch.onnx.is_in_onnx_export()


def is_jit_traced() -> bool:
    """Whether torch.jit.trace follows the expression: sizes are tensors then."""
    return torch.jit.is_tracing()  # type: ignore[attr-defined]  # torch does not declare it


def is_traced() -> bool:
    """Whether torch follows the expression, to compute with other values: no `if` on values."""
    return torch.compiler.is_compiling()
