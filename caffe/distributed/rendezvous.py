"""Where the ranks of a run meet: what torchrun says in the environment, or a uid."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import NamedTuple

from torch.distributed import Store, TCPStore  # type: ignore[attr-defined]

from ..core.errors import CaffeError

# Seconds until a rank that has not arrived, or does not go on, is given up.
TIMEOUT = float(os.environ.get("CAFFE_RANK_TIMEOUT", 300))


class Place(NamedTuple):
    """A rank of a run of so many `ranks`, and the address of the store through which they meet.

    local_rank    its number on this machine
    attempt       how often torchrun has started the run again
    has_store     whether torchrun keeps the store; otherwise rank 0 does
    """

    rank: int
    ranks: int
    host: str
    port: int
    local_rank: int = 0
    attempt: int = 0
    has_store: bool = False


def is_launched() -> bool:
    """Whether torchrun, or another launcher that sets RANK, has started this process as a rank."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def local_rank() -> int:
    """The number of this rank on its machine, as its launcher says. Raises CaffeError."""
    said = os.environ.get("LOCAL_RANK", os.environ.get("RANK", "0"))
    if not said.isdecimal():
        raise CaffeError(f"LOCAL_RANK={said}: expected a number; a launcher as torchrun sets it")
    return int(said)


def from_environment() -> Place | None:
    """This process's place in a run of several ranks; None in a run of one.

    Raises CaffeError where the environment is incomplete.
    """
    if not is_launched():
        return None
    names = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    found = {name: os.environ.get(name, "") for name in names}
    try:
        rank, count, port = (int(found[name]) for name in ("RANK", "WORLD_SIZE", "MASTER_PORT"))
        attempt = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))
        if not (0 <= rank < count and found["MASTER_ADDR"]):
            raise ValueError
    except ValueError:
        said = ", ".join(f"{name}={value}" for name, value in found.items())
        raise CaffeError(
            f"the environment names no place in a run ({said}): torchrun sets all four; without "
            "it, unset RANK and WORLD_SIZE"
        ) from None
    if count == 1:
        return None
    has_store = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    return Place(rank, count, found["MASTER_ADDR"], port, local_rank(), attempt, has_store)


def new_uid() -> str:
    """A name for a run on this machine: an address that is free now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def of_uid(uid: str, rank: int, count: int) -> Place:
    """The place of a rank in the run that `new_uid` has named; CaffeError for another uid."""
    host, _, port = str(uid).partition(":")
    if not port.isdecimal():
        raise CaffeError(f"'{uid}' names no run: give what caffe.NCCL.new_uid() gave")
    return Place(rank, count, host, int(port), local_rank=rank)


def open_store(place: Place, seconds: float = TIMEOUT) -> TCPStore:
    """A connection of its own to the run's store. Raises CaffeError where there is none."""
    keeps = place.rank == 0 and not place.has_store
    try:
        return TCPStore(
            place.host,
            place.port,
            is_master=keeps,
            timeout=timedelta(seconds=seconds),
            wait_for_workers=False,
        )
    except (RuntimeError, ValueError) as error:
        address = f"{place.host}:{place.port}"
        if keeps:
            raise CaffeError(
                f"rank 0 cannot listen at {address} ({_first_line(error)}): the port is in use, or "
                "the address is another machine's; give a free one (MASTER_PORT, torchrun's "
                "--rdzv-endpoint)"
            ) from None
        raise CaffeError(
            f"rank {place.rank} has not found rank 0 at {address} within {seconds:g} s; start it, "
            "and give all ranks its address (MASTER_ADDR, MASTER_PORT)"
        ) from None


def await_all(store: Store, place: Place) -> None:
    """Say that this rank has arrived, and wait for the others; CaffeError names the late."""
    names = [f"arrived {rank}" for rank in range(place.ranks)]
    store.set(names[place.rank], "")
    try:
        store.wait(names, timedelta(seconds=TIMEOUT))
    except RuntimeError:
        late = [str(rank) for rank, name in enumerate(names) if not store.check([name])]
        raise CaffeError(
            f"rank(s) {', '.join(late)} of {place.ranks} have not arrived within {TIMEOUT:g} s: "
            "look at their machines' logs; all have to be started (CAFFE_RANK_TIMEOUT is the time)"
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
