"""Our values: the last scores of the runs, measured times, upper bounds, facts of the nets."""

import csv
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import nets
from data.datasets import DATASETS
from solvers.recipes import DEMO_DATASET

from .published import Column, Row

# Files beside the tables, written by tables.times and tables.upper_bounds
TIMES, UPPER_BOUNDS = "times.csv", "upper_bounds.csv"
SCORES = "metrics.csv"


class Value(NamedTuple):
    """A value of ours, in the unit of metrics.csv.

    `comparable`: it is of the published dataset, so that a difference says something.
    """

    number: float
    comparable: bool


@dataclass(frozen=True)
class Ours:
    """`runs`: the last line of each run's metrics.csv, by its folder below `folder`."""

    folder: Path
    runs: dict[str, dict[str, float]] = field(default_factory=dict)
    times: dict[str, dict[str, str]] = field(default_factory=dict)  # by net
    bounds: dict[int, dict[str, str]] = field(default_factory=dict)  # by factor

    def run(self, row: Row) -> str | None:
        """The folder of the row's run: the one on the dataset, else on its synthetic twin."""
        return next((run for run in candidates(row) if run in self.runs), None)

    def value(self, row: Row, column: Column) -> Value | None:
        """What stands beside the published value; None where there is nothing."""
        if column.ours is None:
            return None
        if column.ours in FACTS and row.net and row.classifier:
            return Value(FACTS[column.ours](*_facts(row.net, row.classifier)), True)
        if column.ours == "milliseconds" and row.net in self.times:
            return Value(float(self.times[row.net]["milliseconds"]), True)
        if column.ours == "upper_bound" and row.factor in self.bounds:
            bound = self.bounds[row.factor]
            return Value(float(bound["mean_iu"]), bound["split"] == "seg11valid")
        run = self.run(row)
        number = self.runs[run].get(column.ours) if run else None
        return None if number is None else Value(number, run == candidates(row)[0])

    def source(self, row: Row) -> str:
        """Where the row's values are from."""
        parts = []
        if run := self.run(row):
            parts.append(f"{self.folder / run}, iteration {self.runs[run]['iteration']:.0f}")
        if row.net and (time := self.times.get(row.net)):
            parts.append(f"time: {time['size']} x {time['size']} pixels on {time['machine']}")
        if row.factor and (bound := self.bounds.get(row.factor)):
            parts.append(
                f"{bound['split']} of {bound['data']}, {bound['images']} label maps, "
                f"{bound['reading']}"
            )
        return "; ".join(parts)


@functools.cache
def _facts(net: str, classifier: str) -> tuple[nets.Facts, nets.Facts]:
    """The facts of a net, and of the classifier that it was."""
    spec = nets.net_for("voc", net, "deploy")
    return nets.facts(spec), nets.facts(nets.classifier("deploy", net=classifier, classes=1000))


# Table 1's receptive field is the classifier's: FCN-GoogLeNet lacks the last average pooling.
FACTS: dict[str, Callable[[nets.Facts, nets.Facts], float]] = {
    "conv_layers": lambda net, _: net.conv_layers,
    "parameters": lambda net, _: net.parameters / 1e6,
    "receptive_field": lambda _, classifier: classifier.receptive_field,
    "stride": lambda net, _: net.stride,
}


def candidates(row: Row) -> list[str]:
    """Where a row's run may lie: on the dataset itself, then on its synthetic twins."""
    if row.run is None:
        return []
    if row.dataset is None:
        return [row.run]
    twins = [twin.name for twin in DATASETS.values() if twin.twin_of == row.dataset]
    folders = [f"{name}-{row.run}" for name in (row.dataset, *twins)]
    return folders + [f"demo/{row.run}"] * (DEMO_DATASET in twins)


def collect(folder: Path, written: Path) -> Ours:
    """All there is below the folder of the runs and, of times and bounds, in `written`."""
    runs = {}
    for path in sorted([*folder.glob(f"*/{SCORES}"), *folder.glob(f"*/*/{SCORES}")]):
        if scores := last_scores(path):
            runs[path.parent.relative_to(folder).as_posix()] = scores
    times = read_csv(written / TIMES, ("net", "size", "machine"), ("milliseconds",))
    bounds = read_csv(
        written / UPPER_BOUNDS, ("data", "split", "images", "reading"), ("factor", "mean_iu")
    )
    return Ours(
        folder,
        runs,
        {line["net"]: line for line in times},
        {round(float(line["factor"])): line for line in bounds},
    )


def last_scores(path: Path) -> dict[str, float]:
    """The last line of a metrics.csv; empty if there is none. Empty cells are left out.

    Raises ValueError for a cell that is no number, one without a name, or no column `iteration`.
    """
    lines = read_csv(path, (), ("iteration",))
    if not lines:
        return {}
    try:
        return {name: float(cell) for name, cell in lines[-1].items() if cell}
    except ValueError as error:
        raise ValueError(f"{path}, line {len(lines) + 1}: {error}") from None


def read_csv(path: Path, texts: Sequence[str], numbers: Sequence[str]) -> list[dict[str, str]]:
    """The lines of a CSV file by the names of its columns; none if there is no such file.

    Raises ValueError, with file and line, where one of the columns `texts` or `numbers` is missing,
    one of `numbers` holds no number, or a line has not a cell for each column.
    """
    if not path.is_file():
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: no CSV file ({error})") from None
    for count, line in enumerate(lines, 2):
        if missing := [name for name in (*texts, *numbers) if name not in line]:
            raise ValueError(f"{path}: has no column {', '.join(missing)}")
        if None in line or None in line.values():
            raise ValueError(f"{path}, line {count}: more or fewer cells than columns")
        for name in numbers:
            try:
                float(line[name])
            except ValueError as error:
                raise ValueError(f"{path}, line {count}: {name}: {error}") from None
    return lines
