"""What a run shows while it goes on, and how Ctrl-C reaches it."""

import logging
import signal
from pathlib import Path
from types import FrameType
from typing import Any

from tqdm import tqdm


class logging_to:
    """Copies what the solver and the engine log to a file, and shows it above progress bars."""

    def __init__(self, path: Path) -> None:
        self.handlers = [logging.FileHandler(path), _Console()]

    def __enter__(self) -> None:
        for name in ("solvers", "caffe"):
            logger = logging.getLogger(name)
            logger.setLevel(logging.INFO)
            for handler in self.handlers:
                logger.addHandler(handler)

    def __exit__(self, *error: object) -> None:
        for name in ("solvers", "caffe"):
            for handler in self.handlers:
                logging.getLogger(name).removeHandler(handler)
        self.handlers[0].close()


class _Console(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "solvers":  # the engine's per-iteration lines are for the file
            tqdm.write(self.format(record))


def stop_on_sigint() -> dict[str, Any]:
    """Let Ctrl-C wait for the end of the iteration; a second one stops at once.

    The dict's "asked" tells whether it was pressed; call its "restore" in the end.
    """
    state: dict[str, Any] = {"asked": False}
    before = signal.getsignal(signal.SIGINT)

    def handle(signum: int, frame: FrameType | None) -> None:
        if state["asked"]:
            raise KeyboardInterrupt
        state["asked"] = True
        tqdm.write("finishing this iteration, then writing a snapshot (Ctrl-C again: stop at once)")

    signal.signal(signal.SIGINT, handle)
    state["restore"] = lambda: signal.signal(signal.SIGINT, before)
    return state
