"""What decides the next iteration beside the weights and their history: draws, places in the data.

BVLC's Caffe stores none of it. A solverstate of ours does, so that a run that was interrupted ends
in the same bits as one that was not; BVLC's Caffe passes over that, and a solverstate without it
restores as there.
"""

import base64
import json
from typing import NamedTuple

from ..core.errors import CaffeError
from ..core.rng import Generators, generator_states, generators_at, set_generators
from ..net import Net

Position = dict[str, int]


class RunState(NamedTuple):
    generators: Generators
    positions: list[tuple[object, Position]]  # layers, and where they are in their data


def written(nets: list[Net]) -> str:
    """The states of the random generators, and the positions of the nets' layers, as JSON."""
    generators = {
        kind: base64.b64encode(state).decode() for kind, state in generator_states().items()
    }
    positions = [
        {name: p for name, layer in net.layer_dict.items() if (p := _position(layer)) is not None}
        for net in nets
    ]
    return json.dumps({"generators": generators, "positions": positions})


def parsed(text: str, nets: list[Net]) -> RunState:
    """The run state in a solverstate; layers that this run or the stored one lacks are left out.

    Raises CaffeError for a text of another form, or positions of other kinds of layers.
    """
    try:
        content = json.loads(text)
        states = {kind: base64.b64decode(s) for kind, s in content["generators"].items()}
        stored = [dict(net) for net in content["positions"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        stored = [{"": None}]
    if not all(_is_position(p) for net in stored for p in net.values()):
        raise CaffeError("its run_state is damaged: expected the JSON that a snapshot writes")
    positions = []
    for net, places in zip(nets, stored, strict=False):
        for name, layer in net.layer_dict.items():
            now, then = _position(layer), places.get(name)
            if now is None or then is None:
                continue
            if now.keys() != then.keys():
                raise CaffeError(
                    f"layer '{name}' counts {', '.join(now)} in its data, but the position stored "
                    f"is of {', '.join(then)}; it belongs to another net, or is damaged"
                )
            positions.append((layer, then))
    return RunState(generators_at(states), positions)


def apply(run: RunState) -> None:
    """Draw and read on from there."""
    set_generators(run.generators)
    for layer, position in run.positions:
        layer.position = position


def _position(layer: object) -> Position | None:
    """Where a layer is in its data, if it is one that can tell."""
    position = getattr(layer, "position", None)
    return position if _is_position(position) else None


def _is_position(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(k, str) and type(v) is int and 0 <= v < 2**63 for k, v in value.items()
    )
