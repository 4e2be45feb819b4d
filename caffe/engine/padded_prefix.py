"""Which first layers of a net that trains are computed only where the image reaches.

A net that pads its image has the same activations in many places (border.py). prefix_run.py
computes them once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..graph.build import Graph
from ..layer_types.base import LayerType
from ..layer_types.convolution import Convolution
from .border import Blank, blank, count, tops
from .bounds import Bounds, area, exceeds_slightly, find_bounds, reached_regions
from .regions import Region, whole
from .schedule import Step, read_behind, steps_behind, weighed_memories

WORTH = 0.9  # of the values of these layers' tops: a prefix that computes more of them is not


@dataclass
class PaddedPrefix:
    """The layers behind those in front, as long as the image does not reach all of their tops."""

    layers: range  # their places in the graph; there are Splits among them
    steps: list[Step]
    outputs: dict[str, list[str]]  # what others read, and the names that they know it by
    needs: dict[str, Bounds]
    blank: Blank
    everything: dict[str, Region]

    def segments(self) -> list[list[Step]]:
        """The steps, up to each pooling and behind the last one."""
        ends = [i + 1 for i, step in enumerate(self.steps) if step.layer.pools]
        spans = zip([0, *ends], [*ends, len(self.steps)], strict=True)
        return [self.steps[start:end] for start, end in spans if start < end]

    def region(self, name: str) -> Region:
        """What is there of a blob: of what the steps compute no more than others need."""
        return self.needs[name].required if name in self.blank.places else self.everything[name]

    def later(self, segment: list[Step]) -> list[str]:
        """The tops of a segment that are read behind it."""
        behind = self.steps[self.steps.index(segment[-1]) + 1 :]
        read = set(self.outputs).union(*(step.bottoms for step in behind))
        return [name for step in segment for name in step.tops if name in read]

    def shares(self) -> dict[LayerType, tuple[float, float]]:
        """The part of each layer's work that is done for an image, and again if recomputed."""
        again = {
            step.layer
            for segment in self.segments()
            if can_repeat(segment) and segment[-1].layer.need_backward
            for step in segment[:-1]
        }
        shares = {}
        for step in self.steps:
            (name,) = step.tops
            share = area(self.needs[name].computed) / area(self.everything[name])
            shares[step.layer] = share, share * (step.layer in again)
        return shares


def can_repeat(segment: list[Step]) -> bool:
    """Whether recomputation saves memory: what is in the segment is larger than its end."""
    return segment[-1].layer.pools


def padded_prefix(graph: Graph, front: Sequence[int]) -> PaddedPrefix | None:
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
    read = read_behind(graph, layers)
    outputs = {name: names for name, names in read.items() if name in tops(steps)}
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
    return PaddedPrefix(layers, steps, outputs, needs, around, everything)


def _runnable(graph: Graph, front: Sequence[int]) -> list[Step]:
    """The first steps, as long as a prefix can run them."""
    learns = dict.fromkeys((name for i in front for name in graph.tops[i]), False)
    weighed = weighed_memories(graph)
    found = []
    for step in steps_behind(graph, front):
        if not _can_run(step, learns) or not weighed.isdisjoint(step.tops):
            break
        learns[step.tops[0]] = step.layer.need_backward
        found.append(step)
    return found


def _can_run(step: Step, learns: dict[str, bool]) -> bool:
    """`learns`: the blobs that are there before, and whether parameters below them learn."""
    layer = step.layer
    if not step.rules or len(step.bottoms) > 1 or step.bottoms[0] not in learns:
        return False
    if isinstance(layer, Convolution) and not layer.transposed:
        kind = not layer.is_product(layer.blobs[0].data_tensor())
    else:
        kind = layer.pools and not step.in_place
    return (
        kind
        and layer.propagate_down == [learns[step.bottoms[0]]]
        and all(
            relu.is_relu and relu.propagate_down == [layer.need_backward] for relu in step.in_place
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
    return None if any(not graph.layers[i].is_split for i in others) else layers
