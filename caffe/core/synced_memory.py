"""One array that numpy and torch both see (syncedmem)."""

from __future__ import annotations

import math
import weakref
from typing import Protocol

import numpy as np
import torch

from . import host_memory
from .device import current_device
from .errors import CaffeError


class Deferred(Protocol):
    """What computes memories that were let go of."""

    def compute(self, reader: Memory) -> None:
        """Assign the values of all memories that still wait for it; `reader` is who asks."""

    def before_change(self, memory: Memory) -> None:
        """The values of a memory that this depends on may change after this call."""


class Memory:
    """One array that numpy and torch both see, copied only when the other side is newer.

    float32; a computed tensor may be bfloat16 (layer_types/autocast.py) until someone looks at it
    or writes.

    On the CPU the numpy array is a view of the tensor. On a GPU the array is a host copy, fetched
    when it is read. Whoever reads it may write to it, so the device fetches it back before its
    next use; until the device writes, neither side copies again (Caffe's HEAD_AT_CPU, SYNCED).
    """

    def __init__(self) -> None:
        self._tensor: torch.Tensor | None = None  # None stands for zeros that nobody has touched
        self._borrowed = False  # the tensor shows another memory's storage
        self.dtype = torch.float32  # of the values as computed; the tensor may be float32 since
        self._exported: weakref.ref | None = None  # the numpy view of a tensor on the CPU
        self._host: np.ndarray | None = None  # the host copy of a tensor on a GPU
        self._host_is_current = False
        self._host_is_newer = False
        self._deferred: Deferred | None = None  # computes the values when someone wants them
        self._dependents: weakref.WeakSet[Deferred] = weakref.WeakSet()
        self.version = 0  # counts what may have changed the values, but for writes through `held`

    @property
    def untouched(self) -> bool:
        """True while this is zeros that nobody has read or written."""
        return self._tensor is None and self._deferred is None

    @property
    def held(self) -> np.ndarray | None:
        """The numpy array over the tensor itself, while a script holds it or a view of it."""
        return None if self._exported is None else self._exported()

    def tensor(self, shape: tuple[int, ...]) -> torch.Tensor:
        """The values on the current device, for reading; does not require grad."""
        device = current_device()
        self._compute()
        if self._tensor is None:
            self._tensor = _zeros(shape, device)
        if self._host_is_newer:
            self._upload()
        if self._tensor.device != device:
            self._host, self._exported = self.held, None
            self._host_is_current = self._host is not None
            self._tensor, self._borrowed = self._tensor.to(device), False
        return self._tensor if self._tensor.shape == shape else self._tensor.reshape(shape)

    def own(self, shape: tuple[int, ...]) -> torch.Tensor:
        """The values for writing in place: contiguous, and no other memory's storage."""
        self.tensor(shape)
        self.changes()
        self._host_is_current = False
        return self._own().view(shape)

    def _own(self) -> torch.Tensor:
        assert self._tensor is not None
        converts = self._tensor.dtype != torch.float32
        if self._borrowed or converts or not self._tensor.is_contiguous():
            self._tensor = self._tensor.to(
                torch.float32, copy=True, memory_format=torch.contiguous_format
            )
            self._borrowed = False
        return self._tensor.data  # .data: writing here is not autograd's business

    def assign(self, tensor: torch.Tensor, borrowed: bool = False) -> None:
        """Take a computed tensor as the new values.

        A numpy view that a script still holds keeps showing the blob, as in Caffe, where the
        memory never moves; without one nothing is copied.
        """
        self.changes()
        self._deferred = None
        self.dtype = tensor.dtype
        if self.held is not None and self._tensor is not None:  # what is held is over a tensor
            self._tensor.data.copy_(tensor.reshape(self._tensor.shape))
        else:
            self._tensor, self._borrowed = tensor, borrowed
            self._host_is_current = self._host_is_newer = False

    def accumulate(self, tensor: torch.Tensor) -> None:
        """Add a computed tensor to the values; the first one after zeros is taken as it is."""
        if self.untouched:
            self.assign(tensor)
        else:
            self.own(tuple(tensor.shape)).add_(tensor)

    def clear(self) -> None:
        """Set to zero: memory that nobody holds is dropped, not filled."""
        self.changes()
        self._deferred = None
        if self.held is not None and self._tensor is not None:
            self._tensor.data.zero_()
        else:
            self._tensor = None
            self._host_is_current = self._host_is_newer = False

    def numpy(self, shape: tuple[int, ...]) -> np.ndarray:
        """The values as a writable float32 array, see the class."""
        self._compute()
        self.changes()
        if self._tensor is None:
            self._tensor = _zeros(shape, current_device())
        if numpy_sees(self._tensor):
            array = self.held
            if array is None:
                array = self._own().numpy()
                self._exported = weakref.ref(array)
        else:
            if not self._host_is_current:
                self._download()
            self._host_is_current = self._host_is_newer = True
            array = self._host
            assert array is not None
        return array.reshape(shape)

    def defer(self, deferred: Deferred) -> None:
        """Let go of the values; whoever wants them has them computed. Nobody may hold a view."""
        self.clear()
        self._tensor, self._deferred = None, deferred

    def is_deferred(self, deferred: Deferred) -> bool:
        """Whether the values are still to come from there."""
        return self._deferred is deferred

    def depends(self, deferred: Deferred) -> None:
        """Tell `deferred` before these values change, once."""
        self._dependents.add(deferred)

    def copy(self) -> Memory:
        """Another memory with a copy of the present values."""
        memory = self.stand_in()
        if memory._tensor is not None:
            memory._tensor, memory._borrowed = memory._tensor.clone(), False
        return memory

    def take(self, other: Memory) -> None:
        """Take over another memory's values."""
        self.clear()
        if other._tensor is not None:
            self.assign(other._tensor)

    def shows(self, other: Memory) -> bool:
        """Whether what is written to the other one may show here: it is this, or in its storage."""
        if self._tensor is None or other._tensor is None:
            return self is other
        storages = (tensor.untyped_storage().data_ptr() for tensor in (self._tensor, other._tensor))
        return self is other or len(set(storages)) == 1

    def stand_in(self) -> Memory:
        """Another memory that shows the present values, until it is written to."""
        memory = Memory()
        memory._tensor, memory._borrowed, memory.dtype = self._tensor, True, self.dtype
        return memory

    def _compute(self) -> None:
        if self._deferred is not None:
            self._deferred.compute(self)

    def changes(self) -> None:
        """Say that the values may change after this."""
        self.version += 1
        if self._dependents:
            dependents, self._dependents = self._dependents, weakref.WeakSet()
            for deferred in dependents:
                deferred.before_change(self)

    def _upload(self) -> None:
        assert self._host is not None
        self._tensor = self._own().view(self._host.shape).copy_(torch.from_numpy(self._host))
        self._host_is_newer = False

    def _download(self) -> None:
        assert self._tensor is not None
        if self._host is None or self._host.size != self._tensor.numel():
            self._host = np.empty(self._tensor.shape, np.float32)
        torch.from_numpy(self._host).copy_(self._tensor.reshape(self._host.shape))


def _zeros(shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    if device.type == "cpu":
        host_memory.check(shape, math.prod(shape))
    try:
        return torch.zeros(shape, device=device)
    except RuntimeError as error:
        if not host_memory.exhausted(error):
            raise
        reason = str(error).partition(". ")[0]
        raise CaffeError(f"no memory for a blob of shape {shape} ({reason})") from None


def numpy_sees(tensor: torch.Tensor) -> bool:
    """Whether numpy can look at the tensor's own memory."""
    return tensor.device.type == "cpu"
