"""report/progress.csv of a run's folder: loss, learning rate, speed and memory while it trains."""

from __future__ import annotations

import csv
import resource
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch

import caffe
from caffe.solver.solver import Solver

from .run_facts import PARTS

NAME = f"{PARTS}/progress.csv"
EVERY = 10.0  # seconds between two lines


class Progress(NamedTuple):
    """A line of progress.csv; time is in seconds since 1970, memory the peak in GB."""

    iteration: int
    time: float
    loss: float
    learning_rate: float
    images_per_second: float
    memory: float


def recorder(folder: Path, solver: Solver) -> Callable[[], bool]:
    """A function to call after each iteration: adds a line every EVERY seconds, and tells if so.

    The speed is that since this call, or the line before: a new one begins where training does.
    """
    images = solver.param.iter_size * _batch(solver.net)
    before_time, before = time.monotonic(), solver.iter

    def record() -> bool:
        nonlocal before_time, before
        now = time.monotonic()
        if now - before_time < EVERY:
            return False
        speed = images * (solver.iter - before) / (now - before_time)
        line = Progress(
            solver.iter, time.time(), solver.smoothed_loss, solver.lr, speed, _peak_memory()
        )
        _append(folder / NAME, line)
        before_time, before = now, solver.iter
        return True

    return record


def read_progress(folder: Path) -> list[Progress]:
    """The lines, the last of those of one iteration; none where the folder has no such file.

    A line that was cut off while it was written is passed over.
    """
    found = {}
    try:
        with open(folder / NAME, newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                try:
                    number, *values = row
                    line = Progress(int(number), *map(float, values))
                except (TypeError, ValueError):
                    continue
                found[line.iteration] = line
    except OSError:
        return []
    return [found[iteration] for iteration in sorted(found)]


def seconds_left(progress: list[Progress], max_iter: int) -> float | None:
    """How long the iterations that are left take, as the last ones took; None if nothing says.

    The median, for between two lines the run may have been scored, or have been broken off.
    """
    took = [
        (line.time - before.time) / (line.iteration - before.iteration)
        for before, line in pairwise(progress[-12:])
    ]
    return (max_iter - progress[-1].iteration) * median(took) if took else None


def _batch(net: caffe.Net) -> int:
    """The images of a pass: the items of the first blob."""
    return next(iter(net.blobs.values())).shape[0]


def _peak_memory() -> float:
    """The most that this process had at a time, in GB: on the GPU where it runs there."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated() / 1e9
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def _append(path: Path, line: Progress) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(Progress._fields)
        values = (f"{value:.6g}" for value in line[2:])
        writer.writerow([line.iteration, f"{line.time:.1f}", *values])
