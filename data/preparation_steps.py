"""Steps that the datasets' preparations share: writing lists, converting files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

THREADS = min(4, os.cpu_count() or 1)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a list, one line each, whole or not at all."""
    from caffe.core.files import write_text  # here: caffe loads torch, which takes seconds

    write_text(path, "".join(f"{line}\n" for line in lines))


def convert(title: str, paths: dict[Path, Path], step: Callable[[Path, Path], None]) -> None:
    """Call step(source, target) for every target that is not there yet, with progress."""
    todo = {source: target for source, target in paths.items() if not target.exists()}
    if not todo:
        return
    with ThreadPoolExecutor(THREADS) as pool:
        done = pool.map(step, todo, todo.values())
        for _ in tqdm(done, title, len(todo), unit="image"):
            pass


def list_images(target: Path, folder: Path, suffix: str, root: Path, hint: str) -> None:
    """Write a split's list, if it is not there, of all images FOLDER/*/*SUFFIX.

    A suffix may end in .*, for images of any kind. An id is the path below `root`, without the
    suffix. Raises FileNotFoundError with `hint` where there are no images.
    """
    if target.exists():
        return
    images = sorted(folder.glob(f"*/*{suffix}"))
    if not images:
        raise FileNotFoundError(f"{folder}: no images (*/*{suffix}) there; {hint}")
    target.parent.mkdir(parents=True, exist_ok=True)
    end = suffix.removesuffix(".*")
    ids = (path.relative_to(root).as_posix().rpartition(end)[0] for path in images)
    write_lines(target, dict.fromkeys(ids))
