"""An index of all runs in a folder: a table, and a figure of their mean IU.

    python -m solvers.runs_index [FOLDER]

It is FOLDER/index.html (runs/index.html); each run's report is linked, and written anew where it is
missing or older than the run's scores.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

import command_line
from data.html_page import svg, write_page

from .curve import series
from .recipes import RUNS
from .run_facts import read_facts
from .run_progress import read_progress
from .run_report import METRICS, NAME, TEMPLATES, read_metrics, write_report

CURVES = 20  # runs whose curves are told apart


class Run(NamedTuple):
    """A run: its folder, run.json, and the last line of its metrics.csv."""

    folder: Path
    facts: dict[str, Any]
    last: dict[str, str]


def write_index(folder: Path) -> Path:
    """Write index.html of the runs below a folder; ValueError where there are none."""
    runs = find_runs(folder)
    if not runs:
        raise ValueError(
            f"{folder}: no run here (a folder with metrics.csv); `make demo` trains some"
        )
    path = folder / "index.html"
    rows = [_row(run, folder) for run in runs]
    values: dict[str, Any] = {"runs": rows, "metrics": METRICS, "figure": _curves(runs, folder)}
    write_page(path, TEMPLATES / "runs.html", where=folder.resolve().name, **values)
    return path


def find_runs(folder: Path) -> list[Run]:
    """The runs below a folder, by name; what is no run's metrics.csv is warned of."""
    runs = []
    for path in sorted(folder.rglob("metrics.csv")):
        try:
            metrics = read_metrics(path.parent)
            if metrics:
                report = path.with_name(NAME)
                if not report.exists() or report.stat().st_mtime < path.stat().st_mtime:
                    write_report(path.parent)
                runs.append(Run(path.parent, read_facts(path.parent), metrics[-1]))
        except ValueError as error:
            command_line.warn(f"{error}; it is left out")
    return runs


def _row(run: Run, folder: Path) -> dict[str, Any]:
    starts = run.facts.get("starts") or [{}]
    progress = read_progress(run.folder)
    when = starts[-1].get("time")
    return {
        "name": run.folder.relative_to(folder).as_posix(),
        "net": run.facts.get("net", ""),
        "dataset": run.facts.get("dataset", ""),
        "regime": run.facts.get("regime") or "",
        "iteration": run.last["iteration"],
        "max_iter": run.facts.get("max_iter", ""),
        "scores": [float(run.last[c]) if run.last.get(c) else None for c in METRICS],
        "speed": f"{progress[-1].images_per_second:.3g}" if progress else "",
        "commit": starts[-1].get("commit") or "",
        "started": time.strftime("%Y-%m-%d %H:%M", time.localtime(when)) if when else "",
    }


def _curves(runs: Sequence[Run], folder: Path) -> Markup:
    """The mean IU of each run against its iteration."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    axes = figure.add_subplot()
    for run in runs[:CURVES]:
        x, y = series(run.folder / "metrics.csv", "mean_iu")
        name = run.folder.relative_to(folder).as_posix()
        axes.plot(x, [100 * value for value in y], "o-", markersize=3, label=name)
    axes.set_xlabel("iteration")
    axes.set_ylabel("mean IU, percent")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "runs"}):  # text stays text
        return svg(figure)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m solvers.runs_index", __doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=RUNS, help="of the runs (runs)")
    args = parser.parse_args(argv)
    return command_line.run(_index, args.folder)


def _index(folder: Path) -> None:
    print(write_index(folder))


if __name__ == "__main__":
    sys.exit(main())
