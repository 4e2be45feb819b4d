"""How a whole forward pass runs where nobody looks in between: the fast path of nets that test.

A plan knows which region of each blob later layers need, and when they are done with it. It runs a
convolution and its in-place ReLU as one. From the second image of a size on, it computes only what
the image reaches: around that, activations depend on the weights alone, and are kept from the first
image. The values are those of the layers run one by one, to rounding (tests/test_plan.py).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce

import torch

from .build import Graph
from .kernels import Held, Run, needed, runner
from .layer_types.base import LayerType, Shape
from .proto import caffe_pb2
from .regions import Region, Rule, common, hull, rules, whole

BAND = 1 << 22  # values of a blob between convolutions and pooling that are there at once
SLACK = 1.05  # a region that exceeds what the image reaches by so little is computed as a whole


@dataclass
class Step:
    """A layer with the in-place layers behind it; its blobs by name, Splits left out."""

    layer: LayerType
    bottoms: list[str]
    tops: list[str]
    in_place: list[LayerType] = field(default_factory=list)
    rules: tuple[Rule, ...] | None = None  # None: its expression runs, on all of its bottoms
    run: Run | None = None

    @property
    def read(self) -> list[str]:
        """The bottoms whose values count: of what Crop cuts to it is only the shape."""
        return self.bottoms[:1] if self.layer.type == "Crop" and self.rules else self.bottoms


def can_plan(graph: Graph) -> bool:
    """Whether all layers are functions of their bottoms, but for the data layers in front.

    TEST only: what TRAIN computes is wanted again by backward.
    """
    in_front = front(graph)
    behind = [layer for i, layer in enumerate(graph.layers) if i not in in_front]
    # Memory that has other names too, or is the script's: nothing may replace what is there
    others = {name for i in in_front for name in graph.tops[i]}
    others |= {name for layer in behind if layer.shares_data for name in layer.spec.top}
    return graph.spec.state.phase == caffe_pb2.TEST and all(
        is_function(layer)
        and not draws(layer)
        and leaves_what_backward_needs(layer)
        and not (set(layer.spec.bottom) & set(layer.spec.top) & others)
        for layer in behind
    )


def is_function(layer: LayerType) -> bool:
    """Whether the layer's tops depend on its bottoms and parameters only, and nothing else does."""
    return (
        type(layer).expression is not LayerType.expression
        and (layer.shares_data or type(layer).forward is LayerType.forward)
        and (layer.shares_data or type(layer).reshape is LayerType.reshape)
        and not layer.updates_params
    )


def draws(layer: LayerType) -> bool:
    """Whether forward draws at random, so that it cannot be run again."""
    stochastic = caffe_pb2.PoolingParameter.STOCHASTIC
    return layer.phase == caffe_pb2.TRAIN and (
        layer.type == "Dropout"
        or (layer.type == "Pooling" and layer.spec.pooling_param.pool == stochastic)
    )


def leaves_what_backward_needs(layer: LayerType) -> bool:
    """Not in place, or so that backward finds in the top what it needs of the bottom."""
    if not set(layer.spec.bottom) & set(layer.spec.top):
        return True
    keeps_signs = layer.type == "ReLU" and layer.spec.relu_param.negative_slope >= 0
    return len(layer.spec.bottom) == 1 and (keeps_signs or layer.type == "Dropout")


def front(graph: Graph) -> list[int]:
    """The layers that have no bottoms, and those that only give their tops other names."""
    made: set[str] = set()
    found = []
    for i, layer in enumerate(graph.layers):
        if made.issuperset(graph.bottoms[i]) and (layer.shares_data or not graph.bottoms[i]):
            made.update(graph.tops[i])
            found.append(i)
    return found


def roots(graph: Graph) -> dict[str, str]:
    """For each blob the one in whose memory it is (Split, Reshape, Flatten): mostly itself."""
    root = {name: name for name in graph.blobs}
    for i, layer in enumerate(graph.layers):
        if layer.shares_data:
            root.update(dict.fromkeys(graph.tops[i], root[graph.bottoms[i][0]]))
    return root


class Plan:
    """The forward pass of a net, for the present shapes of its blobs and values of its params.

    front: the layers that have run before. kept: the blobs that `run` gives, no tops of a Split.
    """

    def __init__(self, graph: Graph, front: list[int], kept: set[str]) -> None:
        shapes = {name: blob.shape for name, blob in graph.blobs.items()}
        self.kept = kept
        self._whole = {name: whole(shape) for name, shape in shapes.items()}
        self._steps = _steps(graph, front)
        for step in self._steps:
            _prepare(step, shapes)
        reached = _reached(self._steps, self._whole)
        self._first = _needed(self._steps, kept, self._whole, self._whole)
        self._later = _needed(self._steps, kept, self._whole, reached)
        self._steps = _in_chains(self._steps, kept, self._later, self._whole, shapes)
        self._last_use = {name: i for i, step in enumerate(self._steps) for name in step.bottoms}
        self._last_use.update(dict.fromkeys(kept, len(self._steps)))
        # From the first run on: the regions that have a part that is not computed again
        self._around: dict[str, Held] | None = None

    def run(self, sources: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The kept blobs, from the tops of the layers in front."""
        held = {name: Held(x, self._whole[name]) for name, x in sources.items()}
        first, around = self._around is None, self._around or {}
        needs = self._first if first else self._later
        for i, step in enumerate(self._steps):
            for name, part in self._parts(step, held, needs):
                later = self._later.get(name)
                if first and later and later.computed != later.region:
                    around[name] = Held(part.part(later.region).clone(), later.region)
                elif not first and name in around:
                    around[name].part(part.region).copy_(part.values)
                    part = around[name]
                held[name] = part
            for name in step.bottoms:
                if self._last_use[name] == i:
                    held.pop(name, None)
        self._around = around
        stays = {x.values.untyped_storage().data_ptr() for x in around.values()}
        values = {name: held[name].values for name in self.kept}
        return {
            name: x.clone() if x.untyped_storage().data_ptr() in stays else x
            for name, x in values.items()
        }

    def _parts(
        self, step: Step, held: dict[str, Held], needs: dict[str, Need]
    ) -> Iterator[tuple[str, Held]]:
        """What a step computes of each of its tops; nothing if nobody needs them."""
        if not any(name in needs for name in step.tops):
            return
        if step.run:
            (name,) = step.tops
            region = needs[name].computed
            bottoms = [held[bottom] for bottom in step.read]
            x = step.layer.in_memory(lambda _: step.run(bottoms, region))
            yield name, Held(_through(step.in_place, x), region)
            return
        xs = [held[name].part(self._whole[name]) for name in step.bottoms]
        tops = evaluate(step.layer, xs)
        for name, x in zip(step.tops, tops, strict=True):
            yield name, Held(_through(step.in_place, x), self._whole[name])


def evaluate(layer: LayerType, bottoms: list[torch.Tensor]) -> list[torch.Tensor]:
    """A layer's tops, of tensors instead of blobs."""
    params = [blob.data_tensor() for blob in layer.blobs]
    tops = layer.in_memory(lambda _: layer.expression(list(bottoms), params))
    return [tops] if isinstance(tops, torch.Tensor) else list(tops)


def _through(layers: list[LayerType], x: torch.Tensor) -> torch.Tensor:
    return reduce(lambda x, layer: evaluate(layer, [x])[0], layers, x)


# From layers to steps.


def _steps(graph: Graph, front: list[int]) -> list[Step]:
    """The layers behind those in front; Splits are left out, and so are their tops' names."""
    steps: list[Step] = []
    split: dict[str, str] = {}
    maker: dict[str, Step] = {}
    for i, layer in enumerate(graph.layers):
        bottoms, tops = [split.get(name, name) for name in graph.bottoms[i]], graph.tops[i]
        if i in front:
            continue
        if layer.type == "Split":
            split.update(dict.fromkeys(tops, bottoms[0]))
        elif tops == bottoms and tops[0] in maker and len(maker[tops[0]].tops) == 1:
            maker[tops[0]].in_place.append(layer)
        else:
            steps.append(Step(layer, bottoms, list(tops)))
            maker.update(dict.fromkeys(tops, steps[-1]))
    return steps


def _prepare(step: Step, shapes: dict[str, Shape]) -> None:
    """Give a step its rules and its way to compute a region, if it has them."""
    if set(step.bottoms) & set(step.tops):
        return
    bottoms = [shapes[name] for name in step.bottoms]
    step.rules = rules(step.layer, bottoms)
    if step.rules:
        relu = step.layer.type == "Convolution" and any(map(is_plain_relu, step.in_place[:1]))
        step.run = runner(step.layer, step.rules, whole(bottoms[0]), relu)
        step.in_place = step.in_place[int(relu) :]


def is_plain_relu(layer: LayerType) -> bool:
    """Whether this is max(x, 0)."""
    return layer.type == "ReLU" and not layer.spec.relu_param.negative_slope


# Convolutions and the pooling behind them: the blobs in between never exist as a whole.


def _in_chains(
    steps: list[Step],
    kept: set[str],
    later: dict[str, Need],
    everything: dict[str, Region],
    shapes: dict[str, Shape],
) -> list[Step]:
    """The steps, a pooling and the convolutions before it that only it needs as one."""
    readers = Counter(name for step in steps for name in step.bottoms)
    maker = {name: step for step in steps for name in step.tops}

    def only_inside(name: str) -> bool:
        step, need = maker.get(name), later.get(name)
        return bool(
            step
            and step.run
            and step.layer.type == "Convolution"
            and readers[name] == 1
            and name not in kept
            and need
            and need.computed == need.region
        )

    chained: list[Step] = []
    for step in steps:
        chain = [step]
        while step.run and step.layer.type == "Pooling" and only_inside(chain[0].bottoms[0]):
            chain.insert(0, maker[chain[0].bottoms[0]])
            chained.remove(chain[0])
        if len(chain) > 1:
            run = _in_bands(chain, everything, shapes)
            step = Step(step.layer, chain[0].bottoms, step.tops, [], step.rules, run)
        chained.append(step)
    return chained


def _in_bands(chain: list[Step], everything: dict[str, Region], shapes: dict[str, Shape]) -> Run:
    """A region of the chain's top, some rows at a time: a cache holds what is in between."""

    def compute(steps: list[Step], held: list[Held], region: Region) -> torch.Tensor:
        *before, step = steps
        if before:
            (name,) = step.bottoms
            inside = common(needed(step.rules, region), everything[name]) or everything[name]
            held = [Held(compute(before, held, inside), inside)]
        return _through(step.in_place, step.run(held, region))

    def run(held: list[Held], region: Region) -> torch.Tensor:
        (first, last), columns = region
        width = columns[1] - columns[0]
        row = max(math.prod(shapes[step.tops[0]][:2]) for step in chain[:-1]) * width
        rows = max(1, BAND // (row * math.prod(chain[-1].layer.stride)))
        bands = range(first, last, rows)
        parts = [compute(chain, held, ((y, min(y + rows, last)), columns)) for y in bands]
        return torch.cat(parts, 2) if len(parts) > 1 else parts[0]

    return run


# Which region of each blob.


@dataclass
class Need:
    """The region of a blob that later layers need, and what of it is computed for each image."""

    region: Region
    computed: Region


def _reached(steps: list[Step], everything: dict[str, Region]) -> dict[str, Region]:
    """What the tops of the data layers reach of each blob."""
    reached = dict(everything)
    for step in steps:
        if step.rules is None:
            continue
        spans = [
            tuple(rule.reaches(span) for rule, span in zip(step.rules, reached[name], strict=True))
            for name in step.read
        ]
        (top,) = step.tops
        reached[top] = common(reduce(hull, spans), everything[top]) or everything[top]
    return reached


def _needed(
    steps: list[Step],
    kept: set[str],
    everything: dict[str, Region],
    reached: dict[str, Region],
) -> dict[str, Need]:
    """What is needed for the kept blobs; a blob that nobody needs is left out."""
    needs = {name: Need(everything[name], everything[name]) for name in kept}
    for step in reversed(steps):
        tops = [needs[name] for name in step.tops if name in needs]
        for need, name in zip(tops, step.tops, strict=False):
            inner = common(need.region, reached[name]) if step.rules else None
            slight = inner is None or _area(need.region) <= SLACK * _area(inner)
            need.computed = need.region if slight else inner
        for name in step.read if tops else ():
            region = everything[name]
            if step.rules:
                region = common(needed(step.rules, tops[0].computed), region) or region
            if name in needs:
                region = hull(region, needs[name].region)
            needs[name] = Need(region, region)
    return needs


def _area(region: Region) -> int:
    return math.prod(end - start for start, end in region)
