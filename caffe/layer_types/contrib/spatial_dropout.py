"""Dropouts of forks: SpatialDropout, SeLuDropout, GuidedDropout."""

import math

import torch

from ...core.rng import generator
from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
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


@layer_type("GuidedDropout", "domain guided dropout")
class GuidedDropout(LayerType):
    """The bottom, N x C x ..., without some channels of each item, as bottom 1, N x C, guides it.

    Xiao et al. 2016, section 3.3. type deterministic: channels of a guidance of guidance_threshold
    or less are 0; stochastic: in TRAIN one stays with the probability sigmoid(guidance *
    sigmoid_scaler), in TEST all do. What stays is multiplied by C over how many, or over the sum of
    the probabilities, unless that is 0.
    """

    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)

    @property
    def draws(self) -> bool:
        """A second forward pass is not the same."""
        return self._kind() == "stochastic" and self.phase == caffe_pb2.TRAIN

    def _kind(self) -> str:
        return self.spec.guided_dropout_param.type

    def setup_from(self, shapes: list[Shape]) -> None:
        param, kind = self.spec.guided_dropout_param, self._kind()
        asked = {"deterministic": "guidance_threshold", "stochastic": "sigmoid_scaler"}
        self.check(kind in asked, f"type is deterministic or stochastic; found '{kind}'")
        self.check(param.HasField(asked[kind]), f"type {kind} needs {asked[kind]}")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        x, guidance = shapes
        self.check(
            len(x) > 1 and guidance[:2] == x[:2] and math.prod(guidance) == x[0] * x[1],
            f"needs N x C x ... and a guidance N x C; found shapes {x} and {guidance}",
        )
        return [x]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, param = bottoms[0], self.spec.guided_dropout_param
        guidance = bottoms[1].detach().reshape(x.shape[:2])
        if self._kind() == "deterministic":
            stays = chances = (guidance > param.guidance_threshold).to(x)
        elif self.draws:
            chances = (guidance * param.sigmoid_scaler).sigmoid()
            stays = chances.bernoulli(generator=generator(x.device))
        else:
            return x.view_as(x)
        total = chances.sum(1, keepdim=True)
        scale = torch.where(total > 0, x.shape[1] / total, 1)
        return x * (stays * scale).reshape(*x.shape[:2], *(1,) * (x.dim() - 2))
