"""What finds as many rows as there are: the tops have their shapes after forward alone."""

import torch

from ...core.blob import Blob
from ..base import LayerType, Tensors


class Found(LayerType):
    """Base of such layers; `top_shapes` says what there is room for before the first forward."""

    diff_bottoms = staticmethod(lambda index: False)

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        tensors = [blob.data_tensor().float() for blob in bottom]
        found = self.in_memory(_computed, tensors)
        tops = [found] if isinstance(found, torch.Tensor) else found
        for blob, tensor in zip(top, tops, strict=True):
            blob.reshape(*tensor.shape)
            blob._data.assign(tensor)


def _computed(layer: LayerType, bottoms: list[torch.Tensor]) -> Tensors:
    with torch.no_grad():
        return layer.expression(bottoms, [])
