"""Activations of forks: SELU, Mish, HardSwish, HardSigmoid and their like."""

import torch
import torch.nn.functional as F

from ..base import LayerType, layer_type


@layer_type("SELU", "several forks")
@layer_type("SeLU", "several forks")
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
