"""Weights and solver state in Caffe's HDF5 files (.caffemodel.h5, .solverstate.h5).

Weights: a group `data` of layer groups with a dataset for each parameter, `0`, `1`, ...; a
parameter shared with an earlier layer is left out there; with diffs also a group `diff`, which
holds all (Net::ToHDF5). A layer's name with slashes, at which BVLC's Caffe fails, is a path.
State: `iter`, `learned_net`, `current_step` and a group `history` (SnapshotSolverStateToHDF5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import torch

from ..core.errors import CaffeError
from ..core.files import PathLike, replacing
from ..formats import hdf5
from .content import NetContent, StoredBlob, StoredLayers, StoredState, host_array

if TYPE_CHECKING:
    import h5py


def write_weights_hdf5(path: PathLike, net: NetContent) -> None:
    """Write a net's parameters, with their diffs if it has them; whole or not at all."""
    with_diff = any(layer.diff is not None for layer in net.layers)
    with _writing(path) as file:
        data = file.create_group("data")
        diff = file.create_group("diff") if with_diff else None
        for layer in net.layers:
            group = data.require_group(layer.name)
            for i, (values, owned) in enumerate(zip(layer.data, layer.owned, strict=True)):
                if owned:
                    _save(group, i, values)
            if diff is not None:
                group = diff.require_group(layer.name)
                for i, values in enumerate(layer.diff or []):
                    if str(i) not in group:  # or it is shared with a layer of the same name
                        _save(group, i, values)


def read_weights_hdf5(path: PathLike) -> StoredLayers:
    """The parameter blobs of each layer, by layer name; None for one that was left out.

    Raises CaffeError for a missing, damaged or foreign file.
    """
    with hdf5.reading(path, "weights") as file:
        hdf5.check("data" in file or "history" not in file, "this is a solverstate")
        return dict(_layers(hdf5.group(file, "data"), "", frozenset()))


def write_state_hdf5(path: PathLike, state: StoredState, history: Sequence[torch.Tensor]) -> None:
    """Write a solver's state with the given history, whole or not at all."""
    with _writing(path) as file:
        file["iter"] = np.array([state.iter], np.int32)
        _save_string(file, "learned_net", state.learned_net)
        file["current_step"] = np.array([state.current_step], np.int32)
        group = file.create_group("history")
        for i, values in enumerate(history):
            _save(group, i, values)
        if state.run_state:
            _save_string(file, "run_state", state.run_state)


def read_state_hdf5(path: PathLike) -> StoredState:
    """A solver's state. Raises CaffeError for a missing, damaged or foreign file."""
    with hdf5.reading(path, "a solver's state") as file:
        hdf5.check("history" in file or "data" not in file, "this is a file of weights")
        history = hdf5.group(file, "history")
        return StoredState(
            hdf5.integer(file, "iter"),
            hdf5.text(file, "learned_net") if "learned_net" in file else "",
            hdf5.integer(file, "current_step"),
            [_blob(history, str(i)) for i in range(len(history))],
            hdf5.text(file, "run_state") if "run_state" in file else "",
        )


# Writing.


class _Target:
    """The file that HDF5 writes to; it keeps what a write raised, for HDF5 does not."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.error: BaseException | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)

    def write(self, data: memoryview) -> int:
        try:
            return self.file.write(data)
        except BaseException as error:
            self.error = error
            raise


@contextmanager
def _writing(path: PathLike) -> Iterator[h5py.File]:
    import h5py

    with replacing(path) as file:
        target = _Target(file)
        try:
            with h5py.File(target, "w") as hdf5_file:
                yield hdf5_file
        except Exception as error:
            if target.error:
                raise target.error from None
            if isinstance(error, ValueError | TypeError):  # a name that HDF5 cannot hold
                raise CaffeError(f"{path}: cannot be written as HDF5 ({error})") from None
            raise


def _save(group: h5py.Group, number: int, tensor: torch.Tensor) -> None:
    group[str(number)] = host_array(tensor)


def _save_string(file: h5py.File, name: str, text: str) -> None:
    """With a terminating zero: BVLC's Caffe reads it as a C string."""
    data = text.encode()
    file[name] = np.array(data, f"S{len(data) + 1}")


# Reading: the file may be anything, see hdf5.py.

MAX_BLOBS = 1000  # of a layer


def _layers(
    parent: h5py.Group, prefix: str, above: frozenset[int]
) -> Iterator[tuple[str, list[StoredBlob | None]]]:
    """Each layer's name and blobs. A layer is a group; groups inside are layers of their own."""
    import h5py

    for key in _groups(parent):
        group = hdf5.group(parent, key)
        address = h5py.h5o.get_info(group.id).addr
        hdf5.check(address not in above, f"group {group.name} holds itself")
        yield prefix + key, _blobs(group)
        yield from _layers(group, f"{prefix}{key}/", above | {address})


def _groups(parent: h5py.Group) -> list[str]:
    """Those inside: a link may lead anywhere."""
    import h5py

    return [
        key
        for key in parent
        if isinstance(parent.get(key, getlink=True), h5py.HardLink)
        and parent.get(key, getclass=True) is h5py.Group
    ]


def _blobs(layer: h5py.Group) -> list[StoredBlob | None]:
    blobs: dict[int, StoredBlob] = {}
    for key in set(layer) - set(_groups(layer)):
        hdf5.check(
            isinstance(key, str) and key.isdecimal() and int(key) < MAX_BLOBS,
            f"{layer.name} holds '{key}', where datasets are numbered from 0",
        )
        blobs[int(key)] = _blob(layer, key)
    return [blobs.get(i) for i in range(max(blobs, default=-1) + 1)]


def _blob(group: h5py.Group, key: str) -> StoredBlob:
    values = hdf5.array(group, key)
    return StoredBlob(values.shape, False, values.ravel().astype(np.float32, copy=False))
