"""Print and write the paper's tables: what was published, ours where there is a run, difference.

    python -m tables [--measure]

Writes tables.md, tables.csv and tables.html. Ours are the last scores of runs/DATASET-NET (else of
the run on the dataset's synthetic twin), times that `--measure` measured on this machine before,
and the upper bounds of `python -m tables.upper_bounds`. A dash stands where there is nothing.
"""

import argparse
import sys
from pathlib import Path

from caffe import CaffeError
from caffe.core.files import write_text

from . import published, render
from .ours import TIMES, Ours, candidates, collect

SCORED = ("pixel acc.", "overall_accuracy"), ("mean acc.", "mean_accuracy"), ("mean IU", "mean_iu")
FURTHER = tuple(
    published.Column(title, ours, percent=True) for title, ours in (*SCORED, ("f.w. IU", "fw_iu"))
)


def further_runs(tables: list[published.Table], ours: Ours) -> list[published.Table]:
    """A table of the runs that stand in no other: datasets of one's own."""
    known = {run for table in tables for row in table.rows for run in candidates(row.run)}
    rows = tuple(
        published.Row(run, (None,) * len(FURTHER), run) for run in ours.runs if run not in known
    )
    return [published.Table("Further runs", FURTHER, rows)] if rows else []


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tables",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="their folder (runs)")
    parser.add_argument("--out", type=Path, help="folder to write to (tables/ below the runs')")
    parser.add_argument(
        "--measure", action="store_true", help="time the nets' forward pass here first"
    )
    parser.add_argument("--gpu", help="to measure: number of the GPU, or cpu (the GPU if any)")
    args = parser.parse_args(argv)
    out = args.out or args.runs / "tables"
    tables = published.load()
    try:
        if args.measure:
            from . import times  # here: it takes the nets, their weights and the engine

            nets = dict.fromkeys(row.net for table in tables for row in table.rows if row.net)
            write_text(out / TIMES, times.as_csv(times.measure(nets, args.gpu)))
        ours = collect(args.runs, out)
        filled = [render.fill(table, ours) for table in tables + further_runs(tables, ours)]
        text = render.markdown(filled)
        write_text(out / "tables.md", text)
        write_text(out / "tables.csv", render.as_csv(filled))
        write_text(out / "tables.html", render.as_html(filled))
    except (ValueError, OSError, CaffeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(text)
    print(f"written: {out}/tables.md, {out}/tables.csv, {out}/tables.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
