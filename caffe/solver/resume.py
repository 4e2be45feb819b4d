"""Going on from the newest of a run's snapshots that is whole."""

from collections.abc import Iterable

from ..core.errors import CaffeError
from ..core.files import PathLike
from ..core.log import LOGGER
from ..core.ranks import is_root
from .solver import Solver


def restore_newest(solver: Solver, paths: Iterable[PathLike]) -> PathLike | None:
    """Restore the first of some solverstates that is whole; it, or None where there is none.

    Of several ranks rank 0 finds it, and all restore that.
    """
    found = _restore_first(solver, paths) if is_root() else None
    if solver.ranks:
        found = solver.ranks.group.of_root(found)
        if found and not is_root():
            solver.restore(found)
    return found


def _restore_first(solver: Solver, paths: Iterable[PathLike]) -> PathLike | None:
    for path in paths:
        try:
            solver.restore(path)
        except CaffeError as error:
            LOGGER.warning("Passing over a snapshot: %s", error)
            continue
        return path
    return None
