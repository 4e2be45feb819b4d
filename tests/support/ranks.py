"""Ranks of a run as processes of a test, and what they do there.

They are forked off a process that has imported caffe, and nothing else: that takes a moment, where
a new interpreter takes seconds. What runs in them is a function of a module in here, by name.
"""

import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from google.protobuf import text_format

import caffe
from caffe.distributed import rendezvous
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


def trained(group: Group | None, text: str, iterations: int) -> list[np.ndarray]:
    """The weights and the history of a solver after so many iterations."""
    solver = solver_of(text)
    if group:
        solver.join(group)
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
