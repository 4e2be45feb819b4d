"""Noise."""

import torch

from ...core.rng import generator
from ...proto import caffe_pb2
from ..base import LayerType, layer_type


@layer_type("Noise", "several forks")
class Noise(LayerType):
    """In TRAIN each value plus a random one around `bias`, in TEST the bottom itself.

    Normal, of deviation gaussian_std; where that is not given uniform, up to uniform_range to
    either side.
    """

    pointwise = True

    @property
    def draws(self) -> bool:
        return self.phase == caffe_pb2.TRAIN

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), noise = bottoms, self.spec.noise_param
        if not self.draws:
            return x
        drawn = torch.empty_like(x)
        if noise.HasField("gaussian_std"):
            drawn.normal_(noise.bias, noise.gaussian_std, generator=generator(x.device))
        elif noise.HasField("uniform_range"):
            low, high = noise.bias - noise.uniform_range, noise.bias + noise.uniform_range
            drawn.uniform_(low, high, generator=generator(x.device))
        else:
            return x
        return x + drawn
