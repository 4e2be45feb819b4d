"""Kills trainings at random moments, lets them go on, and compares where they end.

    PYTHONPATH=.:tests:layers python -m support.torture [KILLS]      (make torture)

LeNet in small trains with a snapshot, and a test, every few iterations: in one process, and as two
ranks of which one is killed. A third of the kills comes at any time, a third while a snapshot is
being written, a third within a test pass.
"""

import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np

from caffe.core.log import LOGGER
from caffe.distributed import rendezvous
from caffe.distributed.group import Group
from caffe.solver.resume import restore_newest
from caffe.solver.snapshot_files import solverstates
from support import ranks
from support.small_nets import digits, lenet_solver

ITERATIONS = 24
MORE = "snapshot: 4 test_iter: 4 test_interval: 4"
MOMENTS = ("any", "snapshot", "test")
STOPS = 30  # seconds within which the other ranks have to stop
TRAINS, TESTS = 1, 2  # what a process says that it is at


def train(rank: int, uid: str, count: int, database: Path, prefix: Path, at) -> list[np.ndarray]:
    """Train from the newest snapshot, which has to be whole, to the end."""
    LOGGER.setLevel("ERROR")
    with Group(rendezvous.of_uid(uid, rank, count)) if count > 1 else nullcontext() as group:
        solver = ranks.solver_of(lenet_solver(database, prefix, more=MORE))
        if group:
            solver.join(group)
        at.value = TRAINS
        states = solverstates(prefix)
        if restore_newest(solver, states) != (states[0] if states else None) and rank == 0:
            raise AssertionError(f"unreadable: {states[0]}")

        def note() -> None:
            at.value = TESTS if solver._before_test else TRAINS

        solver.set_action_function(note)
        solver.step(ITERATIONS - solver.iter)
        return ranks.parameters(solver)


def torture(folder: Path, count: int, kills: int, seed: int = 0) -> Counter:
    """Kill trainings of `count` ranks so many times; what has happened how often.

    "kills" is the sum of those at each moment; "differences", "unreadable", "left" (temporary files
    after the next start) and "silent" (ranks that did not stop in time, or said nothing of the one
    that was killed) are what must not be.
    """
    draws, tally = random.Random(seed), Counter()
    database = digits(folder)
    whole = folder / "whole"
    began = time.monotonic()
    expected = _attempt(count, database, whole / "s", None, draws, tally, 0)
    takes = time.monotonic() - began
    run = 0
    while tally["kills"] < kills:
        run += 1
        prefix = folder / f"run{run}" / "s"
        while True:
            moment = MOMENTS[tally["kills"] % 3] if tally["kills"] < kills else None
            found = _attempt(count, database, prefix, moment, draws, tally, takes)
            if found is not None:
                break
        tally["runs"] += 1
        if not all(map(np.array_equal, found, expected)):
            tally["differences"] += 1
    return tally


def _attempt(count, database, prefix, moment, draws, tally, takes) -> list[np.ndarray] | None:
    """Train once, and kill a rank at a moment; what rank 0 has learned, None if it was killed."""
    prefix.parent.mkdir(exist_ok=True)
    at = ranks.CONTEXT.Value("i", 0)
    uid = rendezvous.new_uid()
    processes, pipes = ranks.start(count, train, uid, count, database, prefix, at)
    victim = draws.randrange(count)
    killed = moment and _kill(
        processes[victim], pipes[victim], moment, prefix.parent, at, draws, takes
    )
    began = time.monotonic()
    found = ranks.outcomes(processes, pipes)
    ended = time.monotonic() - began
    texts = [text for text in found if isinstance(text, str)]
    tally["unreadable"] += sum("unreadable" in text for text in texts)
    if not killed or found[victim] is not None:  # it had ended
        tally["left"] += len(_temporary(prefix.parent))
        assert not texts, texts
        return found[0]
    tally["kills"] += 1
    tally[f"in {moment}"] += 1
    silent = [text for text in texts if f"rank {victim} " not in text]
    if silent or (texts and ended > STOPS):
        tally["silent"] += 1
        print(f"rank {victim} was killed, in {moment}; after {ended:.0f} s: {texts}", flush=True)
    return None


def _kill(process, pipe, moment, folder, at, draws, takes) -> bool:
    """kill -9 at the moment, once all ranks are there; False where the training is over before."""
    trains = partial(_trains, process, pipe)
    while trains() and not at.value:
        time.sleep(0.001)
    until = time.monotonic() + draws.uniform(0, takes)
    # Of the moments inside of writing and testing, not always the first.
    passes = draws.randrange(4)
    while trains():
        if moment == "any":
            now = time.monotonic() >= until
        elif moment == "snapshot":
            now = bool(_temporary(folder))
        else:
            now = at.value == TESTS
        if now and moment != "any" and passes:
            passes -= 1
            _await_end(trains, moment, folder, at)
        elif now:
            os.kill(process.pid, signal.SIGKILL)
            return True
        time.sleep(0.0002)
    return False


def _trains(process, pipe) -> bool:
    """Whether a process still trains: its outcome may be too large for the pipe to take it."""
    return process.is_alive() and not pipe.poll()


def _await_end(trains, moment, folder, at) -> None:
    while trains():
        if not (_temporary(folder) if moment == "snapshot" else at.value == TESTS):
            return
        time.sleep(0.0002)


def _temporary(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith(".")]


def main() -> int:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    failed = False
    for count, share in ((1, kills - kills // 2), (2, kills // 2)):
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            tally = torture(Path(folder), count, share)
        said = ", ".join(f"{n} {name}" for name, n in sorted(tally.items()))
        print(f"{count} process(es), {time.monotonic() - began:.0f} s: {said}", flush=True)
        failed |= any(tally[name] for name in ("differences", "unreadable", "left", "silent"))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
