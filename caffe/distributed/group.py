"""The ranks of a run as one: what torch.distributed does, with the errors named."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import TypeVar

import torch
import torch.distributed as dist
from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]

from ..core.device import current_device
from ..core.errors import CaffeError
from ..core.log import LOGGER
from ..core.ranks import set_multiprocess, set_solver_count, set_solver_rank
from .rendezvous import TIMEOUT, Place, await_all, open_store
from .watch import RankLost, Watch

Value = TypeVar("Value")


class Group:
    """The ranks of a run, once all have arrived; there is one in a process.

    Gloo carries what is on the CPU, NCCL what is on a GPU. Every rank has to call the same methods
    in the same order. Raises RankLost, naming the rank, where one of them is lost.
    """

    def __init__(self, place: Place) -> None:
        self.rank, self.count, self.attempt = place.rank, place.ranks, place.attempt
        set_solver_count(place.ranks)
        set_solver_rank(place.rank)
        set_multiprocess(True)
        if place.rank:
            LOGGER.setLevel(logging.ERROR)  # as in Caffe, the root logs
        self.store = open_store(place)  # holds over torchrun's restarts
        store = PrefixStore(f"attempt {place.attempt}", self.store)
        # A connection of its own: while one thread waits at a store, no other is served.
        own = PrefixStore(f"attempt {place.attempt}", open_store(place._replace(has_store=True)))
        keeper = "torchrun" if place.has_store else "rank 0"
        self.watch = Watch(own, place.rank, place.ranks, keeper)
        self.watch.start()
        try:
            with self.watch.waiting():
                await_all(store, place)
                _connect(store, place)
        except CaffeError as error:
            self.__exit__(type(error), error, None)
            raise

    def begin_sum(self, tensor: torch.Tensor) -> dist.Work:
        """Begin to add a tensor up over the ranks, in place; `end` waits for it."""
        with self.watch.waiting():
            work = dist.all_reduce(tensor, async_op=True)
        assert work is not None  # for it is asynchronous
        return work

    def end(self, work: dist.Work) -> None:
        """Wait for what was begun."""
        with self.watch.waiting():
            work.wait()

    def sums(self, values: Sequence[float]) -> list[float]:
        """Each value added up over the ranks, in float64."""
        tensor = torch.tensor(values, dtype=torch.float64, device=current_device())
        self.end(self.begin_sum(tensor))
        return tensor.tolist()

    def copy_from_root(self, tensor: torch.Tensor) -> None:
        """Overwrite a tensor with rank 0's."""
        with self.watch.waiting():
            dist.broadcast(tensor, 0)

    def gather(self, value: Value) -> list[Value]:
        """The values of all ranks; what pickle takes."""
        values: list[Value] = [value] * self.count
        with self.watch.waiting():
            dist.all_gather_object(values, value)
        return values

    def of_root(self, value: Value) -> Value:
        """Rank 0's value."""
        values = [value]
        with self.watch.waiting():
            dist.broadcast_object_list(values, 0, device=torch.device("cpu"))
        return values[0]

    def check_same(self, facts: dict[str, str], cure: str) -> None:
        """Raise CaffeError, on every rank, unless all have the same facts: names and values."""
        first, *others = self.gather(facts)
        for rank, other in enumerate(others, 1):
            for name in [*first, *(other.keys() - first.keys())]:
                mine, theirs = first.get(name, "nothing"), other.get(name, "nothing")
                if mine != theirs:
                    raise CaffeError(
                        f"the ranks differ in {name}: rank 0 has {mine}, rank {rank} has {theirs}; "
                        f"{cure}"
                    )

    def __enter__(self) -> Group:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the group: once all ranks do, or for an error, of which the others hear."""
        if error is None or isinstance(error, SystemExit):
            self.close()
        elif not isinstance(error, RankLost):
            why = str(error).partition("\n")[0] or type(error).__name__
            # What commands look at: whether to print the error, and what comes before it.
            facts = {"speaks": self.watch.leave(why), "said_by": f"rank {self.rank}: "}
            vars(error).update(facts)

    def close(self) -> None:
        """Leave the group, once all ranks do."""
        with self.watch.waiting():
            dist.barrier()
        self.watch.end()
        dist.destroy_process_group()


def _connect(store: Store, place: Place) -> None:
    gpu = current_device().type == "cuda"
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if gpu else "gloo",
        store=PrefixStore("torch", store),
        rank=place.rank,
        world_size=place.ranks,
        # Who is late is found by the watch; this is for what it does not see.
        timeout=timedelta(seconds=max(4 * TIMEOUT, 1800)),
        device_id=current_device() if gpu else None,
    )
