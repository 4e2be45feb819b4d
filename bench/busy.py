"""What other work on the machine costs a small net: a training iteration beside a busy process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tqdm import tqdm

from . import ours
from .cases import OURS
from .processes import Engine, in_process, ready, turn, worker
from .result_tables import SECONDS, Row, Table, over
from .work import WARM_UP, Work

TITLE = "FCN-8s training step, an eighth of the channels, 320 x 416, as the demo's"
ALONE, BUSY = "alone", "beside a busy process"
OVER_ALONE = "/ alone"

SIZE = (320, 416)
WIDTH = 0.125
STEPS = 5  # in a round: one lasts as long as the system leaves a busy process alone
ENDLESS = "while True: pass"


def measure(work: Work, rounds: int) -> Table:
    """Time steps of a small net, with and without another process that computes."""
    work = replace(work, folder=work.folder / "busy", sizes=(SIZE,), width=WIDTH)
    in_process(ours.prepare, work)
    seconds: dict[str, list[float]] = {ALONE: [], BUSY: []}
    with worker(Engine(OURS, ours.Train), work) as connection:
        ready(connection)

        def steps() -> float:
            return sum(turn(connection) for _ in range(STEPS)) / STEPS

        for _ in tqdm(range(WARM_UP + rounds), TITLE, disable=None):
            seconds[ALONE].append(steps())
            with _busy():
                seconds[BUSY].append(steps())
    seconds = {title: values[WARM_UP:] for title, values in seconds.items()}
    rows = [
        Row(title, {SECONDS: values, OVER_ALONE: over(values, seconds[ALONE])})
        for title, values in seconds.items()
    ]
    return Table(TITLE, rows)


@contextmanager
def _busy() -> Iterator[None]:
    """A process that takes all the time that it is given."""
    process = subprocess.Popen([sys.executable, "-c", ENDLESS])
    try:
        yield
    finally:
        process.kill()
        process.wait()
