"""What a training step has freed, computed again for those who read it (training_step.py)."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from ..core.blob import Blob, BlobVec
from ..core.precision import computing_in, current_precision
from ..core.rng import drawing_from, generator_states
from ..core.synced_memory import Memory
from ..graph.build import Graph
from ..layer_types import LayerType
from ..layer_types.base import Shape
from .schedule import draws


class Replay:
    """A training step that can be run again, layer by layer, for those who read what it has freed.

    It begins with what the step began with: the tops of the layers in front, the generators'
    states, the diffs that the backward pass starts from, and the parameters before their update,
    which are those of now plus the updates in their diffs. Nothing of that is copied until it is
    about to change.

    The memories that were freed refer to this, and this to them weakly and to no net: a solver that
    is dropped is gone at once.
    """

    def __init__(self, graph: Graph, read: set[str]) -> None:
        self.ran: list[int] = []  # the layers behind those in front, as far as forward came
        self.backward_done = False
        self._precision = current_precision()
        self._layers = list(zip(graph.layers, graph.bottoms, graph.tops, strict=True))
        self._read = read  # takes the names of the blobs that scripts read
        # Of each blob its shape, and in which blobs' memories its data and diff are
        self._blobs: dict[str, tuple[Shape, str, str]] = {}
        self._freed: dict[tuple[str, str], weakref.ref[Memory]] = {}
        # By a blob's name, or by a parameter, and "data" or "diff"
        self._start: dict[tuple[str | Blob, str], torch.Tensor] = {}
        self._states: dict[int, dict[str, bytes]] = {}  # of the generators, before a layer draws

    # While the step runs.

    def starts_from(self, place: str | Blob, part: str, blob: Blob) -> None:
        """The step begins with what is in the blob's data or diff now."""
        memory = blob._data if part == "data" else blob._diff
        self._start[place, part] = memory.tensor(blob.shape)
        memory.depends(self)

    @contextmanager
    def running(self, i: int) -> Iterator[None]:
        """Layer i runs forward meanwhile."""
        if draws(self._layers[i][0]):
            self._states[i] = generator_states()
        yield
        self.ran.append(i)

    def free(self, name: str, part: str, memory: Memory) -> None:
        """Free a blob's data or diff; whoever wants it has it computed."""
        memory.defer(self)
        self._freed[name, part] = weakref.ref(memory)

    def end(self, graph: Graph, history: Sequence[Blob]) -> None:
        """Hear from now on of whatever changes; the history may be what an update shows."""
        for param in (blob for layer in graph.layers for blob in layer.blobs):
            self.starts_from(param, "data", param)
            if not param._diff.untouched:
                self.starts_from(param, "diff", param)
        first: dict[Memory, str] = {}
        for name, blob in graph.blobs.items():
            memories = first.setdefault(blob._data, name), first.setdefault(blob._diff, name)
            self._blobs[name] = blob.shape, *memories
        blobs = [*graph.blobs.values(), *history]
        for memory in (memory for blob in blobs for memory in (blob._data, blob._diff)):
            memory.depends(self)
            if memory.held is not None:  # a script may write there, and nobody is told
                self.before_change(memory)

    # Afterwards.

    def discard(self) -> None:
        """Set what was freed to zero: nobody can read it any more."""
        for memory in self._waiting().values():
            memory.clear()
        self._freed, self._start = {}, {}

    def before_change(self, memory: Memory) -> None:
        """Copy what is in this memory, if the step began with it."""
        if memory._tensor is None:
            return
        storage = memory._tensor.untyped_storage().data_ptr()
        for place, x in self._start.items():
            if x.untyped_storage().data_ptr() == storage:
                self._start[place] = x.clone()

    def compute(self, reader: Memory | None = None) -> None:
        """Assign all that was freed and nobody has overwritten since; `reader` is who asks."""
        waiting = self._waiting()
        if not waiting:
            return
        self._read |= {name for (name, _), memory in waiting.items() if memory is reader}
        with computing_in(self._precision):
            blobs = self._run()
        for (name, part), memory in waiting.items():
            found = blobs[name]._data if part == "data" else blobs[name]._diff
            if found.untouched:
                memory.clear()
            else:
                memory.assign(found.tensor(blobs[name].shape))
        self._freed, self._start = {}, {}

    def _waiting(self) -> dict[tuple[str, str], Memory]:
        memories = {place: freed() for place, freed in self._freed.items()}
        return {place: m for place, m in memories.items() if m and m.is_deferred(self)}

    def _run(self) -> dict[str, Blob]:
        """All blobs after both passes, as far as the step came, in memory of their own."""
        blobs: dict[str, Blob] = {}
        for name, (shape, data, diff) in self._blobs.items():
            blobs[name] = blob = Blob(shape)
            blob.share_data(blobs[data])
            blob.share_diff(blobs[diff])
        for (place, part), x in self._start.items():
            if place in blobs:
                memory = blobs[place]._data if part == "data" else blobs[place]._diff
                memory.assign(x, borrowed=True)

        def of(names: list[str]) -> list[Blob]:
            return [blobs[name] for name in names]

        for i in self.ran:
            _, bottoms, tops = self._layers[i]
            with self._as_it_was(i) as layer:
                layer.forward(of(bottoms), of(tops))
        for i in reversed(range(len(self._layers)) if self.backward_done else ()):
            layer, bottoms, tops = self._layers[i]
            if layer.need_backward and bottoms:
                with self._as_it_was(i) as layer:
                    layer.backward(of(tops), layer.propagate_down, of(bottoms))
        return blobs

    @contextmanager
    def _as_it_was(self, i: int) -> Iterator[LayerType]:
        """Layer i, its parameters and draws as in the step; no parameter gets a gradient."""
        layer = copy.copy(self._layers[i][0])
        layer.record = None
        layer.blobs = BlobVec(map(self._before_update, layer.blobs))
        layer.param_propagate_down = [False] * len(layer.blobs)
        with drawing_from(self._states.get(i, {})):
            yield layer

    def _before_update(self, param: Blob) -> Blob:
        x, update = self._start[param, "data"], self._start.get((param, "diff"))
        blob = Blob(tuple(x.shape))
        blob._data.assign(x if update is None else x + update, borrowed=True)
        return blob
