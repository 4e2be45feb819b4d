"""Which layers compute in bfloat16, where that is the precision that is set (set_precision).

Products of matrices do: what they multiply is rounded to bfloat16, and so is what comes out. Layers
that only pass values on, and so round nothing, take bfloat16 as it comes. All others compute in
float32, and so does a layer whose top counts as a loss. torch.autocast is no help here: what it
leaves in bfloat16 is not the same on the CPU and on a GPU (softmax: on the CPU only).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from ..core.blob import Blob
from ..core.device import current_device
from ..core.precision import current_precision
from ..proto import caffe_pb2

Tensors = torch.Tensor | Sequence[torch.Tensor]
BELOW = (torch.bfloat16, torch.float16)  # float32


class Computes(Protocol):
    """What is asked here of a layer, a LayerType of base.py."""

    spec: caffe_pb2.LayerParameter
    matrix_product: bool

    @property
    def passes_on(self) -> bool: ...

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors: ...


def bottoms(layer: Computes, blobs: Sequence[Blob]) -> list[torch.Tensor]:
    """The data of a layer's bottoms, float32 or bfloat16: as the layer takes it."""
    if _takes_bfloat16(layer):
        # A blob that a script looks at is float32 from then on: that must not change gradients.
        return [blob.data_tensor().to(blob._data.dtype) for blob in blobs]
    return [blob.data_tensor().float() for blob in blobs]


def taken(layer: Computes, bottoms: list[torch.Tensor]) -> list[torch.Tensor]:
    """As `bottoms`, of the data."""
    return bottoms if _takes_bfloat16(layer) else [x.float() for x in bottoms]


def multiplied(layer: Computes, xs: list[torch.Tensor]) -> list[torch.Tensor]:
    """Bottoms or parameters as the layer computes with them: of a matrix product, rounded."""
    if not _is_rounded(layer):
        return xs
    # A GPU multiplies bfloat16 and adds up in float32. So does this on the CPU, where torch's
    # bfloat16 convolution takes a hundred times as long unless the CPU has instructions for it.
    multiplies = torch.bfloat16 if current_device().type == "cuda" else torch.float32
    return [x.bfloat16().to(multiplies) for x in xs]


def keeps_bottoms(layer: Computes) -> bool:
    """Whether torch keeps the layer's very bottoms and parameters for backward, not copies."""
    return layer.matrix_product and not _is_rounded(layer)


def given(layer: Computes, tops: list[torch.Tensor]) -> list[torch.Tensor]:
    """Tops as the layer gives them: of a matrix product, what it has computed is rounded."""
    return [top.bfloat16() for top in tops] if _is_rounded(layer) else tops


def in_type(
    layer: Computes, xs: list[torch.Tensor], params: list[torch.Tensor], kind: torch.dtype
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Bottoms and parameters as a layer computes with them in a module of the type `kind`.

    Below float32 as here: a product of matrices in `kind`, a layer that passes values on in the
    type that they come in, all others in float32. So boxes and places in a map are exact: a
    bfloat16 of more than 256 pixels has none of one.
    """
    own = torch.float32 if kind in BELOW and not layer.matrix_product else kind
    if layer.matrix_product:
        xs = [x.to(kind) for x in xs]
    elif not layer.passes_on:
        xs = [x.float() if x.dtype in BELOW else x for x in xs]
    return xs, [param.to(own) for param in params]


def tops(
    layer: Computes, bottoms: list[torch.Tensor], params: list[torch.Tensor]
) -> list[torch.Tensor]:
    """A layer's tops from its bottoms, which are `taken`, and its parameters in float32."""
    tops = layer.expression(multiplied(layer, bottoms), multiplied(layer, params))
    return given(layer, listed(tops))


def listed(tops: Tensors) -> list[torch.Tensor]:
    """What an `expression` gives, of which one top may stand alone."""
    return [tops] if isinstance(tops, torch.Tensor) else list(tops)


def _takes_bfloat16(layer: Computes) -> bool:
    return _may_use_bfloat16(layer) and (layer.matrix_product or layer.passes_on)


def _is_rounded(layer: Computes) -> bool:
    return _may_use_bfloat16(layer) and layer.matrix_product


def _may_use_bfloat16(layer: Computes) -> bool:
    return current_precision() == "bf16" and not any(layer.spec.loss_weight)
