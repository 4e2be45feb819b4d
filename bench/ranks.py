"""Training by two processes of one thread, beside one process of two threads.

    python -m bench.ranks [--width 0.25] [--rounds 3] [--gradients bf16]

FCN-32s on synthetic images, SGD, an image a step and process. Of the two processes: how long the
gradients take to travel with nothing to do beside, and for how much of that a step waits.
"""

import argparse
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from google.protobuf import text_format

import caffe
import command_line
import nets
from caffe.distributed import rendezvous
from caffe.distributed.group import Group
from caffe.distributed.reducer import TRAVEL_AS
from caffe.proto import caffe_pb2
from caffe.solver.solver import Solver
from data import synthetic
from solvers.train_stage import dataset_at

from .processes import at_once

SIZE = (375, 500)
WARM_UP, STEPS = 2, 6


def solver(folder: Path, width: float) -> Solver:
    """FCN-32s of that width on the images in a folder."""
    net = nets.net_for(
        dataset_at("synthetic", folder), "fcn32s", "train", width=width, seed=1, normalize=True
    )
    param = text_format.Parse(
        'type: "SGD" base_lr: 1e-9 momentum: 0.9 weight_decay: 0.0005 lr_policy: "fixed" '
        "random_seed: 1",
        caffe_pb2.SolverParameter(),
    )
    param.train_net_param.CopyFrom(net)
    return caffe.get_solver(param)


def train(
    rank: int, count: int, uid: str, folder: Path, width: float, gradients: str
) -> dict[str, float]:
    """Seconds a step; of several ranks, seconds of all gradients' way, and of waiting for it."""
    torch.set_num_threads(2 // count)
    logging.getLogger("caffe").setLevel(logging.WARNING)
    if count == 1:
        return {"step": _seconds_a_step(solver(folder, width))}
    with Group(rendezvous.of_uid(uid, rank, count)) as group:
        trained = solver(folder, width)
        trained.join(group, gradients)
        ranks = trained.ranks
        assert ranks is not None  # for it has joined
        trained.step(WARM_UP)
        before = ranks.waited
        step = _seconds_a_step(trained, warm_up=0)
        waited = (ranks.waited - before) / STEPS
        began = time.perf_counter()
        for _ in range(STEPS):
            ranks.begin()
            ranks.finish()
        alone = (time.perf_counter() - began) / STEPS
        return {"step": step, "alone": alone, "waited": waited}


def _seconds_a_step(trained: Solver, warm_up: int = WARM_UP) -> float:
    trained.step(warm_up)
    began = time.perf_counter()
    trained.step(STEPS)
    return (time.perf_counter() - began) / STEPS


def compare(width: float, rounds: int, gradients: str = "fp32") -> str:
    """The table, of the medians of rounds in which both take turns."""
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        synthetic.generate(Path(folder, "data"), train=4, val=1, size=SIZE, seed=1)
        voc = Path(folder, "data", "pascal", "VOC2011")
        for _ in range(rounds):
            for count, times in found.items():
                given = (count, rendezvous.new_uid(), voc, width, gradients)
                times.append(at_once(count, train, *given)[0])
    one, two = (statistics.median(times["step"] for times in found[count]) for count in (1, 2))
    alone, waited = (
        statistics.median(times[what] for times in found[2]) for what in ("alone", "waited")
    )
    megabytes = _megabytes(width) * TRAVEL_AS[gradients].itemsize / 4
    return "\n".join(
        [
            f"FCN-32s, width {width:g}, {SIZE[0]} x {SIZE[1]}, "
            f"{megabytes:.0f} MB of gradients ({gradients})",
            f"1 process, 2 threads:   {1 / one:.3f} images/s",
            f"2 processes, 1 thread:  {2 / two:.3f} images/s, {2 * one / two:.2f} x",
            f"gradients alone:        {1000 * alone:.0f} ms a step",
            f"a step waits for them:  {1000 * waited:.0f} ms; hidden {1 - waited / alone:.0%}",
        ]
    )


def _megabytes(width: float) -> float:
    net = nets.fcn("fcn32s", "deploy", classes=21, data=None, width=width)
    built = caffe.Net.from_proto(net, caffe_pb2.NetState(phase=caffe.TEST))
    return sum(blob.count for blobs in built.params.values() for blob in blobs) * 4e-6


def main() -> int:
    parser = command_line.parser("python -m bench.ranks", __doc__)
    parser.add_argument("--width", type=float, default=0.25, help="of the net (0.25)")
    parser.add_argument("--rounds", type=int, default=3, help="of both in turn (3)")
    parser.add_argument(
        "--gradients", choices=tuple(TRAVEL_AS), default="fp32", help="how they travel (fp32)"
    )
    return command_line.run(_main, parser.parse_args())


def _main(args: argparse.Namespace) -> None:
    print(compare(args.width, args.rounds, args.gradients))


if __name__ == "__main__":
    sys.exit(main())
