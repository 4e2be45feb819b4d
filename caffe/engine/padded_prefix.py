"""The front of a net in training: what the image reaches, and what surrounds it only once.

A net that pads its image has the same activations in many places (blank.py). Here they are computed
around a small blank image and put beside what the image reaches, as far as later windows see them;
a diff at such a place counts for the place that it was copied from. Tops and gradients are those of
the layers run one by one, to rounding (tests/test_trunk.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..graph.build import Graph
from ..layer_types.base import LayerType
from .border import Blank, Places, blank, copies, count, surrounded, tops
from .bounds import Bounds, area, exceeds_slightly, find_bounds, reached_regions
from .kernels import Tile
from .regions import Region, common, input_region, whole
from .schedule import Step, Tensors, steps_behind, storage_of

WORTH = 0.9  # of the front's values: a trunk that computes more of them is not

Gradients = dict[LayerType, list[torch.Tensor | None]]  # of the weights and the bias


@dataclass
class Trunk:
    """The layers behind those in front, as long as the image does not reach all of their tops."""

    layers: range  # their places in the graph; there are Splits among them
    steps: list[Step]
    outputs: dict[str, list[str]]  # what others read, and the names that they know it by
    needs: dict[str, Bounds]
    blank: Blank
    everything: dict[str, Region]
    inner: dict[str, list[Step]]  # for each pooling's top: whose tops it alone has need of

    def shares(self) -> dict[LayerType, tuple[float, float]]:
        """Of each layer's work: what is done for an image; and in the backward pass again."""
        again = {
            inner.layer
            for step in self.steps
            if step.layer.need_backward
            for inner in self.inner.get(step.tops[0], ())
        }
        shares = {}
        for step in self.steps:
            (name,) = step.tops
            share = area(self.needs[name].computed) / area(self.everything[name])
            shares[step.layer] = share, share * (step.layer in again)
        return shares


def trunk(graph: Graph, front: list[int]) -> Trunk | None:
    """The trunk of a net for the present shapes of its blobs; None where none is worth while."""
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
    needs = find_bounds(steps, set(outputs), everything, reached)
    partly = [name for name in tops(steps) if needs[name].computed != needs[name].required]
    around = blank(steps, shapes, tops(steps)) if partly else None
    if around is None:
        return None
    computed = count(around.shapes, steps) + sum(
        area(needs[name].computed) * math.prod(shapes[name][:2]) for name in tops(steps)
    )
    if computed > WORTH * count(shapes, steps):
        return None
    return Trunk(layers, steps, outputs, needs, around, everything, _inner(steps, set(outputs)))


class TrunkRun:
    """A forward pass of a trunk, on the tops of the layers in front.

    recompute: whether what lies between poolings goes, and backward computes it again; that of the
    blank image is too small for that. `outputs` are what others read of it, whole.
    """

    def __init__(self, trunk: Trunk, sources: Tensors, recompute: bool) -> None:
        sources = {name: sources[name] for name in trunk.blank.sources}
        self.trunk = trunk
        blank, steps = trunk.blank, trunk.steps
        everything = {name: whole(shape) for name, shape in blank.shapes.items()}
        small = {n: x.new_zeros(1, *blank.shapes[n][1:]) for n, x in sources.items()}
        needs = {name: Bounds(region, region) for name, region in everything.items()}
        inner = trunk.inner if recompute else {}
        self._small = Pass(steps, small, needs, everything)
        self._large = Pass(
            steps, sources, trunk.needs, trunk.everything, self._small, blank.places, inner
        )
        self.outputs = {name: self._large.held[name].values for name in trunk.outputs}

    def backward(self, diffs: Tensors) -> Gradients:
        """The parameters' gradients, from the outputs' diffs; once."""
        gradients = self._large.backward(diffs)
        for layer, more in self._small.backward(self._large.copied).items():
            here = gradients.setdefault(layer, [None] * len(more))
            gradients[layer] = [_sum(a, b) for a, b in zip(here, more, strict=True)]
        return gradients


def _sum(a: torch.Tensor | None, b: torch.Tensor | None) -> torch.Tensor | None:
    return b if a is None else a if b is None else a.add_(b)


class Pass:
    """The steps of a trunk on an image: around what they compute they find what is in another."""

    def __init__(
        self,
        steps: list[Step],
        sources: Tensors,
        needs: dict[str, Bounds],
        everything: dict[str, Region],
        around: Pass | None = None,
        places: dict[str, Places] | None = None,
        inner: dict[str, list[Step]] | None = None,
    ) -> None:
        self._steps, self._needs, self._everything = steps, needs, everything
        self._around, self._places, self._inner = around, places, inner or {}
        self.held = {name: Tile(x, everything[name]) for name, x in sources.items()}
        self._largest: Tensors = {}  # for a pooling: where in its bottom its tops are from
        self.copied: Tensors = {}  # the diffs of what was found in the other one
        for step in steps:
            self._run(step)
            for before in self._inner.get(step.tops[0], ()):
                del self.held[before.tops[0]]

    def _run(self, step: Step) -> None:
        step.layer.in_memory(lambda _: self._forward(step))

    def _forward(self, step: Step) -> None:
        (name,), need = step.tops, self._needs[step.tops[0]]
        x, padding, _ = self._under(step)
        if step.layer.type == "Pooling":
            y, self._largest[name] = F.max_pool2d(x, *_pooling(step.layer), return_indices=True)
        else:
            weight, *bias = (blob.data_tensor() for blob in step.layer.blobs)
            stride, dilation, group = _sliding(step.layer)
            y = F.conv2d(x, weight, *(bias or [None]), stride, padding, dilation, group)
        y = y.relu_() if step.in_place else y
        self.held[name] = Tile(y, need.required)
        if need.computed != need.required:
            other = self._around.held[name].values
            held = surrounded(need, other, self._places[name], len(y))
            held.part(need.computed).copy_(y)
            self.held[name] = held

    def _under(self, step: Step) -> tuple[torch.Tensor, tuple[int, int], Region]:
        """What is computed from: of the bottom with a part of its pad; the other pad; where."""
        needs = input_region(step.rules, self._needs[step.tops[0]].computed)
        inside, held = common(needs, self._everything[step.bottoms[0]]), self.held[step.bottoms[0]]
        if inside is None:  # windows on nothing but pad
            sizes = [end - start for start, end in needs]
            return held.values.new_zeros(*held.values.shape[:2], *sizes), (0, 0), needs
        x = held.part(inside)
        (above, below), (left, right) = (
            (i[0] - n[0], n[1] - i[1]) for i, n in zip(inside, needs, strict=True)
        )
        if step.layer.type == "Pooling" or (above == below and left == right):
            return x, (above, left), inside
        return F.pad(x, (left, right, above, below)), (0, 0), needs

    def backward(self, diffs: Tensors) -> Gradients:
        """From the diffs of some blobs, as far as they are held."""
        found = {name: diff.clone() for name, diff in diffs.items()}
        gradients: Gradients = {}
        for step in reversed(self._steps):
            (name,) = step.tops
            if step.layer.need_backward:
                for before in self._inner.get(name, ()):
                    self._run(before)
                if name in found:
                    step.layer.in_memory(self._backward_of, step, found, gradients)
            self.held.pop(name, None)
        return gradients

    def _backward_of(
        self, layer: LayerType, step: Step, diffs: Tensors, gradients: Gradients
    ) -> None:
        (bottom,), (name,) = step.bottoms, step.tops
        need = self._needs[name]
        held = Tile(diffs.pop(name), need.required)
        if need.computed != need.required:
            self.copied[name] = self._of_copies(name, held)
        diff, (x, padding, where) = held.part(need.computed), self._under(step)
        top = self.held.pop(name)  # goes at once: this is where most memory is taken
        if step.in_place:
            backward = torch.ops.aten.threshold_backward
            backward.grad_input(diff, top.part(need.computed), 0, grad_input=diff)
        del top
        if layer.type == "Pooling":
            indices = self._largest.pop(name)
            backward = torch.ops.aten.max_pool2d_with_indices_backward
            dx = backward(diff.contiguous(), x.contiguous(), *_pooling(layer), indices)
        else:
            weight, stride, dilation, group = layer.blobs[0].data_tensor(), *_sliding(layer)
            wanted = (layer.propagate_down + layer.param_propagate_down + [False])[:3]
            dx, *params = torch.ops.aten.convolution_backward(
                *(diff, x, weight, [len(weight)]),
                *(stride, padding, dilation, False, [0, 0], group, wanted),
            )
            # oneDNN may give a gradient that is not wanted.
            wanted = layer.param_propagate_down
            gradients[layer] = [g if w else None for g, w in zip(params, wanted, strict=False)]
        if layer.propagate_down[0]:
            self._add(diffs, bottom, Tile(dx, where))

    def _add(self, diffs: Tensors, name: str, found: Tile) -> None:
        """Add what was found to a blob's diff; what lies in its pad is nobody's."""
        region = self._needs[name].required
        inside = common(found.region, region)
        if inside is None:
            return
        if name not in diffs and inside == region == found.region:
            diffs[name] = found.values
            return
        if name not in diffs:
            diffs[name] = torch.zeros_like(self.held[name].values)
        Tile(diffs[name], region).part(inside).add_(found.part(inside))

    def _of_copies(self, name: str, diff: Tile) -> torch.Tensor:
        """The diff in the other one, of what was copied from there."""
        other = self._around.held[name].values
        copied = Tile(torch.zeros_like(other), whole(other.shape))
        for there, here in copies(self._needs[name], self._places[name]):
            to = copied.part(here)
            to.add_(diff.part(there).sum_to_size(to.shape))
        return copied.values


def _sliding(layer: LayerType) -> tuple:
    return layer.stride, layer.dilation, layer.spec.convolution_param.group


def _pooling(layer: LayerType) -> tuple:
    """Kernel, stride, pad and dilation, and whether a window may begin inside and end outside."""
    return layer.kernel, layer.stride, (0, 0), (1, 1), True


# Which layers.


def _runnable(graph: Graph, front: list[int]) -> list[Step]:
    """The first steps, as long as Pass can run them."""
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
    root = storage_of(graph)
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
            relu.is_relu and relu.propagate_down == [layer.need_backward] for relu in step.in_place
        )
    )


def _inner(steps: list[Step], outputs: set[str]) -> dict[str, list[Step]]:
    """For each pooling's top the steps since the pooling before that nobody needs behind it."""
    found: dict[str, list[Step]] = {}
    begun = 0
    for i, step in enumerate(steps):
        if step.layer.type == "Pooling":
            later = outputs.union(*(after.bottoms for after in steps[i + 1 :]))
            found[step.tops[0]] = [s for s in steps[begun:i] if s.tops[0] not in later]
            begun = i + 1
    return found


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
    root = storage_of(graph)
    made = {name for i in layers for name in graph.tops[i]}  # others add up in these
    read = [name for names in graph.bottoms[layers.stop :] for name in names] + list(graph.outputs)
    outputs: dict[str, list[str]] = {}
    for name in dict.fromkeys(read):
        if name in made and root[name] in tops(steps):
            outputs.setdefault(root[name], []).append(name)
    return outputs
