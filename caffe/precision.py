"""Which layers compute in bfloat16, where that is the precision that is set (mode.set_precision).

Products of matrices do: what they multiply is rounded to bfloat16, and so is what comes out. Layers
that only pass values on, and so round nothing, take bfloat16 as it comes. All others compute in
float32, and so does a layer whose top counts as a loss. torch.autocast is no help here: what it
leaves in bfloat16 is not the same on the CPU and on a GPU (softmax: on the CPU only).
"""

from collections.abc import Sequence

import torch

from . import mode
from .blob import Blob
from .proto import caffe_pb2

PRODUCTS = {"Convolution", "Deconvolution", "InnerProduct"}
PASSING = {"Concat", "Crop", "Flatten", "Reshape", "Silence", "Slice", "Split", "Tile"}


def bottoms(spec: caffe_pb2.LayerParameter, blobs: Sequence[Blob]) -> list[torch.Tensor]:
    """The data of a layer's bottoms, float32 or bfloat16: as the layer takes it."""
    if _may_use_bfloat16(spec) and (spec.type in PRODUCTS or _only_passes_on(spec)):
        # A blob that a script looks at is float32 from then on: that must not change gradients.
        return [blob.data_tensor().to(blob._data.dtype) for blob in blobs]
    return [blob.data_tensor().float() for blob in blobs]


def tops(layer, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> list[torch.Tensor]:
    """A layer's tops from its bottoms and its parameters, which are float32."""
    if not (_may_use_bfloat16(layer.spec) and layer.spec.type in PRODUCTS):
        return _listed(layer.expression(bottoms, params))
    # A GPU multiplies bfloat16 and adds up in float32. So does this on the CPU, where torch's
    # bfloat16 convolution takes a hundred times as long unless the CPU has instructions for it.
    dtype = torch.bfloat16 if mode.device().type == "cuda" else torch.float32
    bottoms, params = ([t.bfloat16().to(dtype) for t in given] for given in (bottoms, params))
    return [top.bfloat16() for top in _listed(layer.expression(bottoms, params))]


def _may_use_bfloat16(spec: caffe_pb2.LayerParameter) -> bool:
    return mode.precision() == "bf16" and not any(spec.loss_weight)


def _only_passes_on(spec: caffe_pb2.LayerParameter) -> bool:
    """Whether each value of the tops is one of the bottoms', or 0."""
    if spec.type == "ReLU":
        return not spec.relu_param.negative_slope
    if spec.type == "Pooling":  # the second top, the mask, has indices: too large for bfloat16
        maximum = spec.pooling_param.pool == caffe_pb2.PoolingParameter.MAX
        return maximum and len(spec.top) == 1
    return spec.type in PASSING


def _listed(tops: torch.Tensor | Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [tops] if isinstance(tops, torch.Tensor) else list(tops)
