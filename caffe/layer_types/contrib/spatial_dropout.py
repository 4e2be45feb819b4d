"""SpatialDropout of ENet."""

import torch

from ...core.rng import generator
from ..base import layer_type
from ..elementwise import Dropout


@layer_type("SpatialDropout", "ENet")
class SpatialDropout(Dropout):
    """As Dropout, but whole channels of an item are zeroed (Tompson et al. 2015, section 3.2)."""

    pointwise = False

    def ratio(self) -> float:
        return self.spec.spatial_dropout_param.dropout_ratio

    def mask(self, x: torch.Tensor, keep: float) -> torch.Tensor:
        ones = x.new_empty((*x.shape[:2], *(1,) * (x.dim() - 2)))
        return ones.bernoulli_(keep, generator=generator(x.device))
