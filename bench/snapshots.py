"""What a snapshot of FCN-8s in training costs: on the disk, and the training that it holds up."""

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import caffe

from . import ours
from .processes import in_process
from .result_tables import GB, SECONDS, Row, Table, over
from .work import Work, images, label

TITLE = "Snapshots of FCN-8s"
COPY = "a copy of weights and momentum in memory"
DISK = "a plain write of as many bytes as a caffemodel"
SAVE = "net.save(), a caffemodel"
SNAPSHOT = "solver.snapshot(), a caffemodel and a solverstate"
HELD = "step() stands still for an automatic one"
BEFORE, AFTER = "the iteration before it", "the iteration after it"
OVER_COPY = "\N{MULTIPLICATION SIGN} copy"

SIZE = (64, 64)  # a snapshot costs the same after an image of any size
EVERY = 4  # iterations


def measure(work: Work, rounds: int) -> Table:
    """Time snapshots, and what they are held against, in a process of its own."""
    seconds, size = in_process(_run, replace(work, sizes=(SIZE,)), rounds)
    rows = [Row(title, {SECONDS: values}) for title, values in seconds.items()]
    of = {row.title: row.figures for row in rows}
    for title, files in ((COPY, 2), (DISK, 1), (SAVE, 1), (SNAPSHOT, 2)):
        of[title]["GB"] = [files * size / GB]
    of[HELD][OVER_COPY] = over(seconds[HELD], seconds[COPY])
    return Table(TITLE, rows)


def _run(work: Work, rounds: int) -> tuple[dict[str, list[float]], int]:
    """Seconds of each round, and the bytes of a caffemodel."""
    folder = work.folder / "snapshots"
    folder.mkdir()
    solver = _solver(work, folder)
    size = work.caffemodel.stat().st_size
    whole = {
        COPY: lambda: _copies(solver),
        DISK: lambda: _write(folder / "plain", size),
        SAVE: lambda: solver.net.save(folder / "saved.caffemodel"),
        SNAPSHOT: solver.snapshot,
    }
    found: dict[str, list[float]] = {title: [] for title in whole}
    for _ in range(rounds):
        for title, function in whole.items():
            start = time.perf_counter()
            function()
            found[title].append(time.perf_counter() - start)
    return found | _held_up(solver, folder, rounds), size


def _solver(work: Work, folder: Path) -> caffe.SGDSolver:
    """A solver that has momentum, and makes a snapshot after the second of every four steps."""
    net = ours.train_net(work)
    param = ours.solver(net, snapshot=EVERY, snapshot_prefix=str(folder / "train"))
    solver = caffe.SGDSolver(param)
    solver.net.copy_from(work.caffemodel)
    solver.net.blobs["data"].data[...] = images(work)[0]
    solver.net.blobs["label"].data[...] = label(work)
    solver.step(EVERY // 2)
    return solver


def _held_up(solver: caffe.SGDSolver, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds from the update that a snapshot follows to the next iteration; and theirs."""
    starts: list[float] = []
    ends: list[float] = []
    solver.add_callback(lambda: starts.append(time.perf_counter()), lambda: None)
    solver.set_action_function(lambda: ends.append(time.perf_counter()))
    found: dict[str, list[float]] = {HELD: [], BEFORE: [], AFTER: []}
    after = EVERY // 2  # the iteration that follows the snapshot
    for _ in range(rounds):
        starts.clear()
        ends.clear()
        solver.step(EVERY)
        found[HELD].append(starts[after] - ends[after - 1])
        found[BEFORE].append(ends[after - 1] - starts[after - 1])
        found[AFTER].append(ends[after] - starts[after])
        for path in folder.glob("train_iter_*"):  # a gigabyte each
            path.unlink()
    return found


def _copies(solver: caffe.SGDSolver) -> list[np.ndarray]:
    params = [blob for blobs in solver.net.params.values() for blob in blobs]
    return [blob.data.copy() for blob in (*params, *solver.history)]


def _write(path: Path, size: int) -> None:
    with open(path, "wb") as file:
        file.write(bytes(size))
        file.flush()
        os.fsync(file.fileno())
