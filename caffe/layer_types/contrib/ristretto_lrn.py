"""Ristretto's LRN, whose every step is a number of few bits."""

import torch

from ...proto import caffe_pb2
from ..base import Shape, layer_type
from ..loss import with_gradient
from ..normalization import LRN, sums_of_squares
from .ristretto import Param, check_minifloat, minifloat


@layer_type("LRNRistretto", "Ristretto")
class LRNRistretto(LRN):
    """An LRN across channels whose every step is the nearest number of quantization_param.

    MINIFLOAT, of mant_bits and exp_bits; squares are added and taken away again channel by channel,
    as the window goes over them. On the way back rounding counts for nothing but in the values that
    the gradient is made of (lrn_ristretto_layer.cu).
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param, region = self.spec.quantization_param, self.spec.lrn_param.norm_region
        found = Param.Precision.Name(param.precision)
        self.check(param.precision == Param.MINIFLOAT, f"precision is MINIFLOAT; found {found}")
        self.check(
            region == caffe_pb2.LRNParameter.ACROSS_CHANNELS,
            "norm_region is ACROSS_CHANNELS; found WITHIN_CHANNEL",
        )
        check_minifloat(self, param)
        super().setup_from(shapes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        lrn = self.spec.lrn_param
        short = self._short(x.detach())
        scale = self._scale(self._short(short * short))
        power = scale**-lrn.beta
        y = self._short(short * self._short(power))
        # The derivative of x * scale^-beta, scale and what it is multiplied by being as they are.
        sums = sums_of_squares(x, lrn.local_size)
        back = x * power - sums * (lrn.alpha / lrn.local_size * lrn.beta * y / scale)
        return with_gradient(y, back, 1)

    def _short(self, x: torch.Tensor) -> torch.Tensor:
        param = self.spec.quantization_param
        return minifloat(x, param.mant_bits, param.exp_bits, False)

    def _scale(self, squares: torch.Tensor) -> torch.Tensor:
        """k + alpha / n * sum of n squares, which grow and shrink with the window."""
        lrn = self.spec.lrn_param
        size, behind = lrn.local_size, lrn.local_size // 2
        channels = squares.unbind(1)
        total = torch.zeros_like(channels[0])
        scales = []
        for head in range(len(channels) + behind):
            if head < len(channels):
                total = self._short(total + channels[head])
            if head >= size:
                total = self._short(total - channels[head - size])
            if head >= behind:
                scales.append(self._short(lrn.k + self._short(total * (lrn.alpha / size))))
        return torch.stack(scales, 1)
