"""The bench's pictures, made by matplotlib's object interface: pyplot keeps its state."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from caffe.core.files import replacing

from .result_tables import Table

Line = Callable[[Sequence[float], Sequence[float]], tuple[float, float, float]]


def bars(path: Path, tables: Sequence[Table], quantity: str) -> None:
    """Each table's rows by the median of a quantity, with its range; others are left out."""
    height = 1 + 0.5 * sum(len(table.rows) for table in tables)
    figure = Figure(figsize=(8, height), layout="constrained")
    for axes, table in zip(figure.subplots(len(tables), squeeze=False)[:, 0], tables, strict=True):
        rows = {row.title: row.figures[quantity] for row in table.rows if quantity in row.figures}
        middle = [statistics.median(values) for values in rows.values()]
        below = [m - min(values) for m, values in zip(middle, rows.values(), strict=True)]
        above = [max(values) - m for m, values in zip(middle, rows.values(), strict=True)]
        drawn = axes.barh(list(rows), middle, xerr=[below, above], error_kw=dict(ecolor="gray"))
        axes.bar_label(drawn, fmt="%.2f", padding=3, label_type="center", color="white")
        axes.invert_yaxis()
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set_title(table.title)
        axes.set_xlabel(quantity)
    _save(figure, path)


def lines(path: Path, table: Table, x: str, quantities: Sequence[str], line: Line) -> None:
    """Quantities of the rows against x, one below the other, each with its straight line."""
    figure = Figure(figsize=(8, 3 * len(quantities)), layout="constrained")
    across = [row.figures[x][0] for row in table.rows]
    ends = np.array([0, max(across)])
    for axes, quantity in zip(
        figure.subplots(len(quantities), squeeze=False)[:, 0], quantities, strict=True
    ):
        values = [statistics.median(row.figures[quantity]) for row in table.rows]
        slope, at_zero, _ = line(across, values)
        axes.plot(ends, slope * ends + at_zero, color="gray", linewidth=1)
        axes.plot(across, values, "o")
        for row, place in zip(table.rows, zip(across, values, strict=True), strict=True):
            axes.annotate(row.title, place, xytext=(6, -10), textcoords="offset points", fontsize=7)
        axes.set_xlabel(x)
        axes.set_ylabel(quantity)
        axes.set_xlim(0, 1.15 * max(across))
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=120)
