"""What scripts see of Boost.Python in BVLC's `_caffe`: its vectors, and what it refuses.

An attribute that BVLC wraps without a setter cannot be assigned, a vector takes no item of another
type, and what is wrapped cannot be pickled.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, SupportsIndex

from .errors import CaffeError, caffe_error


def read_only(cure: str) -> Callable[[Callable], property]:
    """A property whose assignment is an AttributeError that says what to write instead."""

    def decorate(get: Callable) -> property:
        def refuse(self: object, value: object) -> NoReturn:
            raise caffe_error(
                AttributeError,
                f"'{get.__name__}' of a {type(self).__name__} cannot be assigned; {cure}",
            )

        return property(get, refuse)

    return decorate


def integer(value: int, what: str) -> int:
    """A Python int of an int of any kind; a TypeError for a float, even a whole one."""
    try:
        return operator.index(value)
    except TypeError:
        raise caffe_error(
            TypeError, f"{what} is an integer; found {value!r}, write int(...) or // for /"
        ) from None


class Unpicklable:
    """Pickling and copying raise RuntimeError."""

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise CaffeError(
            f'Pickling of "caffe._caffe.{type(self).__name__}" instances is not enabled. Pass '
            "arrays on, copies of blob.data; or save the net (net.save, solver.snapshot) and open "
            "it there"
        )


class Vector(Unpicklable, list):
    """A list of items of one type."""

    kind: type = object
    cure = ""

    def _check(self, values: Iterable[object]) -> None:
        for value in values:
            if not isinstance(value, self.kind):
                raise caffe_error(
                    TypeError,
                    f"a {type(self).__name__} takes no {type(value).__name__}{self.cure}",
                )

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        if isinstance(index, slice):
            value = list(value)
        self._check(value if isinstance(index, slice) else [value])
        super().__setitem__(index, value)

    def append(self, value: object) -> None:
        self._check([value])
        super().append(value)

    def insert(self, index: SupportsIndex, value: object) -> None:
        self._check([value])
        super().insert(index, value)

    def extend(self, values: Iterable[object]) -> None:
        values = list(values)
        self._check(values)
        super().extend(values)

    # A list's += takes more than its +, which mypy holds for a mistake.
    def __iadd__(self, values: Iterable[object]) -> Vector:  # type: ignore[misc]
        self.extend(values)
        return self


class StringVec(Vector):
    kind = str


class IntVec(Vector):
    kind = int


class DtypeVec(Vector):
    kind = float


class BoolVec(Vector):
    kind = bool


class LayerVec(Vector):
    pass


class NetVec(Vector):
    pass
