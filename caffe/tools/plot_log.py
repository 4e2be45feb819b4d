"""Curves of training logs: caffe plot_log CHART_TYPE OUT.png LOG [LOG...]."""

import argparse
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from matplotlib.figure import Figure

from ..core.errors import CaffeError
from ..core.files import replacing
from .parse_log import NUMBER, RATE, lines, parse_log

LOSS = re.compile(rf"Iteration \d+.*, loss = {NUMBER}")

# The numbers that BVLC's plot_training_log.py gives its charts.
Y_AXES = ("Test accuracy", "Test loss", "Train learning rate", "Train loss")
CHARTS = list(product(Y_AXES, ("Iters", "Seconds")))

Point = tuple[float, float, float]


def points(path: str, y_axis: str) -> Iterator[Point]:
    """The iterations, seconds and values of a log.

    Train loss is the smoothed loss of "Iteration N, loss = ..."; Test accuracy and Test loss are
    the first outputs with "acc" and "loss" in their names. Raises CaffeError if there are none.
    """
    kind, word = y_axis.split(" ", 1)
    found = False
    if kind == "Train":
        pattern = LOSS if word == "loss" else RATE
        for line in lines(path):
            if match := pattern.search(line.text):
                found = True
                yield line.iteration, line.seconds, float(match[1])
    else:
        _, rows = parse_log(path)
        names = list(dict.fromkeys(name for row in rows for name in row))[3:]
        part = "acc" if word == "accuracy" else word
        name = next((name for name in names if part in name.lower()), None)
        for row in rows:
            if name is not None and name in row:
                found = True
                yield row["NumIters"], row["Seconds"], row[name]
    if not found:
        raise CaffeError(f"{path}: nothing in this log is a {y_axis.lower()}")


def arguments(parser: argparse.ArgumentParser) -> None:
    listed = [f"  {i}: {y_axis} vs. {x_axis}" for i, (y_axis, x_axis) in enumerate(CHARTS)]
    parser.description = "\n".join([parser.description or "", "", "Chart types:", *listed])
    parser.add_argument("chart_type", type=int, choices=range(len(CHARTS)), help="see above")
    parser.add_argument("out", help="picture to write, such as curves.png")
    parser.add_argument("logs", nargs="+", metavar="log", help="log of caffe train")


def run(args: argparse.Namespace) -> None:
    y_axis, x_axis = CHARTS[args.chart_type]
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    for path in args.logs:
        iterations, seconds, values = zip(*points(path, y_axis), strict=True)
        x = iterations if x_axis == "Iters" else seconds
        axes.plot(x, values, linewidth=0.75, marker=".", label=Path(path).name)
    axes.set(title=f"{y_axis} vs. {x_axis}", xlabel=x_axis, ylabel=y_axis)
    axes.legend(loc="lower right" if "accuracy" in y_axis else "upper right")
    with replacing(args.out) as file:
        figure.savefig(file, format=Path(args.out).suffix[1:] or "png")
