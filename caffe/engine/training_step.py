"""A training iteration that holds no more memory than it needs, where nobody looks in between.

The front of the net runs as a trunk (trunk.py): where its image does not reach, once for many
places. Each parameter is updated as soon as its layer has run backward. What a layer left for
backward, the diff of its top and the activations between poolings go once they are used. With
`set_recompute` these activations go in the forward pass already, and backward computes them again.
A script that reads a blob after all finds what Caffe would show: the iteration is run again with
the parameters as they were, those of now plus the updates in their diffs; what was read is kept
from then on. Two things are gone: the values behind the shape of a blob that became smaller, which
are zeros then; and what a layer's forward pass left for backward. A backward pass that follows
without a forward pass finds where a maximum was in the bottoms as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch

from ..core.blob import Blob
from ..core.errors import CaffeError
from ..core.log import info
from ..core.precision import current_precision
from ..graph.build import Graph
from ..graph.flops import backward_multiply_adds, forward_multiply_adds
from ..layer_types import LayerType
from ..layer_types.base import Shape
from ..net import Net
from .padded_prefix import Trunk, TrunkRun, trunk
from .remat import Rerun, Segment, recompute, without_gradient
from .schedule import draws, front, is_function, is_plain_relu, leaves_what_backward_needs, roots

Update = Callable[[int], None]  # of the parameter at this place in Graph.params
# The same by the layer's add_weight_gradient, from its bottom and its top's diff
Fused = Callable[[int, LayerType, torch.Tensor, torch.Tensor], None]


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
        self._trunk: Trunk | None = None
        self._trunk_is_for: list[Shape] | None = None

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
            loss, ends, run = self._forward_pass(rerun)
            self._backward_pass(rerun, ends, run, update, fused)
        finally:
            rerun.end(self._graph, self._history)
        return loss

    def _forward_pass(self, rerun: Rerun) -> tuple[float, dict[int, Segment], TrunkRun | None]:
        layers = self._graph.layers
        loss = 0.0
        ends: dict[int, Segment] = {}
        begun = 0
        run = None
        for i, layer in enumerate(layers):
            if self._front == list(range(i)):
                run = self._run_trunk(rerun)
            if run and i in run.trunk.layers:
                begun = i + 1
                continue
            loss += self._forward(i)
            if i in self._front or draws(layer) or self._replaces(i, begun):
                begun = i + 1
            elif self._shrinks(i):
                ends[i] = range(begun, i + 1)
                begun = i + 1
                if recompute():
                    self._let_go(ends[i], rerun)
                    rerun.segments.add(ends[i])
        if recompute() and not self._told:
            self._tell_price(ends.values(), run)
        return loss, ends, run

    def _backward_pass(
        self,
        rerun: Rerun,
        ends: dict[int, Segment],
        run: TrunkRun | None,
        update: Update,
        fused: Fused | None,
    ) -> None:
        starts = {segment[0]: segment for segment in ends.values()}
        for i in reversed(range(len(self._graph.layers))):
            if run and i in run.trunk.layers:
                if i == run.trunk.layers[-1]:
                    self._run_trunk_backward(run, rerun, update)
                continue
            if i in ends and recompute() and self._learns(ends[i]):
                self._compute_again(ends[i])
            self._backward(i, update, fused)
            self._used(i, rerun)
            if i in starts:
                self._let_go(starts[i], rerun)
                rerun.segments.add(starts[i])
        rerun.backward_too = True

    def _run_trunk(self, rerun: Rerun) -> TrunkRun | None:
        """Run the net's trunk, if it has one and nobody looks inside; Splits have tops to show."""
        graph = self._graph
        if current_precision() == "bf16":
            return None
        shapes = [blob.shape for blob in graph.blobs.values()]
        if self._trunk_is_for != shapes:
            try:
                for i in range(len(self._front), len(graph.layers)):
                    graph.layers[i].reshape(graph.bottom(i), graph.top(i))
            except CaffeError:  # that layer raises it again, when those before it have run
                return None
            shapes = [blob.shape for blob in graph.blobs.values()]
            self._trunk, self._trunk_is_for = trunk(graph, self._front), shapes
        if not self._trunk:
            return None
        layers = self._trunk.layers
        if any(self._is_kept(name) for i in layers for name in graph.tops[i]):
            return None
        sources = {n: graph.blobs[n].data_tensor() for i in self._front for n in graph.tops[i]}
        run = TrunkRun(self._trunk, sources, recompute())
        for name, x in run.outputs.items():
            graph.blobs[name]._data.assign(x)
        for i in layers:
            if graph.layers[i].type == "Split":
                graph.layers[i].forward(graph.bottom(i), graph.top(i))
        self._let_go(layers, rerun)
        rerun.segments.add(range(layers.start, layers.stop + 1))
        return run

    def _run_trunk_backward(self, run: TrunkRun, rerun: Rerun, update: Update) -> None:
        graph, layers = self._graph, run.trunk.layers
        diffs: dict[str, torch.Tensor] = {}
        for root, names in run.trunk.outputs.items():
            for blob in map(graph.blobs.get, names):
                if not blob._diff.untouched:
                    diff = blob.diff_tensor()
                    diffs[root] = diffs[root] + diff if root in diffs else diff
        gradients = run.backward(diffs)
        for i in reversed(layers):
            layer = graph.layers[i]
            for blob, gradient in zip(layer.blobs, gradients.get(layer, ()), strict=False):
                if gradient is not None:
                    blob._diff.accumulate(gradient)
            for place in self._owned[i]:
                update(place)
            self._used(i, rerun)

    def _tell_price(self, segments: Iterable[Segment], run: TrunkRun | None) -> None:
        graph, self._told = self._graph, True
        twice = {
            i
            for s in filter(self._learns, segments)
            for i in s
            if i < s[-1] or graph.layers[i].need_backward
        }
        shares = run.trunk.shares() if run else {}
        total, again = 0.0, 0.0
        for i, layer in enumerate(graph.layers):
            bottom, top = graph.bottom(i), graph.top(i)
            forward = forward_multiply_adds(layer, bottom, top)
            backward = backward_multiply_adds(layer, bottom, top)
            once, more = shares.get(layer, (1, i in twice))
            total += (forward + backward) * once
            again += forward * more
        info(
            "frugal.cpp:0",
            "Activations are computed twice: %.1f G multiply-adds an iteration more than %.1f G",
            *(again / 1e9, total / 1e9),
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
            and current_precision() != "bf16"
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
            with without_gradient(layer, [0]):
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

    def _let_go(self, segment: range, rerun: Rerun) -> None:
        """Drop what was computed inside and nobody needs outside."""
        graph = self._graph
        for i in segment:
            graph.layers[i].record = None
            for name in graph.tops[i]:
                names = self._sharing[self._root[name]]
                inside = set().union(*(self._users[n] for n in names)) <= set(segment)
                if inside and not any(map(self._is_kept, names)):
                    rerun.let_go(graph.blobs[name]._data)

    def _is_kept(self, name: str) -> bool:
        blob = self._graph.blobs[name]
        held = blob._data.held is not None or blob._diff.held is not None
        return name in self._read or held

    def _learns(self, segment: Segment) -> bool:
        return any(self._graph.layers[i].need_backward for i in segment)

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
    computed: set[str] = set()
    for i, layer in reversed(list(enumerate(graph.layers))):
        tops = set(graph.tops[i])
        # Where the bottom's diff is the top's own, it is computed if that one is.
        shared = layer.shares_data and layer.type != "Split"
        if not layer.need_backward or (shared and not tops <= computed - losses):
            continue
        for name, down in zip(graph.bottoms[i], layer.propagate_down, strict=True):
            computed |= {name} - tops if down else set()
    return computed - losses
