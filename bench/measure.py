"""Each side in a process of its own: the outputs compared first, then timed turn by turn."""

import importlib
import multiprocessing
import re
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from .work import Work

SIDES = ("ours", "plain")
WARM_UP = 2

# spawn: a fresh process that has loaded nothing of the other side's
processes = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Timing:
    """Seconds of each round and peak memory in bytes, by side."""

    seconds: dict[str, list[float]]
    peak: dict[str, int]

    @property
    def ratios(self) -> list[float]:
        """Ours over plain, round by round."""
        rounds = zip(self.seconds["ours"], self.seconds["plain"], strict=True)
        return [ours / plain for ours, plain in rounds]


def load_side(side: str, task: str, work: Work):
    """The task (Forward, Train or Load) of bench.ours or bench.plain, ready to run."""
    return getattr(importlib.import_module(f"bench.{side}"), task)(work)


# Comparing.


def check(task: str, work: Work, tolerance: float) -> float:
    """Run both sides once, one after the other; gives and raises what `compare` does."""
    # On a GPU torch's dropout draws another mask than the engine's; on the CPU it is the same.
    work = replace(work, dropout=work.device == "cpu")
    folders = [work.folder / side for side in SIDES]
    for side, folder in zip(SIDES, folders, strict=True):
        in_process(write_outputs, side, task, work, folder)
    return compare(*folders, tolerance)


def write_outputs(side: str, task: str, work: Work, folder: Path) -> None:
    """Run the task once and write each output to `folder`/`name`.npy."""
    folder.mkdir(exist_ok=True)
    for name, array in load_side(side, task, work).outputs():
        np.save(folder / f"{name}.npy", array)


def compare(ours: Path, plain: Path, tolerance: float) -> float:
    """The largest difference of any output, relative to the largest value of that output.

    Raises ValueError where it exceeds the tolerance, or where the outputs are not the same ones.
    """
    names = {folder: {path.name for path in folder.iterdir()} for folder in (ours, plain)}
    if odd := names[ours] ^ names[plain]:
        raise ValueError(f"only one side has the outputs {', '.join(sorted(odd))}")
    worst = 0.0
    for name in sorted(names[ours]):
        a, b = (np.load(folder / name, mmap_mode="r") for folder in (ours, plain))
        if a.shape != b.shape:
            raise ValueError(f"{name}: ours has shape {a.shape}, plain PyTorch's {b.shape}")
        scale = np.abs(b).max()
        difference = float(np.abs(a - b).max() / scale) if scale else float(np.abs(a).max())
        if not difference <= tolerance:  # a NaN is a difference too
            raise ValueError(
                f"{name}: ours and plain PyTorch's differ by {difference:.1e} of the largest "
                f"value; at most {tolerance:g} was expected. Nothing was timed"
            )
        worst = max(worst, difference)
    return worst


# Timing.


def peak_memory(device: str) -> int:
    """Bytes this process held at most: resident, or on the GPU that it ran on."""
    if device == "cuda":
        return torch.cuda.max_memory_reserved()
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
    # Linux: ru_maxrss would be the parent's where that one held more when it started this process.
    return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) * 1024


def serve(connection: Connection, side: str, task: str, work: Work) -> None:
    """Worker: set up, say so, then answer each True with a pass's seconds, False with the peak."""
    once = load_side(side, task, work).once
    connection.send("ready")
    while connection.recv():
        start = time.perf_counter()
        once()
        if work.device == "cuda":
            torch.cuda.synchronize()
        connection.send(time.perf_counter() - start)
    connection.send(peak_memory(work.device))


@contextmanager
def worker(side: str, task: str, work: Work) -> Iterator[Connection]:
    connection, theirs = processes.Pipe()
    process = processes.Process(target=serve, args=(theirs, side, task, work), daemon=True)
    process.start()
    theirs.close()  # so that recv ends when the worker does
    try:
        receive(connection, side)
        yield connection
    finally:
        process.terminate()
        process.join()


def receive(connection: Connection, side: str):
    try:
        return connection.recv()
    except EOFError:
        raise RuntimeError(f"the worker of {side} died; its own message is above") from None


def interleave(task: str, work: Work, rounds: int, progress: Callable[[], None]) -> Timing:
    """Time the task's sides in turns, A B A B ..., after a warm-up of each."""
    with worker("ours", task, work) as ours, worker("plain", task, work) as plain:
        connections = dict(zip(SIDES, (ours, plain), strict=True))
        seconds: dict[str, list[float]] = {side: [] for side in SIDES}
        for i in range(WARM_UP + rounds):
            for side, connection in connections.items():
                connection.send(True)
                taken = receive(connection, side)
                if i >= WARM_UP:
                    seconds[side].append(taken)
            progress()
        for connection in connections.values():
            connection.send(False)
        return Timing(seconds, {side: receive(c, side) for side, c in connections.items()})


def in_process(function: Callable[..., None], *args) -> None:
    """Run the function in a process of its own; RuntimeError if it fails there."""
    process = processes.Process(target=function, args=args)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{function.__name__}{args[:2]} failed; its own message is above")
