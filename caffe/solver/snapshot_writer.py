"""Snapshots that are written while training goes on."""

import re
import threading
from pathlib import Path
from types import TracebackType

from ..core import host_memory
from ..core.errors import CaffeError, anew
from ..core.log import LOGGER as log
from . import snapshot


class SnapshotWriter:
    """Writes snapshots in a thread, one at a time; leaving `with` waits for the last one.

    An error of the writing is raised by the next call of `begin`, `check` or `finish`, or by
    leaving `with`; if another error is on its way out there, it is logged.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._done = threading.Event()
        self._error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.finish()
        except Exception as failure:
            if error is None:
                raise
            log.error("%s", failure)

    def begin(self, taken: snapshot.Snapshot) -> None:
        """Write a snapshot as its values are now, once the last one is written.

        They are copied; where there is no memory for that, it is written before returning.
        """
        self.finish()
        if snapshot.size(taken) > host_memory.free() - _growth():
            snapshot.write(taken)
            return
        copy = snapshot.copied(taken)
        self._done = threading.Event()  # anew: a fork may leave the old one locked in the child
        # No daemon: should the interpreter end, it waits.
        self._thread = threading.Thread(target=self._write, args=(copy,), name="caffe-snapshot")
        self._thread.start()

    def check(self) -> None:
        """Raise what the writing raised, if it has; does not wait."""
        if self._error:
            self.finish()

    def finish(self) -> None:
        """Wait until the last snapshot is written; raises what the writing raised."""
        if self._thread:
            if self._thread.is_alive():  # in a process forked off meanwhile it is not
                self._done.wait()  # Ctrl-C in join makes Pythons before 3.13 take it for dead
            self._thread.join()
            self._thread = None
        if self._error:
            error, self._error = self._error, None
            raise error

    def _write(self, taken: snapshot.Snapshot) -> None:
        try:
            snapshot.write(taken)
        except CaffeError as error:
            self._error = anew(error)  # the frames it has passed hold the copy
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()


def _growth() -> int:
    """The bytes that this process held at its peak and does not hold now: training takes them."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux
        return 0
    match = re.search(r"VmHWM:\s*(\d+) kB.*VmRSS:\s*(\d+) kB", status, re.DOTALL)
    return 1024 * (int(match[1]) - int(match[2])) if match else 0
