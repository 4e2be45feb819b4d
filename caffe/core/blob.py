"""Blob: an n-d array with data and diff (blob.cpp)."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import numpy as np
import torch

from .boost import Unpicklable, Vector, read_only
from .errors import CaffeError, caffe_error
from .synced_memory import Memory

MAX_AXES = 32


class Blob(Unpicklable):
    """pycaffe's Blob. `data` and `diff` are writable float32 arrays of `shape`."""

    def __init__(self, shape: Sequence[int] = ()) -> None:
        self._shape = checked_shape(shape)
        self._capacity = self.count  # what data and diff have room for, while they are its own
        self._data = Memory(self.count)
        self._diff = Memory(self.count)

    def reshape(self, *shape: int) -> None:
        """Set the shape. Data and diff keep their values and stay where they are.

        With fewer values than before it shows the first ones, and with more again those behind
        them too. Beyond the largest count so far data and diff become new zeros, and shared ones
        are shared no more (Blob::Reshape).

        Raises CaffeError for a negative dimension, more than 32 axes, or a count over 2**31 - 1.
        """
        self._shape = checked_shape(shape)
        if self.count > self._capacity:
            self._capacity = self.count
            self._data, self._diff = Memory(self.count), Memory(self.count)

    @read_only("use reshape(*shape)")
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def count(self) -> int:
        return math.prod(self._shape)

    @read_only("write the values: .data[...] = array")
    def data(self) -> np.ndarray:
        return self._data.numpy(self._shape)

    @read_only("write the values: .diff[...] = array")
    def diff(self) -> np.ndarray:
        return self._diff.numpy(self._shape)

    num = property(lambda self: self._legacy_dim(0))
    channels = property(lambda self: self._legacy_dim(1))
    height = property(lambda self: self._legacy_dim(2))
    width = property(lambda self: self._legacy_dim(3))

    def _legacy_dim(self, axis: int) -> int:
        """Caffe's LegacyShape: axes that a blob of fewer than four lacks count as 1."""
        if len(self._shape) > 4:
            raise CaffeError(
                f"num, channels, height, width need a blob of at most 4 axes; "
                f"this one's shape is {self._shape}; use shape"
            )
        return self._shape[axis] if axis < len(self._shape) else 1

    # What the engine uses; scripts use data and diff.

    def data_tensor(self) -> torch.Tensor:
        return self._data.tensor(self._shape)

    def diff_tensor(self) -> torch.Tensor:
        return self._diff.tensor(self._shape)

    def share_data(self, other: Blob) -> None:
        """Show the other blob's data from now on (counts must be equal)."""
        if self._data is not other._data:
            self._data.changes()
        self._data = other._data

    def share_diff(self, other: Blob) -> None:
        """Show the other blob's diff from now on (counts must be equal)."""
        self._diff = other._diff


class RawBlobVec(Vector):
    """A layer's bottoms or tops, as a Python layer is given them."""

    kind = Blob
    cure = "; write the values: [0].data[...] = array"


class BlobVec(RawBlobVec):
    """A layer's parameters, as pycaffe shows them: a list, and `add_blob` for Python layers."""

    def add_blob(self, *shape: int) -> Blob:
        self.append(Blob(shape))
        return self[-1]


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape as a tuple of ints, or CaffeError where Caffe's Blob::Reshape would abort.

    ValueError then, TypeError where a dimension is no integer.
    """
    try:
        dims = tuple(operator.index(d) for d in shape)
    except TypeError:
        raise caffe_error(
            TypeError, f"a blob's dimensions are integers, as in reshape(1, 3, 9, 9); found {shape}"
        ) from None
    if len(dims) > MAX_AXES:
        raise caffe_error(
            ValueError, f"a blob has at most {MAX_AXES} axes; shape {dims} has {len(dims)}"
        )
    if any(d < 0 for d in dims):
        raise caffe_error(ValueError, f"a blob's dimensions are at least 0; found shape {dims}")
    if math.prod(max(d, 1) for d in dims) > 2**31 - 1:  # numpy too counts a 0 as 1 here
        raise caffe_error(
            ValueError, f"blob of shape {dims} exceeds 2147483647 values, Caffe's limit"
        )
    return dims
