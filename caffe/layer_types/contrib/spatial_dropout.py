"""Dropouts of forks: SpatialDropout, SeLuDropout."""

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


SATURATED = -1.7580993408473766  # what SELU tends to, far below 0: -lambda alpha


@layer_type("SeLuDropout", "soeaver's caffe-model")
class SeLuDropout(Dropout):
    """As Dropout, but what is dropped is SELU's lowest value, not 0.

    The rest is brought back to mean 0 and variance 1 (Klambauer et al. 2017, section 2, "alpha
    dropout"); in TEST the bottom is the top.
    """

    keeps_gradient = False

    def ratio(self) -> float:
        return self.spec.selu_dropout_param.dropout_ratio

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), keep = bottoms, 1 - self.ratio()
        if not self.draws:
            return x
        mask = self.mask(x, keep)
        scale = (keep + SATURATED**2 * keep * (1 - keep)) ** -0.5
        return (x * mask + SATURATED * (1 - mask) - SATURATED * (1 - keep)) * scale
