"""What was measured: tables of rows, a value for each round; as Markdown and as CSV."""

import csv
import io
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

GB = 1e9
SECONDS, LIMITS, PEAK = "s", "\N{MULTIPLICATION SIGN} limit", "peak GB"  # quantities


@dataclass(frozen=True)
class Row:
    """The values of all rounds, or a single one, by quantity, whose name has the unit."""

    title: str
    figures: dict[str, Sequence[float]] = field(default_factory=dict)
    reason: str = ""  # why there are no figures


@dataclass(frozen=True)
class Table:
    """A table of what was measured."""

    title: str
    rows: Sequence[Row]

    @property
    def quantities(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row.figures))


def over(values: Sequence[float], others: Sequence[float]) -> list[float]:
    """The ratio of two values of each round."""
    return [value / other for value, other in zip(values, others, strict=True)]


def median_of(tables: Iterable[Table], table: str, row: str, quantity: str) -> float | None:
    """The median of a quantity's values; None where it was not measured."""
    for each in tables:
        for one in each.rows:
            if (each.title, one.title) == (table, row) and quantity in one.figures:
                return statistics.median(one.figures[quantity])
    return None


def markdown(table: Table) -> list[str]:
    """The table's lines in Markdown: a column for each quantity of any row."""
    names = table.quantities
    lines = [f"| {table.title} | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for row in table.rows:
        cells = [_spread(row.figures[name]) if name in row.figures else "" for name in names]
        if row.reason:
            cells = [f"not timed: {row.reason}", *[""] * (len(names) - 1)]
        lines.append(f"| {row.title} | {' | '.join(cells)} |")
    return lines


def as_csv(tables: Iterable[Table]) -> str:
    """The tables as CSV, with a line for each value."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    write(["table", "row", "quantity", "round", "value"])
    for table in tables:
        for row in table.rows:
            for quantity, values in row.figures.items():
                for number, value in enumerate(values, 1):
                    write([table.title, row.title, quantity, number, f"{value:.6g}"])
    return text.getvalue()


def _spread(values: Sequence[float]) -> str:
    """The values as `median (least-most)`."""
    if len(values) == 1:
        return f"{values[0]:.3g}"
    return f"{statistics.median(values):.3g} ({min(values):.3g}\N{EN DASH}{max(values):.3g})"
