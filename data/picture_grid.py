"""Tables of pictures: images, label maps and what else a net sees, with the classes' legend.

Figures are made by matplotlib's object interface, so that no state is shared with pyplot.
"""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch

from caffe.core.files import replacing
from data.drawing import LegendEntry
from data.fonts import set_name, written


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
        layout=ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0, hspace=0),
    )
    axes = figure.subplots(len(rows), len(columns), squeeze=False, height_ratios=heights)
    for cells, row in zip(axes, rows, strict=True):
        for cell, picture in zip(cells, row, strict=True):
            cell.imshow(picture, interpolation="nearest")
            cell.set_axis_off()
    for cell, title in zip(axes[0], columns, strict=True):
        cell.set_title(title, fontsize=10)
    _write(figure, legend, legend_columns, png)


def gallery(
    pictures: Mapping[str, np.ndarray],
    columns: int,
    png: str | os.PathLike,
    legend: Sequence[LegendEntry] = (),
) -> None:
    """Draws pictures of one size, (H, W, 3) uint8 RGB, each below its title, and the legend."""
    rows = -(-len(pictures) // columns)
    height, width = next(iter(pictures.values())).shape[:2]
    legend_columns = max(1, min(len(legend), 2 * columns))
    size = 3.2  # inches a column
    inches = rows * (size * height / width + 0.3) + 0.22 * -(-len(legend) // legend_columns)
    figure = Figure(
        figsize=(size * columns, inches),
        layout=ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0, hspace=0),
    )
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for cell in cells:
        cell.set_axis_off()
    for cell, (title, picture) in zip(cells, pictures.items(), strict=False):
        cell.imshow(picture, interpolation="nearest")
        cell.set_title(title, fontsize=10)
    _write(figure, legend, legend_columns, png)


def _write(
    figure: Figure, legend: Sequence[LegendEntry], columns: int, png: str | os.PathLike
) -> None:
    """The figure as a file, with the legend below it."""
    if legend:
        shown = figure.legend(
            handles=[
                Patch(
                    facecolor=f"#{bytes(entry.colour).hex()}",
                    edgecolor="0.4",
                    label=str(entry.index),
                )
                for entry in legend
            ],
            loc="outside lower center",
            ncols=columns,
            fontsize=9,
            frameon=False,
        )
        for text, entry in zip(shown.get_texts(), legend, strict=True):
            set_name(text, written(entry.name, entry.index))
    with replacing(png) as file:
        figure.savefig(file, format="png", dpi=150)


def visible(array: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 of a (1 or 3, H, W) array of any range, as depth and HHA are."""
    low, high = array.min((1, 2), keepdims=True), array.max((1, 2), keepdims=True)
    grey = np.rint(255 * (array - low) / np.maximum(high - low, 1e-6)).astype(np.uint8)
    return np.repeat(grey.transpose(1, 2, 0), 3 // len(array), 2)
