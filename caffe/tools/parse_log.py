"""A training log into two tables: caffe parse_log LOG OUT_DIR.

OUT_DIR/LOG.train and OUT_DIR/LOG.test are CSV files with NumIters, Seconds, LearningRate and a
column for each output of the net, as BVLC's tools/extra/parse_log.py writes them.
"""

import argparse
import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from ..core.errors import CaffeError
from ..core.files import PathLike, cannot_be_read, write_text

NUMBER = r"([-+]?(?:nan|inf|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))"
STAMP = re.compile(r"[IWEF](\d{4})?(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{6}) ")
ITERATION = re.compile(r"Iteration (\d+)")
RATE = re.compile(rf"lr = {NUMBER}")
OUTPUT = re.compile(rf"(Train|Test) net output #(\d+): (\S+) = {NUMBER}")

Row = dict[str, float]


class Line(NamedTuple):
    iteration: int
    seconds: float
    text: str


def lines(path: PathLike) -> Iterator[Line]:
    """A log's dated lines from the first iteration on; seconds count from the line "Solving NET".

    Without such a line (a script that only steps) they count from the first dated line. Raises
    CaffeError for a file without dated lines.
    """
    try:
        log = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
        last_year = datetime.fromtimestamp(Path(path).stat().st_mtime).year
    except OSError as error:
        raise cannot_be_read(path, error) from None
    dated = [(match, line) for line in log if (match := STAMP.match(line))]
    if not dated:
        raise CaffeError(
            f"{path}: no line of Caffe's log in it; expected lines such as "
            "'I1121 06:48:32.123456 12345 solver.cpp:239] Iteration 0, loss = 1'"
        )
    first = next((i for i, (_, line) in enumerate(dated) if "Solving" in line), 0)
    days = [match.group(2, 3) for match, _ in dated]
    if ("02", "29") in days:
        last_year -= last_year % 4  # the file may be younger than its lines
    year = last_year - sum(after[0] < before[0] for before, after in pairwise(days))
    start = last = None
    iteration = None
    for match, line in dated[first:]:
        named, *numbers = match.groups()
        month, day, hour, minute, second, microsecond = map(int, numbers)
        if last and last.month > month:
            year += 1  # the log ran into the next year
        try:
            last = datetime(int(named or year), month, day, hour, minute, second, microsecond)
        except ValueError:  # no such day or hour: a damaged line
            continue
        start = start or last
        if found := ITERATION.search(line):
            iteration = int(found[1])
        if iteration is not None:
            yield Line(iteration, (last - start).total_seconds(), line)


def parse_log(path: PathLike) -> tuple[list[Row], list[Row]]:
    """The rows of training and of testing: NumIters, Seconds, LearningRate, the outputs.

    The rate is the last one logged before the row (for the first row: that of the second). Where
    an output has several values, or several test nets have one of its name, the k-th is NAME#k.
    """
    rows: dict[str, list[Row]] = {"Train": [], "Test": []}
    rate = float("nan")
    fresh = {"Train": True, "Test": True}
    for iteration, seconds, line in lines(path):
        if "Testing net (#0)" in line:
            fresh["Test"] = True
        if found := RATE.search(line):
            rate = float(found[1])
        if not (found := OUTPUT.search(line)):
            continue
        kind, number, name, value = found.groups()
        own = rows[kind]
        if fresh[kind] or own[-1]["NumIters"] != iteration or (kind == "Train" and number == "0"):
            own.append({"NumIters": float(iteration), "Seconds": seconds, "LearningRate": rate})
            fresh[kind] = False
        row, column, k = own[-1], name, 0
        while column in row:
            k += 1
            column = f"{name}#{k}"
        row[column] = float(value)
    for own in rows.values():
        if len(own) > 1:
            own[0]["LearningRate"] = own[1]["LearningRate"]
    return rows["Train"], rows["Test"]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("logfile_path", help="log of caffe train")
    parser.add_argument("output_dir", help="folder for the tables")
    parser.add_argument("--verbose", action="store_true", help="say what is written")
    parser.add_argument("--delimiter", default=",", help="between columns (,)")


def run(args: argparse.Namespace) -> None:
    if len(args.delimiter) != 1:
        raise CaffeError(f"--delimiter is one character; found {args.delimiter!r}")
    for kind, rows in zip(("train", "test"), parse_log(args.logfile_path), strict=True):
        path = Path(args.output_dir, f"{Path(args.logfile_path).name}.{kind}")
        if rows:
            write_text(path, _table(rows, args.delimiter))
        if args.verbose:
            print(f"Wrote {path}" if rows else f"Not writing {path}; no lines to write")


def _table(rows: list[Row], delimiter: str) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
