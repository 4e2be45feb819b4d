"""What a training step has freed, computed again for those who read it (training_step.py)."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch

from ..core.blob import Blob, BlobVec
from ..core.precision import computing_in, current_precision
from ..core.rng import drawing_from, generator_states
from ..core.synced_memory import Memory, storage_address
from ..graph.build import Graph
from ..layer_types import LayerType
from .schedule import leaves_what_backward_needs
from .threads import on_threads

Place = tuple[str | Blob, str]  # a blob's name, or a parameter; "data" or "diff"


class Replay:
    """A training step that can be run again, layer by layer, for those who read what it has freed.

    It begins with what the step began with: the tops of the layers without bottoms, the generators'
    states, the diffs that the backward pass starts from, and the parameters before their update,
    which are those of now plus the updates in their diffs. Nothing of that is copied until it is
    about to change.

    The memories that were freed refer to this, and this to them weakly and to no net: a solver that
    is dropped is gone at once.
    """

    def __init__(self, graph: Graph, read: set[str]) -> None:
        self.ran: list[int] = []  # the layers with bottoms, as far as forward came
        self.backward_done = False
        self._precision = current_precision()
        self.threads = torch.get_num_threads()  # of the layers behind the sources
        self._layers = list(zip(graph.layers, graph.bottoms, graph.tops, strict=True))
        self._read = read  # takes the names of the blobs that scripts read
        # By a blob's name, and "data" or "diff"
        self._freed: WeakKeyDictionary[Memory, tuple[str, str]] = WeakKeyDictionary()
        self._start: dict[Place, torch.Tensor] = {}
        self._at: dict[int, list[Place]] = {}  # the places by the address of their storage
        self._states: dict[int, dict[str, bytes]] = {}  # of the generators, before a layer draws

    # While the step runs.

    def starts_from(self, place: str | Blob, part: str, blob: Blob) -> None:
        """The step begins with what is in the blob's data or diff now."""
        x = self._start[place, part] = _memory(blob, part).tensor(blob.shape)
        self._at.setdefault(storage_address(x), []).append((place, part))
        _memory(blob, part).depends(self)

    @contextmanager
    def running(self, i: int) -> Iterator[None]:
        """Layer i runs forward meanwhile."""
        if self._layers[i][0].draws:
            self._states[i] = generator_states()
        yield
        self.ran.append(i)

    def free(self, name: str, part: str, blob: Blob) -> None:
        """Free a blob's data or diff; whoever wants it has it computed."""
        _memory(blob, part).defer(self, blob.count)
        self._freed[_memory(blob, part)] = name, part

    def end(self, graph: Graph, history: Sequence[Blob]) -> None:
        """Hear from now on of whatever changes; the history may be what an update shows."""
        for param in (blob for layer in graph.layers for blob in layer.blobs):
            self.starts_from(param, "data", param)
            if not param._diff.untouched:
                self.starts_from(param, "diff", param)
        for blob in (*graph.blobs.values(), *history):
            for memory in (blob._data, blob._diff):
                memory.depends(self)
                if memory.held is not None:  # a script may write there, and nobody is told
                    self.before_change(memory)

    # Afterwards.

    def discard(self) -> None:
        """Set what was freed to zero: nobody can read it any more."""
        for memory in self._waiting():
            memory.clear()
        self._start, self._at = {}, {}

    def before_change(self, memory: Memory) -> None:
        """Copy what is in this memory, if the step began with it."""
        places = self._at.pop(memory.address, []) if memory.address is not None else []
        for place in places:
            self._start[place] = self._start[place].clone()

    def compute(self, reader: Memory | None = None) -> None:
        """Assign all that was freed and nobody has overwritten since; `reader` is who asks."""
        waiting = self._waiting()
        self._read |= {name for memory, (name, _) in waiting.items() if memory is reader}
        with computing_in(self._precision), on_threads(self.threads):
            blobs = self._run() if waiting else {}
        for memory, (name, part) in waiting.items():
            found = _memory(blobs[name], part)
            memory.settle(self, found.tensor(blobs[name].shape))
        self._start, self._at = {}, {}

    def _waiting(self) -> dict[Memory, tuple[str, str]]:
        return {memory: place for memory, place in self._freed.items() if memory.is_deferred(self)}

    def _run(self) -> dict[str, Blob]:
        """The blobs after both passes, as far as the step came, in memory of their own."""
        blobs: dict[str, Blob] = defaultdict(Blob)
        for (name, part), x in self._start.items():
            if isinstance(name, str):
                blobs[name].reshape(*x.shape)
                _memory(blobs[name], part).assign(x, borrowed=True)
        recorded: dict[int, LayerType] = {}  # whose bottoms are gone when backward needs them
        for i in self.ran:
            with self._as_it_was(i, blobs) as (layer, bottom, top):
                layer.reshape(bottom, top)
                layer.forward(bottom, top)
                if not leaves_what_backward_needs(layer):
                    recorded[i] = layer
        for i in reversed(range(len(self._layers)) if self.backward_done else ()):
            if self._layers[i][0].need_backward:
                with self._as_it_was(i, blobs) as (layer, bottom, top):
                    layer = recorded.pop(i, layer)
                    layer.backward(top, layer.propagate_down, bottom)
        return blobs

    @contextmanager
    def _as_it_was(
        self, i: int, blobs: dict[str, Blob]
    ) -> Iterator[tuple[LayerType, list[Blob], list[Blob]]]:
        """Layer i, its parameters and draws as in the step, and its bottoms and tops."""
        layer, bottoms, tops = self._layers[i]
        layer = copy.copy(layer)
        layer.record = None
        layer._blobs = BlobVec(map(self._before_update, layer.blobs))
        layer.param_propagate_down = [False] * len(layer.blobs)
        with drawing_from(self._states.get(i, {})):
            yield layer, [blobs[name] for name in bottoms], [blobs[name] for name in tops]

    def _before_update(self, param: Blob) -> Blob:
        x, update = self._start[param, "data"], self._start.get((param, "diff"))
        blob = Blob(x.shape)
        blob._data.assign(x if update is None else x + update, borrowed=True)
        return blob


def _memory(blob: Blob, part: str) -> Memory:
    return blob._data if part == "data" else blob._diff
