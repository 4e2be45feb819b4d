"""PASCAL-Context: the names of its classes, those of the 59 and of the 33."""

from __future__ import annotations

from data import classes
from data.datasets import Dataset
from data.preparation_steps import write_lines


def check_labels(dataset: Dataset) -> None:
    """Write 33_labels.txt where it is not there; ValueError if 59_labels.txt has other names."""
    from pascalcontext_layers import read_labels  # here, for it needs caffe, which takes seconds

    folder = dataset.home / "pascal-context"
    for path, expected in (
        (folder / "33_labels.txt", classes.CONTEXT_33[1:]),
        (folder / "59_labels.txt", classes.CONTEXT[1:]),
    ):
        if not path.exists() and path.name.startswith("33"):
            write_lines(path, (f"{number}: {name}" for number, name in enumerate(expected, 1)))
        found = tuple(read_labels(path).values())
        if found != expected:
            wrong = [pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]]
            where = f"{wrong[0][0]!r} for {wrong[0][1]!r}" if wrong else f"{len(found)} names"
            raise ValueError(
                f"{path}: {where}; expected the {len(expected)} names of PASCAL-Context in the "
                "order of the nets' outputs: remove it and run `make data-context` again"
            )
