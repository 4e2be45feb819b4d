"""How a plan computes a region of a layer's top, in the fastest way that torch offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ..layer_types import autocast
from ..layer_types.base import LayerType
from .regions import Region, Rule, Window, common, covered
from .schedule import evaluate

Pair = tuple[int, int]


@dataclass
class Held:
    """A region of a blob."""

    values: torch.Tensor
    region: Region

    def part(self, region: Region) -> torch.Tensor:
        """The values of a region inside."""
        x = self.values
        for axis, (span, ours) in enumerate(zip(region, self.region, strict=True), 2):
            x = x if span == ours else x.narrow(axis, span[0] - ours[0], span[1] - span[0])
        return x


# Of bottoms a region of the top; the last one is all of bottom 0
Run = Callable[[list[Held], Region, Region], torch.Tensor]
Window2d = Callable[[Held, Region, Region], torch.Tensor]  # of a bottom: what is needed of it, top


def runner(layer: LayerType, rules: tuple[Rule, ...], relu: bool) -> Run:
    """How to compute a region of the top of a layer with its present weights.

    relu: whether a ReLU follows the layer, a Convolution, and is computed with it.
    """
    if layer.type not in KERNELS:

        def expression(held: list[Held], region: Region, bottom: Region) -> torch.Tensor:
            (x,) = evaluate(layer, [h.part(needed(rules, region)) for h in held])
            return x

        return expression
    kernel = KERNELS[layer.type](layer, relu)

    def windowed(held: list[Held], region: Region, bottom: Region) -> torch.Tensor:
        needs = needed(rules, region)
        inside = common(needs, bottom)
        if inside is None:  # windows on nothing but pad: no kernel takes an empty bottom
            return _nothing_but_bias(layer, held[0].values, region, relu)
        x = autocast.taken(layer.spec, held[0].part(inside))
        return kernel(Held(x, inside), needs, region)

    return windowed


def _nothing_but_bias(
    layer: LayerType, bottom: torch.Tensor, region: Region, relu: bool
) -> torch.Tensor:
    """A region of the top of a Convolution or Deconvolution that nothing of the bottom reaches."""
    sizes = [end - start for start, end in region]
    y = bottom.new_zeros(len(bottom), layer.spec.convolution_param.num_output, *sizes)
    for bias in layer.blobs[1:]:
        y = y + autocast.multiplied(layer.spec, bias.data_tensor())[:, None, None]
    return autocast.given(layer.spec, y.relu_() if relu else y)


def needed(rules: tuple[Rule, ...], region: Region) -> Region:
    """What a region of a top is computed from, with what lies in the pad."""
    return tuple(rule.needs(span) for rule, span in zip(rules, region, strict=True))


def _crop(layer: LayerType, relu: bool) -> Window2d:
    return lambda held, needs, region: held.values


def _pooling(layer: LayerType, relu: bool) -> Window2d:
    return lambda held, needs, region: F.max_pool2d(
        held.values, layer.kernel, layer.stride, ceil_mode=True
    )


def _convolution(layer: LayerType, relu: bool) -> Window2d:
    convolve = _convolve(layer, relu)

    def run(held: Held, needs: Region, region: Region) -> torch.Tensor:
        (above, below), (left, right) = (
            (inside[0] - need[0], need[1] - inside[1])
            for inside, need in zip(held.region, needs, strict=True)
        )
        if above == below and left == right:
            return convolve(held.values, (above, left))
        return convolve(F.pad(held.values, (left, right, above, below)), (0, 0))

    return run


def _convolve(layer: LayerType, relu: bool) -> Callable[[torch.Tensor, Pair], torch.Tensor]:
    """Convolution of a tensor with a padding, and the ReLU behind it if there is one."""
    weight, bias = _params(layer)
    stride, dilation = layer.stride, layer.dilation
    group = layer.spec.convolution_param.group
    product = layer.is_product(weight)
    weight = weight if product else in_fastest_order(weight)

    def convolve(x: torch.Tensor, padding: Pair) -> torch.Tensor:
        x = autocast.multiplied(layer.spec, x)
        if product:
            y = layer.product(x, weight, bias, padding)
        else:
            y = F.conv2d(in_fastest_order(x), weight, bias, stride, padding, dilation, group)
        return autocast.given(layer.spec, y.relu_() if relu else y)

    return convolve


def in_fastest_order(x: torch.Tensor) -> torch.Tensor:
    """oneDNN computes fastest with the channels as the last axis in memory, of all it is given.

    So does cuDNN in bfloat16.
    """
    last = x.device.type == "cpu" or x.dtype == torch.bfloat16
    return x.contiguous(memory_format=torch.channels_last) if last else x


def _deconvolution(layer: LayerType, relu: bool) -> Window2d:
    """A filter that keeps the channels apart, as bilinear upsampling does, runs on each by itself.

    What reaches beyond the region is left out by torch's padding as far as that can be told it.
    """
    weight, bias = _params(layer)
    group = layer.spec.convolution_param.group
    if group == 1 and _is_diagonal(weight):
        group = len(weight)
        weight = torch.stack([weight[i, i : i + 1] for i in range(group)])

    def run(held: Held, needs: Region, region: Region) -> torch.Tensor:
        padding, longer, cut = [], [], []
        for i, (span, (start, end)) in enumerate(zip(held.region, region, strict=True)):
            first, last = covered(Window(layer.extent(i), layer.stride[i], layer.pad[i]), span)
            before, behind = start - first, last - end
            told = 0 <= before - behind < layer.stride[i]
            padding.append(before if told else min(before, behind))
            longer.append(before - behind if told else 0)
            cut.append(before - padding[i])
        x = autocast.multiplied(layer.spec, held.values).contiguous()
        how = (layer.stride, padding, longer, group, layer.dilation)
        y = F.conv_transpose2d(x, weight, bias, *how)
        for axis, (at, (start, end)) in enumerate(zip(cut, region, strict=True), 2):
            y = y.narrow(axis, at, end - start)
        return autocast.given(layer.spec, y)

    return run


def _is_diagonal(weight: torch.Tensor) -> bool:
    if weight.shape[0] != weight.shape[1]:
        return False
    used = weight.flatten(2).ne(0).any(2)
    return not bool(used.fill_diagonal_(False).any())


def _params(layer: LayerType) -> tuple[torch.Tensor, torch.Tensor | None]:
    """As the layer multiplies with them: a plan has them rounded, and in order, once."""
    params = [autocast.multiplied(layer.spec, blob.data_tensor()) for blob in layer.blobs]
    return params[0], params[1] if len(params) > 1 else None


KERNELS: dict[str, Callable[[LayerType, bool], Window2d]] = {
    "Convolution": _convolution,
    "Crop": _crop,
    "Deconvolution": _deconvolution,
    "Pooling": _pooling,
}
