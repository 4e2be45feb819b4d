"""What lies between a net and its files, whatever their format.

Writers are given the values of a net as tensors; readers give blobs as they are stored.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch

from ..core.blob import Blob
from ..core.synced_memory import Memory
from ..graph.build import Graph, check_names
from ..proto import caffe_pb2

CHUNK = 1 << 24  # values that are copied at once


# What is written.


class LayerContent(NamedTuple):
    name: str
    head: bytes  # its LayerParameter, without blobs
    data: list[torch.Tensor]
    diff: list[torch.Tensor] | None  # unless diffs are to be written
    owned: list[bool]  # False: the parameter is an earlier layer's


class NetContent(NamedTuple):
    name: str
    layers: list[LayerContent]


def net_content(graph: Graph, write_diff: bool = False) -> NetContent:
    """Each layer of a net with its parameters, and their diffs if asked for; not copied.

    Raises CaffeError where two layers with parameters of their own have one name.
    """
    check_names(graph)
    owned = {id(param.blob) for param in graph.params}
    layers = []
    for layer in graph.layers:
        bare = caffe_pb2.LayerParameter()
        bare.CopyFrom(layer.spec)
        bare.ClearField("blobs")
        bare.ClearField("top")
        bare.top.extend(name for name in layer.spec.top if name not in graph.automatic)
        blobs = layer.blobs
        data = [values(blob._data, blob.shape) for blob in blobs]
        diff = [values(blob._diff, blob.shape) for blob in blobs] if write_diff else None
        are_owned = [id(blob) in owned for blob in blobs]
        layers.append(LayerContent(layer.name, bare.SerializeToString(), data, diff, are_owned))
    return NetContent(graph.spec.name, layers)


def values(memory: Memory, shape: tuple[int, ...]) -> torch.Tensor:
    """A blob's values for reading; zeros that nobody has touched stay so, and take no memory."""
    return torch.zeros(()).expand(shape) if memory.untouched else memory.tensor(shape)


def host_array(tensor: torch.Tensor) -> np.ndarray:
    """A tensor on any device as a contiguous array, copied only if it is none."""
    return tensor.cpu().contiguous().numpy()


def identity(tensor: torch.Tensor) -> tuple:
    """What two tensors have in common that are the same values in the same memory."""
    return tensor.data_ptr(), tensor.shape, tensor.stride()


def host_copier() -> Callable[[torch.Tensor], torch.Tensor]:
    """A function that copies tensors to the host, and each only once."""
    # With the tensor that was copied: as long as it lives, no other has its address.
    copies: dict[tuple, tuple[torch.Tensor, torch.Tensor]] = {}

    def copy(tensor: torch.Tensor) -> torch.Tensor:
        key = identity(tensor)
        if key not in copies:
            # In numpy's memory, which is of huge pages where torch's is not: it fills much faster.
            made = torch.from_numpy(np.empty(tensor.shape, np.float32)).copy_(tensor)
            copies[key] = tensor, made
        return copies[key][1]

    return copy


# What is read.


@dataclass(frozen=True)
class StoredBlob:
    """A blob inside a file: its shape, and its values, read when asked for.

    Old files give num, channels, height and width: `legacy` then, and the shape has four axes.
    """

    shape: tuple[int, ...]
    legacy: bool
    values: np.ndarray  # flat floats, of a binary file a view
    file: mmap.mmap | None = None  # what `values` is a view of
    diff: np.ndarray | None = None  # as values, where the file holds diffs

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Blob::ShapeEquals: equal shapes; against a legacy one, leading axes of 1 are free."""
        if self.legacy and len(shape) <= 4:
            return (1,) * (4 - len(shape)) + shape == self.shape
        return shape == self.shape

    def read_into(self, blob: Blob) -> None:
        """Copy the values to blob.data, whose count must be equal, and stored diffs to its diff."""
        self._copy(self.values, blob._data.own(blob.shape))
        if self.diff is not None:
            self._copy(self.diff, blob._diff.own(blob.shape))

    def _copy(self, values: np.ndarray, target: torch.Tensor) -> None:
        flat = target.view(-1)
        for at in range(0, len(flat), CHUNK):
            flat[at : at + CHUNK].copy_(torch.from_numpy(values[at : at + CHUNK]))
            if self.file:
                self.file.madvise(mmap.MADV_DONTNEED)  # what is copied need not stay in memory


# By layer name. None stands for a parameter that an HDF5 file leaves out because it is shared.
StoredLayers = dict[str, list[StoredBlob | None]]


@dataclass(frozen=True)
class StoredState:
    """A solverstate: the iteration, the caffemodel it belongs to, and the history blobs.

    run_state is what only our solverstates hold, see solver/run_state.py; empty in BVLC's.
    """

    iter: int
    learned_net: str
    current_step: int
    history: list[StoredBlob] = field(default_factory=list)
    run_state: str = ""
