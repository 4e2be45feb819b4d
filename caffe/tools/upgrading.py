"""What the three upgrade commands do alike."""

import argparse
from collections.abc import Callable

from ..core.errors import CaffeError, error_context
from ..core.files import PathLike
from ..core.log import LOGGER as log
from ..proto.text import M


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file_in")
    parser.add_argument("file_out")


def upgrade_file(
    args: argparse.Namespace,
    kind: str,
    read: Callable[[PathLike], M],
    needs_upgrade: Callable[[M], bool],
    upgrade: Callable[[M, PathLike], tuple[M, bool]],
    write: Callable[[PathLike, M], None],
) -> int:
    """Read, upgrade where that is needed, write; returns the exit status.

    2: unreadable; 1: written, but something was left out. Errors are logged as BVLC's tools do.
    """
    form, name = kind.split()
    try:
        message = read(args.file_in)
    except CaffeError as error:
        log.error("%s", error)
        log.error("Failed to parse input %s file as %s: %s", form, name, args.file_in)
        return 2
    success = True
    if needs_upgrade(message):
        with error_context(args.file_in):
            message, success = upgrade(message, args.file_in)
        if not success:
            log.error("Encountered error(s) while upgrading prototxt; see details above.")
    else:
        log.error("File already in latest proto format: %s", args.file_in)
    write(args.file_out, message)
    log.info("Wrote upgraded %s %s proto to %s", name, form, args.file_out)
    return int(not success)
