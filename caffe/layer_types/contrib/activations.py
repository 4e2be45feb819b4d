"""Activations of forks: SELU, Mish, HardSwish, HardSigmoid, Insanity."""

import math

import torch
import torch.nn.functional as F

from ...core.rng import generator
from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type


@layer_type("SELU", "several forks")
@layer_type("SeLU", "several forks")
@layer_type("SeLu", "soeaver's caffe-model")
class SELU(LayerType):
    """lambda x, and lambda alpha (exp(x) - 1) below 0 (Klambauer et al. 2017, equation 2)."""

    pointwise = True
    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.selu(bottoms[0])


@layer_type("Mish", "YOLOv4")
class Mish(LayerType):
    """x tanh(log(1 + exp(x))) (Misra 2019, equation 1)."""

    pointwise = True
    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.mish(bottoms[0])


@layer_type("HardSigmoid", "MobileNetV3")
@layer_type("HSigmoid", "MobileNetV3")
class HardSigmoid(LayerType):
    """min(max(x + 3, 0), 6) / 6."""

    pointwise = True
    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.hardsigmoid(bottoms[0])


@layer_type("HardSwish", "MobileNetV3")
@layer_type("HSwish", "MobileNetV3")
class HardSwish(LayerType):
    """x min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, section 5.2)."""

    pointwise = True
    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.hardswish(bottoms[0])


@layer_type("Insanity", "NormFace")
class Insanity(LayerType):
    """x, and x / a below 0: a drawn from lb to ub for each value, in TEST its logarithmic mean.

    The randomised leaky ReLU (Xu et al. 2015, section 2.4).
    """

    pointwise = True

    @property
    def draws(self) -> bool:
        return self.phase == caffe_pb2.TRAIN

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.insanity_param
        self.check(
            0 < param.lb < param.ub, f"needs 0 < lb < ub; found lb {param.lb:g}, ub {param.ub:g}"
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), param = bottoms, self.spec.insanity_param
        if not self.draws:
            mean = (param.ub - param.lb) / math.log(param.ub / param.lb)
            return x.where(x > 0, x / mean)
        drawn = torch.empty_like(x, requires_grad=False)
        drawn.uniform_(param.lb, param.ub, generator=generator(x.device))
        return x.where(x > 0, x / drawn)
