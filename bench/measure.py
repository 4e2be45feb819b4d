"""Engines side by side: their outputs compared first, then timed turn by turn."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .differences import difference
from .processes import Engine, Failed, finish, in_process, ready, turn, worker
from .result_tables import Row
from .work import WARM_UP, Work

COMPARED = 2  # images: a second of the same size may take another path


@dataclass(frozen=True)
class Timing:
    """The seconds of each round, peak memory in bytes and CPU seconds out of turn, by engine.

    `failures` says why an engine failed: it has no memory, and not every round.
    """

    seconds: dict[str, list[float]]
    peak: dict[str, int]
    idle: dict[str, float]
    failures: dict[str, str]


@contextmanager
def excused(engine: Engine, failures: dict[str, str]) -> Iterator[None]:
    """Keep why a peer fails; any other engine's failure is raised, with its name."""
    try:
        yield
    except (Failed, ValueError) as error:
        if not engine.peer:
            raise type(error)(f"{engine.title}: {error}") from None
        failures[engine.title] = str(error)


def beside(
    engines: Sequence[Engine],
    reference: Engine,
    work: Work,
    tolerance: float,
    rounds: int,
    title: str,
    more: Sequence[Engine] = (),
) -> tuple[dict[str, float], Timing]:
    """Compare the engines with the reference, see `check`, then time those that agree, and `more`.

    The timing's failures are those of the comparison too.
    """
    differences, failures = check(engines, reference, work, tolerance, title)
    agreeing = [engine for engine in engines if engine.title in differences]
    timing = interleave([*agreeing, *more], work, rounds, title)
    return differences, replace(timing, failures=failures | timing.failures)


def rows(
    engines: Sequence[Engine], timing: Timing, figures: Callable[[str], dict[str, Sequence[float]]]
) -> list[Row]:
    """A row for each engine: the figures of its title, or why it has none."""
    return [
        Row(engine.title, reason=reason)
        if (reason := timing.failures.get(engine.title))
        else Row(engine.title, figures(engine.title))
        for engine in engines
    ]


# Comparing.


def check(
    engines: Sequence[Engine], reference: Engine, work: Work, tolerance: float, title: str
) -> tuple[dict[str, float], dict[str, str]]:
    """Run each engine on the first images and compare its outputs with the reference's in float32.

    Returns the difference of each, as `compare` gives it, and why a peer has none: it is not
    installed, fails or differs. Raises Failed or ValueError where an engine that is no peer does.
    """
    # torch draws dropout's mask in the order of memory: NCHW and channels_last drop other values.
    work = replace(work, dropout=False, sizes=work.sizes[:COMPARED])
    expected, found = work.folder / "reference", work.folder / "outputs"
    exactly = replace(work, precision="fp32")
    differences: dict[str, float] = {}
    failures: dict[str, str] = {}
    try:
        in_process(write_outputs, reference, exactly, expected)
        for engine in tqdm(engines, f"{title}: comparing", disable=None):
            if (engine, work) == (reference, exactly):
                differences[engine.title] = 0.0
                continue
            with excused(engine, failures):
                in_process(write_outputs, engine, work, found)
                differences[engine.title] = compare(found, expected, tolerance)
            shutil.rmtree(found, ignore_errors=True)
    finally:
        shutil.rmtree(expected, ignore_errors=True)
    return differences, failures


def write_outputs(engine: Engine, work: Work, folder: Path) -> None:
    """Run the task once and write each output to `folder`/`name`.npy."""
    folder.mkdir(exist_ok=True)
    for name, array in engine.task(work).outputs():
        np.save(folder / f"{name}.npy", array)


def compare(found: Path, expected: Path, tolerance: float) -> float:
    """The largest difference of any output, relative to the largest value of that output.

    Raises ValueError where it exceeds the tolerance, or where the outputs are not the same ones.
    """
    names = {folder: {path.name for path in folder.iterdir()} for folder in (found, expected)}
    if odd := names[found] ^ names[expected]:
        raise ValueError(f"only one of it and the reference has {', '.join(sorted(odd))}")
    worst = 0.0
    for name in sorted(names[found]):
        a, b = (np.load(folder / name, mmap_mode="r") for folder in (found, expected))
        if a.shape != b.shape:
            raise ValueError(f"{name} has shape {a.shape}; the reference's has {b.shape}")
        apart = difference(a, b)
        if not apart <= tolerance:  # a NaN is a difference too
            raise ValueError(
                f"{name} differs from the reference's by {apart:.1e} of the largest value; "
                f"at most {tolerance:g} was expected"
            )
        worst = max(worst, apart)
    return worst


# Timing.


def interleave(
    engines: Sequence[Engine], work: Work, rounds: int, title: str, warm_up: int = WARM_UP
) -> Timing:
    """Time the engines in turns, A B C A B C ..., after a warm-up of each.

    Raises Failed where an engine that is no peer does.
    """
    failures: dict[str, str] = {}
    connections: dict[Engine, Connection] = {}
    seconds: dict[str, list[float]] = {engine.title: [] for engine in engines}
    ends: dict[str, tuple[int, float]] = {}
    with ExitStack() as stack:
        for engine in engines:
            connections[engine] = stack.enter_context(worker(engine, work))
        for engine, connection in connections.items():
            with excused(engine, failures):
                ready(connection)
        for i in tqdm(range(warm_up + rounds), f"{title}: timing", disable=None):
            for engine, connection in connections.items():
                if engine.title not in failures:
                    with excused(engine, failures):
                        taken = turn(connection)
                        if i >= warm_up:
                            seconds[engine.title].append(taken)
        for engine, connection in connections.items():
            if engine.title not in failures:
                ends[engine.title] = finish(connection)
    peak = {name: bytes_ for name, (bytes_, _) in ends.items()}
    idle = {name: cpu for name, (_, cpu) in ends.items()}
    return Timing(seconds, peak, idle, failures)
