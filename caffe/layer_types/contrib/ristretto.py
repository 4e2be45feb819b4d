"""Ristretto's layers, whose weights and values have few bits: ConvolutionRistretto and others."""

import math

import torch

from ...core.rng import generator
from ...proto import caffe_pb2
from ..autocast import listed
from ..base import LayerType, Shape, Tensors, layer_type
from ..convolution import Convolution
from ..deconvolution import Deconvolution
from ..loss import with_gradient
from ..weights import InnerProduct
from .other_weights import OtherWeights
from .traced_rois import rounded

Param = caffe_pb2.QuantizationParameter
BITS = ("bw_layer_in", "bw_layer_out", "bw_params")
BEHIND = ("fl_layer_in", "fl_layer_out", "fl_params")
BY_LARGEST = ("th_layer_in", "th_layer_out")
MOST = 32
FARTHEST = 127 - MOST  # so that all numbers are float32's
NOTHING = 1e-8  # what numpy.isclose takes for 0
MANTISSA, EXPONENT = 23, 8  # float32's bits
SMALLEST, LARGEST = torch.finfo(torch.float32).tiny, torch.finfo(torch.float32).max


class Quantized(OtherWeights):
    """A layer of the same name whose weights are numbers of quantization_param (Gysel 2016).

    DYNAMIC_FIXED_POINT: bw_params bits, fl_params of them behind the point; in TEST what comes in
    and goes out has bw_layer_in and bw_layer_out bits too. MINIFLOAT: all of mant_bits and
    exp_bits. INTEGER_POWER_OF_2_WEIGHTS: weights of 2 to the power of exp_min to exp_max, a bias as
    it is. In TRAIN weights are rounded up as often as what is cut off of them says, in TEST as
    rounding_scheme says. On the way back rounding counts for nothing.

    With th_params, th_layer_in or th_layer_out, of Xilinx' ml-suite, numbers are whole multiples of
    a step instead, the largest as large as they say, of weights for each row; a bias stays as it
    is. Its layers were not published: values are rounded as its tools do, halves to even.
    """

    @property
    def draws(self) -> bool:
        param = self.spec.quantization_param
        drawn = self.phase == caffe_pb2.TRAIN or param.rounding_scheme == Param.STOCHASTIC
        return drawn and not self.by_largest

    @property
    def by_largest(self) -> bool:
        """Whether the largest values are given, not how many bits are behind the point."""
        param = self.spec.quantization_param
        return bool(param.th_params) or any(map(param.HasField, BY_LARGEST))

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.quantization_param
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
        check_minifloat(self, param)
        super().setup_from(shapes)
        if self.by_largest:
            self._check_largest(sizes)

    def _check_largest(self, sizes: dict[str, int]) -> None:
        param = self.spec.quantization_param
        self.check(
            min(sizes.values()) > 1, f"th_params and others need 2 bits or more; found {sizes}"
        )
        largest = [param.th_layer_in, param.th_layer_out, *param.th_params]
        self.check(
            all(0 <= each < math.inf for each in largest),
            f"th_params and others are largest values, 0 or more; found {min(largest)} to "
            f"{max(largest)}",
        )
        rows = self.blobs[0].shape[0] if len(self.blobs) else 0
        self.check(
            len(param.th_params) in (0, rows),
            f"th_params has a value for each of {rows} rows of its weights, or none; found "
            f"{len(param.th_params)}",
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        param = self.spec.quantization_param
        weights = [self._weights(each, i) for i, each in enumerate(params)]
        powers = param.precision == Param.INTEGER_POWER_OF_2_WEIGHTS
        if self.phase == caffe_pb2.TRAIN or powers:
            return super().expression(bottoms, weights)
        tops = super().expression([self._value(each, "in") for each in bottoms], weights)
        return [self._value(each, "out") for each in listed(tops)]

    def _value(self, x: torch.Tensor, where: str) -> torch.Tensor:
        param = self.spec.quantization_param
        bits, largest = getattr(param, f"bw_layer_{where}"), f"th_layer_{where}"
        if not self.by_largest:
            return self._short(x, bits, getattr(param, f"fl_layer_{where}"))
        if not param.HasField(largest):
            return x
        return _within(x, x.new_tensor(getattr(param, largest)), bits)

    def _weights(self, values: torch.Tensor, index: int) -> torch.Tensor:
        param = self.spec.quantization_param
        if self.by_largest:
            if index or not param.th_params:
                return values
            rows = values.new_tensor(list(param.th_params)).view(-1, *[1] * (values.ndim - 1))
            return _within(values, rows, param.bw_params)
        if param.precision != Param.INTEGER_POWER_OF_2_WEIGHTS:
            return self._short(values, param.bw_params, param.fl_params)
        if index:
            return values
        now = values.detach()
        power = _rounded(now.abs().log2(), self.draws).clamp(param.exp_min, param.exp_max)
        return with_gradient(torch.where(now >= 0, 1, -1) * power.exp2(), values, 1)

    def _short(self, x: torch.Tensor, bits: int, behind: int) -> torch.Tensor:
        param = self.spec.quantization_param
        if param.precision == Param.MINIFLOAT:
            short = minifloat(x.detach(), param.mant_bits, param.exp_bits, self.draws)
        else:
            short = _fixed(x.detach(), bits, behind, self.draws)
        return with_gradient(short, x, 1)


def check_minifloat(layer: LayerType, param: caffe_pb2.QuantizationParameter) -> None:
    """Refuses bits that float32 has not."""
    layer.check(
        param.mant_bits <= MANTISSA and 0 < param.exp_bits <= EXPONENT,
        f"mant_bits is 0 to {MANTISSA} and exp_bits 1 to {EXPONENT}; found {param.mant_bits} and "
        f"{param.exp_bits}",
    )


def minifloat(x: torch.Tensor, mantissa: int, exponent: int, drawn: bool) -> torch.Tensor:
    """x with so many bits of mantissa and exponent; what is too small is 0, none is denormalised.

    Each value by itself, as on the fork's GPUs: its CPU version stops at the first 0.
    """
    bias = 2 ** (exponent - 1) - 1
    size = x.abs()
    power = size.clamp(min=SMALLEST).log2().round()
    power = power - (power.exp2() > size).to(x)  # the logarithm itself is rounded
    unit = (power - mantissa).exp2()
    short = _rounded(size / unit, drawn) * unit
    top = 2**exponent - 1 - bias
    most = min((2 - 2.0**-mantissa) * 2.0**top, LARGEST)
    short = torch.where(power > top, most, short)
    return torch.where((size < SMALLEST) | (power < -bias), 0, x.sign() * short)


def _fixed(x: torch.Tensor, bits: int, behind: int, drawn: bool) -> torch.Tensor:
    """x with so many bits, so many of them behind the point."""
    unit, most = 2.0**-behind, 2.0 ** (bits - 1)
    return _rounded(x.clamp(-most * unit, (most - 1) * unit) / unit, drawn) * unit


def _within(x: torch.Tensor, largest: torch.Tensor, bits: int) -> torch.Tensor:
    """x with so many bits, of which the largest number is `largest`; next to 0 is 0."""
    step = largest / (2 ** (bits - 1) - 1)
    short = (x.detach().clamp(-largest, largest) / step).round() * step
    return with_gradient(torch.where(largest > NOTHING, short, 0), x, 1)


def _rounded(x: torch.Tensor, drawn: bool) -> torch.Tensor:
    """To whole numbers, halves away from 0; drawn: up as often as what is behind the point."""
    if drawn:
        u = torch.rand(x.shape, generator=generator(x.device), device=x.device, dtype=x.dtype)
        return x.floor() + (u < x - x.floor())
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
