"""A training iteration that holds no more memory than it needs, where nobody looks in between.

Each parameter is updated as soon as its layer has run backward. What a layer left for backward, the
diff of its top and the activations between poolings go once they are used. With `set_recompute`
these activations go in the forward pass already, and backward computes them again. A script that
reads a blob after all finds what Caffe would show: the iteration is run again with the parameters
as they were, those of now plus the updates in their diffs; what was read is kept from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch

from . import mode
from .blob import Memory
from .build import Graph
from .cost import backward_multiply_adds, forward_multiply_adds
from .layer_types import LayerType
from .log import info
from .net import Net
from .plan import draws, front, is_function, leaves_what_backward_needs

Update = Callable[[int], None]  # of the parameter at this place in Graph.params
# The same by the layer's add_weight_gradient, from its bottom and its top's diff
Fused = Callable[[int, LayerType, torch.Tensor, torch.Tensor], None]
Segment = range  # of layers: those whose tops go, and the one that their last top ends in


class Iterations:
    """The iterations of one training net."""

    def __init__(self, net: Net) -> None:
        self._net = net
        self._graph = net._graph
        self._front = front(net._graph)
        self._owned = _owned(net._graph)
        self._read: set[str] = set()  # blobs that scripts have read: they are kept
        self._last: Rerun | None = None
        self._told = False  # the price of set_recompute

    def applies(self) -> bool:
        """Whether the next iteration may run like this: functions only, no parameter shared."""
        return (
            self._owned is not None
            and not self._net._watched()
            and all(
                i in self._front or (is_function(layer) and leaves_what_backward_needs(layer))
                for i, layer in enumerate(self._graph.layers)
            )
        )

    def forget(self) -> None:
        """The next iteration begins: nobody can read what the last one has let go of."""
        if self._last:
            self._last.forget()

    def run(self, update: Update, fused: Fused | None) -> float:
        """Forward, backward and the update of every parameter; returns the loss.

        `fused` updates weights whose gradient is better not formed (fc6), if the solver can.
        """
        layers = range(len(self._graph.layers))
        self._last = rerun = Rerun(self._graph, self._read)
        loss = 0.0
        ends: dict[int, Segment] = {}
        begun = 0
        for i in layers:
            loss += self._forward(i)
            if i in self._front or draws(self._graph.layers[i]) or self._made_before(i, begun):
                begun = i + 1
            elif self._shrinks(i):
                ends[i] = range(begun, i + 1)
                begun = i + 1
                if mode.recompute():
                    rerun.let_go(ends[i])
        if mode.recompute() and not self._told:
            self._tell_price(ends.values())
        starts = {segment[0]: segment for segment in ends.values()}
        for i in reversed(layers):
            if i in ends and mode.recompute():
                rerun.forward(ends[i])
            self._backward(i, update, fused)
            rerun.used(i)
            if i in starts:
                rerun.let_go(starts[i])
        rerun.end()
        return loss

    def _made_before(self, i: int, begun: int) -> bool:
        """Whether layer i runs in place on a blob of before: to run it again would be wrong."""
        bottoms, tops = self._graph.bottoms[i], self._graph.tops
        return bottoms == tops[i] and any(bottoms[0] in made for made in tops[:begun])

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
            layer.type == "ReLU"
            and not layer.spec.relu_param.negative_slope
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
        fuses = fused and layer.param_propagate_down[:1] == [True] and _is_product(layer)
        if fuses:
            with _without_gradient(layer, [0]):
                self._net._backward_layer(i)
            (bottom,), (top,) = self._graph.bottom(i), self._graph.top(i)
            fused(places[0], layer, bottom.data_tensor(), top.diff_tensor())
        else:
            self._net._backward_layer(i)
        for place in places[bool(fuses) :]:
            update(place)

    def _shrinks(self, i: int) -> bool:
        """Whether the top is at most half as large as the bottom: a pooling, mostly."""
        bottoms, tops = self._graph.bottom(i), self._graph.top(i)
        return sum(blob.count for blob in tops) <= max(blob.count for blob in bottoms) / 2


class Rerun:
    """What an iteration has let go of, and how to compute it again."""

    def __init__(self, graph: Graph, read: set[str]) -> None:
        self._graph = graph
        self._read = read
        self._readers = _readers(graph)
        self._gone: list[Memory] = []
        self._kept: dict[Memory, torch.Tensor] = {}  # values that have changed since
        self._segments: dict[int, Segment] = {}

    # While the iteration runs.

    def let_go(self, segment: Segment) -> None:
        """Drop what was computed inside, but for what is read elsewhere too."""
        graph = self._graph
        self._segments[segment[0]] = segment
        for i in segment:
            graph.layers[i].record = None
            for name in graph.tops[i] if i != segment[-1] else ():
                if self._readers[name] <= set(segment):
                    self._defer(name, graph.blobs[name]._data)

    def forward(self, segment: Segment) -> None:
        """Compute it again; the last layer's top is still there."""
        graph = self._graph
        for i in segment[:-1]:
            graph.layers[i].forward(graph.bottom(i), graph.top(i))

    def used(self, i: int) -> None:
        """Drop what only the backward pass of layer i needed."""
        graph, layer = self._graph, self._graph.layers[i]
        if not draws(layer):
            layer.record = None
        others = [blob._diff for blob in graph.bottom(i)]
        for name, weight in zip(graph.tops[i], graph.loss_weights[i], strict=True):
            diff = graph.blobs[name]._diff
            if not weight and diff not in others and not diff.untouched:
                self._defer(name, diff)

    def _defer(self, name: str, memory: Memory) -> None:
        if memory.held is None and name not in self._read:
            memory.defer(self)
            self._gone.append(memory)

    def end(self) -> None:
        """From now on, keep what it takes to compute what has gone, if that changes."""
        graph = self._graph
        for blob in [*graph.blobs.values(), *(param.blob for param in graph.params)]:
            blob._data.depends(self)
            blob._diff.depends(self)

    def forget(self) -> None:
        """Give up what has gone."""
        gone, self._gone = self._gone, []
        for memory in gone:
            if memory.is_deferred(self):
                memory.clear()

    # When someone reads.

    def before_change(self, memory: Memory) -> None:
        """Keep the values of now, if they will be needed."""
        if self._gone and not memory.untouched and not memory.is_deferred(self):
            self._kept[memory] = memory.copy()

    def compute(self, reader: Memory) -> None:
        """Run the iteration again, in other memory: activations in order, then diffs backwards."""
        graph = self._graph
        then: dict[Memory, Memory] = {}
        blobs = list(graph.blobs.values())
        now = [(blob._data, blob._diff) for blob in blobs]
        self._read |= {name for name, pair in zip(graph.blobs, now, strict=True) if reader in pair}
        for memory in {memory for pair in now for memory in pair}:
            then[memory] = memory.stand_in(self._kept.get(memory))
        try:
            for blob, (data, diff) in zip(blobs, now, strict=True):
                blob._data, blob._diff = then[data], then[diff]
            for segment in sorted(self._segments.values(), key=min):
                for i in segment[:-1]:
                    with self._as_it_was(graph.layers[i]):
                        graph.layers[i].forward(graph.bottom(i), graph.top(i))
            for i, layer in reversed(list(enumerate(graph.layers))):
                if layer.need_backward:
                    with self._as_it_was(layer):
                        layer.backward(graph.top(i), layer.propagate_down, graph.bottom(i))
        finally:
            for blob, (data, diff) in zip(blobs, now, strict=True):
                blob._data, blob._diff = data, diff
        for memory in self._gone:
            if memory.is_deferred(self):
                memory.take(then[memory])
        self._gone, self._kept = [], {}

    @contextmanager
    def _as_it_was(self, layer: LayerType) -> Iterator[None]:
        """The layer with the parameters of before its update, and without gradients for them."""
        now = [blob._data for blob in layer.blobs]
        record = layer.record
        for blob in layer.blobs:
            data, diff = (self._kept.get(memory) for memory in (blob._data, blob._diff))
            data = blob.data_tensor() if data is None else data
            if not blob._diff.untouched or diff is not None:
                data = data + (blob.diff_tensor() if diff is None else diff)
            blob._data = blob._data.stand_in(data)
        try:
            with _without_gradient(layer, range(len(now))):
                yield
        finally:
            layer.record = record if draws(layer) else None
            for blob, memory in zip(layer.blobs, now, strict=True):
                blob._data = memory


@contextmanager
def _without_gradient(layer: LayerType, params: Iterable[int]) -> Iterator[None]:
    wanted = layer.param_propagate_down
    layer.param_propagate_down = [w and i not in params for i, w in enumerate(wanted)]
    try:
        yield
    finally:
        layer.param_propagate_down = wanted


def _is_product(layer: LayerType) -> bool:
    return (
        layer.type == "Convolution"
        and len(layer.spec.bottom) == 1
        and layer.channel_axis == 1
        and layer.is_product(layer.blobs[0].data_tensor())
    )


def _owned(graph: Graph) -> list[list[int]] | None:
    """For each layer the places of its parameters; None where two layers share one."""
    places = {id(param.blob): k for k, param in enumerate(graph.params)}
    if any(id(blob) not in places for layer in graph.layers for blob in layer.blobs):
        return None
    return [[places[id(blob)] for blob in layer.blobs] for layer in graph.layers]


def _readers(graph: Graph) -> dict[str, set[int]]:
    """The layers that read each blob; -1 stands for those who read outputs and losses."""
    readers: dict[str, set[int]] = {name: set() for name in graph.blobs}
    for i, (bottoms, tops) in enumerate(zip(graph.bottoms, graph.tops, strict=True)):
        for name in bottoms:
            readers[name].add(i)
        for name, weight in zip(tops, graph.loss_weights[i], strict=True):
            readers[name] |= {-1} if weight else set()
    for name in graph.outputs:
        readers[name].add(-1)
    return readers
