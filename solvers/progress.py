"""What a run shows while it goes on, and how Ctrl-C reaches it."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tqdm import tqdm

from caffe.core.ranks import is_root, solver_count


class logging_to:
    """Copies what the solver and the engine log to a file, and shows it above progress bars."""

    def __init__(self, path: Path) -> None:
        self.handlers = [logging.FileHandler(path), _Console()]
        self.levels = {logging.getLogger(name): 0 for name in ("solvers", "caffe")}

    def __enter__(self) -> None:
        for logger in self.levels:
            self.levels[logger] = logger.level
            logger.setLevel(logging.INFO)
            for handler in self.handlers:
                logger.addHandler(handler)

    def __exit__(self, *error: object) -> None:
        for logger, level in self.levels.items():
            logger.setLevel(level)
            for handler in self.handlers:
                logger.removeHandler(handler)
        self.handlers[0].close()


class _Console(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "solvers":  # the engine's per-iteration lines are for the file
            tqdm.write(self.format(record))


class Stopping:
    """Whether the process was told to stop, by Ctrl-C or SIGTERM."""

    def __init__(self) -> None:
        self.came = self.terminated = False
        self._alone = solver_count() == 1  # else a launcher passes each Ctrl-C on: it comes twice

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.came and self._alone:
            raise KeyboardInterrupt
        if not self.came and is_root():
            more = " (Ctrl-C again: stop at once)" if self._alone else ""
            tqdm.write(f"finishing this iteration, then writing a snapshot{more}")
        self.came = True

    def terminate(self, number: int, frame: FrameType | None) -> None:
        self.came = self.terminated = True


@contextmanager
def stopping() -> Iterator[Stopping]:
    """Inside, Ctrl-C and SIGTERM wait for the end of the iteration.

    A second Ctrl-C does not, in a run of one process.
    """
    state = Stopping()
    handlers = {signal.SIGINT: state.interrupt, signal.SIGTERM: state.terminate}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield state
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
