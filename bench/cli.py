"""Time and weigh the engine beside plain PyTorch: `python -m bench`, or `make bench`.

FCN-8s forward, a training iteration of FCN-32s, and loading a caffemodel of VGG16's size; on the
CPU, and on the GPU if there is one. Both sides get the same weights and input, and their outputs
must be equal before anything is timed. Each runs in a process of its own, in turns. Then how many
images a second Data layers read. Prints the result and writes it to results.md and results.csv.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from caffe.files import write_text

from . import feed, ours, report
from .measure import WARM_UP, check, in_process, interleave
from .report import Goal, Row
from .work import Work

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Case:
    title: str
    task: str  # the class in bench.ours and bench.plain
    net: str
    tolerance: float
    goal: Goal
    devices: tuple[str, ...] = ("cpu", "cuda")


CASES = (
    Case("FCN-8s forward", "Forward", "fcn8s", TOLERANCE, Goal(ratio=1.1, memory=2.5)),
    Case("FCN-32s training iteration", "Train", "fcn32s", TOLERANCE, Goal(ratio=1.15, memory=5)),
    Case("load VGG16 caffemodel", "Load", "vgg16", 0.0, Goal(seconds=3, memory=1.3), ("cpu",)),
)
FULL_SIZE, FULL_WIDTH = 500, 1.0  # what the goals are for


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5, help="timed passes of each side (5)")
    parser.add_argument("--size", type=int, default=FULL_SIZE, help="of the square image (500)")
    parser.add_argument("--width", type=float, default=FULL_WIDTH, help="of the nets (1)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="DIR")
    args = parser.parse_args(argv)
    if args.rounds < 1 or args.size < 1 or args.width <= 0:
        parser.error("--rounds, --size and --width must be positive")
    devices = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    command = ["python", "-m", "bench", *(sys.argv[1:] if argv is None else argv)]
    environment = report.environment(command, devices)
    os.environ.setdefault("GLOG_minloglevel", "1")  # a solver's log is no part of the bench's
    print("\n".join(environment))
    try:
        rows = measure(args.rounds, args.size, args.width, devices)
        feeds = [feed.measure(each, args.rounds) for each in tqdm(feed.FEEDS, disable=None)]
        tables = [*report.table(rows), "", *report.feed_table(feeds)]
        text = "\n".join(page(environment, tables, args))
        write_text(args.out / "results.md", text)
        write_text(args.out / "results.csv", report.as_csv(rows))
    except (ValueError, OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"\n{text}\nwritten: {args.out / 'results.md'}, {args.out / 'results.csv'}")
    return 0


def measure(rounds: int, size: int, width: float, devices: tuple[str, ...]) -> list[Row]:
    """Every case on every device that it is for."""
    rows = []
    runs = [(case, device) for case in CASES for device in devices if device in case.devices]
    with tqdm(total=len(runs) * (2 + WARM_UP + rounds), disable=None) as bar:
        for case, device in runs:
            bar.set_description(f"{case.title}, {device}")
            with tempfile.TemporaryDirectory(prefix="fcn-bench-") as folder:
                work = Work(Path(folder), (size, size), width, device)
                in_process(ours.prepare, work, case.net)
                bar.update()
                difference = check(case.task, work, case.tolerance)
                bar.update()
                timing = interleave(case.task, work, rounds, bar.update)
            promised = device == "cpu" and (size, width) == (FULL_SIZE, FULL_WIDTH)
            rows.append(
                Row(case.title, device, difference, timing, case.goal if promised else None)
            )
    return rows


def page(environment: list[str], table: list[str], args: argparse.Namespace) -> list[str]:
    return [
        "# Bench: this engine beside plain PyTorch",
        "",
        *environment,
        f"- images of {args.size} x {args.size}, nets of width {args.width:g}, float32",
        f"- medians (least\N{EN DASH}most) of {args.rounds} rounds after {WARM_UP} to warm up; the "
        "sides take turns, each in a process of its own; ratios are taken round by round",
        "- peak: of the whole process, with its start and the loading of the weights (on a GPU: "
        "the GPU's memory); 1 GB = 10^9 bytes",
        "- plain: the same net as an eager PyTorch module, NCHW (`bench/plain.py`); for loading: "
        "protobuf's ParseFromString, then numpy",
        "- outputs differ: the largest difference of any output (scores; loss, updates and updated "
        "weights; loaded weights) over the largest value of that output, checked before timing",
        "",
        *table,
        "",
    ]
