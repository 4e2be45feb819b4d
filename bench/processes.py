"""Processes of their own: for a function once, or for an engine that stays alive between turns."""

import multiprocessing
import resource
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from .work import Work

GPU_PASSES = 20  # in a turn; on the CPU a turn is one pass

# spawn: a fresh process that has loaded nothing of the other engines'
_processes = multiprocessing.get_context("spawn")


class Failed(ChildProcessError):
    """What went wrong in another process, in a line."""


@dataclass(frozen=True)
class Engine:
    """`task` is a module's function or class: of a Work it makes what has `once` (a timed pass) and
    `outputs` (names and arrays, to compare). A peer may be missing or fail.
    """

    title: str
    task: Callable[[Any], Any]
    peer: bool = False


def in_process(function: Callable, *args: object) -> Any:
    """What the function returns, run in a process of its own. Raises Failed where it raises."""
    ours, theirs = _processes.Pipe()
    process = _processes.Process(target=_answer, args=(theirs, function, args))
    process.start()
    theirs.close()
    try:
        return _receive(ours)
    finally:
        process.join()


def at_once(count: int, function: Callable, *args: object) -> list[Any]:
    """What function(rank, *args) returns in each of so many processes. Raises Failed."""
    pipes = []
    for rank in range(count):
        ours, theirs = _processes.Pipe()
        given = (theirs, function, (rank, *args))
        _processes.Process(target=_answer, args=given, daemon=True).start()
        theirs.close()
        pipes.append(ours)
    return [_receive(ours) for ours in pipes]


@contextmanager
def worker(engine: Engine, work: Work) -> Iterator[Connection]:
    """A process that sets up the engine's task: see `ready`, `turn` and `finish`."""
    ours, theirs = _processes.Pipe()
    process = _processes.Process(target=_serve, args=(theirs, engine, work), daemon=True)
    process.start()
    theirs.close()  # so that recv ends when the worker does
    try:
        yield ours
    finally:
        process.terminate()
        process.join()


def ready(connection: Connection) -> None:
    """Wait until a worker is set up."""
    _receive(connection)


def turn(connection: Connection) -> float:
    """Let a worker run a pass; its seconds."""
    return _ask(connection, True)


def finish(connection: Connection) -> tuple[int, float]:
    """A worker's peak memory in bytes, and the CPU seconds that it took out of turn."""
    return _ask(connection, False)


def peak_memory(device: str) -> int:
    """Bytes this process held at most: resident, or on the GPU that it ran on."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_reserved()
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
    # Linux: ru_maxrss would be the parent's where that one held more when it started this process.
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024  # it is in kB


def _ask(connection: Connection, message: bool) -> Any:
    with suppress(BrokenPipeError):  # _receive says so
        connection.send(message)
    return _receive(connection)


def _receive(connection: Connection) -> Any:
    try:
        succeeded, value = connection.recv()
    except EOFError:
        raise Failed("its process was killed; was there enough memory?") from None
    if not succeeded:
        raise Failed(value)
    return value


def _answer(connection: Connection, function: Callable, args: tuple) -> None:
    with _reporting(connection):
        connection.send((True, function(*args)))


def _serve(connection: Connection, engine: Engine, work: Work) -> None:
    """Set up, say so, then answer each True with a pass's seconds, False with memory and idling."""
    with _reporting(connection):
        once = engine.task(work).once
        synchronise, passes = _device(work)
        idle = 0.0
        connection.send((True, None))
        stopped = time.process_time()
        while connection.recv():
            idle += time.process_time() - stopped
            start = time.perf_counter()
            for _ in range(passes):
                once()
                synchronise()
            connection.send((True, (time.perf_counter() - start) / passes))
            stopped = time.process_time()
        connection.send((True, (peak_memory(work.device), idle)))


@contextmanager
def _reporting(connection: Connection) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not isinstance(error, ImportError):
            traceback.print_exc()
        reason = str(error).strip().splitlines() or [""]
        connection.send((False, f"{type(error).__name__}: {reason[0]}"))


def _device(work: Work) -> tuple[Callable[[], None], int]:
    """What waits for the device, and how many passes a turn takes."""
    if work.device != "cuda":
        return lambda: None, 1  # and torch stays out of the engines that don't use it
    import torch

    return torch.cuda.synchronize, GPU_PASSES
