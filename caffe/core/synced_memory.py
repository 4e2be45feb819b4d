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


class Dependent(Protocol):
    """What goes by the values of memories, and hears before they change."""

    def before_change(self, memory: Memory) -> None:
        """The values of a memory that this depends on may change after this call."""


class Deferred(Protocol):
    """What computes memories that were let go of."""

    def compute(self, reader: Memory) -> None:
        """Assign the values of all memories that still wait for it; `reader` is who asks."""


class Memory:
    """One array that numpy and torch both see, copied only when the other side is newer.

    float32; a computed tensor may be bfloat16 (layer_types/autocast.py) until someone looks at it
    or writes.

    It holds `capacity` values. Whoever reads or writes gives a shape, which stands for the first
    values; those behind it stay what they were, as in a blob of Caffe's that became smaller.

    On the CPU the numpy array is a view of the tensor. On a GPU the array is a host copy, fetched
    when it is read. Whoever reads it may write to it, so the device fetches it back before its
    next use; until the device writes, neither side copies again (Caffe's HEAD_AT_CPU, SYNCED).
    """

    def __init__(self, capacity: int = 0) -> None:
        self._capacity = capacity
        self._tensor: torch.Tensor | None = None  # the first values; None: zeros nobody has touched
        self._borrowed = False  # the tensor shows another memory's storage
        # All values, flat, where there are some behind the tensor's: those count, and the tensor's
        # own only if it is a view of this. None while there are but zeros behind.
        self._whole: torch.Tensor | None = None
        self.dtype = torch.float32  # of the values as computed; the tensor may be float32 since
        self._exported: weakref.ref | None = None  # the numpy view of _whole on the CPU
        self._host: np.ndarray | None = None  # the host copy on a GPU, flat
        self._host_is_current = False
        self._host_is_newer = False
        # Who computes the values when someone wants them, and how many of the first: several if
        # the later ones compute fewer.
        self._deferred: list[tuple[Deferred, int]] = []
        self._dependents: weakref.WeakSet[Dependent] = weakref.WeakSet()
        self.version = 0  # counts what may have changed the values, but for writes through `held`

    @property
    def untouched(self) -> bool:
        """True while this is zeros that nobody has read or written."""
        return self._tensor is None and not self._deferred

    @property
    def held(self) -> np.ndarray | None:
        """The numpy array over all values, while a script holds it or a view of it (on the CPU)."""
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
            self._move(device)
        self._fit(math.prod(shape))
        return self._tensor if self._tensor.shape == shape else self._tensor.reshape(shape)

    def own(self, shape: tuple[int, ...]) -> torch.Tensor:
        """The values for writing in place: contiguous, and no other memory's storage."""
        self.tensor(shape)
        self.changes()
        self._host_is_current = False
        return self._own().view(shape)

    @property
    def _present(self) -> torch.Tensor:
        assert self._tensor is not None
        return self._tensor

    def _own(self) -> torch.Tensor:
        tensor = self._present
        if self._borrowed or tensor.dtype != torch.float32 or not tensor.is_contiguous():
            self._tensor = tensor = tensor.to(
                torch.float32, copy=True, memory_format=torch.contiguous_format
            )
            self._borrowed = False
        return tensor.data  # .data: writing here is not autograd's business

    def assign(self, tensor: torch.Tensor, borrowed: bool = False) -> None:
        """Take a computed tensor as the new values.

        A numpy view that a script still holds keeps showing the blob, as in Caffe, where the
        memory never moves; without one nothing is copied.
        """
        self.changes()
        self._replaces(tensor.numel())
        self.dtype = tensor.dtype
        if self.held is not None:
            self._present.data.copy_(tensor.reshape(self._present.shape))
        else:
            self._tensor, self._borrowed = tensor, borrowed
            self._host_is_current = self._host_is_newer = False

    def accumulate(self, tensor: torch.Tensor) -> None:
        """Add a computed tensor to the values; the first one after zeros is taken as it is."""
        if self.untouched:
            self.assign(tensor)
        else:
            self.own(tuple(tensor.shape)).add_(tensor)

    def clear(self, count: int | None = None) -> None:
        """Set the first `count` values to zero (None: all); what nobody holds is dropped."""
        self.changes()
        count = self._capacity if count is None else count
        self._replaces(count)
        if self.held is not None:
            self._present.data.zero_()
        else:
            behind, self._borrowed = self._whole, False
            self._tensor = None if behind is None else behind.new_zeros(count)
            self._host_is_current = self._host_is_newer = False

    def numpy(self, shape: tuple[int, ...]) -> np.ndarray:
        """The values as a writable float32 array, see the class."""
        self._compute()
        self.changes()
        count = math.prod(shape)
        if self._tensor is None or self._tensor.numel() != count:
            self.tensor(shape)
        if numpy_sees(self._present):
            array = self.held
            if array is None:
                array = self._gather().numpy()
                self._exported = weakref.ref(array)
        else:
            if not self._host_is_current:
                self._download()
            self._host_is_current = self._host_is_newer = True
            array = self._host
            assert array is not None
        return array[:count].reshape(shape)

    def defer(self, deferred: Deferred, count: int | None = None) -> None:
        """Let go of the first `count` values (None: all); whoever wants them has them computed.

        Nobody may hold a view.
        """
        self.changes()
        count = self._capacity if count is None else count
        larger = [(other, n) for other, n in self._deferred if n > count]
        self._deferred = []
        self._replaces(count)
        self._tensor, self._deferred = None, [*larger, (deferred, count)]
        self._borrowed = self._host_is_current = self._host_is_newer = False

    def is_deferred(self, deferred: Deferred) -> bool:
        """Whether values are still to come from there."""
        return any(other is deferred for other, _ in self._deferred)

    def settle(self, deferred: Deferred, tensor: torch.Tensor) -> None:
        """Take what `deferred` has computed, when those before it have settled."""
        while self._deferred[0][0] is not deferred:
            self._deferred[0][0].compute(self)
        later, self._deferred = self._deferred[1:], []
        self.assign(tensor)
        self._deferred = later

    def depends(self, dependent: Dependent) -> None:
        """Tell `dependent` before these values change, once."""
        self._dependents.add(dependent)

    @property
    def address(self) -> int | None:
        """Of the storage that the values are in, if they are there."""
        return None if self._tensor is None else storage_address(self._tensor)

    def _compute(self) -> None:
        if self._deferred:
            self._deferred[-1][0].compute(self)

    def changes(self) -> None:
        """Say that the values may change after this."""
        self.version += 1
        if self._dependents:
            dependents, self._dependents = self._dependents, weakref.WeakSet()
            for dependent in dependents:
                dependent.before_change(self)

    # Values behind those of the shape.

    def _replaces(self, count: int) -> None:
        """The first `count` values are about to be replaced: keep those behind them."""
        if any(n > count for _, n in self._deferred):
            self._compute()
        self._deferred = []
        self._capacity = max(self._capacity, count)
        if self.held is not None:
            self._fit(count)
        elif count == self._capacity:
            self._whole = None
        elif self._tensor is not None and self._tensor.numel() > count:
            self._gather()

    def _fit(self, count: int) -> None:
        """Make the tensor the first `count` values."""
        if self._present.numel() != count:
            self._capacity = max(self._capacity, count)
            self._tensor = self._gather()[:count]
            self._host_is_current = False

    def _gather(self) -> torch.Tensor:
        """Bring all values together in _whole, of which the tensor is a view from then on."""
        flat = self._own().view(-1)
        whole = self._whole
        if whole is None or len(whole) < self._capacity:
            if len(flat) == self._capacity:
                whole = flat
            else:
                whole = _zeros((self._capacity,), flat.device)
                self._exported = None  # a view from before shows what was there
                if self._whole is not None:
                    whole[: len(self._whole)] = self._whole
        if whole.data_ptr() != flat.data_ptr():
            whole.data[: len(flat)] = flat
        self._whole, self._tensor = whole, whole[: len(flat)].view(self._present.shape)
        return whole

    def _move(self, device: torch.device) -> None:
        self._host, self._exported = self.held, None
        self._host_is_current = self._host is not None
        if self._whole is None:
            self._tensor = self._present.to(device)
        else:
            self._whole = self._gather().to(device)
            tensor = self._present
            self._tensor = self._whole[: tensor.numel()].view(tensor.shape)
        self._borrowed = False

    def _upload(self) -> None:
        assert self._host is not None
        tensor = self._own()
        tensor.view(-1).copy_(torch.from_numpy(self._host[: tensor.numel()]))
        self._host_is_newer = False

    def _download(self) -> None:
        if self._host is None or len(self._host) < self._capacity:
            self._host = np.empty(self._capacity, np.float32)
        flat = self._present.reshape(-1)
        torch.from_numpy(self._host[: len(flat)]).copy_(flat)


def storage_address(tensor: torch.Tensor) -> int:
    """The address of a tensor's memory: one for all that show it."""
    return tensor.untyped_storage().data_ptr()


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
