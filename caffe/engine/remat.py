"""Which activations a training step frees in its forward pass and computes again in backward."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

import torch
from torch.autograd.graph import saved_tensors_hooks

from ..graph.build import Graph
from ..graph.flops import backward_multiply_adds, forward_multiply_adds
from ..layer_types import LayerType

T = TypeVar("T")

_recompute = False


def recompute() -> bool:
    """Whether solvers free activations in the forward pass and compute them again in backward."""
    return _recompute


def set_recompute(on: bool) -> None:
    """Choose whether solvers' iterations compute activations twice instead of keeping them.

    Off by default. On, the activations between poolings are computed again in the backward pass:
    of FCN-8s' forward pass almost all but fc6 and fc7. Values stay the same.
    """
    global _recompute
    _recompute = on


def segments(graph: Graph, done: Collection[int]) -> list[range]:
    """The layers up to each one that shrinks what it is given; each segment can be run again.

    So no layer in it draws, is one of those `done`, or works in place on what was there before.
    """
    found: list[range] = []
    begun, made = 0, set[str]()
    for i, layer in enumerate(graph.layers):
        tops = set(graph.tops[i])
        replaces = tops & set(graph.bottoms[i]) - made
        if i in done or layer.draws or replaces:
            begun, made = i + 1, set()
        elif _shrinks(graph, i):
            found.append(range(begun, i + 1))
            begun, made = i + 1, set()
        else:
            made |= tops
    return found


def inside(graph: Graph, root: dict[str, str], layers: range) -> set[str]:
    """The tops of these layers in whose memory no other layer reads or writes.

    root: storage_of(graph).
    """
    others = (i for i in range(len(graph.layers)) if i not in layers)
    outside = {root[name] for i in others for name in (*graph.bottoms[i], *graph.tops[i])}
    return {name for i in layers for name in graph.tops[i] if root[name] not in outside}


def learns(graph: Graph, segment: range) -> bool:
    """Whether backward will want what is in a segment."""
    return any(graph.layers[i].need_backward for i in segment)


def recomputed(run: Callable[[], T]) -> T:
    """run(), but what autograd would save of it is computed again when backward wants it.

    torch.utils.checkpoint does the same, but loads torch's compiler: 80 MB.
    """
    places = itertools.count()
    saved: list[torch.Tensor | None] = []

    def take(place: int) -> torch.Tensor:
        if not saved:
            with torch.enable_grad(), saved_tensors_hooks(lambda x: saved.append(x.detach()), take):
                run()
        x, saved[place] = saved[place], None
        assert x is not None  # backward wants each once
        return x

    with saved_tensors_hooks(lambda x: next(places), take):
        return run()


def multiply_adds_again(
    graph: Graph, segments: Iterable[range], shares: dict[LayerType, tuple[float, float]]
) -> tuple[float, float]:
    """The multiply-adds that recomputation adds to an iteration, and those without it.

    shares: for the layers of a prefix the part of their work that is done, and that is repeated.
    """
    repeated = {
        i
        for segment in segments
        if learns(graph, segment)
        for i in segment  # the last layer runs again to be recorded
        if i < segment[-1] or graph.layers[i].need_backward
    }
    again = total = 0.0
    for i, layer in enumerate(graph.layers):
        once, twice = shares.get(layer, (1, i in repeated))
        forward = forward_multiply_adds(layer, graph.bottom(i), graph.top(i))
        backward = backward_multiply_adds(layer, graph.bottom(i), graph.top(i))
        again += forward * twice
        total += (forward + backward) * once
    return again, total


def _shrinks(graph: Graph, i: int) -> bool:
    """Whether the top is at most half as large as the bottom: a pooling, mostly."""
    bottoms, tops = graph.bottom(i), graph.top(i)
    return sum(blob.count for blob in tops) <= max(blob.count for blob in bottoms) / 2
