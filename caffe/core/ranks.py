"""Which of several solvers this process is, and what it reads of the data (common.hpp).

Solvers that train one net together have ranks from 0; that of rank 0, the root, tests, logs and
writes. They read a data source as one: in training item i is rank i modulo their number's, in a
test it is whole passes that they take in turn.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import NamedTuple

from .boost import integer
from .errors import CaffeError

_count = 1
_rank = 0
_multiprocess = False


def solver_count() -> int:
    """How many solvers share the work."""
    return _count


def set_solver_count(count: int) -> None:
    global _count
    _count = integer(count, "a number of solvers")


def solver_rank() -> int:
    """Which of them this is; the root solver is 0."""
    return _rank


def set_solver_rank(rank: int) -> None:
    global _rank
    _rank = integer(rank, "a solver's rank")


def set_multiprocess(multiprocess: bool) -> None:
    """Whether the solvers are processes of their own; there is nothing here that asks."""
    global _multiprocess
    _multiprocess = multiprocess


def is_root() -> bool:
    """Whether this is the solver that tests, logs and writes."""
    return _rank == 0


class Share(NamedTuple):
    """What a rank reads of each round, as many batches together as there are ranks.

    by_pass: a whole batch, in turn; otherwise every item whose number modulo `ranks` is its own.
    """

    rank: int = 0
    ranks: int = 1
    by_pass: bool = False

    def offsets(self, size: int) -> Sequence[int]:
        """The places of this rank's `size` items in a round."""
        if self.by_pass:
            return range(self.rank * size, (self.rank + 1) * size)
        return range(self.rank, self.ranks * size, self.ranks)


def training_share(items: Sized, source: str) -> Share:
    """What this solver reads of a source in training.

    Raises CaffeError for fewer items than solvers, and for a rank that their number does not have.
    """
    if not 0 <= _rank < _count:
        raise CaffeError(f"this solver's rank is {_rank}, of {_count} solver(s): set_solver_count")
    if _count > 1 and len(items) < _count:
        raise CaffeError(
            f"{source} has {len(items)} item(s) for {_count} ranks, so some would read what others "
            f"read: train on {len(items)} or fewer"
        )
    return Share(_rank, _count)
