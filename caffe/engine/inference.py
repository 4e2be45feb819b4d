"""Where a net takes its fast path: a whole forward pass, in TEST, with nobody in between.

Such a pass runs a Plan and keeps the outputs and what scripts have read before. Every other blob is
let go of, and computed if someone reads it after all: from a copy of the pass's inputs, and before
any parameter changes; to look at a parameter counts as that, for numpy does not tell who writes.
Where a pass is of a smaller shape, what the one before it let go of stays to be computed, for the
values behind that shape. A net that runs backward needs its blobs, and what layers leave for
backward, and leaves the path.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable

import torch

from ..core.blob import Blob
from ..core.device import current_device
from ..core.precision import computing_in, current_precision
from ..core.synced_memory import Memory
from ..graph.build import Graph
from ..layer_types import LayerType, autocast, autograd
from ..layer_types.base import Shape
from ..layer_types.winograd import uses_winograd
from .plan import Blanks, Plan, can_plan
from .schedule import Tensors, evaluate, owned, source_layers, storage_of

LayerPass = Callable[[LayerType, list[torch.Tensor]], list[torch.Tensor]]  # its tops


class FastForward:
    """The fast path of one net."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._possible = can_plan(graph)
        self._sources = source_layers(graph)  # these layers run one by one
        self._behind = [i for i in range(len(graph.layers)) if i not in self._sources]
        self._steps = [(graph.layers[i], graph.bottoms[i], graph.tops[i]) for i in self._behind]
        self._storage = storage_of(graph)
        self._read: set[str] = set()  # what scripts have read, beside the outputs
        self._shapes: list[Shape] = []
        self._plan: Plan | None = None
        self._plan_is_for: tuple = (None, None)  # the blobs to keep, and what decides their values
        self._blanks: Blanks | None = None  # by the second of these; None: for one size alone
        self._pending: Pending | None = None
        self._waiting = Waiting()

    def applies(self) -> bool:
        """Whether the next pass over all layers may take it; no numpy view shows a parameter."""
        return self._possible and all(memory.held is None for memory in self._params())

    def give_up(self) -> None:
        """Keep every blob from now on, those of the last pass too, and what backward wants."""
        self._possible, self._plan, self._blanks = False, None, None
        if self._pending:
            self._pending.record()
            self._pending = None

    def forward(self, outputs: set[str]) -> None:
        """Run all layers; the blobs in `outputs` have their values then, others when read."""
        blobs = self._graph.blobs
        sources = self._run_sources()
        if self._shapes != self._shapes_now():
            for i in self._behind:
                self._graph.layers[i].reshape(self._graph.bottom(i), self._graph.top(i))
            if self._shapes and self._blanks is None:
                self._blanks = {}
            self._shapes, self._plan = self._shapes_now(), None
        for i in self._behind:
            if self._graph.layers[i].shares_data:
                self._graph.layers[i].reshape(self._graph.bottom(i), self._graph.top(i))
                self._graph.layers[i].forward(self._graph.bottom(i), self._graph.top(i))
        held = {name for name, blob in blobs.items() if blob._data.held is not None}
        kept = {self._storage[name] for name in outputs | self._read | held} - sources.keys()
        params = self._params()
        versions = [memory.version for memory in params]
        laid_out_for = torch.get_num_threads()
        how = (laid_out_for, current_device(), current_precision(), uses_winograd())
        computed_by = (params, versions, how)
        plan_is_for = (kept, computed_by)
        if self._plan is None or self._plan_is_for != plan_is_for:
            self._plan = None  # its memory is free before that of the next one is taken
            if self._blanks and self._plan_is_for[1] != computed_by:
                self._blanks.clear()
            self._plan = Plan(self._graph, self._sources, kept, self._blanks)
            self._plan_is_for = plan_is_for
        with torch.no_grad():
            values = owned(self._plan.run(sources), sources)
        for layer, *_ in self._steps:
            layer.record = None  # it is of another pass
        for name in kept:
            blobs[name]._data.assign(values[name].view(blobs[name].shape))
        if self._pending:
            self._pending.is_last = False
        waiting = {
            name: blobs[name] for name in set(self._storage.values()) - kept - sources.keys()
        }
        self._pending = Pending(self._steps, sources, waiting, self._read, self._waiting)
        self._waiting.add(self._pending, params)

    def _run_sources(self) -> Tensors:
        graph = self._graph
        sources: Tensors = {}
        for i in self._sources:
            graph.layers[i].reshape(graph.bottom(i), graph.top(i))
            graph.layers[i].forward(graph.bottom(i), graph.top(i))
            sources.update((name, graph.blobs[name].data_tensor()) for name in graph.tops[i])
        return sources

    def _params(self) -> list[Memory]:
        return [blob._data for layer in self._graph.layers for blob in layer._blobs]

    def _shapes_now(self) -> list[Shape]:
        return [blob.shape for blob in self._graph.blobs.values()]


class Waiting:
    """The passes of a net whose blobs are to be computed by the parameters as they are."""

    def __init__(self) -> None:
        self._pendings: weakref.WeakSet[Pending] = weakref.WeakSet()
        self._params: list[Memory] = []  # each tells this before it changes; [] once one has

    def add(self, pending: Pending, params: list[Memory]) -> None:
        """Remember a pass that was computed by these parameters."""
        self._pendings.add(pending)
        if self._params != params:
            self._params = params
            for memory in params:
                memory.depends(self)

    def before_change(self, memory: Memory) -> None:
        """A parameter changes."""
        self._params = []
        for pending in list(self._pendings):
            pending.record()


class Pending:
    """The blobs that a fast pass did not keep, and what it takes to compute them.

    Their memories refer to this and this refers to them weakly, so that a net that is dropped is
    gone at once. `read` takes the names of those that are read. Whoever holds one of the blobs
    holds `waiting`, which hears of the parameters.
    """

    def __init__(
        self,
        steps: list[tuple[LayerType, list[str], list[str]]],
        sources: Tensors,
        blobs: dict[str, Blob],
        read: set[str],
        waiting: Waiting,
    ) -> None:
        self._steps, self._read, self._waits = steps, read, waiting
        self.is_last = True  # of the net's passes
        self._precision = current_precision()
        copies = {id(x): x.clone() for x in sources.values()}
        self._sources = {name: copies[id(x)] for name, x in sources.items()}
        self._memories = {name: weakref.ref(blob._data) for name, blob in blobs.items()}
        for blob in blobs.values():
            blob._data.defer(self, blob.count)

    def compute(self, reader: Memory | None = None) -> None:
        """Assign the values that are still awaited; `reader` is the memory that asks."""
        if waiting := self._waiting():
            self._read |= {name for name, memory in waiting.items() if memory is reader}
            self._assign(waiting, self._pass(evaluate))

    def record(self) -> None:
        """The same, and leave for backward what the layers of the net's last pass would have left.

        Those that read their bottoms then find them; the others go by those of the pass, whatever
        a script has written since.
        """
        leaves = any(_leaves_something(layer) for layer, _, _ in self._steps)
        if leaves and self.is_last and self._sources:
            self._assign(self._waiting(), self._pass(_evaluate_for_backward))
        else:
            self.compute()
        self._sources = {}

    def _waiting(self) -> dict[str, Memory]:
        memories = {name: memory() for name, memory in self._memories.items()}
        return {name: m for name, m in memories.items() if m and m.is_deferred(self)}

    def _pass(self, run: LayerPass) -> Tensors:
        values = dict(self._sources)
        with torch.no_grad(), computing_in(self._precision):
            for layer, bottoms, tops in self._steps:
                found = run(layer, [values[name] for name in bottoms])
                values.update(zip(tops, found, strict=True))
        return values

    def _assign(self, waiting: dict[str, Memory], values: Tensors) -> None:
        found = owned({name: values[name] for name in waiting}, self._sources)
        for name, memory in waiting.items():
            memory.settle(self, found[name])


def _leaves_something(layer: LayerType) -> bool:
    """Whether backward goes by what forward leaves, and no later pass has left it."""
    passes_on = layer.rereads_bottoms or layer.shares_data
    return layer.need_backward and not passes_on and layer.record is None


def _evaluate_for_backward(layer: LayerType, bottoms: list[torch.Tensor]) -> list[torch.Tensor]:
    if not _leaves_something(layer):
        return evaluate(layer, bottoms)
    xs = autocast.taken(layer, bottoms)
    read = [autograd.Read(tuple(x.shape), 0, 0) for x in bottoms]
    read += [autograd.Read(blob.shape, 0, 0) for blob in layer.blobs]
    tops = layer.in_memory(autograd.recorded, xs, read)
    return [top.detach() for top in tops]
