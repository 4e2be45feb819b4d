"""Print and write the paper's tables: what was published, ours where there is a run, difference.

    python -m tables [--measure]

Writes tables.md, tables.csv and tables.html. Ours are the last scores of runs/DATASET-NET (else of
the run on the dataset's synthetic twin), times that `--measure` measured on this machine before,
and the upper bounds of `python -m tables.upper_bounds`. A dash stands where there is nothing.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import command_line
from caffe.core.files import write_text

from . import published, render
from .our_values import TIMES, Ours, candidates, collect
from .output import OUT, publish

SCORED = ("pixel acc.", "overall_accuracy"), ("mean acc.", "mean_accuracy"), ("mean IU", "mean_iu")
FURTHER = tuple(
    published.Column(title, ours, percent=True) for title, ours in (*SCORED, ("f.w. IU", "fw_iu"))
)


def further_runs(tables: list[published.Table], ours: Ours) -> list[published.Table]:
    """A table of the runs that stand in no other: datasets of one's own."""
    known = {run for table in tables for row in table.rows for run in candidates(row)}
    rows = tuple(
        published.Row(run, (None,) * len(FURTHER), run=run) for run in ours.runs if run not in known
    )
    return [published.Table("Further runs", FURTHER, rows)] if rows else []


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m tables", __doc__)
    parser.add_argument(
        "--runs", type=Path, default=OUT.parent, help=f"their folder ({OUT.parent})"
    )
    parser.add_argument("--out", type=Path, help=f"({OUT.name}/ below the runs')")
    parser.add_argument(
        "--measure", action="store_true", help="time the nets' forward pass here first"
    )
    parser.add_argument("--gpu", help="to measure: number of the GPU, or cpu (the GPU if any)")
    return command_line.run(_tables, parser.parse_args(argv))


def _tables(args: argparse.Namespace) -> None:
    out = args.out or args.runs / OUT.name
    tables = published.load()
    if args.measure:
        from . import times  # here: it takes the nets, their weights and the engine

        nets = dict.fromkeys(row.net for table in tables for row in table.rows if row.net)
        write_text(out / TIMES, times.as_csv(times.measure(nets, args.gpu)))
    ours = collect(args.runs, out)
    filled = [render.fill(table, ours) for table in tables + further_runs(tables, ours)]
    text = render.markdown(filled)
    files = {"tables.md": text, "tables.csv": render.as_csv(filled)}
    publish(text, out, files | {"tables.html": render.as_html(filled)})


if __name__ == "__main__":
    sys.exit(main())
