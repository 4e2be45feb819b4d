"""The curve of a run's metrics, drawn by matplotlib's object interface: pyplot keeps its state."""

import csv
import os

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from caffe.core.files import replacing


def curve(metrics_csv: str | os.PathLike, png: str | os.PathLike) -> None:
    """Draws loss (log scale), pixel accuracy and mean IU against iteration, from a metrics.csv.

    The columns `iteration`, `loss`, `overall_accuracy` and `mean_iu` are read; an empty cell is a
    value not measured at that iteration; where a resumed run wrote an iteration again, the last
    value counts. Raises ValueError for a missing column or a cell that is no number.
    """
    columns = ("loss", "overall_accuracy", "mean_iu")
    loss, accuracy, mean_iu = (series(metrics_csv, column) for column in columns)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    left = figure.add_subplot()
    right = left.twinx()
    for axes, (x, y), name, colour in (
        (left, loss, "loss", "tab:blue"),
        (right, accuracy, "pixel accuracy", "tab:green"),
        (right, mean_iu, "mean IU", "tab:orange"),
    ):
        marker = "o" if len(x) < 50 else None
        axes.plot(x, y, color=colour, label=name, marker=marker, markersize=4)
    left.set_ylabel("loss", color="tab:blue")
    left.tick_params(axis="y", labelcolor="tab:blue")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    if loss[1] and min(loss[1]) > 0:
        left.set_yscale("log")
    right.set_ylim(bottom=0)
    left.set_xlabel("iteration")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.grid(alpha=0.3)
    with replacing(png) as file:
        figure.savefig(file, format="png", dpi=120)


def series(metrics_csv: str | os.PathLike, column: str) -> tuple[list[int], list[float]]:
    """Iterations and values of a column of a run's metrics.csv, as `curve` reads them."""
    values = {}
    with open(metrics_csv, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        for name in ("iteration", column):
            if name not in (reader.fieldnames or ()):
                raise ValueError(f"{metrics_csv}: no column {name!r}, only {reader.fieldnames}")
        for row in reader:
            if row[column]:
                try:
                    values[int(row["iteration"])] = float(row[column])
                except ValueError as error:
                    where = f"{metrics_csv}, line {reader.line_num}"
                    raise ValueError(f"{where}: {column}: {error}") from error
    iterations = sorted(values)
    return iterations, [values[i] for i in iterations]
