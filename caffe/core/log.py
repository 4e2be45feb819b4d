"""Caffe's log lines, from the records of the logger "caffe".

    I1121 06:48:32.123456 12345 solver.cpp:239] Iteration 100, lr = 0.01

They go to stderr without any setting up, as BVLC's do, unless the script configures logging: with a
handler on the root logger or on "caffe" the records are the script's. GLOG_minloglevel (0 all, 1
warnings, 2 errors, 3 nothing that we log) is honoured; GLOG_log_dir and GLOG_logtostderr are, on
the command line and by `init_log`. A record's `source` replaces its file and line.
"""

from __future__ import annotations

import logging
import os
import platform
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from .errors import printable
from .files import cannot_be_written

LOGGER = logging.getLogger("caffe")

# Lets INFO pass as INFO itself does, and tells whether anyone else has set the level.
OUR_LEVEL = logging.INFO - 1


class GlogFormatter(logging.Formatter):
    """Lmmdd hh:mm:ss.uuuuuu threadid file:line] message."""

    def format(self, record: logging.LogRecord) -> str:
        letter = "IWEF"[max(0, min(3, record.levelno // 10 - 2))]
        when = datetime.fromtimestamp(record.created)
        source = getattr(record, "source", f"{record.filename}:{record.lineno}")
        thread = threading.get_native_id()
        message = printable(super().format(record))
        return f"{letter}{when:%m%d %H:%M:%S.%f} {thread:5d} {source}] {message}"


class _Stderr(logging.StreamHandler):
    """Writes to what sys.stderr is at that moment."""

    stream = property(lambda self: sys.stderr)

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(GlogFormatter())


class _Fallback(_Stderr):
    """Writes while nobody else does."""

    def filter(self, record: logging.LogRecord) -> bool:
        alone = LOGGER.handlers == [self] and not logging.getLogger().handlers
        return alone and record.levelno >= _threshold(min_log_level())


def _as_root_says(record: logging.LogRecord) -> bool:
    """Whether a script that configured the root logger alone wants records of this level."""
    root = logging.getLogger()
    return LOGGER.level != OUR_LEVEL or not root.handlers or record.levelno >= root.level


def info(source: str, message: str, *args: object) -> None:
    """Log a line as of BVLC's `source`, such as "caffe.cpp:248"."""
    LOGGER.info(message, *args, extra={"source": source})


def log(message: str) -> None:
    """pycaffe's log: one INFO line."""
    LOGGER.info("%s", message, stacklevel=2)


def setting(name: str) -> str:
    """glog's environment variable GLOG_name, "" where it is not set."""
    return os.environ.get(f"GLOG_{name}", "")


def min_log_level() -> int:
    """GLOG_minloglevel, 0 where it is not given or no number."""
    level = setting("minloglevel")
    return int(level) if level.isdecimal() else 0


def logs_to_stderr() -> bool:
    """GLOG_logtostderr: write to stderr and to no file."""
    return setting("logtostderr").lower() not in ("", "0", "f", "false", "n", "no")


_installed: list[logging.Handler] = []  # by init_log


def init_log(level: int | None = None, stderr: bool = False) -> None:
    """pycaffe's init_log: log from `level` on (0 INFO, 1 WARNING, 2 ERROR) from now on.

    stderr: everything to stderr; otherwise only errors, and everything to a file in GLOG_log_dir if
    that is set (glog's default, the folder for temporary files, is not filled unasked).
    Raises CaffeError for a folder that cannot be written.
    """
    level = min_log_level() if level is None else level
    stderr = stderr or logs_to_stderr()
    handlers = [_stderr(level if stderr else max(level, 2))]
    if not stderr and setting("log_dir"):
        handlers.append(_file(level, setting("log_dir")))
    for handler in _installed:
        LOGGER.removeHandler(handler)
    _installed[:] = handlers
    for handler in handlers:
        LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)


@contextmanager
def glog(level: int = 0, log_dir: str | None = None) -> Iterator[None]:
    """Log to stderr, and to a file in log_dir if given, as Caffe's commands do."""
    handlers = [_stderr(level)] + ([_file(level, log_dir)] if log_dir else [])
    before = LOGGER.level
    LOGGER.setLevel(logging.INFO)
    for handler in handlers:
        LOGGER.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            LOGGER.removeHandler(handler)
            handler.close()
        LOGGER.setLevel(before)


def _threshold(glog_level: int) -> int:
    return logging.INFO + 10 * glog_level


def _stderr(level: int) -> logging.Handler:
    handler = _Stderr()
    handler.setLevel(_threshold(level))
    return handler


def _file(level: int, folder: str) -> logging.Handler:
    """PROGRAM.HOST.USER.log.INFO.DATE-TIME.PID in a folder, and the link PROGRAM.INFO to it."""
    host, user = platform.node(), os.environ.get("USER", "invalid-user")
    name = f"caffe.{host}.{user}.log.INFO.{time.strftime('%Y%m%d-%H%M%S')}.{os.getpid()}"
    link = Path(folder, "caffe.INFO")
    try:
        handler = logging.FileHandler(Path(folder, name), encoding="utf-8")
        if link.is_symlink() or not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(name)
    except OSError as error:
        advice = "; GLOG_log_dir and -log_dir name an existing folder"
        raise cannot_be_written(folder, error, advice) from None
    assert handler.stream is not None  # open, for it was not told to delay
    handler.stream.write(
        f"Log file created at: {time.strftime('%Y/%m/%d %H:%M:%S')}\n"
        f"Running on machine: {host}\n"
        "Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg\n"
    )
    handler.setLevel(_threshold(level))
    handler.setFormatter(GlogFormatter())
    return handler


if LOGGER.level == logging.NOTSET:
    LOGGER.setLevel(OUR_LEVEL)
LOGGER.addFilter(_as_root_says)
LOGGER.addHandler(_Fallback())
