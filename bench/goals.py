"""The goals of the engine's speed and memory, each beside the figure that was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from . import busy, cases, feed, sizes, snapshots, start
from .result_tables import LIMITS, PEAK, SECONDS, Table, median_of


class Figure(NamedTuple):
    """Where a figure stands: the table's title, the row and the quantity."""

    table: str
    row: str
    quantity: str


@dataclass(frozen=True)
class Goal:
    """The figure's median must be at most, or at least, the limit."""

    text: str
    figure: Figure
    limit: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


def _gpu(case: cases.Case, text: str, seconds: dict[str, float]) -> list[Goal]:
    return [
        Goal(
            f"H200, {text}, {precision}",
            Figure(cases.on_gpu(case, precision), cases.OURS, SECONDS),
            limit,
        )
        for precision, limit in seconds.items()
    ]


_FORWARD, _FIRST, _TRAIN = (case.title for case in (cases.FORWARD, cases.FIRST, cases.TRAIN))
# Of a training step on the H200: 2.5 times three forward floors of 5.4, 0.8 and 0.46 ms
_FLOORS = {"fp32": 0.0054, "tf32": 0.0008, "bf16": 0.00046}

CPU = (
    Goal("forward, images of one size", Figure(_FORWARD, cases.OURS, LIMITS), 0.5),
    *(
        Goal(
            f"{peer}'s time over ours, the same run",
            Figure(_FORWARD, peer, cases.RATIO),
            1,
            at_least=True,
        )
        for peer in (cases.ONNX_RUNTIME, cases.OPENVINO)
    ),
    Goal("forward, first image of a size", Figure(_FIRST, cases.OURS, LIMITS), 0.6),
    Goal("forward, memory", Figure(_FORWARD, cases.OURS, PEAK), 1.2),
    Goal("training step", Figure(_TRAIN, cases.OURS, LIMITS), 2.4),
    Goal("training step, memory", Figure(_TRAIN, cases.OURS, PEAK), 2.6),
    Goal("loading", Figure(cases.LOAD.title, cases.OURS, SECONDS), 0.5),
    Goal("loading, memory", Figure(cases.LOAD.title, cases.OURS, cases.ABOVE), 0.65),
    Goal("snapshot of the weights", Figure(snapshots.TITLE, snapshots.SAVE, SECONDS), 1.5),
    Goal(
        "training held up by a snapshot",
        Figure(snapshots.TITLE, snapshots.HELD, snapshots.OVER_COPY),
        1,
    ),
    Goal("waiting for data", Figure(feed.WAITING, feed.SBDD, feed.WAITS), 1),
    *(
        Goal(layer, Figure(feed.TITLE, layer, feed.RATE), 150, at_least=True)
        for layer in feed.SEGMENTATION
    ),
    *(
        Goal(each.title, Figure(feed.TITLE, each.title, feed.RATE), rate, True)
        for each, rate in zip(feed.DATABASES, (2000, 300), strict=True)
    ),
    Goal("import caffe", Figure(start.IMPORTS, start.CAFFE, start.OVER_TORCH), 1.2),
    Goal("infer.py, one image", Figure(start.INFER, start.ONE, start.OVER_FORWARD), 2),
    Goal("infer.py, a folder", Figure(start.INFER, start.EACH, start.RATE), 0.95, True),
    Goal(
        "a small net's step beside a busy process",
        Figure(busy.TITLE, busy.BUSY, busy.OVER_ALONE),
        2.5,
    ),
    *(
        Goal(text, Figure(sizes.STRAIGHT, row, what), limit)
        for text, row, what, limit in (
            ("time against pixels", SECONDS, sizes.DEVIATION, 5),
            ("memory against pixels", PEAK, sizes.DEVIATION, 5),
            ("a size's first pass", SECONDS, sizes.FIRST_OVER_LATER, 1.5),
        )
    ),
)
GPU = (
    *_gpu(cases.FORWARD, "forward", {"fp32": 0.008, "tf32": 0.002, "bf16": 0.0012}),
    *_gpu(cases.TRAIN, "training step", {p: 7.5 * floor for p, floor in _FLOORS.items()}),
)


def here() -> tuple[Goal, ...]:
    """The goals of what this machine has; those of the GPU are an H200's."""
    h200 = torch.cuda.is_available() and "H200" in torch.cuda.get_device_name()
    return (*CPU, *(GPU if h200 else ()))


def table(goals: Sequence[Goal], tables: Sequence[Table]) -> list[str]:
    """Markdown lines: a row for each goal."""
    lines = ["| goal | limit | measured | |", "|---|---|---|---|"]
    for goal in goals:
        sign = "\N{GREATER-THAN OR EQUAL TO}" if goal.at_least else "\N{LESS-THAN OR EQUAL TO}"
        limit = f"{sign} {goal.limit:.3g} {goal.figure.quantity}"
        value = median_of(tables, *goal.figure)
        if value is None:
            lines.append(f"| {goal.text} | {limit} | | not measured |")
        else:
            verdict = "met" if goal.met(value) else "missed"
            lines.append(f"| {goal.text} | {limit} | {value:.3g} | {verdict} |")
    return lines
