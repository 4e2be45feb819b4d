"""The files of a run's snapshots, PREFIX_iter_N: which there are, and removing them."""

from __future__ import annotations

import re
from pathlib import Path

from ..core import files
from ..core.files import PathLike

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
