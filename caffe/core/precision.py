"""How precisely the nets compute: a setting of our own, beside Caffe's."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch

from .errors import CaffeError
from .log import log

PRECISIONS = ("fp32", "tf32", "bf16")
# What may round to TF32, on a GPU. Any: torch does not declare the first one's allow_tf32.
MAY_ROUND: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)

_precision = "fp32"
_for_now: ContextVar[str | None] = ContextVar("precision", default=None)


def current_precision() -> str:
    """The precision that is set, one of PRECISIONS."""
    return _for_now.get() or _precision


def set_precision(name: str) -> None:
    """Choose how precisely the nets compute from their next pass on.

    fp32, the default: float32 throughout, Caffe's values. tf32: on a GPU convolutions and matrix
    products may round what they multiply to TF32 (11 significant bits); on the CPU the same as
    fp32. bf16: Convolution, Deconvolution and InnerProduct round what they multiply and what comes
    out to bfloat16 (8 significant bits), see layer_types/autocast.py. Parameters, their diffs, the
    solver's history and all that a script reads are float32 in each. Raises CaffeError for another
    name.
    """
    global _precision
    if name not in PRECISIONS:
        raise CaffeError(f"unknown precision {name!r}; there are {', '.join(PRECISIONS)}")
    _precision = name
    tell_torch()
    if name == "bf16":
        log(f"bf16: this processor has {', '.join(_bf16_units()) or 'no unit for it'}")


def has_fast_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself: with AMX, or with AVX512-BF16.

    Without, `bf16` on the CPU gives the rounding, not the speed. It says nothing of a GPU.
    """
    return bool(_bf16_units())


def _bf16_units() -> list[str]:
    units = {
        "AMX": torch.cpu._is_amx_tile_supported,
        "AVX512-BF16": torch.cpu._is_avx512_bf16_supported,
    }
    return [name for name, is_there in units.items() if is_there()]


@contextmanager
def computing_in(name: str) -> Iterator[None]:
    """What this thread runs within is computed in this precision."""
    if name == current_precision():
        yield
        return
    rounded = [(each, each.allow_tf32) for each in MAY_ROUND]
    token = _for_now.set(name)
    try:
        _allow_tf32(name == "tf32")
        yield
    finally:
        _for_now.reset(token)
        for each, allowed in rounded:
            each.allow_tf32 = allowed


def tell_torch() -> None:
    """Set what torch may round on a GPU; sums of bfloat16 products are float32 in any case."""
    _allow_tf32(_precision == "tf32")
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


def _allow_tf32(on: bool) -> None:
    for each in MAY_ROUND:
        each.allow_tf32 = on
