"""What the commands of this project share: how they parse their arguments and end on an error."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def parser(prog: str, description: str | None) -> argparse.ArgumentParser:
    """A parser whose help shows the description, a module's docstring, line by line as written."""
    return argparse.ArgumentParser(
        prog=prog,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def positive(kind: type) -> Callable[[str], float]:
    """The type of an argument that is a number above 0: an int or a float."""

    def parse(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text}: must be above 0")
        return value

    return parse


def run(work: Callable[..., int | None], *args: object) -> int:
    """Exit status of work(*args): what it returns, 0 for None, 1 after an error of the user's.

    ValueError, OSError and caffe.CaffeError name what the user can mend: they are printed to
    stderr, above any progress bar, as `error: ...`. What else is raised is a defect, and raised on.
    """
    try:
        with _without_caffes_lines():
            return work(*args) or 0
    except Exception as error:
        if not _is_the_users(error):
            raise
        if getattr(error, "speaks", True):  # of several ranks one says what they share
            _write(f"error: {getattr(error, 'said_by', '')}{error}")
        return 1


@contextmanager
def _without_caffes_lines() -> Iterator[None]:
    """Leave out Caffe's INFO lines, as pycaffe's, unless GLOG_minloglevel asks for some level."""
    logger = logging.getLogger("caffe")
    before = logger.level
    if "GLOG_minloglevel" not in os.environ:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        if before:  # else caffe was not imported before, and sets it then
            logger.setLevel(before)


def warn(text: str) -> None:
    """Print `warning: text` to stderr, above any progress bar."""
    _write(f"warning: {text}")


def _write(line: str) -> None:
    from tqdm import tqdm  # here, for `python -m bench.gpu` runs where torch is and little else

    tqdm.write(line, file=sys.stderr)


def _is_the_users(error: Exception) -> bool:
    if isinstance(error, ValueError | OSError):
        return True
    from caffe import CaffeError  # here: it takes seconds, and --help and most errors need none

    return isinstance(error, CaffeError)
