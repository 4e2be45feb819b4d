"""A padded prefix in a training step: what surrounds the image is computed once for many places.

It is computed for a small blank image and put around what the image reaches, as far as later
windows see it; the diffs of all places that one value was put to add up in it. Tops and gradients
are those of the layers run one by one, to rounding (tests/engine/test_padded_prefix.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import torch
import torch.nn.functional as F

from ..core import host_memory
from ..core.blob import Blob
from ..layer_types import winograd
from ..layer_types.base import LayerType
from ..layer_types.convolution import Convolution
from ..layer_types.pooling import Pooling
from .border import Places, copies, surrounded
from .bounds import Bounds
from .kernels import Tile
from .learning import Learning
from .padded_prefix import PaddedPrefix, can_repeat
from .regions import Region, common, input_region, whole
from .remat import recomputed
from .schedule import Step, Tensors

# By a blob's name the region that is there; by ("blank", name) the blank image's blob; by a layer
# and a number its parameters.
Key = str | tuple[str, str] | tuple[LayerType, int]
Values = dict[Key, torch.Tensor]


class PrefixRun:
    """A forward pass of a prefix on the tops of the layers in front, and the way back.

    recompute: whether what lies between poolings is freed, and computed again in the backward pass;
    that of the blank image is too small for that. learn: called with each parameter, once its diff
    is complete. `outputs` are what others read of the prefix, whole.
    """

    def __init__(
        self,
        prefix: PaddedPrefix,
        sources: Tensors,
        recompute: bool,
        learn: Callable[[Blob], None],
    ) -> None:
        self.prefix = prefix
        layers = [step.layer for step in prefix.steps]
        self._learning = Learning(layers, learn)
        values: Values = {
            (layer, i): leaf
            for layer in layers
            for i, leaf in enumerate(self._learning.leaves(layer))
        }
        for name in prefix.blank.sources:
            values[name] = sources[name]
            values["blank", name] = sources[name].new_zeros(1, *prefix.blank.shapes[name][1:])
        with torch.enable_grad(), host_memory.end_named(self._learning.named):
            for segment in prefix.segments():
                for step in segment:
                    values["blank", step.tops[0]] = _of_blank(prefix, step, values)
                run = partial(_of_image, prefix, segment, _read(segment, values))
                if recompute and can_repeat(segment):
                    run = partial(recomputed, run)
                values.update(run())
        self.outputs = {name: values[name] for name in prefix.outputs}

    def backward(self, diffs: Tensors) -> None:
        """From the outputs' diffs, by all of their names, add to the parameters' diffs; once."""
        sums = {
            name: reduce(torch.add, found)
            for name, names in self.prefix.outputs.items()
            if (found := [diffs[other] for other in names if other in diffs])
        }
        self._learning.backward(self.outputs, sums)


def _read(segment: list[Step], values: Values) -> Values:
    """Of the values those that a segment begins with."""
    bottoms = [name for step in segment for name in step.bottoms if name in values]
    blank: list[Key] = [("blank", name) for step in segment for name in step.tops]
    params: list[Key] = [(step.layer, i) for step in segment for i in range(len(step.layer.blobs))]
    return {key: values[key] for key in (*bottoms, *blank, *params)}


def _of_blank(prefix: PaddedPrefix, step: Step, values: Values) -> torch.Tensor:
    """A step's top for the blank image."""
    (bottom,), (name,) = step.bottoms, step.tops
    x = values["blank", bottom]
    region = whole(prefix.blank.shapes[name])
    y = _compute(step, Tile(x, whole(x.shape)), region, whole(x.shape), values)
    return _Relu.apply(y) if step.in_place else y


def _of_image(prefix: PaddedPrefix, segment: list[Step], values: Values) -> Tensors:
    """The tops of a segment that are read behind it."""
    values = dict(values)
    for step in segment:
        (bottom,), (name,) = step.bottoms, step.tops
        need = prefix.needs[name]
        x = Tile(values[bottom], prefix.region(bottom))
        y = _compute(step, x, need.computed, prefix.everything[bottom], values)
        if need.computed != need.required:
            y = _Surround.apply(y, values["blank", name], need, prefix.blank.places[name])
        # With the surround, which it leaves as it is: torch keeps one tensor for both layers
        values[name] = _Relu.apply(y) if step.in_place else y
    return {name: values[name].contiguous() for name in prefix.later(segment)}


def _compute(
    step: Step, bottom: Tile, region: Region, everything: Region, values: Values
) -> torch.Tensor:
    """A region of a layer's top, without the ReLU behind it; everything: all of the bottom."""

    def compute(layer: LayerType) -> torch.Tensor:
        assert step.rules
        x, padding = _windows(step, bottom, input_region(step.rules, region), everything)
        if isinstance(layer, Pooling):
            assert layer.kernel  # a global pooling has no rules
            return F.max_pool2d(x, layer.kernel, layer.stride, ceil_mode=True)
        assert isinstance(layer, Convolution)
        weight, *biases = (values[layer, i] for i in range(len(layer.blobs)))
        bias = biases[0] if biases else None
        if layer.is_three_by_three() and winograd.pays_both_ways(weight):
            if max(padding) > 2:  # of a first layer; `recorded` takes no more
                above, left = padding
                x, padding = F.pad(x, (left, left, above, above)), (0, 0)
            return winograd.recorded(x, weight, bias, padding)
        group = layer.spec.convolution_param.group
        # With the channels last, oneDNN's gradient of the weights takes five times as long.
        return F.conv2d(x.contiguous(), weight, bias, layer.stride, padding, layer.dilation, group)

    return step.layer.in_memory(compute)


def _windows(
    step: Step, bottom: Tile, needs: Region, everything: Region
) -> tuple[torch.Tensor, tuple[int, int]]:
    """What is computed from: a part of the bottom, and how much pad is still to be put around."""
    inside = common(needs, everything)
    if inside is None:  # windows on nothing but pad
        sizes = [end - start for start, end in needs]
        return bottom.values.new_zeros(*bottom.values.shape[:2], *sizes), (0, 0)
    x = bottom.part(inside)
    (above, below), (left, right) = (
        (i[0] - n[0], n[1] - i[1]) for i, n in zip(inside, needs, strict=True)
    )
    if step.layer.pools or (above == below and left == right):
        return x, (above, left)
    return F.pad(x, (left, right, above, below)), (0, 0)


class _Relu(torch.autograd.Function):
    """max(x, 0) in place; backward works in place too, on a diff that nobody else reads."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.mark_dirty(x.relu_())
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: Any, diff: torch.Tensor) -> torch.Tensor:
        (top,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward.grad_input(diff, top, 0, grad_input=diff)


class _Surround(torch.autograd.Function):
    """Puts what is computed of a blob into what surrounds it, from that of the blank image.

    forward: computed (N, C, h, w) and the blank image's (1, C, H, W) to the region that is needed,
    (N, C, height, width). backward: to each value the sum of the diffs of its places.
    """

    @staticmethod
    def forward(
        ctx: Any, computed: torch.Tensor, small: torch.Tensor, need: Bounds, places: Places
    ) -> torch.Tensor:
        ctx.need, ctx.places, ctx.shape = need, places, small.shape
        tile = surrounded(need, small, places, len(computed))
        tile.part(need.computed).copy_(computed)
        return tile.values

    @staticmethod
    def backward(ctx: Any, diff: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        tile = Tile(diff, ctx.need.required)
        small = Tile(diff.new_zeros(ctx.shape), whole(ctx.shape))
        for there, here in copies(ctx.need, ctx.places):
            to = small.part(here)
            to.add_(tile.part(there).sum_to_size(to.shape))
        return tile.part(ctx.need.computed), small.values, None, None
