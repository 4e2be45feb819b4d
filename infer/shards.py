"""The processes that label a folder together: each takes every n-th image."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple


class Shard(NamedTuple):
    """Which process this is, and of how many: as torchrun says, or `run_shards`."""

    rank: int = 0
    processes: int = 1


def own_shard() -> Shard:
    """What the environment says (RANK, WORLD_SIZE); without it, all images are this process's.

    Raises ValueError where it says what cannot be.
    """
    said = [os.environ.get(name, default) for name, default in (("RANK", "0"), ("WORLD_SIZE", "1"))]
    if not all(map(str.isdecimal, said)) or not int(said[0]) < int(said[1]):
        raise ValueError(f"RANK={said[0]} of WORLD_SIZE={said[1]} is no process of a run")
    return Shard(*map(int, said))


def is_shard() -> bool:
    """Whether this process is one of several already."""
    return "WORLD_SIZE" in os.environ


def run_shards(script: str, words: Sequence[str], count: int) -> int:
    """Run a script as so many processes, which read their shard; the highest exit status.

    One that dies leaves the others at work; its status counts as 1.
    """
    threads = str(max(1, (os.cpu_count() or 1) // count))
    base = {"OMP_NUM_THREADS": threads, **os.environ, "WORLD_SIZE": str(count)}
    processes = [
        subprocess.Popen(
            [sys.executable, script, *words],
            env={**base, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(count)
    ]
    try:
        statuses = [process.wait() for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
    for rank, status in enumerate(statuses):
        if status < 0:
            print(
                f"error: process {rank} of {count} was ended by signal {-status}; run the same "
                "command again: it goes on with what is left",
                file=sys.stderr,
            )
    return max(status if status >= 0 else 1 for status in statuses)
