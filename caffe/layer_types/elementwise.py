"""Arithmetic value by value: Clip, Dropout, Eltwise, Exp, Log, Power."""

import math

import torch

from ..core.rng import generator
from ..core.strict import is_strict
from ..proto import caffe_pb2
from .base import LayerType, Shape, Window, layer_type


@layer_type("Dropout")
class Dropout(LayerType):
    """In TRAIN, zeroes values with dropout_ratio and scales the rest by 1 / (1 - ratio).

    scale_train: false (Fast R-CNN) scales by 1 - ratio in TEST instead; sample_weights_test: true
    (Bayesian SegNet) does in TEST what TRAIN does.
    """

    pointwise = True
    keeps_gradient = True
    reads_values = False

    @property
    def draws(self) -> bool:
        return self.phase == caffe_pb2.TRAIN or self.spec.dropout_param.sample_weights_test

    def setup_from(self, shapes: list[Shape]) -> None:
        ratio = self.ratio()
        self.check(0 <= ratio < 1, f"dropout_ratio must lie in [0, 1); found {ratio:g}")

    def ratio(self) -> float:
        return self.spec.dropout_param.dropout_ratio

    def mask(self, x: torch.Tensor, keep: float) -> torch.Tensor:
        """1 for what is kept and 0 for the rest, of a shape that multiplies x."""
        mask = torch.empty_like(x, requires_grad=False)
        return mask.bernoulli_(keep, generator=generator(x.device))

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        keep = 1 - self.ratio()
        scales_in_test = not self.spec.dropout_param.scale_train
        if not self.draws:
            return x * keep if scales_in_test else x
        mask = self.mask(x, keep)
        return x * (mask if scales_in_test else mask.div_(keep))


def _ended(shape: Shape) -> Shape:
    """A shape without the axes of 1 at its end."""
    return _ended(shape[:-1]) if shape[-1:] == (1,) else shape


@layer_type("Eltwise")
class Eltwise(LayerType):
    """SUM (with coeff), PROD or MAX of bottoms of one shape (eltwise_layer.cpp).

    The gradient of PROD is the stable one whatever stable_prod_grad says: that of Caffe's other way
    is the same, but no number where a bottom is 0. FlowNet multiplies one bottom by its coeff. Axes
    of 1 at the end make no difference, as in Caffe of 2014, whose blobs had four axes each.
    """

    bottoms = (1, None)
    pointwise = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        eltwise = self.spec.eltwise_param
        one_alone = eltwise.operation == caffe_pb2.EltwiseParameter.SUM and not is_strict()
        self.check(len(shapes) > 1 or one_alone, "takes 2 to any number bottom blob(s); found 1")
        self.check(
            len(eltwise.coeff) in (0, len(shapes)),
            f"coeff needs one value for each of {len(shapes)} bottoms; found {len(eltwise.coeff)}",
        )
        self.check(
            eltwise.operation != caffe_pb2.EltwiseParameter.PROD or not eltwise.coeff,
            "coeff is for operation SUM only",
        )
        self.gradient_of_bottom = eltwise.operation == caffe_pb2.EltwiseParameter.PROD

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        for name, shape in zip(self.spec.bottom, shapes, strict=True):
            self.check(
                shape == shapes[0] or (not is_strict() and _ended(shape) == _ended(shapes[0])),
                f"bottoms must have one shape: '{self.spec.bottom[0]}' is {shapes[0]}, "
                f"'{name}' is {shape}",
            )
        return [shapes[0]]

    def windows(self, shapes: list[Shape]) -> tuple[Window, Window] | None:
        return super().windows(shapes) if len(set(shapes)) == 1 else None

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        operation = self.spec.eltwise_param.operation
        if any(x.dim() != bottoms[0].dim() for x in bottoms):
            bottoms = [x.reshape(bottoms[0].shape) for x in bottoms]
        if operation == caffe_pb2.EltwiseParameter.SUM:
            coeff = self.spec.eltwise_param.coeff or [1.0] * len(bottoms)
            out = bottoms[0] * coeff[0] if coeff[0] != 1 else bottoms[0]
            for x, c in zip(bottoms[1:], coeff[1:], strict=True):
                out = torch.add(out, x, alpha=c)
            return out
        out = bottoms[0]
        for i, x in enumerate(bottoms[1:]):
            if operation == caffe_pb2.EltwiseParameter.PROD:
                out = out * x
            elif i == 0:  # on a tie the gradient goes to the second bottom, ...
                out = torch.where(out > x, out, x)
            else:  # ... but never to a later one
                out = torch.where(x > out, x, out)
        return out


@layer_type("Clip")
class Clip(LayerType):
    """min(max(x, min), max); the gradient passes from min to max, both included."""

    gradient_of_bottom = True

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        clip = self.spec.clip_param
        # One after the other: where min exceeds max, min it is.
        return bottoms[0].clamp(max=clip.max).clamp(min=clip.min)


def log_of_base(layer: LayerType, base: float) -> float:
    """The natural logarithm of an exp_param's or log_param's base; -1 stands for e."""
    if base == -1:
        return 1.0
    layer.check(
        0 < base < math.inf, f"base must be positive and finite, or -1 for e; found {base:g}"
    )
    return math.log(base)


@layer_type("Exp")
class Exp(LayerType):
    """base^(shift + scale * x), as base^shift * exp(log(base) * scale * x) (exp_layer.cpp)."""

    def setup_from(self, shapes: list[Shape]) -> None:
        exp = self.spec.exp_param
        log_base = log_of_base(self, exp.base)
        self.inner = log_base * exp.scale
        self.outer = torch.tensor(log_base * exp.shift).exp().item()  # inf where it is too large

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return (bottoms[0] * self.inner).exp() * self.outer


@layer_type("Log")
class Log(LayerType):
    """The logarithm of (shift + scale * x) to `base` (log_layer.cpp)."""

    gradient_of_bottom = True

    def setup_from(self, shapes: list[Shape]) -> None:
        self.log_base = log_of_base(self, self.spec.log_param.base)
        self.check(self.log_base != 0, "a base of 1 has no logarithm")

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        log = self.spec.log_param
        return (bottoms[0] * log.scale + log.shift).log() * (1 / self.log_base)


@layer_type("Power")
class Power(LayerType):
    """(shift + scale * x)^power; not a function of x where scale or power is 0."""

    gradient_of_bottom = True

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        power = self.spec.power_param
        if power.scale * power.power == 0:
            return torch.full_like(x, power.shift) ** power.power
        return (x * power.scale + power.shift) ** power.power
