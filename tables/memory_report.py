"""Memory against image size: the tables beside the published ones, the CSV and the picture."""

import csv
import io
from collections.abc import Callable
from typing import NamedTuple

from .footprint import Footprint
from .published import Column, Memory, Row, Table
from .render import Cell, Filled

HEIGHT, WIDTH = 1024, 2048  # of Cityscapes
FACTORS = (6, 4, 2, 1)
NETS = {"fcn32s": "FCN-32s", "fcn16s": "FCN-16s", "fcn8s": "FCN-8s"}
MB, GB = 1e6, 1e9
COLUMNS = (
    *("net", "task", "recompute", "height", "width", "pixels"),
    *("peak_bytes", "above_import_bytes", "seconds", "machine"),
)


class Setting(NamedTuple):
    """A way to run the nets; `task` is how published.json calls it."""

    title: str
    task: str
    recompute: bool = False

    @property
    def training(self) -> bool:
        return self.task == "training"


SETTINGS = (
    Setting("training", "training"),
    Setting("training, activations recomputed", "training", recompute=True),
    Setting("evaluation", "evaluation"),
)


class Point(NamedTuple):
    """One measurement: a net in a setting, on images downscaled by a factor."""

    net: str
    setting: Setting
    factor: int


Measured = dict[Point, Footprint | str]  # a text: why it failed


def size(factor: int) -> tuple[int, int]:
    """Height and width of Cityscapes' images, downscaled."""
    return HEIGHT // factor, WIDTH // factor


def pixels(factor: int) -> int:
    """Number of pixels of Cityscapes' images, downscaled."""
    height, width = size(factor)
    return height * width


def tables_of(measured: Measured, imported: int, published: Memory, machine: str) -> list[Filled]:
    """For each setting a table of memory, beside the published one, and a table of seconds."""
    filled = []
    for setting in SETTINGS:
        printed = {"Guist": published.megabytes[setting.task]}
        notes = [
            f"Ours: the most that a process held, 1 MB = 10^6 bytes; {imported / MB:.0f} MB of it "
            "are a bare `import caffe`.",
            *_failures(setting, measured),
        ]
        if setting.training:
            title = "Guist's model"
            printed[title] = {f: f"{published.model(pixels(f)):.0f}" for f in FACTORS}
            notes.insert(
                0,
                f"{title}: {published.base} + {published.per_pixel} x pixels. At full size nothing "
                f"was measured; the report estimates {published.full_size}.",
            )
        title = f"Peak memory, {setting.title}, MB"
        cells = _texts(setting, measured, lambda footprint: f"{footprint.peak / MB:.0f}")
        filled.append(_filled(title, cells, machine, printed, published.source, notes))
        what = "step" if setting.training else "pass"
        cells = _texts(setting, measured, lambda footprint: f"{footprint.seconds:.3g}")
        filled.append(_filled(f"Seconds of a {what}, {setting.title}", cells, machine))
    return filled


def _texts(
    setting: Setting, measured: Measured, text: Callable[[Footprint], str]
) -> list[list[Cell]]:
    """A row for each size, with a cell for each net: empty where measuring failed."""
    rows = ([measured[Point(net, setting, factor)] for net in NETS] for factor in FACTORS)
    return [[Cell() if isinstance(f, str) else Cell(ours=text(f)) for f in row] for row in rows]


def _failures(setting: Setting, measured: Measured) -> list[str]:
    return [
        f"{NETS[point.net]} at {_name(point.factor)}: {found}"
        for point, found in measured.items()
        if point.setting == setting and isinstance(found, str)
    ]


def _filled(
    title: str,
    ours: list[list[Cell]],
    machine: str,
    printed: dict[str, dict[int, str]] | None = None,
    source: str | None = None,
    notes: list[str] | None = None,
) -> Filled:
    """A table with a row a size: the printed columns (texts by factor), then our cells."""
    printed = printed or {}
    columns = (*map(Column, printed), *(Column(net, "ours") for net in NETS.values()))
    rows, cells = [], []
    for factor, row in zip(FACTORS, ours, strict=True):
        texts = [of_factor.get(factor) for of_factor in printed.values()]
        rows.append(Row(_name(factor), (*texts, *[None] * len(NETS))))
        cells.append((*(Cell(text or "") for text in texts), *row))
    table = Table(title, columns, tuple(rows), source, tuple(notes or ()))
    return Filled(table, tuple(cells), (machine,) * len(FACTORS))


def _name(factor: int) -> str:
    height, width = size(factor)
    return f"{width} x {height}" + (f" (1/{factor})" if factor > 1 else "")


def as_csv(measured: Measured, imported: int, machine: str) -> str:
    """A line for each process; empty cells where it failed."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    write(COLUMNS)
    for (net, setting, factor), found in measured.items():
        height, width = size(factor)
        values: tuple[object, ...] = ("", "", "")
        if isinstance(found, Footprint):
            values = (found.peak, found.peak - imported, f"{found.seconds:.4f}")
        recompute = int(setting.recompute)
        write([net, setting.task, recompute, height, width, height * width, *values, machine])
    return text.getvalue()


def as_png(measured: Measured, published: Memory) -> bytes:
    """Peak memory and seconds against the pixels: a line a net and setting; Guist's points."""
    from matplotlib.figure import Figure  # here: the measured processes import this file too

    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for index, setting in enumerate(SETTINGS):
        colour = f"C{index}"
        for net, marker in zip(NETS, "osD^", strict=False):
            found = {f: measured[Point(net, setting, f)] for f in FACTORS}
            known = {f: each for f, each in found.items() if isinstance(each, Footprint)}
            x = [pixels(factor) for factor in known]
            style = dict(color=colour, marker=marker, label=f"{NETS[net]}, {setting.title}")
            left.plot(x, [each.peak / GB for each in known.values()], **style)
            right.plot(x, [each.seconds for each in known.values()], **style)
    for task, marker in zip(published.megabytes, "x+", strict=True):
        points = {f: float(text) for f, text in published.megabytes[task].items()}
        x, y = [pixels(factor) for factor in points], [mb * MB / GB for mb in points.values()]
        left.plot(x, y, "k" + marker, label=f"Guist, {task}")
    ends = [pixels(min(FACTORS)), pixels(max(FACTORS))]
    model = [published.model(end) * MB / GB for end in ends]
    left.plot(ends, model, "k:", label="Guist's model of training")
    for axes, label in ((left, "peak memory, GB"), (right, "seconds of a step or pass")):
        axes.set_xlabel("pixels")
        axes.set_ylabel(label)
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=8)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()
