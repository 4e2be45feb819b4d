"""Time and weigh the engine beside the others that run these nets: `make bench`.

FCN-8s forward and in training beside PyTorch, onnxruntime, OpenVINO and OpenCV, against the
machine's matrix rate; loading, snapshots, data layers, starting, other work beside it, cost against
size. All engines get the same weights and input, and their outputs must agree before anything is
timed. Each runs in a process of its own, in turns. Prints the result and writes results.md, .csv,
and .png, sizes.csv and .png. A peer that is not installed is a row that says so.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

import command_line
from caffe.core.files import write_text
from caffe.core.precision import PRECISIONS

from . import busy, cases, environment, feed, goals, ours, plots, sizes, snapshots, start
from .processes import in_process
from .result_tables import LIMITS, Table, as_csv, markdown
from .work import Work

FULL_SIZE, FULL_WIDTH, ROUNDS = 500, 1.0, 7  # what the goals are for
QUICK_SIZE, QUICK_WIDTH, QUICK_ROUNDS = 300, 0.5, 3


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m bench", __doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"forward and training on {QUICK_SIZE} x {QUICK_SIZE}, {QUICK_WIDTH} of the channels, "
        f"{QUICK_ROUNDS} rounds, fewer peers; only prints",
    )
    parser.add_argument("--rounds", type=int, help=f"timed turns of each engine ({ROUNDS})")
    parser.add_argument("--size", type=int, help=f"of the square image ({FULL_SIZE})")
    parser.add_argument("--width", type=float, help=f"of the nets ({FULL_WIDTH:g})")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="DIR")
    args = parser.parse_args(argv)
    full, quickly = (ROUNDS, FULL_SIZE, FULL_WIDTH), (QUICK_ROUNDS, QUICK_SIZE, QUICK_WIDTH)
    asked = (args.rounds, args.size, args.width)
    rounds, side, width = (
        default if given is None else given
        for given, default in zip(asked, quickly if args.quick else full, strict=True)
    )
    if rounds < 1 or side < 1 or width <= 0:
        parser.error("--rounds, --size and --width must be positive")
    command = ["python", "-m", "bench", *(sys.argv[1:] if argv is None else argv)]
    return command_line.run(bench, command, rounds, side, width, None if args.quick else args.out)


def bench(command: Sequence[str], rounds: int, side: int, width: float, out: Path | None) -> None:
    """Measure, print, and write to the folder `out`; None: measure the essence and only print."""
    os.environ.setdefault("GLOG_minloglevel", "1")  # a solver's log is no part of the bench's
    tables: list[Table] = []
    with tempfile.TemporaryDirectory(prefix="fcn-bench-") as folder:
        work = Work(Path(folder), ((side, side),), torch.get_num_threads(), width)
        head = environment.head(command, work, rounds)
        print("\n".join(head))
        in_process(ours.prepare, work)
        for table in everything(work, rounds) if out else quick(work, rounds):
            tables.append(table)
            tqdm.write("\n".join(["", *markdown(table)]))
    if out:
        promised = (side, width) == (FULL_SIZE, FULL_WIDTH)
        verdicts = goals.table(goals.here(), tables) if promised else []
        print("\n".join(["", *verdicts]))
        write(out, [*head, "", *verdicts], tables)


def quick(work: Work, rounds: int) -> Iterator[Table]:
    """The tables of `--quick`, as they are measured."""
    yield cases.run(cases.FORWARD_QUICK, work, rounds)
    yield cases.run(cases.TRAIN_QUICK, work, rounds)


def everything(work: Work, rounds: int) -> Iterator[Table]:
    """All tables of the bench, as they are measured."""
    yield cases.run(cases.FORWARD, work, rounds)
    yield cases.run(cases.FIRST, work, rounds)
    yield cases.run(cases.TRAIN, work, rounds)
    if torch.cuda.is_available():
        for precision in PRECISIONS:
            there = replace(work, device="cuda", precision=precision)
            yield cases.run(cases.FORWARD_GPU, there, rounds)
            yield cases.run(cases.TRAIN, there, rounds)
    yield cases.load(work, rounds)
    yield snapshots.measure(work, min(rounds, 3))
    yield feed.measure(rounds)
    yield feed.waiting(work, 2 * rounds)
    yield start.imports(rounds)
    yield start.inference(work, min(rounds, 3))
    yield busy.measure(work, rounds)
    yield from sizes.measure(work)


def write(folder: Path, head: list[str], tables: list[Table]) -> None:
    """Write results.md, .csv and .png, and the cost against size in sizes.csv and .png."""
    pictures = ["![time over the limit](results.png)", "![cost against size](sizes.png)"]
    parts = [head, *map(markdown, tables), *([picture] for picture in pictures)]
    write_text(folder / "results.md", "\n\n".join(map("\n".join, parts)) + "\n")
    of_sizes = [table for table in tables if table.title in (sizes.TITLE, sizes.STRAIGHT)]
    others = [table for table in tables if table not in of_sizes]
    write_text(folder / "results.csv", as_csv(others))
    compared = (cases.FORWARD.title, cases.TRAIN.title)
    drawn = [table for table in others if table.title in compared]
    plots.bars(folder / "results.png", drawn, LIMITS)
    sizes.write(of_sizes, folder)
    print(f"written to {folder}: results.md, .csv, .png, sizes.csv, .png")


if __name__ == "__main__":
    sys.exit(main())
