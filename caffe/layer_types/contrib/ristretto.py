"""Ristretto's layers, whose weights and values have few bits: ConvolutionRistretto and others."""

from collections.abc import Sequence

import torch

from ...core.rng import generator
from ...proto import caffe_pb2
from ..base import Shape, Tensors, layer_type
from ..convolution import Convolution
from ..deconvolution import Deconvolution
from ..loss import with_gradient
from ..weights import InnerProduct
from .other_weights import OtherWeights
from .traced_rois import rounded

Param = caffe_pb2.QuantizationParameter
BITS = ("bw_layer_in", "bw_layer_out", "bw_params")
BEHIND = ("fl_layer_in", "fl_layer_out", "fl_params")
MOST = 32
FARTHEST = 127 - MOST  # so that all numbers are float32's


class Quantized(OtherWeights):
    """A layer of the same name whose weights are numbers of quantization_param (Gysel 2016).

    DYNAMIC_FIXED_POINT: bw_params bits, fl_params of them behind the point; in TEST what comes in
    and goes out has bw_layer_in and bw_layer_out bits too. INTEGER_POWER_OF_2_WEIGHTS: weights of 2
    to the power of exp_min to exp_max, a bias as it is. In TRAIN weights are rounded as
    rounding_scheme says, in TEST to the nearest. On the way back rounding counts for nothing.
    """

    @property
    def draws(self) -> bool:
        drawn = self.spec.quantization_param.rounding_scheme == Param.STOCHASTIC
        return drawn and self.phase == caffe_pb2.TRAIN

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.quantization_param
        name = Param.Precision.Name(param.precision)
        self.check(
            param.precision in (Param.DYNAMIC_FIXED_POINT, Param.INTEGER_POWER_OF_2_WEIGHTS),
            f"precision is DYNAMIC_FIXED_POINT or INTEGER_POWER_OF_2_WEIGHTS; found {name}",
        )
        sizes = {name: getattr(param, name) for name in BITS}
        self.check(
            all(0 < bits <= MOST for bits in sizes.values()),
            f"numbers have 1 to {MOST} bits; found {sizes}",
        )
        places = {name: getattr(param, name) for name in BEHIND}
        self.check(
            all(abs(behind) < FARTHEST for behind in places.values()),
            f"the point lies less than {FARTHEST} bits away; found {places}",
        )
        super().setup_from(shapes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        param = self.spec.quantization_param
        weights = [self._weights(each, i) for i, each in enumerate(params)]
        if self.phase == caffe_pb2.TRAIN or param.precision != Param.DYNAMIC_FIXED_POINT:
            return super().expression(bottoms, weights)
        inside = [_fixed(each, param.bw_layer_in, param.fl_layer_in, False) for each in bottoms]
        tops = super().expression(inside, weights)
        listed: Sequence[torch.Tensor] = [tops] if isinstance(tops, torch.Tensor) else list(tops)
        return [_fixed(each, param.bw_layer_out, param.fl_layer_out, False) for each in listed]

    def _weights(self, values: torch.Tensor, index: int) -> torch.Tensor:
        param = self.spec.quantization_param
        if param.precision == Param.DYNAMIC_FIXED_POINT:
            return _fixed(values, param.bw_params, param.fl_params, self.draws)
        if index:
            return values
        now = values.detach()
        power = _rounded(now.abs().log2(), self.draws).clamp(param.exp_min, param.exp_max)
        return with_gradient(torch.where(now >= 0, 1, -1) * power.exp2(), values, 1)


def _fixed(x: torch.Tensor, bits: int, behind: int, drawn: bool) -> torch.Tensor:
    """x with so many bits, so many of them behind the point."""
    unit, most = 2.0**-behind, 2.0 ** (bits - 1)
    now = x.detach().clamp(-most * unit, (most - 1) * unit)
    return with_gradient(_rounded(now / unit, drawn) * unit, x, 1)


def _rounded(x: torch.Tensor, drawn: bool) -> torch.Tensor:
    """To whole numbers, halves away from 0; drawn: up as often as what is behind the point."""
    if drawn:
        u = torch.rand(x.shape, generator=generator(x.device), device=x.device, dtype=x.dtype)
        return (x + u).floor()
    return rounded(x)


@layer_type("ConvolutionRistretto", "Ristretto")
class ConvolutionRistretto(Quantized, Convolution):
    __doc__ = f"""A Convolution. {Quantized.__doc__}"""


@layer_type("DeconvolutionRistretto", "Ristretto")
class DeconvolutionRistretto(Quantized, Deconvolution):
    __doc__ = f"""A Deconvolution. {Quantized.__doc__}"""


@layer_type("FcRistretto", "Ristretto")
class FcRistretto(Quantized, InnerProduct):  # type: ignore[misc]
    __doc__ = f"""An InnerProduct. {Quantized.__doc__}"""
