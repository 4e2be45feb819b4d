"""What a GPU does here: held to BVLC Caffe's records and to the CPU, then timed.

    python -m bench.gpu [--json gpu.json] [--quick]

Needs no packages but torch, numpy and protobuf, and less than six minutes. Each part is printed as
it ends: recorded layers and solvers that agree; FCN-8s beside the CPU, in each precision; its
forward pass and training step beside the rate of a large product, with and without what makes them
faster; many sizes; memory. Without a GPU all of it runs on the CPU, which checks this file.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

import caffe
import command_line
from caffe.core.files import write_text
from caffe.core.precision import PRECISIONS
from caffe.core.timer import now
from caffe.engine import plan, training_step
from caffe.engine.bounds import Bounds, find_bounds

from . import environment, matrix, ours, recorded
from .differences import difference
from .result_tables import GB, LIMITS, PEAK, SECONDS, Row, Table, markdown, over
from .work import WARM_UP, Size, Work

SIZE = (500, 500)
SIZES: Sequence[Size] = ((128, 128), (256, 256), (500, 500), (512, 1024), (1024, 2048))
QUICK_SIZE, QUICK_WIDTH = (64, 64), 1 / 16
QUICK_SIZES: Sequence[Size] = ((40, 40), (48, 64))
BEFORE = WARM_UP + plan.PASSES_BEFORE_CAPTURE  # passes that are not timed

Once = Callable[[], object]
Engine = Callable[[Work], Any]  # has `once`


def _whole(steps: Any, kept: Any, everything: Any, reached: Any) -> dict[str, Bounds]:
    """find_bounds of images that reach everything: nothing is taken from a blank one."""
    return find_bounds(steps, kept, everything, everything)


AS_IT_IS = "as it is"
# What a forward pass, or a training step, is without
FORWARD: dict[str, Callable[[], AbstractContextManager[object]]] = {
    AS_IT_IS: nullcontext,
    "no CUDA graph": lambda: patch.object(plan, "can_capture", lambda layers, sources: False),
    "nothing from a blank image": lambda: patch.object(plan, "find_bounds", _whole),
}
TRAINING: dict[str, Callable[[], AbstractContextManager[object]]] = {
    AS_IT_IS: nullcontext,
    "nothing from a blank image": lambda: patch.object(
        training_step, "padded_prefix", lambda graph, front: None
    ),
}


def agreement(folder: Path) -> Table:
    """How many records of BVLC Caffe agree, and which don't."""
    rows = []
    for title, paths, run in (
        ("layers", recorded.LAYERS, recorded.layer),
        ("solvers", recorded.SOLVERS, recorded.solver),
    ):
        found = {path.stem: max(map(recorded.distance, run(path, folder))) for path in paths}
        wrong = [name for name, distance in found.items() if not distance <= 1]
        figures: dict[str, Sequence[float]] = {
            "records": [len(found)],
            "agree": [len(found) - len(wrong)],
            "largest difference / allowed": [max(found.values())],
        }
        rows.append(Row(f"{title}{': not ' + ', '.join(wrong) if wrong else ''}", figures))
    return Table("BVLC Caffe's records", rows)


def beside_cpu(work: Work) -> Table:
    """FCN-8s' scores and labels in each precision, and a training step, beside the CPU's."""
    there = replace(work, device="cpu", precision="fp32", dropout=False)
    theirs = _scores(there)
    step = dict(ours.Train(there).outputs())
    rows = []
    for precision in PRECISIONS:
        here = replace(work, precision=precision, dropout=False)
        score = _scores(here)
        figures: dict[str, Sequence[float]] = {
            "scores differ": [difference(score, theirs)],
            "labels that are the same, %": [100 * (score.argmax(1) == theirs.argmax(1)).mean()],
        }
        found = dict(ours.Train(here).outputs())
        updates = [name for name in step if name.startswith("update")]
        figures["loss differs"] = [difference(found["loss"], step["loss"])]
        figures["updates differ, at most"] = [
            max(difference(found[name], step[name]) for name in updates)
        ]
        rows.append(Row(precision, figures))
    return Table("FCN-8s beside the CPU's float32, over the largest value", rows)


def timed(work: Work, rounds: int) -> Iterator[Table]:
    """Forward passes and training steps in each precision, with and without what helps them."""
    (flop,) = ours.flop(work, [work.size])
    for precision in PRECISIONS:
        here = replace(work, precision=precision)
        product = matrix.limits([flop], [statistics.median(_product_seconds(here, rounds))])
        for title, engine, settings in (
            ("forward", ours.ForwardThere, FORWARD),
            ("training step", ours.Train, TRAINING),
        ):
            rows = []
            for name, setting in settings.items():
                with setting():
                    values, peak = _measured(engine, here, rounds)
                limits = product * len(values)
                figures: dict[str, Sequence[float]] = {
                    SECONDS: values,
                    LIMITS: over(values, limits),
                    PEAK: [peak / GB],
                }
                rows.append(Row(name, figures))
            yield Table(f"FCN-8s {title}, {precision}", rows)


def across_sizes(work: Work, sizes: Sequence[Size], rounds: int) -> Iterator[Table]:
    """The first pass of each size, later ones, and a process's memory, in each precision."""
    for precision in PRECISIONS:
        rows = []
        for size in sizes:
            here = replace(work, precision=precision, sizes=(size,))
            first = _seconds(ours.ForwardThere(here).once, 1, before=0)
            values, peak = _measured(ours.ForwardThere, here, rounds)
            figures: dict[str, Sequence[float]] = {
                "s of the first pass": first,
                SECONDS: values,
                PEAK: [peak / GB],
            }
            rows.append(Row("{} x {}".format(*size), figures))
        yield Table(f"FCN-8s forward, {precision}, by size", rows)


def _scores(work: Work) -> np.ndarray:
    """Those of a size's later passes, which may be graphs."""
    engine = ours.Forward(work)
    for _ in range(BEFORE):
        engine.once()
    return engine.once()


def _product_seconds(work: Work, rounds: int) -> list[float]:
    """Those of the large product; on a CPU, which may be slow at bfloat16, in float32."""
    if work.device == "cpu":
        work = replace(work, precision="fp32")
    ours.set_mode(work)
    return _seconds(matrix.Product(work).once, rounds)


def _measured(engine: Engine, work: Work, rounds: int) -> tuple[list[float], int]:
    """Seconds of each round, and the most bytes of the GPU's memory; of a CPU 0."""
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    values = _seconds(engine(work).once, rounds)
    return values, torch.cuda.max_memory_reserved() if on_gpu else 0


def _seconds(once: Once, rounds: int, before: int = BEFORE) -> list[float]:
    for _ in range(before):
        once()
    found = []
    for _ in range(rounds):
        began = now()
        once()
        found.append((now() - began) / 1000)
    return found


def measure(work: Work, sizes: Sequence[Size], rounds: int) -> Iterator[Table]:
    """All tables, as they are measured."""
    ours.set_mode(work)
    yield agreement(work.folder)
    yield beside_cpu(work)
    yield from timed(work, rounds)
    yield from across_sizes(work, sizes, rounds)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m bench.gpu", __doc__)
    parser.add_argument("--json", type=Path, default=Path("gpu.json"), help="(gpu.json)")
    parser.add_argument("--rounds", type=command_line.positive(int), default=10, help="(10)")
    parser.add_argument("--quick", action="store_true", help="a narrow net and small images")
    args = parser.parse_args(argv)
    return command_line.run(_run, args, sys.argv[1:] if argv is None else argv)


def _run(args: argparse.Namespace, argv: Sequence[str]) -> None:
    os.environ.setdefault("GLOG_minloglevel", "1")  # a solver's log is no part of the bench's
    full, quick = (SIZE, SIZES, 1.0), (QUICK_SIZE, QUICK_SIZES, QUICK_WIDTH)
    size, sizes, width = quick if args.quick else full
    head = environment.environment(["python", "-m", "bench.gpu", *argv])
    print("\n".join(head), flush=True)
    began, tables = time.perf_counter(), []
    with tempfile.TemporaryDirectory(prefix="fcn-bench-") as folder:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        work = Work(Path(folder), (size,), torch.get_num_threads(), width, device)
        ours.prepare(work)
        try:
            for table in measure(work, sizes, args.rounds):
                tables.append(table)
                print("\n".join(["", *markdown(table)]), flush=True)
        finally:  # what there is, where a part fails
            caffe.set_mode_cpu()
            caffe.set_precision("fp32")
            seconds = time.perf_counter() - began
            result = {"head": head, "seconds": seconds, "tables": [asdict(t) for t in tables]}
            write_text(args.json, json.dumps(result, indent=1))
    print(f"\n{seconds:.0f} s; {args.json}")


if __name__ == "__main__":
    sys.exit(main())
