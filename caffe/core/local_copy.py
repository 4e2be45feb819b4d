"""Copies, on a disk of this machine, of data that lies on a disk which many machines share.

Each file is copied once, by whichever process reads it first, to the folder that the environment
variable CAFFE_CACHE names; from then on all of this machine's processes read the copy.
"""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

from .digest import digest
from .errors import CaffeError
from .files import PathLike, replacing
from .log import LOGGER

_full = threading.Event()  # a copy could not be written, which was said


def local_copy(path: PathLike) -> PathLike:
    """Where to read a file of data: its copy; the file itself where CAFFE_CACHE is not set.

    A copy counts for a file of the same path, size and time of change. The file itself, too, where
    it is not there, for its reader to say so, and where the copy cannot be written, of which one
    line is logged.
    """
    folder = os.environ.get("CAFFE_CACHE")
    if not folder:
        return path
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return path
    name = digest(repr((os.path.realpath(path), facts.st_size, facts.st_mtime_ns)).encode())
    copy = Path(folder, name[:2], name)
    if copy.exists():
        return copy
    if _full.is_set():
        return path
    try:
        with open(path, "rb") as source, replacing(copy) as target:
            shutil.copyfileobj(source, target, 1 << 20)
    except (OSError, CaffeError) as error:
        _full.set()
        LOGGER.warning("CAFFE_CACHE: %s; what is not there yet is read where it lies", error)
        return path
    return copy
