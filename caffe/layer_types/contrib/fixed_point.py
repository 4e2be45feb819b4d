"""Xilinx' layers of numbers of few bits: FixedNeuron, and layers whose weights are such."""

from collections import Counter
from collections.abc import Callable

import torch

from ...proto import caffe_pb2
from .. import exporting
from ..autocast import listed
from ..base import LayerType, Shape, Tensors, layer_type
from ..convolution import Convolution
from ..deconvolution import Deconvolution
from ..loss import with_gradient
from ..weights import InnerProduct
from .other_weights import OtherWeights
from .traced_rois import rounded

Param = caffe_pb2.FixedParameter
MOST = 24  # bits: float32 has no more
ALL_BEHIND = 32767  # of nothing but zeros

Rounding = Callable[[torch.Tensor], torch.Tensor]


def _numbers(x: torch.Tensor, bits: int, behind: torch.Tensor, rounding: Rounding) -> torch.Tensor:
    """x with so many bits, so many of them behind the point."""
    step, most = torch.exp2(-behind), 2.0 ** (bits - 1)
    return torch.where(step == 0, 0, rounding(x / step).clamp(-most, most - 1) * step)


def _halves_up(x: torch.Tensor) -> torch.Tensor:
    whole = x.floor()
    return whole + (x - whole >= 0.5).to(x)


def overflow(x: torch.Tensor, bits: int) -> torch.Tensor:
    """The most bits behind the point with which no value of x is too large, by half a step."""
    if not x.numel():
        return x.new_tensor(ALL_BEHIND)
    most = 2.0 ** (bits - 1)
    values = x.flatten()
    step = torch.maximum(-values.amin(0) / (most + 0.5), values.amax(0) / (most - 0.5))
    return torch.where(step == 0, ALL_BEHIND, (1 / step).log2().floor())


def nearest(
    x: torch.Tensor, bits: int, count: int = 5, seen: Rounding = lambda x: x
) -> torch.Tensor:
    """Of so many, from `overflow` on, the one with which `seen` of x changes least, squared."""
    places = overflow(x, bits) + torch.arange(count, device=x.device).to(x)
    errors = [
        (seen(x) - seen(_numbers(x, bits, place, rounded))).square().sum() for place in places
    ]
    return places[torch.stack(errors).argmin()]


class Fixed(LayerType):
    """What layers with a fixed_param have in common."""

    def setup_from(self, shapes: list[Shape]) -> None:
        bits = self.spec.fixed_param.bit_width
        self.check(1 < bits <= MOST, f"bit_width is 2 to {MOST}; found {bits}")
        super().setup_from(shapes)


@layer_type("FixedNeuron", "Xilinx's Caffe")
class FixedNeuron(Fixed):
    """x as numbers of bit_width bits; its parameter says how many of them are behind the point.

    In TEST. In TRAIN the batch says it: with OVER_FLOW as many as its values leave room for; of the
    five from there on, with DIFF_S or DIFF_A the one with the least sum of squared differences, of
    ten, with DIFF_S_SIGMOID, of the sigmoids'. The parameter becomes what most batches have said
    since the net was built, and but for OVER_FLOW that counts in place of the batch's own. Halves
    are rounded up. follow_data_layer: in TRAIN halves go away from 0, in TEST all values are cut
    towards 0, however large. With enable: false nothing changes. On the way back rounding counts
    for nothing (fixed_neuron_layer.cpp).
    """

    param_names = ("behind",)

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        self.add_param((1,), caffe_pb2.FillerParameter())
        if not self.spec.param:
            self.spec.param.add(lr_mult=0)
        self.check(self.spec.param[0].lr_mult == 0, "its parameter is no weight: set lr_mult to 0")
        self.updates_params = self.phase == caffe_pb2.TRAIN and self.spec.fixed_param.enable
        self.said: Counter[float] = Counter()

    def reset(self) -> None:
        self.said.clear()

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return shapes

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), (kept,) = bottoms, params
        fixed, now = self.spec.fixed_param, x.detach()
        if not fixed.enable:
            return x * 1
        if self.updates_params and not exporting.is_traced():
            rounding = rounded if fixed.follow_data_layer else _halves_up
            short = _numbers(now, fixed.bit_width, self._behind(now, kept), rounding)
        else:
            behind = kept.detach().floor().reshape(())
            step = torch.exp2(-behind)
            short = (
                (now / step).trunc() * step
                if fixed.follow_data_layer
                else _numbers(now, fixed.bit_width, behind, _halves_up)
            )
        return with_gradient(short, x, 1)

    def _behind(self, x: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        method, bits = self.spec.fixed_param.fixed_method, self.spec.fixed_param.bit_width
        if method == Param.OVER_FLOW:
            behind = overflow(x, bits)
        elif method == Param.DIFF_S_SIGMOID:
            behind = nearest(x, bits, 10, torch.sigmoid)
        else:
            behind = nearest(x, bits)
        self.said[float(behind)] += 1
        kept.data.fill_(min(self.said, key=lambda place: (-self.said[place], place)))
        return behind if method == Param.OVER_FLOW else kept.detach().reshape(())


class FixedWeights(Fixed, OtherWeights):
    """A layer of the same name whose weights are numbers of bit_width bits.

    How many of them are behind the point each parameter says by itself, with OVER_FLOW or DIFF_S,
    as in a FixedNeuron; halves go away from 0. With enable: false nothing changes. On the way back
    rounding counts for nothing (conv_fixed_layer.cpp, inner_product_fixed_layer.cpp).
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        method = self.spec.fixed_param.fixed_method
        self.check(
            method in (Param.OVER_FLOW, Param.DIFF_S),
            f"fixed_method is OVER_FLOW or DIFF_S; found {Param.FixedMethod.Name(method)}",
        )
        super().setup_from(shapes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        if not self.spec.fixed_param.enable:
            return super().expression(bottoms, params)
        values = [each.detach() for each in bottoms]
        short = listed(super().expression(values, [self._fixed(p.detach()) for p in params]))
        if not any(each.requires_grad for each in (*bottoms, *params)):
            return short
        exact = listed(super().expression(bottoms, params))
        return [with_gradient(y, x, 1) for y, x in zip(short, exact, strict=True)]

    def _fixed(self, values: torch.Tensor) -> torch.Tensor:
        fixed = self.spec.fixed_param
        position = overflow if fixed.fixed_method == Param.OVER_FLOW else nearest
        return _numbers(values, fixed.bit_width, position(values, fixed.bit_width), rounded)


@layer_type("ConvolutionFixed", "Xilinx's Caffe")
class ConvolutionFixed(FixedWeights, Convolution):
    __doc__ = f"""A Convolution. {FixedWeights.__doc__}"""


@layer_type("DeconvolutionFixed", "Xilinx's Caffe")
class DeconvolutionFixed(FixedWeights, Deconvolution):
    __doc__ = f"""A Deconvolution. {FixedWeights.__doc__}"""


@layer_type("InnerProductFixed", "Xilinx's Caffe")
class InnerProductFixed(FixedWeights, InnerProduct):  # type: ignore[misc]
    __doc__ = f"""An InnerProduct. {FixedWeights.__doc__}"""
    bottoms = (1, 1)
