"""The layers of a net as a fast path sees them: what they are to each other, and steps of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce

import torch

from ..core.synced_memory import storage_address
from ..graph.build import Graph
from ..layer_types import autocast
from ..layer_types.base import Affine, LayerType
from .regions import Rules, rules

Tensors = dict[str, torch.Tensor]  # by the names of their blobs


@dataclass
class Step:
    """A layer with the in-place layers behind it; its blobs by name, Splits left out."""

    layer: LayerType
    bottoms: list[str]
    tops: list[str]
    in_place: list[LayerType] = field(default_factory=list)
    affines: list[Affine] = field(default_factory=list)  # before those, done by its weights
    rules: Rules | None = None  # None: no region is computed without all of its bottoms

    @cached_property
    def read(self) -> list[str]:
        """The bottoms whose values a region of the top is computed from; without rules, all."""
        if not self.rules:
            return self.bottoms
        return [name for i, name in enumerate(self.bottoms) if self.layer.reads_bottom(i)]


def is_function(layer: LayerType) -> bool:
    """Whether the layer's tops depend on its bottoms and parameters only, and nothing else does."""
    return is_repeatable(layer) and not layer.updates_params


def is_repeatable(layer: LayerType) -> bool:
    """Whether the same bottoms and parameters give the same tops, however often it has run."""
    return (
        type(layer).expression is not LayerType.expression
        and (layer.shares_data or type(layer).forward is LayerType.forward)
        and (layer.shares_data or type(layer).reshape is LayerType.reshape)
        and not (layer.updates_params and layer.reads_updates)
    )


def leaves_what_backward_needs(layer: LayerType) -> bool:
    """Not in place, or so that backward finds in the top what it needs of the bottom."""
    return layer.keeps_gradient or not set(layer.spec.bottom) & set(layer.spec.top)


def source_layers(graph: Graph) -> list[int]:
    """The layers that have no bottoms, and those that only give their tops other names."""
    made: set[str] = set()
    found = []
    for i, layer in enumerate(graph.layers):
        if made.issuperset(graph.bottoms[i]) and (layer.shares_data or not graph.bottoms[i]):
            made.update(graph.tops[i])
            found.append(i)
    return found


def losses(graph: Graph) -> set[str]:
    """The blobs with a loss weight."""
    pairs = zip(graph.tops, graph.loss_weights, strict=True)
    return {name for pair in pairs for name, weight in zip(*pair, strict=True) if weight}


def storage_of(graph: Graph) -> dict[str, str]:
    """For each blob the one in whose memory it is once all layers have run: mostly itself."""
    storage = {name: name for name in graph.blobs}
    for i, layer in enumerate(graph.layers):
        if layer.shares_data:
            storage.update(dict.fromkeys(graph.tops[i], storage[graph.bottoms[i][0]]))
    return storage


def weighed_memories(graph: Graph) -> set[str]:
    """The blobs with a loss weight, one of a Split's tops too, by the names of their memories."""
    root = storage_of(graph)
    return {root[name] for name in losses(graph)}


def read_behind(graph: Graph, layers: range) -> dict[str, list[str]]:
    """What others read of these layers' tops: by their memory's blob, the names it is known by."""
    root = storage_of(graph)
    made = {name for i in layers for name in graph.tops[i]}
    read = [name for names in graph.bottoms[layers.stop :] for name in names] + list(graph.outputs)
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(read):
        if name in made:
            found.setdefault(root[name], []).append(name)
    return found


def steps_behind(graph: Graph, sources: Sequence[int]) -> list[Step]:
    """The layers behind the sources; Splits are left out, and so are their tops' names."""
    steps: list[Step] = []
    split: dict[str, str] = {}
    maker: dict[str, Step] = {}
    for i, layer in enumerate(graph.layers):
        bottoms, tops = [split.get(name, name) for name in graph.bottoms[i]], graph.tops[i]
        if i in sources:
            continue
        if layer.is_split:
            split.update(dict.fromkeys(tops, bottoms[0]))
        elif tops == bottoms and tops[0] in maker and len(maker[tops[0]].tops) == 1:
            maker[tops[0]].in_place.append(layer)
        else:
            steps.append(Step(layer, bottoms, list(tops)))
            maker.update(dict.fromkeys(tops, steps[-1]))
    for step in steps:
        if step.bottoms and not set(step.bottoms) & set(step.tops):
            step.rules = rules(step.layer, [graph.blobs[name].shape for name in step.bottoms])
    return steps


def owned(values: Tensors, others: Tensors) -> Tensors:
    """The values in Caffe's order, each in memory of its own."""
    taken = {storage_address(x) for x in others.values()}
    found = {}
    for name, x in values.items():
        x = x.contiguous()
        if storage_address(x) in taken:
            x = x.clone()
        taken.add(storage_address(x))
        found[name] = x
    return found


Evaluate = Callable[[list[torch.Tensor]], list[torch.Tensor]]


def params_of(layer: LayerType) -> list[torch.Tensor]:
    """The layer's present parameters."""
    return [blob.data_tensor() for blob in layer.blobs]


def evaluator(layer: LayerType, params: list[torch.Tensor]) -> Evaluate:
    """The layer's tops from its bottoms, of tensors instead of blobs."""

    def evaluate(bottoms: list[torch.Tensor]) -> list[torch.Tensor]:
        return layer.in_memory(autocast.tops, autocast.taken(layer, bottoms), params)

    return evaluate


def evaluate(layer: LayerType, bottoms: list[torch.Tensor]) -> list[torch.Tensor]:
    """A layer's tops, of tensors instead of blobs."""
    return evaluator(layer, params_of(layer))(bottoms)


def through(behind: list[Evaluate], x: torch.Tensor) -> torch.Tensor:
    """What these layers, each of one bottom and one top, make of x one after the other."""
    return reduce(lambda x, evaluate: evaluate([x])[0], behind, x)
