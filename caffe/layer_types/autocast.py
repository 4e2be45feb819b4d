"""Which layers compute in bfloat16, where that is the precision that is set (set_precision).

Products of matrices do: what they multiply is rounded to bfloat16, and so is what comes out. Layers
that only pass values on, and so round nothing, take bfloat16 as it comes. All others compute in
float32, and so does a layer whose top counts as a loss. torch.autocast is no help here: what it
leaves in bfloat16 is not the same on the CPU and on a GPU (softmax: on the CPU only).
"""

from collections.abc import Sequence

import torch

from ..core.blob import Blob
from ..core.device import current_device
from ..core.precision import current_precision
from ..proto import caffe_pb2

PRODUCTS = {"Convolution", "Deconvolution", "InnerProduct"}
PASSING = {"Concat", "Crop", "Flatten", "Reshape", "Silence", "Slice", "Split", "Tile"}


def bottoms(spec: caffe_pb2.LayerParameter, blobs: Sequence[Blob]) -> list[torch.Tensor]:
    """The data of a layer's bottoms, float32 or bfloat16: as the layer takes it."""
    if _takes_bfloat16(spec):
        # A blob that a script looks at is float32 from then on: that must not change gradients.
        return [blob.data_tensor().to(blob._data.dtype) for blob in blobs]
    return [blob.data_tensor().float() for blob in blobs]


def taken(spec: caffe_pb2.LayerParameter, bottom: torch.Tensor) -> torch.Tensor:
    """The same of a tensor."""
    return bottom if _takes_bfloat16(spec) else bottom.float()


def multiplied(spec: caffe_pb2.LayerParameter, x: torch.Tensor) -> torch.Tensor:
    """What the layer computes with, of its bottoms and its parameters."""
    if not _is_rounded(spec):
        return x
    # A GPU multiplies bfloat16 and adds up in float32. So does this on the CPU, where torch's
    # bfloat16 convolution takes a hundred times as long unless the CPU has instructions for it.
    return x.bfloat16().to(torch.bfloat16 if current_device().type == "cuda" else torch.float32)


def keeps_bottoms(spec: caffe_pb2.LayerParameter) -> bool:
    """Whether torch keeps the layer's very bottoms and parameters for backward, not copies."""
    return spec.type in PRODUCTS and not _is_rounded(spec)


def given(spec: caffe_pb2.LayerParameter, top: torch.Tensor) -> torch.Tensor:
    """A top as the layer gives it, of what it has computed."""
    return top.bfloat16() if _is_rounded(spec) else top


def tops(layer, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> list[torch.Tensor]:
    """A layer's tops from its bottoms, which are `taken`, and its parameters in float32."""
    bottoms, params = ([multiplied(layer.spec, x) for x in xs] for xs in (bottoms, params))
    tops = layer.expression(bottoms, params)
    tops = [tops] if isinstance(tops, torch.Tensor) else tops
    return [given(layer.spec, top) for top in tops]


def _takes_bfloat16(spec: caffe_pb2.LayerParameter) -> bool:
    return _may_use_bfloat16(spec) and (spec.type in PRODUCTS or _only_passes_on(spec))


def _is_rounded(spec: caffe_pb2.LayerParameter) -> bool:
    return _may_use_bfloat16(spec) and spec.type in PRODUCTS


def _may_use_bfloat16(spec: caffe_pb2.LayerParameter) -> bool:
    return current_precision() == "bf16" and not any(spec.loss_weight)


def _only_passes_on(spec: caffe_pb2.LayerParameter) -> bool:
    """Whether each value of the tops is one of the bottoms', or 0."""
    if spec.type == "ReLU":
        return not spec.relu_param.negative_slope
    if spec.type == "Pooling":  # the second top, the mask, has indices: too large for bfloat16
        maximum = spec.pooling_param.pool == caffe_pb2.PoolingParameter.MAX
        return maximum and len(spec.top) == 1
    return spec.type in PASSING
