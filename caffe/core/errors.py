"""The one exception that the engine raises where BVLC Caffe would say "Check failed" and abort."""

from collections.abc import Iterator
from contextlib import contextmanager


class CaffeError(RuntimeError):
    """A net, file or request that Caffe would refuse; the message says what, where, the cure."""


@contextmanager
def error_context(place: object) -> Iterator[None]:
    """Put the place (a file, a layer) in front of the message of a CaffeError raised inside."""
    try:
        yield
    except CaffeError as error:
        if str(error).startswith(f"{place}"):  # it is there already
            raise
        raise CaffeError(f"{place}: {error}") from None
