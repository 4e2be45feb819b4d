"""Pictures of a run: the curve of its metrics, and grids of images and label maps.

Figures are made by matplotlib's object interface, so that no state is shared with pyplot.
"""

import csv
import os
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from caffe.core.files import replacing
from infer import LegendEntry


def curve(metrics_csv: str | os.PathLike, png: str | os.PathLike) -> None:
    """Draws loss (log scale) and mean IU against iteration, from a run's metrics.csv.

    The columns `iteration`, `loss` and `mean_iu` are read; an empty cell is a value not measured
    at that iteration; where a resumed run wrote an iteration again, the last value counts.
    Raises ValueError for a missing column or a cell that is no number.
    """
    loss, mean_iu = _series(metrics_csv, "loss"), _series(metrics_csv, "mean_iu")
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    left = figure.add_subplot()
    right = left.twinx()
    for axes, (x, y), name, colour in (
        (left, loss, "loss", "tab:blue"),
        (right, mean_iu, "mean IU", "tab:orange"),
    ):
        axes.plot(x, y, color=colour, marker="o" if len(x) < 50 else None, markersize=4)
        axes.set_ylabel(name, color=colour)
        axes.tick_params(axis="y", labelcolor=colour)
    if loss[1] and min(loss[1]) > 0:
        left.set_yscale("log")
    right.set_ylim(bottom=0)
    left.set_xlabel("iteration")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.grid(alpha=0.3)
    _save(figure, png, dpi=120)


def grid(
    rows: Sequence[Sequence[np.ndarray]],
    columns: Sequence[str],
    png: str | os.PathLike,
    legend: Sequence[LegendEntry] = (),
) -> None:
    """Draws a table of pictures, with the column titles above and the classes' legend below.

    Every row holds one (H, W, 3) uint8 RGB array per column, e.g. image | truth | 32s | 16s | 8s;
    sizes may differ between rows. Raises ValueError if a row has not one picture per column.
    """
    for number, row in enumerate(rows):
        if len(row) != len(columns):
            raise ValueError(f"row {number} has {len(row)} pictures for {len(columns)} columns")
    if not rows:
        raise ValueError("no rows: a grid needs at least one")
    shapes = [np.max([picture.shape[:2] for picture in row], axis=0) for row in rows]
    heights = [height / width for height, width in shapes]
    legend_columns = max(1, min(len(legend), int(1.5 * len(columns))))
    legend_height = 0.22 * -(-len(legend) // legend_columns)
    size = 2.6  # inches a column
    figure = Figure(
        figsize=(size * len(columns), size * sum(heights) + 0.4 + legend_height),
        layout="constrained",
    )
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0, hspace=0)
    axes = figure.subplots(len(rows), len(columns), squeeze=False, height_ratios=heights)
    for cells, row in zip(axes, rows, strict=True):
        for cell, picture in zip(cells, row, strict=True):
            cell.imshow(picture, interpolation="nearest")
            cell.set_axis_off()
    for cell, title in zip(axes[0], columns, strict=True):
        cell.set_title(title, fontsize=10)
    if legend:
        figure.legend(
            handles=[
                Patch(facecolor=np.divide(entry.colour, 255), edgecolor="0.4", label=entry.name)
                for entry in legend
            ],
            loc="outside lower center",
            ncols=legend_columns,
            fontsize=9,
            frameon=False,
        )
    _save(figure, png, dpi=150)


def visible(array: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 of a (1 or 3, H, W) array of any range, as depth and HHA are."""
    low, high = array.min((1, 2), keepdims=True), array.max((1, 2), keepdims=True)
    grey = np.rint(255 * (array - low) / np.maximum(high - low, 1e-6)).astype(np.uint8)
    return np.repeat(grey.transpose(1, 2, 0), 3 // len(array), 2)


def _series(metrics_csv: str | os.PathLike, column: str) -> tuple[list[int], list[float]]:
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


def _save(figure: Figure, png: str | os.PathLike, dpi: int) -> None:
    with replacing(png) as file:
        figure.savefig(file, format="png", dpi=dpi)
