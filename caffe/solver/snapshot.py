"""Snapshots of a solver: what it writes, and how it continues from them.

A snapshot is a caffemodel and a solverstate, both binary or both HDF5 (snapshot_format). Beside
what BVLC's Caffe stores, the solverstate holds the state of the random generators and the place
that data layers have reached in their data, so that a run that was interrupted ends in the same
bits as one that was not. BVLC's Caffe passes over that; a solverstate without it restores as there.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from ..core.errors import CaffeError, within
from ..core.files import PathLike, path_cure
from ..core.log import info
from ..core.rng import Generators, generator_states, generators_at, set_generators
from ..net import Net
from ..proto import caffe_pb2
from ..storage import caffemodel
from ..storage.content import Hold, NetContent, StoredState, as_it_is, net_content, values

if TYPE_CHECKING:
    from .solver import Solver


def check_writable(param: caffe_pb2.SolverParameter) -> None:
    """CheckSnapshotWritePermissions: where snapshots are due, their folder must take files."""
    if not param.snapshot:
        return
    if not param.HasField("snapshot_prefix"):
        raise CaffeError("In solver params, snapshot is specified but snapshot_prefix is not")
    folder = Path(param.snapshot_prefix).parent
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise CaffeError(
            f"Cannot write to snapshot prefix '{param.snapshot_prefix}'. Make sure that the "
            f"directory {folder} exists and is writable{path_cure(param.snapshot_prefix)}"
        )


class Snapshot(NamedTuple):
    """The two files of a snapshot: their paths, and what they hold."""

    model: str
    path: str  # of the solverstate
    net: NetContent
    state: StoredState
    history: list[torch.Tensor]


def take(solver: Solver, run_state: str, hold: Hold = as_it_is) -> Snapshot:
    """The snapshot PREFIX_iter_N of a solver as it is now."""
    param = solver.param
    is_hdf5 = param.snapshot_format == caffe_pb2.SolverParameter.HDF5
    kind, ending = ("HDF5", ".h5") if is_hdf5 else ("binary proto", "")
    prefix = f"{param.snapshot_prefix}_iter_{solver.iter}"
    model, path = f"{prefix}.caffemodel{ending}", f"{prefix}.solverstate{ending}"
    info("solver.cpp:464", "Snapshotting to %s file %s", kind, model)
    info("sgd_solver.cpp:284", "Snapshotting solver state to %s file %s", kind, path)
    return Snapshot(
        model,
        path,
        net_content(solver.net._graph, param.snapshot_diff, hold),
        StoredState(solver.iter, model, solver.current_step, run_state=run_state),
        [hold(values(blob._data, blob.shape)) for blob in solver.history],
    )


def write(snapshot: Snapshot) -> str:
    """Write the caffemodel and the solverstate; returns the solverstate's path.

    The solverstate is written last: where it exists, its caffemodel is whole.
    """
    caffemodel.write_weights(snapshot.model, snapshot.net)
    caffemodel.write_state(snapshot.path, snapshot.state, snapshot.history)
    return snapshot.path


def size(solver: Solver) -> int:
    """The bytes of the values in a solver's snapshot."""
    params = sum(param.blob.count for param in solver.net._graph.params)
    history = sum(blob.count for blob in solver.history)
    return 4 * (params * (2 if solver.param.snapshot_diff else 1) + history)


def restore(solver: Solver, path: PathLike) -> None:
    """Continue from a solverstate: its iteration, its history and its caffemodel's weights.

    Raises CaffeError, and changes nothing, where the file or its caffemodel does not fit.
    """
    state = caffemodel.read_state(path)
    for what, count in (("iter", state.iter), ("current_step", state.current_step)):
        if not 0 <= count < 2**31:
            raise CaffeError(f"{path}: {what} is {count}, which no run reaches; it is damaged")
    if len(state.history) != len(solver.history):
        raise CaffeError(
            f"{path}: holds {len(state.history)} history blobs, but this {solver.type} "
            f"solver's net needs {len(solver.history)}; it belongs to another net or solver"
        )
    names = [param.name for param in solver.net._graph.params]
    for i, (blob, stored) in enumerate(zip(solver.history, state.history, strict=True)):
        if not stored.fits(blob.shape):
            raise CaffeError(
                f"{path}: the history of {names[i % len(names)]} has shape {stored.shape}; "
                f"this net needs {blob.shape}"
            )
    nets = [solver.net, *solver.test_nets]
    with within(path):
        run = _parsed(state.run_state, nets) if state.run_state else None
    if state.learned_net:
        solver.net.copy_from(_beside(path, state.learned_net))
    info("sgd_solver.cpp:318", "SGDSolver: restoring history")
    for blob, stored in zip(solver.history, state.history, strict=True):
        stored.read_into(blob)
    solver.iter, solver.current_step = state.iter, state.current_step
    if run:
        set_generators(run.generators)
        for layer, position in run.positions:
            layer.position = position


def _beside(state_file: PathLike, learned_net: str) -> str:
    """Where the caffemodel is: as the solverstate says, or in its own folder if both moved."""
    beside = Path(state_file).parent / os.path.basename(learned_net)
    return learned_net if os.path.exists(learned_net) else str(beside)


# What else decides the next iteration.

Position = dict[str, int]


class RunState(NamedTuple):
    generators: Generators
    positions: list[tuple[object, Position]]  # layers, and where they are in their data


def run_state(nets: list[Net]) -> str:
    """The states of the random generators, and the positions of the nets' layers, as JSON."""
    generators = {
        kind: base64.b64encode(state).decode() for kind, state in generator_states().items()
    }
    positions = [
        {name: p for name, layer in net.layer_dict.items() if (p := _position(layer)) is not None}
        for net in nets
    ]
    return json.dumps({"generators": generators, "positions": positions})


def _parsed(text: str, nets: list[Net]) -> RunState:
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


def _position(layer: object) -> Position | None:
    """Where a layer is in its data, if it is one that can tell."""
    position = getattr(layer, "position", None)
    return position if _is_position(position) else None


def _is_position(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(k, str) and type(v) is int and 0 <= v < 2**63 for k, v in value.items()
    )
