"""What a study leaves behind: a table as Markdown and CSV, a figure, and a sentence a claim."""

import io
import shlex
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.environment import commit
from tables.output import publish
from tables.published import Column, Row, Table
from tables.render import Cell, Filled, as_csv, markdown
from tables.times import device

from .arms import Arm
from .catalogue import Study
from .claims import sentence, spread, values
from .setting import REGIME, Setting
from .training import Outcome

COLUMNS = (
    Column("mean IU, published"),
    *(
        Column(title, "ours")
        for title in ("mean IU", "pixel acc.", "loss", "loss after as many images", "images seen")
    ),
)

Outcomes = Mapping[str, Sequence[Outcome]]  # of each arm, by its name, in the order of the seeds


def table(study: Study, outcomes: Outcomes, setting: Setting) -> Filled:
    """A row an arm: the published mean IU and ours, means over the seeds ± standard deviation."""
    arms = [of[0].arm for of in outcomes.values()]
    cells = tuple(_cells(arm, outcomes[arm.name]) for arm in arms)
    rows = tuple(Row(arm.name, (arm.published, *[None] * (len(COLUMNS) - 1))) for arm in arms)
    seeds = ", ".join(map(str, setting.seeds))
    notes = (
        f"Ours: {setting.dataset.title}, images downscaled by {setting.downscale}, "
        f"{setting.stages[0]} and its skips at width {setting.width:g}, {setting.iterations} "
        f"iterations at a rate of {setting.rate:g}, regime {REGIME}; seeds {seeds}; mean ± "
        "standard deviation.",
    )
    return Filled(
        Table(study.title, COLUMNS, rows, study.source, notes),
        cells,
        tuple(f"{setting.out}/arms/{arm.key}" for arm in arms),
    )


def _cells(arm: Arm, outcomes: Sequence[Outcome]) -> tuple[Cell, ...]:
    finished = [outcome.points[-1] for outcome in outcomes if outcome.points]
    accuracy = [100 * point.pixel_accuracy for point in finished]
    images = max((point.iteration for point in finished), default=0) * arm.batch
    ours = [
        spread(values(outcomes, "mean IU")),
        spread(accuracy) if accuracy else "",
        *(spread(values(outcomes, name), name) for name in ("loss", "loss after as many images")),
        str(images),
    ]
    return (Cell(arm.published or ""), *(Cell(ours=text) for text in ours))


def figure(study: Study, outcomes: Outcomes) -> bytes:
    """A PNG: the validation loss against iterations, against images; the mean IU of each run."""
    from matplotlib.figure import Figure  # here: it takes a second

    drawn = Figure(figsize=(14, 4.5), layout="constrained")
    drawn.suptitle(study.title)
    by_iteration, by_images, final = drawn.subplots(1, 3)
    for index, (name, of) in enumerate(outcomes.items()):
        runs = [outcome.points for outcome in of if outcome.points]
        if runs:
            iterations = [point.iteration for point in runs[0]]
            losses = [[point.loss for point in points] for points in zip(*runs, strict=True)]
            middle = [statistics.fmean(at) for at in losses]
            for axes, factor in ((by_iteration, 1), (by_images, of[0].arm.batch)):
                x = [factor * iteration for iteration in iterations]
                axes.plot(x, middle, color=f"C{index}", marker="o", markersize=3, label=name)
                low, high = ([pick(at) for at in losses] for pick in (min, max))
                axes.fill_between(x, low, high, color=f"C{index}", alpha=0.2, linewidth=0)
        scores = values(of, "mean IU")
        final.plot(scores, [index] * len(scores), "o", color=f"C{index}", alpha=0.7)
    for axes, unit in ((by_iteration, "iterations"), (by_images, "images")):
        axes.set(xlabel=unit, ylabel="validation loss")
        axes.grid(alpha=0.3)
    by_iteration.legend(fontsize="small")
    final.set(xlabel="mean IU, one dot a seed", yticks=range(len(outcomes)))
    final.set_yticklabels(list(outcomes))
    final.invert_yaxis()
    final.grid(alpha=0.3)
    png = io.BytesIO()
    drawn.savefig(png, format="png", dpi=110)
    return png.getvalue()


def sentences(study: Study, outcomes: Outcomes) -> list[str]:
    """One of each claim whose arms were trained."""
    return [
        sentence(claim, outcomes)
        for claim in study.claims
        if claim.arm in outcomes and claim.than in outcomes
    ]


class Found(NamedTuple):
    """What a study has found: its tables, a sentence a claim, the PNG of its figure."""

    tables: list[Filled]
    sentences: list[str]
    png: bytes


def write(name: str, found: Found, out: Path, command: Sequence[str]) -> None:
    """Write NAME.md, NAME.csv and NAME.png to the folder `out`, and print the first.

    `command` is what ran: it is told, with the commit and the machine.
    """
    origin = f"`{shlex.join(command)}`, commit {commit()}, {device()}."
    said = (f"- {sentence}" for sentence in found.sentences)
    text = "\n".join([markdown(found.tables), *said, "", origin, ""])
    files: dict[str, str | bytes] = {f"{name}.md": text, f"{name}.csv": as_csv(found.tables)}
    publish(text, out, files | {f"{name}.png": found.png})
