"""The files of a run's snapshots, PREFIX_iter_N: which there are, and which one to go on from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..core import files
from ..core.errors import CaffeError
from ..core.files import PathLike
from ..core.log import LOGGER
from ..core.ranks import is_root

if TYPE_CHECKING:
    from .solver import Solver

KINDS = ("caffemodel", "solverstate")


def solverstates(prefix: PathLike) -> list[Path]:
    """The solverstates with a prefix, the newest (of the highest iteration) first."""
    folder, name = _split(prefix)
    pattern = re.compile(rf"{re.escape(name)}_iter_\d+\.solverstate(\.h5)?")
    paths = folder.iterdir() if folder.is_dir() else ()
    found = [path for path in paths if pattern.fullmatch(path.name)]
    return sorted(found, key=lambda path: (iteration_of(path), path.name), reverse=True)


def iteration_of(state: Path) -> int:
    """The iteration that the name of a solverstate says."""
    return int(re.findall(r"_iter_(\d+)\.", state.name)[-1])


def remove(state: Path) -> None:
    """Remove a snapshot: its solverstate first, so that none is ever without its caffemodel."""
    state.unlink()
    state.with_name(state.name.replace(".solverstate", ".caffemodel")).unlink(missing_ok=True)


def remove_leftovers(prefix: PathLike) -> None:
    """Remove what killed writes of snapshots with a prefix have left."""
    folder, name = _split(prefix)
    kinds = "|".join(KINDS)
    files.remove_leftovers(folder, rf"{re.escape(name)}_iter_\d+\.({kinds})(\.h5)?")


def _split(prefix: PathLike) -> tuple[Path, str]:
    """A prefix's folder, and what it has in front of `_iter_N`, which may be nothing."""
    whole = Path(f"{prefix}_")
    return whole.parent, whole.name[:-1]


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
