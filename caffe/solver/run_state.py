"""What decides the next iteration beside the weights and their history: draws, places in the data.

BVLC's Caffe stores none of it. A solverstate of ours does, so that a run that was interrupted ends
in the same bits as one that was not; BVLC's Caffe passes over that, and a solverstate without it
restores as there.

A layer's place is what its `state_dict` gives, and it goes on there by `load_state_dict`; a Python
layer may have these two, see layer_types/python.py.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import numpy as np

from ..core.errors import CaffeError
from ..core.files import PathLike
from ..core.log import LOGGER
from ..core.ranks import solver_count, solver_rank
from ..core.rng import Generators, generator_states, generators_at, set_generators
from ..net import Net
from .turns import reads_by_rank


class Place(NamedTuple):
    """Where a layer of this run was in its data, in the run that was stored."""

    name: str
    layer: Any
    state: object


class RunState(NamedTuple):
    generators: Generators
    places: list[Place]
    plateau: tuple  # of lr_policy plateau, see lr_policy.Plateau
    losses: list[float]  # of the last average_loss iterations


def written(nets: list[Net], plateau: tuple | None = None, losses: Iterable[float] = ()) -> str:
    """The states of the random generators, and the places of the nets' layers, as JSON.

    The nets of a solver: the one that is trained, then those that are tested. plateau: what
    lr_policy plateau goes by; losses: what the smoothed loss is the mean of.
    """
    generators = {
        kind: base64.b64encode(state).decode() for kind, state in generator_states().items()
    }
    positions = [_places(net) for net in nets]
    content = {"generators": generators, "positions": positions, "losses": list(losses)}
    return json.dumps(content if plateau is None else content | {"plateau": plateau})


def joined(states: list[str]) -> str:
    """The state of a run of ranks, from that of each: rank 0's, with the others' beside it."""
    root, *others = map(json.loads, states)
    return json.dumps(root | {"ranks": others})


def _places(net: Net) -> dict[str, object]:
    places = {}
    for name, layer in net.layer_dict.items():
        if not _tells(layer):
            continue
        try:
            places[name] = _state(layer)
        except (TypeError, ValueError, RecursionError) as error:
            LOGGER.warning(
                "layer '%s': its state_dict() is not stored, for JSON cannot hold it (%s); a run "
                "that is resumed will not go on from there",
                *(name, error),
            )
    return places


def _state(layer: Any) -> object:
    """What state_dict gives, as JSON gives it back."""
    return json.loads(json.dumps(layer.state_dict(), default=_plain))


def _plain(value: object) -> object:
    """A numpy number or array as what JSON has."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"it has a {type(value).__name__}")


def parsed(text: str, nets: list[Net]) -> RunState:
    """The run state in a solverstate; layers that this run or the stored one lacks are left out.

    `text` is empty in a solverstate of BVLC's. Raises CaffeError for a text of another form.
    """
    if not text:
        return RunState({}, [], (), [])
    try:
        content = json.loads(text)
        stored_ranks = [content, *content.get("ranks", ())]
        states = [_generators(of_rank) for of_rank in stored_ranks]
        stored = [[dict(net) for net in of_rank["positions"]] for of_rank in stored_ranks]
        plateau = tuple(map(float, content.get("plateau", ())))
        losses = list(map(float, content.get("losses", ())))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise CaffeError(
            "its run_state is damaged: expected the JSON that a snapshot writes"
        ) from None
    rank, count = solver_rank(), solver_count()
    if count != len(stored_ranks) and rank == 0:
        LOGGER.warning(
            "The snapshot was taken by %d rank(s), and %d go on from it: each step takes %g times "
            "as many images as before; a rank that is new draws anew",
            *(len(stored_ranks), count, count / len(stored_ranks)),
        )
    is_new = rank >= len(stored_ranks)
    mine = 0 if is_new else rank
    places = [
        Place(name, layer, states_of[name])
        for net, states_of in zip(nets, stored[mine], strict=False)
        for name, layer in net.layer_dict.items()
        if name in states_of and _tells(layer) and (reads_by_rank(layer) or not is_new)
    ]
    return RunState({} if is_new else generators_at(states[mine]), places, plateau, losses)


def _generators(content: dict[str, Any]) -> dict[str, bytes]:
    return {kind: base64.b64decode(s) for kind, s in content["generators"].items()}


@contextmanager
def resumed(run: RunState) -> Iterator[None]:
    """From inside on, layers and draws go on there; as before, if it or what is inside fails.

    Raises CaffeError where a layer does not take what is stored of it.
    """
    before: list[Place] = []
    try:
        for place in run.places:
            before.append(place._replace(state=_state(place.layer)))
            _load(place)
        yield
    except BaseException:
        for place in before:
            with suppress(CaffeError):  # the first error counts
                _load(place)
        raise
    set_generators(run.generators)


def _load(place: Place) -> None:
    try:
        place.layer.load_state_dict(place.state)
    except Exception as error:  # a Python layer may raise anything
        raise CaffeError(
            f"layer '{place.name}' does not take its place in the data, {place.state!r:.200} "
            f"({type(error).__name__}: {error}); it belongs to another net, or is damaged"
        ) from error


def name_those_left(path: PathLike, run: RunState, nets: list[Net]) -> None:
    """Say, in one line, which layers with data have no place in a solverstate."""
    placed = {id(place.layer) for place in run.places}
    names = ["the training net", *(f"test net #{i}" for i in range(len(nets) - 1))]
    left = [
        f"'{layer.name}' of {name}"
        for net, name in zip(nets, names, strict=True)
        for i, (layer, shown) in enumerate(zip(net._graph.layers, net.layers, strict=True))
        if id(shown) not in placed
        and (_tells(shown) or (layer.type == "Python" and not net._graph.bottoms[i]))
    ]
    if left:
        LOGGER.warning(
            "%s: holds no place in the data for layer(s) %s, which go on from where they are now; "
            "a Python layer has one if it defines state_dict() and load_state_dict(state)",
            *(path, ", ".join(left)),
        )


def _tells(layer: object) -> bool:
    """Whether a layer can tell where it is in its data, and go on from there."""
    methods = (getattr(layer, name, None) for name in ("state_dict", "load_state_dict"))
    return all(map(callable, methods))
