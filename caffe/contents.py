"""What the writers of Caffe's files are given: the values of a net and a solver as tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from .blob import Memory
from .proto import caffe_pb2

if TYPE_CHECKING:
    from .net import Net


class LayerContent(NamedTuple):
    name: str
    head: bytes  # its LayerParameter, without blobs
    data: list[torch.Tensor]
    diff: list[torch.Tensor] | None  # unless diffs are to be written
    owned: list[bool]  # False: the parameter is an earlier layer's


class NetContent(NamedTuple):
    name: str
    layers: list[LayerContent]


Hold = Callable[[torch.Tensor], torch.Tensor]  # what is kept of a tensor: itself, or a copy


def as_it_is(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def net_content(net: Net, write_diff: bool = False, hold: Hold = as_it_is) -> NetContent:
    """Each layer of a net with its parameters, and their diffs if asked for."""
    owned = {id(param.blob) for param in net._graph.params}
    layers = []
    for layer in net._graph.layers:
        bare = caffe_pb2.LayerParameter()
        bare.CopyFrom(layer.spec)
        bare.ClearField("blobs")
        blobs = layer.blobs
        data = [hold(values(blob._data, blob.shape)) for blob in blobs]
        diff = [hold(values(blob._diff, blob.shape)) for blob in blobs] if write_diff else None
        are_owned = [id(blob) in owned for blob in blobs]
        layers.append(LayerContent(layer.name, bare.SerializeToString(), data, diff, are_owned))
    return NetContent(net.name, layers)


def values(memory: Memory, shape: tuple[int, ...]) -> torch.Tensor:
    """A blob's values for reading; zeros that nobody has touched stay so, and take no memory."""
    return torch.zeros(()).expand(shape) if memory.untouched else memory.tensor(shape)


def host_array(tensor: torch.Tensor) -> np.ndarray:
    """A tensor on any device as a contiguous array, copied only if it is none."""
    return tensor.cpu().contiguous().numpy()


def host_copier() -> Hold:
    """A function that copies tensors to the host, and each only once."""
    # With the tensor that was copied: as long as it lives, no other has its address.
    copies: dict[tuple, tuple[torch.Tensor, torch.Tensor]] = {}

    def copy(tensor: torch.Tensor) -> torch.Tensor:
        identity = tensor.data_ptr(), tensor.shape, tensor.stride()
        if identity not in copies:
            # In numpy's memory, which is of huge pages where torch's is not: it fills much faster.
            made = torch.from_numpy(np.empty(tensor.shape, np.float32)).copy_(tensor)
            copies[identity] = tensor, made
        return copies[identity][1]

    return copy
