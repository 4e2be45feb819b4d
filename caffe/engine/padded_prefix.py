"""The first layers of a net that trains, where the image reaches; what surrounds it only once.

A net that pads its image has the same activations in many places (border.py). Here they are
computed for a small blank image and put around what the image reaches, as far as later windows see
them; the diffs of all places that one value was put to add up in it. Tops and gradients are those
of the layers run one by one, to rounding (tests/engine/test_padded_prefix.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from ..core.blob import Blob
from ..graph.build import Graph
from ..layer_types.base import LayerType, Shape
from .border import Blank, Places, blank, copies, count, surrounded, tops
from .bounds import Need, area, exceeds_slightly, needed_regions, reached_regions
from .kernels import Held, Pair, needed
from .regions import Region, common, whole
from .schedule import Step, Tensors, is_plain_relu, roots, steps_behind

WORTH = 0.9  # of the values of these layers' tops: a prefix that computes more of them is not


@dataclass
class PaddedPrefix:
    """The layers behind those in front, as long as the image does not reach all of their tops."""

    layers: range  # their places in the graph; there are Splits among them
    steps: list[Step]
    outputs: dict[str, list[str]]  # what others read, and the names that they know it by
    needs: dict[str, Need]
    blank: Blank
    everything: dict[str, Region]

    def segments(self) -> list[list[Step]]:
        """The steps, up to each pooling and behind the last one."""
        ends = [i + 1 for i, step in enumerate(self.steps) if step.layer.type == "Pooling"]
        spans = zip([0, *ends], [*ends, len(self.steps)], strict=True)
        return [self.steps[start:end] for start, end in spans if start < end]

    def later(self, segment: list[Step]) -> list[str]:
        """The tops of a segment that are read behind it."""
        behind = self.steps[self.steps.index(segment[-1]) + 1 :]
        read = set(self.outputs).union(*(step.bottoms for step in behind))
        return [name for step in segment for name in step.tops if name in read]

    def shares(self) -> dict[LayerType, tuple[float, float]]:
        """The part of each layer's work that is done for an image, and again if recomputed."""
        again = {
            step.layer
            for segment in filter(_is_recomputed, self.segments())
            for step in segment[:-1]
            if segment[-1].layer.need_backward
        }
        shares = {}
        for step in self.steps:
            (name,) = step.tops
            share = area(self.needs[name].computed) / area(self.everything[name])
            shares[step.layer] = share, share * (step.layer in again)
        return shares


def padded_prefix(graph: Graph, front: list[int]) -> PaddedPrefix | None:
    """The prefix of a net for the present shapes of its blobs; None where none is worth while."""
    shapes = {name: blob.shape for name, blob in graph.blobs.items()}
    everything = {name: whole(shape) for name, shape in shapes.items() if len(shape) == 4}
    steps = _runnable(graph, front)
    reached = reached_regions(steps, {name: everything[name] for name in _blobs(steps)})
    while steps and exceeds_slightly(everything[steps[-1].tops[0]], reached[steps[-1].tops[0]]):
        steps.pop()
    layers = _places(graph, steps)
    if layers is None:
        return None
    outputs = _outputs(graph, layers, steps)
    needs = needed_regions(steps, set(outputs), everything, reached)
    partly = [name for name in tops(steps) if needs[name].computed != needs[name].region]
    around = blank(steps, shapes, tops(steps)) if partly else None
    if around is None:
        return None
    computed = count(around.shapes, steps) + sum(
        area(needs[name].computed) * math.prod(shapes[name][:2]) for name in tops(steps)
    )
    if computed > WORTH * count(shapes, steps):
        return None
    return PaddedPrefix(layers, steps, outputs, needs, around, everything)


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
        self._learn = learn
        self._waiting = [blob for step in prefix.steps for blob in step.layer.blobs]
        params = {step.layer: self._leaves(step.layer) for step in prefix.steps}
        shapes = prefix.blank.shapes
        large = {name: sources[name] for name in prefix.blank.sources}
        small = {name: x.new_zeros(1, *shapes[name][1:]) for name, x in large.items()}
        with torch.enable_grad():
            for segment in prefix.segments():
                for step in segment:
                    small.update(_blank_step(step, small, shapes, params[step.layer]))
                run = partial(_segment, prefix, segment, small, params)
                read = {name: large[name] for s in segment for name in s.bottoms if name in large}
                if recompute and _is_recomputed(segment):
                    run = partial(checkpoint, run, use_reentrant=False, preserve_rng_state=False)
                large.update(run(read))
        self.outputs = {name: large[name] for name in prefix.outputs}

    @property
    def layers(self) -> range:
        """The places of the prefix's layers in the graph."""
        return self.prefix.layers

    def backward(self, diffs: Tensors) -> None:
        """From the outputs' diffs, add to the parameters' diffs; once."""
        found = {name: x for name, x in self.outputs.items() if name in diffs and x.requires_grad}
        if found:  # where memory ends in here, the error names the last layer
            self.prefix.steps[-1].layer.in_memory(
                lambda _: torch.autograd.backward(
                    list(found.values()), [diffs[name] for name in found]
                )
            )
        for blob in self._waiting:
            self._learn(blob)

    def _leaves(self, layer: LayerType) -> list[torch.Tensor]:
        """The layer's parameters, as torch's graph begins with them."""
        leaves = []
        for blob, learns in zip(layer.blobs, layer.param_propagate_down, strict=True):
            leaf = blob.data_tensor().detach()
            if layer.need_backward and learns:
                leaf.requires_grad_()
                leaf.register_post_accumulate_grad_hook(partial(self._arrived, blob))
            leaves.append(leaf)
        return leaves

    def _arrived(self, blob: Blob, leaf: torch.Tensor) -> None:
        gradient, leaf.grad = leaf.grad, None
        blob._diff.accumulate(gradient)
        self._waiting.remove(blob)
        self._learn(blob)


def _is_recomputed(segment: list[Step]) -> bool:
    return segment[-1].layer.type == "Pooling"


def _blank_step(
    step: Step, small: Tensors, shapes: dict[str, Shape], params: list[torch.Tensor]
) -> Tensors:
    (bottom,), (name,) = step.bottoms, step.tops
    tile = Held(small[bottom], whole(shapes[bottom]))
    y = step.layer.in_memory(_region, step, tile, whole(shapes[name]), tile.region, params)
    return {name: y.relu_() if step.in_place else y}


def _segment(
    prefix: PaddedPrefix,
    segment: list[Step],
    small: Tensors,
    params: dict[LayerType, list[torch.Tensor]],
    values: Tensors,
) -> Tensors:
    """The tops of a segment that are read behind it, from those before it."""
    values = dict(values)
    for step in segment:
        (bottom,), (name,) = step.bottoms, step.tops
        everything, need = prefix.everything[bottom], prefix.needs[name]
        region = prefix.needs[bottom].region if bottom in prefix.blank.places else everything
        tile = Held(values[bottom], region)
        y = step.layer.in_memory(_region, step, tile, need.computed, everything, params[step.layer])
        if need.computed != need.region:
            y = _Surround.apply(y, small[name], need, prefix.blank.places[name])
        # Behind the surround: so torch keeps what later layers keep too. Twice is as once.
        values[name] = y.relu_() if step.in_place else y
    return {name: values[name] for name in prefix.later(segment)}


def _region(
    layer: LayerType,
    step: Step,
    bottom: Held,
    region: Region,
    everything: Region,
    params: list[torch.Tensor],
) -> torch.Tensor:
    """A region of a layer's top, without the ReLU behind it; everything: all of the bottom."""
    x, padding = _windows(step, bottom, needed(step.rules, region), everything)
    if layer.type == "Pooling":
        return F.max_pool2d(x, layer.kernel, layer.stride, ceil_mode=True)
    weight, bias = (*params, None)[:2]
    group = layer.spec.convolution_param.group
    return F.conv2d(x, weight, bias, layer.stride, padding, layer.dilation, group)


def _windows(
    step: Step, bottom: Held, needs: Region, everything: Region
) -> tuple[torch.Tensor, Pair]:
    """What is computed from: a part of the bottom, and how much pad is still to be put around."""
    inside = common(needs, everything)
    if inside is None:  # windows on nothing but pad
        sizes = [end - start for start, end in needs]
        return bottom.values.new_zeros(*bottom.values.shape[:2], *sizes), (0, 0)
    x = bottom.part(inside)
    (above, below), (left, right) = (
        (i[0] - n[0], n[1] - i[1]) for i, n in zip(inside, needs, strict=True)
    )
    if step.layer.type == "Pooling" or (above == below and left == right):
        return x, (above, left)
    return F.pad(x, (left, right, above, below)), (0, 0)


class _Surround(torch.autograd.Function):
    """Puts what is computed of a blob into what surrounds it, from that of the blank image.

    forward: computed (N, C, h, w) and the blank image's (1, C, H, W) to the region that is needed,
    (N, C, height, width). backward: to each value the sum of the diffs of its places.
    """

    @staticmethod
    def forward(
        ctx, computed: torch.Tensor, small: torch.Tensor, need: Need, places: Places
    ) -> torch.Tensor:
        ctx.need, ctx.places, ctx.shape = need, places, small.shape
        tile = surrounded(need, small, places, len(computed))
        tile.part(need.computed).copy_(computed)
        return tile.values

    @staticmethod
    def backward(ctx, diff: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        tile = Held(diff, ctx.need.region)
        small = Held(diff.new_zeros(ctx.shape), whole(ctx.shape))
        for there, here in copies(ctx.need, ctx.places):
            to = small.part(here)
            to.add_(tile.part(there).sum_to_size(to.shape))
        return tile.part(ctx.need.computed), small.values, None, None


# Which layers.


def _runnable(graph: Graph, front: list[int]) -> list[Step]:
    """The first steps, as long as a prefix can run them."""
    learns = dict.fromkeys((name for i in front for name in graph.tops[i]), False)
    weighed = _weighed(graph)
    found = []
    for step in steps_behind(graph, front):
        if not _can_run(step, learns) or not weighed.isdisjoint(step.tops):
            break
        learns[step.tops[0]] = step.layer.need_backward
        found.append(step)
    return found


def _weighed(graph: Graph) -> set[str]:
    """The blobs with a loss weight, one of a Split's tops too, by the names of their memories."""
    root = roots(graph)
    return {
        root[name]
        for names, weights in zip(graph.tops, graph.loss_weights, strict=True)
        for name, weight in zip(names, weights, strict=True)
        if weight
    }


def _can_run(step: Step, learns: dict[str, bool]) -> bool:
    """`learns`: the blobs that are there before, and whether parameters below them learn."""
    layer = step.layer
    if not step.rules or len(step.bottoms) > 1 or step.bottoms[0] not in learns:
        return False
    if layer.type == "Convolution":
        kind = not layer.is_product(layer.blobs[0].data_tensor())
    else:
        kind = layer.type == "Pooling" and not step.in_place
    return (
        kind
        and layer.propagate_down == [learns[step.bottoms[0]]]
        and all(
            is_plain_relu(relu) and relu.propagate_down == [layer.need_backward]
            for relu in step.in_place
        )
    )


def _blobs(steps: list[Step]) -> set[str]:
    return tops(steps) | {name for step in steps for name in step.bottoms}


def _places(graph: Graph, steps: list[Step]) -> range | None:
    """From the first to the last layer of the steps; None if others than Splits lie between."""
    ours = [layer for step in steps for layer in (step.layer, *step.in_place)]
    places = [i for i, layer in enumerate(graph.layers) if layer in ours]
    if not places:
        return None
    layers = range(places[0], places[-1] + 1)
    others = set(layers) - set(places)
    return None if any(graph.layers[i].type != "Split" for i in others) else layers


def _outputs(graph: Graph, layers: range, steps: list[Step]) -> dict[str, list[str]]:
    root = roots(graph)
    made = {name for i in layers for name in graph.tops[i]}  # others add up in these
    read = [name for names in graph.bottoms[layers.stop :] for name in names] + list(graph.outputs)
    outputs: dict[str, list[str]] = {}
    for name in dict.fromkeys(read):
        if name in made and root[name] in tops(steps):
            outputs.setdefault(root[name], []).append(name)
    return outputs
