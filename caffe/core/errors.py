"""What the engine raises where BVLC Caffe says "Check failed" and aborts, or pycaffe raises.

There is one class, CaffeError. Where pycaffe raises a ValueError, a KeyError, an IOError, ..., the
error is of that class too, so that a script's `except` for it works: see `caffe_error`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

OS_FACTS = ("errno", "strerror", "filename")  # what an OSError tells besides its message


class CaffeError(RuntimeError):
    """A net, file or request that Caffe would refuse; the message says what, where, the cure."""

    kind: type[Exception] = RuntimeError  # what pycaffe raises here

    def __init__(self, message: object = "") -> None:
        super().__init__(printable(f"{message}"))

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError's text would be in quotes, an OSError's its facts

    def __reduce__(self) -> tuple[Callable[..., CaffeError], tuple, dict[str, object]]:
        facts = {name: getattr(self, name) for name in OS_FACTS if hasattr(self, name)}
        return caffe_error, (self.kind, str(self)), facts | vars(self)


def caffe_error(kind: type[Exception], message: str) -> CaffeError:
    """A CaffeError that `except kind` catches too."""
    return _class(kind)(message)  # type: ignore[arg-type]  # mypy: a class has no hash


@cache
def _class(kind: type[Exception]) -> type[CaffeError]:
    if issubclass(CaffeError, kind):
        return CaffeError
    return type(f"Caffe{kind.__name__}", (CaffeError, kind), {"kind": kind, "__module__": __name__})


def anew(error: CaffeError, message: str | None = None) -> CaffeError:
    """The same error, that has passed through no frame yet, with another message if given."""
    make, (kind, text), facts = error.__reduce__()
    copy = make(kind, text if message is None else message)
    for name, value in facts.items():
        setattr(copy, name, value)
    return copy


def printable(text: str) -> str:
    r"""The text with bytes of a path or file that are no UTF-8 as \xff, which any stream takes."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        return text.encode("utf-8", "backslashreplace").decode()


@contextmanager
def error_context(place: object) -> Iterator[None]:
    """Put the place (a file, a layer) in front of the message of a CaffeError raised inside."""
    try:
        yield
    except CaffeError as error:
        shown = printable(f"{place}")
        if str(error).startswith(shown):  # it is there already
            raise
        ours = anew(error, f"{shown}: {error}")
        raise ours.with_traceback(error.__traceback__) from None


@contextmanager
def noting(place: str) -> Iterator[None]:
    """Note on every exception raised inside that it was there; a traceback ends in its notes."""
    try:
        yield
    except Exception as error:
        if not notes(error):
            vars(error)["__notes__"] = [f"in {place}"]  # add_note came with Python 3.11
        raise


def notes(error: Exception) -> list[str]:
    """What `noting` has noted on an exception."""
    return getattr(error, "__notes__", [])
