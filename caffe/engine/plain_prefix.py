"""The first layers of a net that trains, as one graph of torch's instead of one for each layer.

A layer by itself costs a third of a millisecond beside what it computes, as much as a small layer
takes. Values and gradients are those of the layers run one by one, bit for bit
(tests/engine/test_plain_prefix.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch

from ..core import spinning
from ..core.blob import Blob
from ..graph.build import Graph
from ..layer_types import LayerType, autocast
from .layer_pass import adds_gradient, is_in_place
from .learning import Learning
from .schedule import Tensors, owned, read_behind, storage_of, weighed_memories


@dataclass
class PlainPrefix:
    """The layers behind those in front, up to one that must run by itself."""

    graph: Graph
    layers: range  # their places in the graph
    outputs: dict[str, list[str]]  # what others read, and the names that they know it by


def plain_prefix(graph: Graph, front: Sequence[int]) -> PlainPrefix | None:
    """The prefix of a net behind its first layers; None where it has none."""
    given = {name for i in front for name in graph.tops[i]}
    learns = dict.fromkeys(given, False)
    root = storage_of(graph)
    weighed = weighed_memories(graph)
    end = len(front)
    for i in range(end, len(graph.layers)):
        tops = graph.tops[i]
        if not _joins(graph, i, learns) or any(root[n] in weighed or n in given for n in tops):
            break
        learns.update(dict.fromkeys(tops, graph.layers[i].need_backward))
        end = i + 1
    layers = range(len(front), end)
    if not any(graph.layers[i].need_backward for i in layers):
        return None
    return PlainPrefix(graph, layers, read_behind(graph, layers))


def _joins(graph: Graph, i: int, learns: dict[str, bool]) -> bool:
    """`learns`: the blobs that are there before, and whether parameters below them learn."""
    layer, bottoms = graph.layers[i], graph.bottoms[i]
    return (
        all(name in learns for name in bottoms)
        and layer.propagate_down == [learns[name] for name in bottoms]
        and all(layer.diff_bottoms(j) for j, down in enumerate(layer.propagate_down) if down)
        and (layer.is_split or not (layer.shares_data or layer.draws))
        and (layer.is_split or type(layer).backward is LayerType.backward)
        and not adds_gradient(graph, i)
    )


class PlainRun:
    """A forward pass of a prefix on the tops of the layers in front, and the way back.

    learn: called with each parameter, once its diff is complete. `outputs` are what others read of
    the prefix.
    """

    def __init__(
        self, prefix: PlainPrefix, sources: Tensors, learn: Callable[[Blob], None]
    ) -> None:
        self.prefix = prefix
        graph, values = prefix.graph, dict(sources)
        self._learning = Learning([graph.layers[i] for i in prefix.layers], learn)
        with torch.enable_grad():
            for i in prefix.layers:
                spinning.look()
                bottoms = [values[name] for name in graph.bottoms[i]]
                values.update(zip(graph.tops[i], self._tops(i, bottoms), strict=True))
        self._tips = {name: values[name] for names in prefix.outputs.values() for name in names}
        self.outputs = owned({name: values[name].detach() for name in prefix.outputs}, sources)

    def backward(self, diffs: Tensors) -> None:
        """From the outputs' diffs, by all of their names, add to the parameters' diffs; once."""
        self._learning.backward(self._tips, diffs)

    def _tops(self, i: int, bottoms: list[torch.Tensor]) -> Sequence[torch.Tensor]:
        graph = self.prefix.graph
        layer = graph.layers[i]
        if layer.is_split:
            return _Split.apply(len(graph.tops[i]), *bottoms)
        if is_in_place(graph, i):
            return [bottoms[0].relu_()]
        layer.check_params()
        return layer.in_memory(autocast.tops, bottoms, self._learning.leaves(layer))


class _Split(torch.autograd.Function):
    """A bottom under several names, whose diffs add up in their order, as in split_layer.cpp."""

    @staticmethod
    def forward(ctx: Any, count: int, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(x.view_as(x) for _ in range(count))

    @staticmethod
    def backward(ctx: Any, *diffs: torch.Tensor) -> tuple[None, torch.Tensor]:
        return None, reduce(torch.add, diffs)
