"""Noise, RandVec."""

import torch

from ...core.blob import Blob
from ...core.rng import generator
from ...proto import caffe_pb2
from ..base import LayerType, layer_type
from ..input import DummyData


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


@layer_type("RandVec", "several forks")
class RandVec(DummyData):
    """batch_size vectors of `dim` values, uniform from lower to upper, anew on each forward.

    As maps of height and width they have that many of each.
    """

    tops = (1, 1)

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        param = self.spec.randvec_param
        self.check(
            param.lower < param.upper,
            f"lower must be below upper; found {param.lower:g} and {param.upper:g}",
        )
        map_shape = (param.height, param.width) if param.height and param.width else ()
        top[0].reshape(param.batch_size, param.dim, *map_shape)
        uniform = caffe_pb2.FillerParameter(type="uniform", min=param.lower, max=param.upper)
        self.fillers = [uniform]
