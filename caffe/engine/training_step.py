"""A training iteration that updates each parameter as soon as its layer has run backward.

It holds no more memory than it needs, where nobody looks in between. The first layers run as a
padded prefix (prefix_run.py): where their image does not reach, once for many places. In the
backward pass a layer's tops and their diffs go once it is done. With `set_recompute` (remat.py) the
activations between poolings go in the forward pass already, and backward computes them again. A
script that reads a blob after all finds what Caffe would show: the step is run again (replay.py);
what was read is kept from then on. Two things are gone: the values behind the shape of a blob that
became smaller, which are zeros then; and what a layer's forward pass left for backward. A backward
pass that follows without a forward pass finds where a maximum was in the bottoms as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from ..core.blob import Blob
from ..core.log import LOGGER
from ..core.precision import current_precision
from ..graph.build import Graph
from ..layer_types.base import LayerType, Shape
from . import layer_pass
from .layer_pass import Fused, Update
from .layerwise import Layerwise
from .padded_prefix import PaddedPrefix, padded_prefix
from .plain_prefix import PlainPrefix, PlainRun, plain_prefix
from .prefix_run import PrefixRun
from .remat import inside, learns, multiply_adds_again, recompute, segments
from .replay import Replay
from .schedule import (
    is_function,
    is_repeatable,
    leaves_what_backward_needs,
    losses,
    source_layers,
    storage_of,
)


class TrainingStep:
    """The iterations of one training net that may run like this."""

    def __init__(self, layerwise: Layerwise, history: Sequence[Blob]) -> None:
        self._layerwise, self._graph, self._history = layerwise, layerwise.graph, history
        self._data = source_layers(self._graph)
        places = range(len(self._graph.layers))
        behind = next((i for i in places if i not in self._data), len(places))
        self._front = range(behind)  # those before all others
        self._root = storage_of(self._graph)
        self._shown = _shown(self._graph, self._data)
        self._computed = _computed_diffs(self._graph)
        self._places = {param.blob: place for place, param in enumerate(self._graph.params)}
        self._read: set[str] = set()  # the blobs that scripts have read
        self._kept: set[str] = set()  # those whose data this iteration does not free
        self._replay: Replay | None = None  # of the last iteration
        self._told = False  # the price of set_recompute
        behind_data = [i for i in places if i not in self._data]
        learns_data = any(self._graph.layers[i].blobs for i in self._data)
        self._runs_once = not learns_data and all(
            _can_run_once(self._graph, i) for i in behind_data
        )
        self._runs_twice = not learns_data and all(
            _can_run_twice(self._graph.layers[i]) for i in behind_data
        )
        self._prefix: PaddedPrefix | PlainPrefix | None = None
        self._prefix_is_for: list[Shape] | None = None

    def applies(self) -> bool:
        """Whether the next iteration may run like this.

        Its layers can run again, no parameter is shared, and none that a script looks at.
        """
        params = [blob for layer in self._graph.layers for blob in layer.blobs]
        return (
            not self._layerwise.is_watched()
            and all(blob in self._places and not _is_held(blob) for blob in params)
            and (self._runs_twice if recompute() else self._runs_once)
        )

    def discard(self) -> None:
        """The next iteration is one of these too: nobody can read what the last has freed."""
        if self._replay:
            self._replay.discard()

    def materialize(self) -> None:
        """Someone may read in the next iteration what the last has freed."""
        if self._replay:
            self._replay.compute()

    def run(self, update: Update, fused: Fused | None) -> float:
        """Forward, backward and the update of every parameter; returns the loss.

        `fused` updates weights whose gradient is better not formed (fc6), if the solver can.
        """
        self._replay = replay = Replay(self._graph, self._read)
        held = {name for name, blob in self._graph.blobs.items() if _is_held(blob)}
        self._kept = self._in_one_memory_with(self._shown | self._read | held)
        try:
            loss = sum(self._run_source(replay, i) for i in range(self._layerwise.sources))
            with self._layerwise.threads():
                replay.threads = torch.get_num_threads()
                behind, prefix, again = self._forward_pass(replay, update)
                self._backward_pass(replay, prefix, again, update, fused)
        finally:
            replay.end(self._graph, self._history)
        return loss + behind

    def _run_source(self, replay: Replay, i: int) -> float:
        """Run layer i, which has no bottoms; returns what it adds to the loss."""
        loss = self._layerwise.forward_layer(i)
        for name in self._graph.tops[i]:
            replay.starts_from(name, "data", self._graph.blobs[name])
        return loss

    def _forward_pass(
        self, replay: Replay, update: Update
    ) -> tuple[float, PlainRun | PrefixRun | None, dict[int, range]]:
        """The loss, the prefix if one has run, and the segments to compute again, by their ends.

        The layers in front, which give the data, have run.
        """
        graph = self._graph
        loss, prefix, again = 0.0, None, {}
        for i in range(self._layerwise.sources, len(graph.layers)):
            if i == len(self._front):
                prefix = self._run_prefix(replay, update)
                done = {*self._data, *(prefix.prefix.layers if prefix else ())}
                again = {s[-1]: s for s in segments(graph, done)} if recompute() else {}
            if not graph.bottoms[i]:
                loss += self._run_source(replay, i)
            elif not (prefix and i in prefix.prefix.layers):
                with replay.running(i):
                    loss += layer_pass.forward(self._layerwise, i)
            if i in again:
                self._free_data(replay, inside(graph, self._root, again[i]))
                for j in again[i]:
                    graph.layers[j].record = None
        if recompute() and not self._told:
            self._tell_price(again.values(), prefix)
        return loss, prefix, again

    def _backward_pass(
        self,
        replay: Replay,
        prefix: PlainRun | PrefixRun | None,
        again: dict[int, range],
        update: Update,
        fused: Fused | None,
    ) -> None:
        graph = self._graph
        for name, blob in graph.blobs.items():
            if name not in self._computed and not blob._diff.untouched:
                replay.starts_from(name, "diff", blob)
        for i in reversed(range(len(graph.layers))):
            if prefix and i == prefix.prefix.layers[-1]:
                prefix.backward(self._diffs_of(prefix))
            elif not (prefix and i in prefix.prefix.layers):
                if i in again and learns(graph, again[i]):
                    for j in again[i][:-1]:
                        layer_pass.forward(self._layerwise, j)
                places = [self._places[blob] for blob in graph.layers[i].blobs]
                layer_pass.backward(self._layerwise, i, places, update, fused)
            self._free_tops(replay, i)
        replay.backward_done = True

    # The prefix.

    def _run_prefix(self, replay: Replay, update: Update) -> PlainRun | PrefixRun | None:
        """Run the net's prefix, if it has one and nobody looks inside."""
        graph = self._graph
        prefix = self._prefix_now() if current_precision() != "bf16" else None
        if prefix is None or (isinstance(prefix, PlainPrefix) and recompute()):
            return None
        made = {name for i in prefix.layers for name in graph.tops[i]}
        if any(name in self._read or _is_held(graph.blobs[name]) for name in made):
            return None
        sources = {n: graph.blobs[n].data_tensor() for i in self._front for n in graph.tops[i]}

        def learn(blob: Blob) -> None:
            update(self._places[blob])

        run: PlainRun | PrefixRun
        if isinstance(prefix, PlainPrefix):
            run = PlainRun(prefix, sources, learn)
        else:
            run = PrefixRun(prefix, sources, recompute(), learn)
        for name, x in run.outputs.items():
            graph.blobs[name]._data.assign(x.detach())
        for i in prefix.layers:
            if graph.layers[i].is_split:
                graph.layers[i].forward(graph.bottom(i), graph.top(i))
        replay.ran.extend(prefix.layers)
        self._kept |= self._in_one_memory_with(run.outputs)
        self._free_data(replay, made)
        return run

    def _prefix_now(self) -> PaddedPrefix | PlainPrefix | None:
        """The prefix for the shapes that the layers in front have given their tops."""
        graph = self._graph
        if self._prefix_is_for != _shapes(graph):
            if not self._layerwise.shapes_follow(len(self._front)):
                return None
            self._prefix = padded_prefix(graph, self._front) or plain_prefix(graph, self._front)
            self._prefix_is_for = _shapes(graph)
        return self._prefix

    def _diffs_of(self, prefix: PlainRun | PrefixRun) -> dict[str, torch.Tensor]:
        """The diffs of a prefix's outputs, by all names that others have read them by."""
        names = [name for names in prefix.prefix.outputs.values() for name in names]
        blobs = {name: self._graph.blobs[name] for name in names}
        return {n: blob.diff_tensor() for n, blob in blobs.items() if not blob._diff.untouched}

    # What is freed.

    def _free_data(self, replay: Replay, names: Iterable[str]) -> None:
        for name in set(names) - self._kept:
            replay.free(name, "data", self._graph.blobs[name])

    def _free_tops(self, replay: Replay, i: int) -> None:
        """Free what layer i has made, and its diff: backward is done with it."""
        graph = self._graph
        if not graph.layers[i].draws:  # a backward pass of the script's takes the same draws
            graph.layers[i].record = None
        below = {memory for blob in graph.bottom(i) for memory in (blob._data, blob._diff)}
        for name in graph.tops[i]:
            blob = graph.blobs[name]
            if blob._data not in below:
                self._free_data(replay, [name])
            if blob._diff not in below and name in self._computed and not self._keeps_diff(name):
                replay.free(name, "diff", blob)

    def _keeps_diff(self, name: str) -> bool:
        return name in self._read or self._graph.blobs[name]._diff.held is not None

    def _in_one_memory_with(self, names: Iterable[str]) -> set[str]:
        """These blobs, and those that show the same memory under other names."""
        memories = {self._root[name] for name in names}
        return {name for name, root in self._root.items() if root in memories}

    def _tell_price(self, segments: Iterable[range], prefix: PlainRun | PrefixRun | None) -> None:
        self._told = True
        shares = prefix.prefix.shares() if isinstance(prefix, PrefixRun) else {}
        again, total = multiply_adds_again(self._graph, segments, shares)
        LOGGER.info(
            "Activations are computed twice: %.1f G multiply-adds an iteration more than %.1f G",
            *(again / 1e9, total / 1e9),
        )


def _can_run_twice(layer: LayerType) -> bool:
    """Whether layers that are recomputed, from what is there by then, can have it among them."""
    return is_function(layer) and leaves_what_backward_needs(layer)


def _can_run_once(graph: Graph, i: int) -> bool:
    layer = graph.layers[i]
    return is_repeatable(layer) and (
        leaves_what_backward_needs(layer) or not _is_read_again(graph, i)
    )


def _is_read_again(graph: Graph, i: int) -> bool:
    """Whether a layer in place before layer i goes by what is there when it runs backward."""
    return any(
        graph.tops[j] == graph.bottoms[j] == graph.bottoms[i] and graph.layers[j].rereads_bottoms
        for j in range(i)
    )


def _is_held(blob: Blob) -> bool:
    """Whether a script holds a numpy view of the blob."""
    return blob._data.held is not None or blob._diff.held is not None


def _shapes(graph: Graph) -> list[Shape]:
    return [blob.shape for blob in graph.blobs.values()]


def _shown(graph: Graph, data: list[int]) -> set[str]:
    """What a script or a log reads after a step: inputs, outputs and losses."""
    return {*graph.outputs, *losses(graph), *(name for i in data for name in graph.tops[i])}


def _computed_diffs(graph: Graph) -> set[str]:
    """The blobs whose diff the backward pass computes; other diffs are the script's, or losses'."""
    weighed = losses(graph)
    computed: set[str] = set()
    for i, layer in reversed(list(enumerate(graph.layers))):
        tops = set(graph.tops[i])
        # Where the bottom's diff is the top's own, it is computed if that one is.
        shared = layer.shares_data and not layer.is_split
        if not layer.need_backward or (shared and not tops <= computed - weighed):
            continue
        for name, down in zip(graph.bottoms[i], layer.propagate_down, strict=True):
            computed |= {name} - tops if down else set()
    return computed - weighed
