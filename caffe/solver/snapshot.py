"""Snapshots of a solver: what it writes, and what it continues from.

A snapshot is a caffemodel and a solverstate, both binary or both HDF5 (snapshot_format).
"""

import filecmp
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from ..core.blob import Blob
from ..core.errors import CaffeError
from ..core.files import PathLike, path_cure
from ..core.log import LOGGER, info
from ..graph.build import Graph
from ..proto import caffe_pb2
from ..storage import caffemodel
from ..storage.content import (
    NetContent,
    StoredState,
    host_copier,
    identity,
    net_content,
    values,
)


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


def take(
    param: caffe_pb2.SolverParameter,
    graph: Graph,
    history: Sequence[Blob],
    iteration: int,
    current_step: int,
    run_state: str,
) -> Snapshot:
    """The snapshot PREFIX_iter_N of a net and a history as they are; it shows their memory."""
    is_hdf5 = param.snapshot_format == caffe_pb2.SolverParameter.HDF5
    kind, ending = ("HDF5", ".h5") if is_hdf5 else ("binary proto", "")
    prefix = f"{param.snapshot_prefix}_iter_{iteration}"
    model, path = f"{prefix}.caffemodel{ending}", f"{prefix}.solverstate{ending}"
    info("solver.cpp:464", "Snapshotting to %s file %s", kind, model)
    info("sgd_solver.cpp:284", "Snapshotting solver state to %s file %s", kind, path)
    return Snapshot(
        model,
        path,
        net_content(graph, param.snapshot_diff),
        StoredState(iteration, model, current_step, run_state=run_state),
        [values(blob._data, blob.shape) for blob in history],
    )


def copied(snapshot: Snapshot) -> Snapshot:
    """The snapshot with copies on the host of what it shows, each memory copied once."""
    copy = host_copier()
    layers = [
        layer._replace(
            data=[copy(tensor) for tensor in layer.data],
            diff=layer.diff and [copy(tensor) for tensor in layer.diff],
        )
        for layer in snapshot.net.layers
    ]
    return snapshot._replace(
        net=snapshot.net._replace(layers=layers),
        history=[copy(tensor) for tensor in snapshot.history],
    )


def size(snapshot: Snapshot) -> int:
    """The bytes that a copy of a snapshot takes."""
    return sum({identity(tensor): 4 * tensor.numel() for tensor in _tensors(snapshot)}.values())


def _tensors(snapshot: Snapshot) -> Iterator[torch.Tensor]:
    for layer in snapshot.net.layers:
        yield from layer.data
        yield from layer.diff or ()
    yield from snapshot.history


def write(snapshot: Snapshot) -> str:
    """Write the caffemodel and the solverstate; returns the solverstate's path.

    The solverstate is written last: where it exists, its caffemodel is whole.
    """
    caffemodel.write_weights(snapshot.model, snapshot.net)
    caffemodel.write_state(snapshot.path, snapshot.state, snapshot.history)
    return snapshot.path


def read(path: PathLike, kind: str, names: Sequence[str], history: Sequence[Blob]) -> StoredState:
    """The solverstate in a file, its caffemodel's path being where it is now.

    `kind` is the solver's type, `names` are its parameters', `history` are the blobs that the
    history is for. Raises CaffeError where the file does not fit them, or is damaged.
    """
    state = caffemodel.read_state(path)
    for what, count in (("iter", state.iter), ("current_step", state.current_step)):
        if not 0 <= count < 2**31:
            raise CaffeError(f"{path}: {what} is {count}, which no run reaches; it is damaged")
    if len(state.history) != len(history):
        raise CaffeError(
            f"{path}: holds {len(state.history)} history blobs, but this {kind} "
            f"solver's net needs {len(history)}; it belongs to another net or solver"
        )
    for i, (blob, stored) in enumerate(zip(history, state.history, strict=True)):
        if not stored.fits(blob.shape):
            raise CaffeError(
                f"{path}: the history of {names[i % len(names)]} has shape {stored.shape}; "
                f"this net needs {blob.shape}"
            )
    if not state.learned_net:
        return state
    return replace(state, learned_net=_caffemodel(path, state.learned_net))


def _caffemodel(state_file: PathLike, learned_net: str) -> str:
    """Where a solverstate's caffemodel is: beside it, or else where it was written.

    Beside comes first, for of a run that was moved another may be in the old place. Caffe looks in
    that place alone. Raises CaffeError where it is in neither.
    """
    name = os.path.basename(learned_net)
    folders = [Path(state_file).parent, Path(os.path.realpath(state_file)).parent]
    places = [*dict.fromkeys(str(folder / name) for folder in folders), learned_net]
    found = [place for place in places if os.path.isfile(place)]
    if not found:
        looked = dict.fromkeys(map(os.path.abspath, places))
        raise CaffeError(
            f"{state_file}: its caffemodel is not there (looked for {' and '.join(looked)}); "
            "put it beside the solverstate"
        )
    if learned_net in found and _differ(found[0], learned_net):
        LOGGER.warning(
            "%s: takes the weights of %s, which lies beside it; %s, where they were written, holds "
            "others",
            *(state_file, found[0], learned_net),
        )
    return found[0]


def _differ(first: str, second: str) -> bool:
    try:
        return not (os.path.samefile(first, second) or filecmp.cmp(first, second, shallow=False))
    except OSError:  # what cannot be read is not the same
        return True
