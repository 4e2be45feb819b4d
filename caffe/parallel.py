"""Caffe's settings for one solver of several. This engine runs one solver, on one device."""

from typing import NoReturn

from .core.boost import integer
from .core.errors import CaffeError

_solver_count = 1
_solver_rank = 0
_multiprocess = False


def solver_count() -> int:
    """How many solvers share the work."""
    return _solver_count


def set_solver_count(count: int) -> None:
    global _solver_count
    _solver_count = integer(count, "a number of solvers")


def solver_rank() -> int:
    """Which of them this is; the root solver is 0."""
    return _solver_rank


def set_solver_rank(rank: int) -> None:
    global _solver_rank
    _solver_rank = integer(rank, "a solver's rank")


def set_multiprocess(multiprocess: bool) -> None:
    """Whether the solvers are processes of their own; there is nothing here that asks."""
    global _multiprocess
    _multiprocess = multiprocess


def has_nccl() -> bool:
    """False: training on several GPUs is not supported."""
    return False


class NCCL:
    """Raises CaffeError, as a Caffe without NCCL does."""

    def __init__(self, solver: object, uid: str = "") -> None:
        _refuse()

    @staticmethod
    def new_uid() -> str:
        _refuse()


def _refuse() -> NoReturn:
    raise CaffeError(
        "training on several GPUs (NCCL) is not supported; train on one, with a larger batch or "
        "iter_size"
    )
