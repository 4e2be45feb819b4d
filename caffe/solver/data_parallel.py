"""A solver among several that train one net: each has its own data, all have the same weights."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import numpy
import torch

from ..core.blob import Blob
from ..core.digest import digest, file_digest
from ..core.errors import CaffeError
from ..distributed.group import Group
from ..distributed.reducer import TRAVEL_AS, Reducer
from ..graph.build import Parameter
from ..net import Net
from ..proto import caffe_pb2
from ..proto.text import prototxt
from .turns import reads_by_rank

Value = TypeVar("Value")

ACTIONS = (None, "snapshot", "stop")  # by weight: what one rank asks for, all do


class DataParallel:
    """What the ranks of a group exchange for a solver; a solver alone has none of this."""

    def __init__(self, group: Group, params: Sequence[Parameter], gradients: str = "fp32") -> None:
        """gradients: how they travel, of TRAVEL_AS."""
        if gradients not in TRAVEL_AS:
            known = " or ".join(TRAVEL_AS)
            raise CaffeError(f"gradients travel as {known}; found '{gradients}'")
        self.group = group
        self._travel_as = gradients
        self._params = params
        self._places = {param.blob: place for place, param in enumerate(params)}
        sizes = [param.blob.count if param.lr_mult else 0 for param in params]
        self._reducer = Reducer(group, sizes, self._gradient, TRAVEL_AS[gradients])
        self._asked: str | None = None  # of this rank, not yet told to the others

    def _gradient(self, place: int) -> torch.Tensor:
        blob = self._params[place].blob
        return blob._diff.own(blob.shape)

    # The step.

    @property
    def waited(self) -> float:
        """Seconds that steps have waited for gradients: what the backward passes did not hide."""
        return self._reducer.waited

    def begin(self) -> None:
        """A step begins, whatever became of the last one."""
        self._reducer.reset()

    def averaged(self, update: Callable[[int], None]) -> Callable[[int], None]:
        """Calls `update` of a parameter once its gradient, complete here, is averaged."""
        return lambda place: self._reducer.ready(place, update)

    @contextmanager
    def averaging(self, net: Net) -> Iterator[None]:
        """The backward pass inside leaves averaged gradients."""
        self.begin()
        done = partial(self.layer_done, net)
        net._layerwise.after_backward.append(done)
        try:
            yield
        finally:
            net._layerwise.after_backward.remove(done)
        self.finish()

    def layer_done(self, net: Net, i: int) -> None:
        """Layer i's backward pass is done: the gradients of the parameters that it owns travel."""
        for blob in reversed(net._graph.layers[i].blobs):
            if blob in self._places:
                self._reducer.ready(self._places[blob], _leave)

    def finish(self) -> None:
        """Average what is not on its way yet, and wait for all."""
        for place in self._reducer.missing():
            self._reducer.ready(place, _leave)

    def agree(self, loss: float) -> tuple[float, str | None]:
        """The mean loss of the ranks, and the weightiest action that `ask` has heard on one."""
        asked = [float(self._asked == action) for action in ACTIONS[1:]]
        self._asked = None
        total, *counts = self.group.sums([loss, *asked])
        found = [action for action, count in zip(ACTIONS[1:], counts, strict=True) if count]
        return total / self.group.count, found[-1] if found else None

    def ask(self, action: str | None) -> None:
        """Remember what this rank asks for, until the ranks agree."""
        self._asked = max(self._asked, action, key=ACTIONS.index)

    def results(self, mine: Value) -> tuple[list[Value], str | None]:
        """Each rank's result of a round of a test, and the weightiest action asked for."""
        found = self.group.gather((mine, self._asked))
        self._asked = None
        return [result for result, _ in found], max((a for _, a in found), key=ACTIONS.index)

    # What is the same everywhere.

    def join(
        self,
        param: caffe_pb2.SolverParameter,
        nets: Sequence[Net],
        history: Sequence[Blob],
        at: int,
    ) -> None:
        """Take rank 0's weights, history and places in the data.

        Raises CaffeError where the ranks differ in what they are to have in common.
        """
        self.group.check_same(
            {
                "the iteration": str(at),
                "what gradients travel as": self._travel_as,
                **_versions(),
                **_files(param),
                **_texts(param, nets),
            },
            "give all of them the same files, and the same versions of the software",
        )
        self.copy_weights(history if at else ())
        self.copy_places(nets)

    def copy_weights(self, history: Sequence[Blob] = ()) -> None:
        """Take rank 0's weights and history."""
        for memory in self._memories(history):
            self.group.copy_from_root(memory)

    def copy_places(self, nets: Sequence[Net]) -> None:
        """Take rank 0's places in the data that is read by rank."""
        is_root = self.group.rank == 0
        places = [
            {name: layer.state_dict() for name, layer in _readers(net)} if is_root else {}
            for net in nets
        ]
        for net, of_root in zip(nets, self.group.of_root(places), strict=True):
            for name, layer in _readers(net):
                layer.load_state_dict(of_root[name])

    def check_weights(self, history: Sequence[Blob]) -> None:
        """Raise CaffeError unless all ranks have the same weights and history, bit for bit."""
        parts = (x.cpu().numpy().tobytes() for x in self._memories(history))
        found = digest("".join(map(digest, parts)).encode())
        self.group.check_same(
            {"the digest of the weights": found},
            "no rank's are right: go on from the last snapshot (a rank whose weights a script "
            "changes, or broken memory, makes them differ)",
        )

    def _memories(self, history: Sequence[Blob]) -> Iterator[torch.Tensor]:
        for blob in (*(param.blob for param in self._params), *history):
            yield blob._data.own(blob.shape)


def _leave(place: int) -> None:
    """Leave a gradient as it is."""


def _readers(net: Net) -> list[tuple[str, Any]]:
    return [(name, layer) for name, layer in net.layer_dict.items() if reads_by_rank(layer)]


def _versions() -> dict[str, str]:
    modules = {"Python": platform.python_version()}
    modules |= {"torch": torch.__version__, "numpy": numpy.__version__}
    return {f"the version of {name}": version for name, version in modules.items()}


def _files(param: caffe_pb2.SolverParameter) -> dict[str, str]:
    """The digests of the weights that the solver starts from."""
    paths = [path.strip() for path in ",".join(param.weights).split(",") if path.strip()]
    return {f"the content of {path}": f"digest {file_digest(path)}" for path in paths}


def _texts(param: caffe_pb2.SolverParameter, nets: Sequence[Net]) -> dict[str, str]:
    """The solver's and the nets' prototxt, and what their layers tell of their data."""
    solver = caffe_pb2.SolverParameter()
    solver.CopyFrom(param)
    solver.ClearField("device_id")
    facts = {"the solver's prototxt": _short(prototxt(solver))}
    names = ["the training net", *(f"test net #{i}" for i in range(len(nets) - 1))]
    for which, net in zip(names, nets, strict=True):
        facts[f"the prototxt of {which}"] = _short(prototxt(net._graph.spec))
        for name, layer in net.layer_dict.items():
            if hasattr(layer, "contents"):
                facts[f"the data of layer '{name}' of {which}"] = layer.contents()
    return facts


def _short(text: str) -> str:
    return f"{len(text)} characters, digest {digest(text.encode())}"
