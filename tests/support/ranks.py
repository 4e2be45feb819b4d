"""Ranks of a run as processes of a test, and what they do there.

They are forked off a process that has imported caffe, and nothing else: that takes a moment, where
a new interpreter takes seconds. What runs in them is a function of a module in here, by name.
"""

import logging
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from google.protobuf import text_format

import caffe
from caffe.core.log import LOGGER
from caffe.distributed import rendezvous, watch
from caffe.distributed.group import Group
from caffe.proto import caffe_pb2

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["support.ranks"])


def on_ranks(count: int, work: Callable, *args: object, seconds: float = 120) -> list:
    """What work(group, *args) returns on each of so many ranks; what it raises, as its text."""
    uid = rendezvous.new_uid()
    return outcomes(*start(count, _in_group, uid, count, work, args), seconds=seconds)


def start(count: int, work: Callable, *args: object) -> tuple[list, list[Connection]]:
    """So many processes that run work(rank, *args), and the pipes that their outcomes come by."""
    # Python 3.11 does not tell the server sys.path; what the server cannot import it leaves to each
    # of the ranks, without a word.
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        forkserver.ensure_running()
    processes, pipes = [], []
    for rank in range(count):
        here, there = CONTEXT.Pipe(False)
        process = CONTEXT.Process(target=_run, args=(there, work, rank, *args), daemon=True)
        process.start()
        there.close()
        processes.append(process)
        pipes.append(here)
    return processes, pipes


def outcomes(processes: Sequence, pipes: Sequence[Connection], seconds: float = 120) -> list:
    """What each process has returned; what it has raised, as text; None where it was killed."""
    found = []
    for process, pipe in zip(processes, pipes, strict=True):
        try:
            found.append(pipe.recv() if pipe.poll(seconds) else "it has not ended")
        except EOFError:
            found.append(None)
        process.join(10)
        process.kill()
    return found


def _run(pipe: Connection, work: Callable, *args: object) -> None:
    try:
        pipe.send(work(*args))
    except caffe.CaffeError as error:
        pipe.send(f"{error}")
    except BaseException:
        pipe.send(traceback.format_exc())


def _in_group(rank: int, uid: str, count: int, work: Callable, args: tuple) -> object:
    with Group(rendezvous.of_uid(uid, rank, count)) as group:
        return work(group, *args)


# What ranks do.


def parameters(solver: caffe.SGDSolver) -> list[np.ndarray]:
    """Copies of a solver's weights and of its history."""
    blobs = [param.blob for param in solver.net._graph.params] + solver.history
    return [blob.data.copy() for blob in blobs]


def solver_of(text: str) -> caffe.SGDSolver:
    return caffe.get_solver(text_format.Parse(text, caffe_pb2.SolverParameter()))


def trained(
    group: Group | None, text: str, iterations: int, gradients: str = "fp32"
) -> list[np.ndarray]:
    """The weights and the history of a solver after so many iterations."""
    solver = solver_of(text)
    if group:
        solver.join(group, gradients)
    solver.step(iterations)
    return parameters(solver)


def resumed(group: Group | None, text: str, state: Path, iterations: int) -> list[np.ndarray]:
    """The same, going on from a solverstate."""
    solver = solver_of(text)
    if group:
        solver.join(group)
    solver.restore(state)
    solver.step(iterations)
    return parameters(solver)


def hang(group: Group, heard: Path) -> None:
    """Rank 1 does nothing for long, and rank 0 waits for it; what it says goes to a file."""
    watch.TIMEOUT, watch.GRACE = 2, 1
    if group.rank == 0:
        os.dup2(os.open(heard, os.O_CREAT | os.O_WRONLY), 2)
        group.sums([1])
    else:
        time.sleep(100)


def stop(group: Group) -> None:
    """Rank 1 stops on an error of its own, and rank 0 waits for it."""
    if group.rank == 1:
        raise caffe.CaffeError("the disk is full\n(more of it)")
    group.sums([1])


def fail(rank: int, uid: str, words: Sequence[str]) -> tuple[bool, str]:
    """Both ranks stop on an error of their own, rank 0 last; who is to print it, and as whose."""
    try:
        with Group(rendezvous.of_uid(uid, rank, 2)) as group:
            group.sums([1])
            time.sleep(1 - rank)
            raise ValueError(words[rank])
    except ValueError as error:
        return error.speaks, error.said_by


def arrive(rank: int, address: str, count: int) -> None:
    """Look for the other ranks, but not for long."""
    rendezvous.TIMEOUT = 1
    with Group(rendezvous.of_uid(address, rank, count)):
        pass


def join_with(group: Group, texts: list[str]) -> None:
    """Join with a solver of one's own."""
    solver_of(texts[group.rank]).join(group)


def join_linked(group: Group, text: str, link: Path, other: Path) -> None:
    """Join, when on rank 1 a link leads to other data."""
    solver = solver_of(text) if group.rank == 0 else None
    group.of_root(None)
    if group.rank == 1:
        link.unlink()
        link.symlink_to(other)
        solver = solver_of(text)
    solver.join(group)


def differ_later(group: Group, text: str) -> str:
    """Rank 1 changes a weight by itself; what the next snapshot says, on each rank."""
    solver = solver_of(text)
    solver.join(group)
    solver.step(1)
    if group.rank == 1:
        solver.net.params["ip2"][1].data[0] += 1e-6
    try:
        solver.snapshot()
    except caffe.CaffeError as error:
        return str(error)
    return "nothing"


def tested(group: Group | None, text: str) -> list[str]:
    """The lines that a test logs."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    solver = solver_of(text)
    if group:
        solver.join(group)
    LOGGER.setLevel(logging.INFO)
    LOGGER.addHandler(handler)
    solver.test_all()
    LOGGER.removeHandler(handler)
    return [line for line in lines if "Test" in line]


def exchanged(group: Group) -> list:
    """What each kind of exchange gives."""
    mine = torch.full((3,), float(group.rank))
    group.copy_from_root(mine)
    return [
        group.sums([1, group.rank]),
        group.gather(f"rank {group.rank}"),
        group.of_root(group.rank + 5),
        mine.tolist(),
    ]


def sums_begun(group: Group, text: str, iterations: int) -> int:
    """How often a solver has begun to add something up over the ranks."""
    begun = []
    begin = group.begin_sum
    group.begin_sum = lambda tensor: begun.append(0) or begin(tensor)
    trained(group, text, iterations)
    return len(begun)
