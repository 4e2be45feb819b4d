"""How an iteration is run again, for those who read what it has let go of (frugal.py)."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ..core.blob import Blob
from ..core.precision import computing_in, current_precision
from ..core.synced_memory import Memory
from ..graph.build import Graph
from ..layer_types import LayerType
from ..layer_types.autograd import Record
from ..layer_types.base import Shape

_recompute = False

Segment = range  # of layers: those whose tops go, and the one that their last top ends in


def recompute() -> bool:
    """Whether solvers let go of activations and compute them again."""
    return _recompute


def set_recompute(on: bool) -> None:
    """Choose whether solvers' iterations compute activations twice instead of keeping them.

    Off by default. On, the activations between poolings are computed again in the backward pass:
    of FCN-8s' forward pass almost all but fc6 and fc7. Values stay the same.
    """
    global _recompute
    _recompute = on


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
        self._precision = current_precision()
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
        self._records = {layer: layer.record for layer in graph.layers if layer.draws}
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
        if self._gone:
            with computing_in(self._precision):
                self._compute(reader)

    def _compute(self, reader: Memory | None) -> None:
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
        try:
            layer.record = self._records.get(layer)
            for blob in layer.blobs:
                blob._shape, *memories = self._params[blob]
                blob._data, update = map(self._as_it_was, memories)
                if not update.untouched:
                    blob._data.assign(blob.data_tensor() + update.tensor(blob.shape))
            with without_gradient(layer, range(len(now))):
                yield
        finally:
            layer.record = record
            for blob, (shape, memory) in zip(layer.blobs, now, strict=True):
                blob._shape, blob._data = shape, memory


@contextmanager
def without_gradient(layer: LayerType, params: Iterable[int]) -> Iterator[None]:
    wanted = layer.param_propagate_down
    layer.param_propagate_down = [w and i not in params for i, w in enumerate(wanted)]
    try:
        yield
    finally:
        layer.param_propagate_down = wanted
