"""A training iteration that holds no more memory than it needs, where nobody looks in between.

Each parameter is updated as soon as its layer has run backward. What a layer left for backward, the
diff of its top and the activations between poolings go once they are used. With `set_recompute`
these activations go in the forward pass already, and backward computes them again. A script that
reads a blob after all finds what Caffe would show: the iteration is run again with the parameters
as they were, those of now plus the updates in their diffs; what was read is kept from then on.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch

from . import mode
from .blob import Blob, Memory
from .build import Graph
from .cost import backward_multiply_adds, forward_multiply_adds
from .layer_types import LayerType
from .layer_types.base import Shape
from .log import info
from .net import Net
from .run import Record
from .steps import (
    draws,
    front,
    is_function,
    is_plain_relu,
    leaves_what_backward_needs,
    roots,
)

Update = Callable[[int], None]  # of the parameter at this place in Graph.params
# The same by the layer's add_weight_gradient, from its bottom and its top's diff
Fused = Callable[[int, LayerType, torch.Tensor, torch.Tensor], None]
Segment = range  # of layers: those whose tops go, and the one that their last top ends in


class Iterations:
    """The iterations of one training net."""

    def __init__(self, net: Net, history: Sequence[Blob]) -> None:
        self._net = net
        self._history = history
        self._graph = net._graph
        self._front = front(net._graph)
        self._owned = _owned(net._graph)
        self._root = roots(net._graph)
        self._sharing = {  # the blobs in one memory: what is written to one is to show in all
            root: [name for name in self._root if self._root[name] == root] for root in self._root
        }
        self._users = _users(net._graph)
        self._computed = _computed_diffs(net._graph)
        self._read: set[str] = set()  # blobs that scripts have read: they are kept
        self._last: Rerun | None = None
        self._told = False  # the price of set_recompute

    def applies(self) -> bool:
        """Whether the next iteration may run like this.

        Functions only, no parameter shared, and none that a script looks at.
        """
        layers = self._graph.layers
        return (
            self._owned is not None
            and not self._net._watched()
            and all(
                not layer.blobs
                if i in self._front
                else is_function(layer) and leaves_what_backward_needs(layer)
                for i, layer in enumerate(layers)
            )
            and not any(
                blob._data.held is not None or blob._diff.held is not None
                for layer in layers
                for blob in layer.blobs
            )
        )

    def forget(self) -> None:
        """The next iteration is one of these too: nobody can read what the last has let go of."""
        if self._last:
            self._last.forget()

    def give_up(self) -> None:
        """Someone may read it in the next iteration."""
        if self._last:
            self._last.compute()

    def run(self, update: Update, fused: Fused | None) -> float:
        """Forward, backward and the update of every parameter; returns the loss.

        `fused` updates weights whose gradient is better not formed (fc6), if the solver can.
        """
        self._last = rerun = Rerun(self._graph, self._read)
        try:
            loss, ends = self._forward_pass(rerun)
            self._backward_pass(rerun, ends, update, fused)
        finally:
            rerun.end(self._graph, self._history)
        return loss

    def _forward_pass(self, rerun: Rerun) -> tuple[float, dict[int, Segment]]:
        layers = self._graph.layers
        loss = 0.0
        ends: dict[int, Segment] = {}
        begun = 0
        for i, layer in enumerate(layers):
            loss += self._forward(i)
            if i in self._front or draws(layer) or self._replaces(i, begun):
                begun = i + 1
            elif self._shrinks(i):
                ends[i] = range(begun, i + 1)
                begun = i + 1
                if mode.recompute():
                    self._let_go(ends[i], rerun)
        if mode.recompute() and not self._told:
            self._tell_price(ends.values())
        return loss, ends

    def _backward_pass(
        self, rerun: Rerun, ends: dict[int, Segment], update: Update, fused: Fused | None
    ) -> None:
        starts = {segment[0]: segment for segment in ends.values()}
        for i in reversed(range(len(self._graph.layers))):
            if i in ends and mode.recompute():
                self._compute_again(ends[i])
            self._backward(i, update, fused)
            self._used(i, rerun)
            if i in starts:
                self._let_go(starts[i], rerun)
        rerun.backward_too = True

    def _tell_price(self, segments: Iterable[Segment]) -> None:
        graph, self._told = self._graph, True
        twice = {i for segment in segments for i in segment[:-1]}
        once, again = 0, 0
        for i, layer in enumerate(graph.layers):
            bottom, top = graph.bottom(i), graph.top(i)
            forward = forward_multiply_adds(layer, bottom, top)
            once += forward + backward_multiply_adds(layer, bottom, top)
            again += forward * (i in twice)
        info(
            "frugal.cpp:0",
            "Activations are computed twice: %.1f G multiply-adds an iteration more than %.1f G",
            *(again / 1e9, once / 1e9),
        )

    def _forward(self, i: int) -> float:
        layer = self._graph.layers[i]
        if not self._in_place(i):
            return self._net._forward_layer(i)
        layer.record = None
        blob = self._graph.blobs[self._graph.tops[i][0]]
        blob._data.own(blob.shape).relu_()
        return 0.0

    def _in_place(self, i: int) -> bool:
        """Whether this is the ReLU of a Convolution, which needs its top for nothing later."""
        layer, before = self._graph.layers[i], self._graph.layers[max(i - 1, 0)]
        return (
            is_plain_relu(layer)
            and layer.need_backward
            and self._graph.bottoms[i] == self._graph.tops[i] == self._graph.tops[i - 1]
            and before.type == "Convolution"
            and not any(self._graph.loss_weights[i])
            and mode.precision() != "bf16"
        )

    def _backward(self, i: int, update: Update, fused: Fused | None) -> None:
        """Layer i's backward pass and its parameters' updates."""
        layer, places = self._graph.layers[i], self._owned[i]
        if self._in_place(i) and layer.record is None:
            blob = self._graph.blobs[self._graph.tops[i][0]]
            diff = blob._diff.own(blob.shape)
            backward = torch.ops.aten.threshold_backward
            backward.grad_input(diff, blob.data_tensor(), 0, grad_input=diff)
            return
        fuses = fused and layer.param_propagate_down[:1] == [True] and self._is_product(i)
        if fuses:
            with _without_gradient(layer, [0]):
                self._net._backward_layer(i)
            (bottom,), (top,) = self._graph.bottom(i), self._graph.top(i)
            fused(places[0], layer, bottom.data_tensor(), top.diff_tensor())
        else:
            self._net._backward_layer(i)
        for place in places[bool(fuses) :]:
            update(place)

    def _is_product(self, i: int) -> bool:
        layer, bottom = self._graph.layers[i], self._graph.bottom(i)
        return (
            layer.type == "Convolution"
            and layer.need_backward
            and len(bottom) == 1
            and layer.channel_axis == 1
            and layer.fits(bottom[0].shape[2:])
            and layer.is_product(layer.blobs[0].data_tensor())
        )

    def _replaces(self, i: int, begun: int) -> bool:
        """Whether layer i works in place on what was there before layer `begun`."""
        tops = set(self._graph.tops[i]) & set(self._graph.bottoms[i])
        return bool(tops) and not tops & {n for names in self._graph.tops[begun:i] for n in names}

    def _shrinks(self, i: int) -> bool:
        """Whether the top is at most half as large as the bottom: a pooling, mostly."""
        bottoms, tops = self._graph.bottom(i), self._graph.top(i)
        return sum(blob.count for blob in tops) <= max(blob.count for blob in bottoms) / 2

    def _let_go(self, segment: Segment, rerun: Rerun) -> None:
        """Drop what was computed inside and nobody needs outside."""
        graph = self._graph
        rerun.segments.add(segment)
        for i in segment:
            graph.layers[i].record = None
            for name in graph.tops[i]:
                names = self._sharing[self._root[name]]
                inside = set().union(*(self._users[n] for n in names)) <= set(segment)
                if inside and not any(map(self._is_kept, names)):
                    rerun.let_go(graph.blobs[name]._data)

    def _is_kept(self, name: str) -> bool:
        return name in self._read or self._graph.blobs[name]._data.held is not None

    def _compute_again(self, segment: Segment) -> None:
        """The last layer's top is still there."""
        graph = self._graph
        for i in segment[:-1]:
            graph.layers[i].forward(graph.bottom(i), graph.top(i))

    def _used(self, i: int, rerun: Rerun) -> None:
        """Drop what only the backward pass of layer i needed."""
        graph, layer = self._graph, self._graph.layers[i]
        if not draws(layer):
            layer.record = None
        others = [blob._diff for blob in graph.bottom(i)]
        for name in graph.tops[i]:
            diff = graph.blobs[name]._diff
            unread = diff.held is None and name not in self._read
            if name in self._computed and diff not in others and unread:
                rerun.let_go(diff)


class Gone:
    """A memory that was let go of."""

    def __init__(self, memory: Memory) -> None:
        self.memory = weakref.ref(memory)


class State(NamedTuple):
    """A blob at the end of an iteration."""

    shape: Shape
    data: Memory | Gone
    diff: Memory | Gone


class Rerun:
    """What an iteration has let go of, and how to compute it again.

    The memories that wait for it refer to this, and this to them weakly and to no net: a solver
    that is dropped is gone at once.
    """

    def __init__(self, graph: Graph, read: set[str]) -> None:
        self.segments: set[Segment] = set()  # whose activations were let go of
        self.backward_too = False  # the backward pass is complete
        self._steps = list(zip(graph.layers, graph.bottoms, graph.tops, strict=True))
        self._read = read
        self._let_go: set[Memory] = set()  # while the iteration runs
        self._gone: list[Gone] = []  # from then on
        self._kept: dict[Memory, Memory] = {}  # copies of those that have changed since
        self._states: dict[str, State] = {}
        self._params: dict[Blob, State] = {}
        self._records: dict[LayerType, Record | None] = {}  # of those that draw

    def let_go(self, memory: Memory) -> None:
        memory.defer(self)
        self._let_go.add(memory)

    def end(self, graph: Graph, history: Sequence[Blob]) -> None:
        """From now on, keep what it takes to compute what has gone, if that changes."""
        gone = {memory: Gone(memory) for memory in self._let_go if memory.is_deferred(self)}

        def state(blob: Blob) -> State:
            return State(blob.shape, *(gone.get(m, m) for m in (blob._data, blob._diff)))

        self._let_go, self._gone = set(), list(gone.values())
        self._records = {layer: layer.record for layer in graph.layers if draws(layer)}
        self._states = {name: state(blob) for name, blob in graph.blobs.items()}
        self._params = {blob: state(blob) for layer in graph.layers for blob in layer.blobs}
        for memory in [*self._needed(), *(blob._data for blob in history)]:
            memory.depends(self)
            if memory.held is not None:  # a script may write there, and nobody is told
                self.before_change(memory)

    def _needed(self) -> Iterator[Memory]:
        for state in (*self._states.values(), *self._params.values()):
            yield from (there for there in state[1:] if isinstance(there, Memory))

    def forget(self) -> None:
        """Give up what has gone."""
        gone, self._gone = self._gone, []
        for there in gone:
            if (memory := there.memory()) is not None and memory.is_deferred(self):
                memory.clear()

    # When someone reads.

    def before_change(self, memory: Memory) -> None:
        """Keep the values of now, if they will be needed; the history may show in a diff."""
        for other in self._needed() if self._gone else ():
            if other not in self._kept and other.shows(memory):
                self._kept[other] = other.copy()

    def compute(self, reader: Memory | None = None) -> None:
        """Run the iteration again, in other memory: activations in order, then diffs backwards."""
        if not self._gone:
            return
        then = {
            there: self._as_it_was(there) for state in self._states.values() for there in state[1:]
        }
        if reader is not None:
            asked = {there for there in self._gone if there.memory() is reader}
            self._read |= {name for name, state in self._states.items() if asked & {*state[1:]}}
        blobs = {name: Blob(state.shape) for name, state in self._states.items()}
        for name, state in self._states.items():
            blobs[name]._data, blobs[name]._diff = then[state.data], then[state.diff]
        steps = [
            (layer, [blobs[name] for name in tops], [blobs[name] for name in bottoms])
            for layer, bottoms, tops in self._steps
        ]
        for segment in sorted(self.segments, key=min):
            for layer, top, bottom in steps[segment.start : segment.stop - 1]:
                with self._before_its_update(layer):
                    layer.forward(bottom, top)
        for layer, top, bottom in reversed(steps if self.backward_too else []):
            if layer.need_backward and bottom:
                with self._before_its_update(layer):
                    layer.backward(top, layer.propagate_down, bottom)
        gone, self._gone, self._kept = self._gone, [], {}
        for there in gone:
            if (memory := there.memory()) is not None and memory.is_deferred(self):
                memory.take(then[there])

    def _as_it_was(self, there: Memory | Gone) -> Memory:
        """A stand-in for a memory, with what it held at the end of the iteration."""
        return self._kept.get(there, there).stand_in() if isinstance(there, Memory) else Memory()

    @contextmanager
    def _before_its_update(self, layer: LayerType) -> Iterator[None]:
        """The layer with its parameters and its draws as in the iteration; no gradients by them."""
        now, record = [(blob.shape, blob._data) for blob in layer.blobs], layer.record
        layer.record = self._records.get(layer)
        for blob in layer.blobs:
            blob._shape, *memories = self._params[blob]
            blob._data, update = map(self._as_it_was, memories)
            if not update.untouched:
                blob._data.assign(blob.data_tensor() + update.tensor(blob.shape))
        try:
            with _without_gradient(layer, range(len(now))):
                yield
        finally:
            layer.record = record
            for blob, (shape, memory) in zip(layer.blobs, now, strict=True):
                blob._shape, blob._data = shape, memory


@contextmanager
def _without_gradient(layer: LayerType, params: Iterable[int]) -> Iterator[None]:
    wanted = layer.param_propagate_down
    layer.param_propagate_down = [w and i not in params for i, w in enumerate(wanted)]
    try:
        yield
    finally:
        layer.param_propagate_down = wanted


def _owned(graph: Graph) -> list[list[int]] | None:
    """For each layer the places of its parameters; None where two layers share one."""
    places = {id(param.blob): k for k, param in enumerate(graph.params)}
    if any(id(blob) not in places for layer in graph.layers for blob in layer.blobs):
        return None
    return [[places[id(blob)] for blob in layer.blobs] for layer in graph.layers]


def _users(graph: Graph) -> dict[str, set[int]]:
    """The layers that make or read each blob; -1 stands for those who read outputs and losses."""
    users: dict[str, set[int]] = {name: set() for name in graph.blobs}
    for i, (bottoms, tops) in enumerate(zip(graph.bottoms, graph.tops, strict=True)):
        for name in (*bottoms, *tops):
            users[name].add(i)
        for name, weight in zip(tops, graph.loss_weights[i], strict=True):
            users[name] |= {-1} if weight else set()
    for name in graph.outputs:
        users[name].add(-1)
    return users


def _computed_diffs(graph: Graph) -> set[str]:
    """The blobs whose diff the backward pass computes; other diffs are the script's, or losses'."""
    weights = zip(graph.tops, graph.loss_weights, strict=True)
    losses = {name for pair in weights for name, weight in zip(*pair, strict=True) if weight}
    return {
        name
        for layer, bottoms, tops in zip(graph.layers, graph.bottoms, graph.tops, strict=True)
        for name, down in zip(bottoms, layer.propagate_down, strict=True)
        if layer.need_backward and down and name not in tops
    } - losses
