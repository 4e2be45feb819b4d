"""report.html of a run's folder: all that the folder knows, in one file.

    python -m solvers.run_report FOLDER ...

It is written while the run trains, at each score and between them; this command writes it anew, of
folders of older versions too: what they did not keep is left out.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import command_line
from caffe.core.files import write_text
from data.drawing import palette
from data.html_page import picture_of, svg, write_page

from .curve import series
from .run_examples import read_examples
from .run_facts import PARTS, read_facts
from .run_progress import Progress, read_progress, seconds_left

NAME = "report.html"
CONFUSION = f"{PARTS}/confusion.json"
TEMPLATES = Path(__file__).resolve().parent / "templates"
EVERY = 60.0  # seconds between two reports while it trains
METRICS = {
    "overall_accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy",
    "mean_iu": "mean IU",
    "fw_iu": "f.w. IU",
}
SHADED = 40  # classes up to which the confusion matrix is shown whole


class ClassRow(NamedTuple):
    """A class of the main head; fractions, None where nothing says."""

    name: str
    colour: str
    iu: float | None
    change: float | None
    val_share: float | None
    train_share: float | None


def write_confusion(
    folder: Path, labels: Mapping[str, Sequence[str]], hists: Mapping[str, np.ndarray]
) -> None:
    """Write confusion.json: by head the classes, and the matrix of the last score."""
    found = {
        head: {"classes": list(labels[head]), "matrix": hist.tolist()}
        for head, hist in hists.items()
    }
    write_text(folder / CONFUSION, json.dumps(found))


def write_report(folder: Path) -> Path:
    """Write report.html of a run's folder, from what lies in it; the path.

    Raises ValueError for a folder that is none of a run.
    """
    metrics = read_metrics(folder)
    facts, progress = read_facts(folder), read_progress(folder)
    if not (metrics or facts or progress):
        raise ValueError(f"{folder}: no metrics.csv and no run.json: expected the folder of a run")
    confusions = _confusions(folder)
    classes = class_rows(metrics, facts, confusions)
    path = folder / NAME
    max_iter: int = facts.get("max_iter", 0)
    scored = max((int(row["iteration"]) for row in metrics), default=0)
    iteration = max(scored, *(line.iteration for line in progress[-1:]), 0)
    finished = not max_iter or scored >= max_iter
    write_page(
        path,
        TEMPLATES / "report.html",
        name=folder.resolve().name,
        facts=facts,
        iteration=iteration,
        finished=finished,
        left=None if finished else duration(seconds_left(progress, max_iter)),
        now=time.strftime("%Y-%m-%d %H:%M"),
        starts=[
            start | {"time": time.strftime("%Y-%m-%d %H:%M", time.localtime(start["time"]))}
            for start in facts.get("starts", ())
        ],
        last=progress[-1] if progress else None,
        scores={name: _number(metrics[-1].get(column)) for column, name in METRICS.items()}
        if metrics
        else {},
        curves=_curves(folder, metrics, progress),
        classes=classes,
        confusions={head: of for head, of in confusions.items() if len(of["classes"]) <= SHADED},
        rates=rates,
        examples=[
            entry | {"address": picture_of(folder / PARTS / entry["file"])}
            for entry in read_examples(folder)
        ],
    )
    return path


def read_metrics(folder: Path) -> list[dict[str, str]]:
    """The lines of metrics.csv, the last of those of one iteration; none where there is no file."""
    try:
        with open(folder / "metrics.csv", newline="", encoding="utf-8") as file:
            rows = {int(row["iteration"]): row for row in csv.DictReader(file)}
    except FileNotFoundError:
        return []
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder / 'metrics.csv'}: is none of a run ({error})") from None
    return [rows[iteration] for iteration in sorted(rows)]


def class_rows(
    metrics: Sequence[Mapping[str, str]],
    facts: Mapping[str, Any],
    confusions: Mapping[str, Mapping[str, Any]],
) -> list[ClassRow]:
    """The classes of the main head, with what the last score says, and the one before it."""
    columns = [key for key in (metrics[-1] if metrics else ()) if key and key.startswith("iu_")]
    head = next(iter(confusions), None)
    matrix = np.array(confusions[head]["matrix"], float) if head else None
    trained: dict[str, list[float]] = next(iter(facts.get("shares", {}).values()), {})
    train = next(iter(trained.values()), None)
    colours = facts.get("colours") or palette().tolist()
    rows = []
    for index, column in enumerate(columns):
        now = _number(metrics[-1][column])
        before = _number(metrics[-2].get(column)) if len(metrics) > 1 else None
        rows.append(
            ClassRow(
                column.removeprefix("iu_"),
                f"#{bytes(colours[index]).hex()}" if index < len(colours) else "#000000",
                now,
                None if now is None or before is None else now - before,
                matrix[index].sum() / matrix.sum()
                if matrix is not None and index < len(matrix) and matrix.sum()
                else None,
                train[index] if train and index < len(train) else None,
            )
        )
    return rows


def rates(matrix: Sequence[Sequence[int]]) -> list[list[float | None]]:
    """Each row of a confusion matrix over its sum: where a class's pixels went."""
    return [
        [value / sum(row) for value in row] if sum(row) else [None] * len(row) for row in matrix
    ]


def duration(seconds: float | None) -> str | None:
    """A time in words: minutes, or hours and minutes."""
    if seconds is None:
        return None
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _confusions(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        return json.loads((folder / CONFUSION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _number(text: str | None) -> float | None:
    return float(text) if text else None


def _curves(
    folder: Path, metrics: Sequence[Mapping[str, str]], progress: Sequence[Progress]
) -> Markup | None:
    """Losses, scores, learning rate, and speed against the iteration."""
    if not metrics and len(progress) < 2:
        return None
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    (loss, scores), (rate, speed) = figure.subplots(2, 2, sharex=True)
    steps = [line.iteration for line in progress]
    loss.plot(steps, [line.loss for line in progress], linewidth=0.8, label="training")
    if metrics:
        path = folder / "metrics.csv"
        if not steps:
            loss.plot(*series(path, "loss"), "o-", markersize=3, label="training")
        loss.plot(*series(path, "val_loss"), "o-", markersize=3, label="validation")
        for column, name in METRICS.items():
            x, y = series(path, column)
            scores.plot(x, [100 * value for value in y], "o-", markersize=3, label=name)
    rate.plot(steps, [line.learning_rate for line in progress])
    speed.plot(steps, [line.images_per_second for line in progress])
    for axes, title in (
        (loss, "loss"),
        (scores, "percent"),
        (rate, "learning rate"),
        (speed, "images per second"),
    ):
        axes.set_title(title, fontsize=10)
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, frameon=False)
    scores.set_ylim(bottom=0)
    for axes in (rate, speed):
        axes.set_xlabel("iteration")
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}):  # text stays text
        return svg(figure)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m solvers.run_report", __doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="of runs")
    return command_line.run(_report, parser.parse_args(argv).folders)


def _report(folders: Sequence[Path]) -> None:
    for folder in folders:
        print(write_report(folder))


if __name__ == "__main__":
    sys.exit(main())
