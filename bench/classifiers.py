"""Classifiers forward, beside other engines: `python -m bench.classifiers [--rounds 5]`.

An image, 10 and 64 at once. Each engine runs in a process of its own, in turns of 64 images; all
get the same weights and images, and their scores must agree before anything is timed. Prints
tables of milliseconds an image.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import caffe
import command_line
from caffe.core.files import write_text
from caffe.export import onnx

from . import peers
from .cases import CHANNELS_LAST, DIFFER, ONNX_RUNTIME, OPENVINO, OURS, RATIO
from .environment import environment
from .measure import beside, rows
from .ours import write_drawn
from .processes import Engine, in_process
from .result_tables import Table, markdown, over
from .small_nets import NETS, net
from .work import Work

BATCHES = (1, 10, 64)
IMAGES = 64  # of a turn, or a few less where the batch does not divide them
MILLISECONDS = "ms an image"
TOLERANCE = 1e-3  # of the largest score


@dataclass(frozen=True)
class ClassifierWork(Work):
    """A classifier, and how many images it takes at once."""

    net: str = ""
    batch: int = 1

    @property
    def passes(self) -> int:
        """How many make a turn."""
        return max(1, IMAGES // self.batch)

    def images(self) -> np.ndarray:
        """Noise, as large as the net takes it."""
        shape = net(self.net, self.batch).layer[0].input_param.shape[0].dim
        return np.random.RandomState(0).uniform(-1, 1, tuple(shape)).astype(np.float32)


def prepare(work: ClassifierWork) -> None:
    """Write to the folder: prototxt, drawn weights, and both as ONNX of that batch."""
    onnx.export(write_drawn(work, net(work.net, work.batch)), work.onnx)


class Turn:
    """So many passes as make a turn, by a function of the images."""

    def __init__(self, work: ClassifierWork, scores: peers.Scores) -> None:
        self.work, self.scores, self.given = work, scores, work.images()

    def once(self) -> None:
        for _ in range(self.work.passes):
            self.scores(self.given)

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        yield "prob", self.scores(self.given)


def ours(work: ClassifierWork) -> Turn:
    """Through pycaffe's Net."""
    made = caffe.Net(work.prototxt, caffe.TEST, weights=work.caffemodel)
    return Turn(work, lambda images: made.forward(data=images)["prob"])


def eager(work: ClassifierWork) -> Turn:
    """The same layers as a torch.nn.Module."""
    made = caffe.Net(work.prototxt, caffe.TEST, weights=work.caffemodel).to_torch()
    # torch's types know no memory_format of a module
    module = made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def scores(images: np.ndarray) -> np.ndarray:
        data = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
        return module(data).numpy()

    return Turn(work, scores)


def onnx_runtime(work: ClassifierWork) -> Turn:
    """As `caffe export` writes the net. Raises ImportError where it is not installed."""
    return Turn(work, peers.by_onnx_runtime(work.onnx, work.threads))


def open_vino(work: ClassifierWork) -> Turn:
    """As `caffe export` writes the net. Raises ImportError where it is not installed."""
    return Turn(work, peers.by_open_vino(work.onnx, work.threads))


_EAGER = Engine(CHANNELS_LAST, eager)
ENGINES = (
    Engine(OURS, ours),
    _EAGER,
    Engine(ONNX_RUNTIME, onnx_runtime, peer=True),
    Engine(OPENVINO, open_vino, peer=True),
)


def table(name: str, batch: int, rounds: int) -> Table:
    """A classifier at one batch size."""
    title = f"{name}, {batch} at once"
    with tempfile.TemporaryDirectory() as folder:
        work = ClassifierWork(
            Path(folder), ((0, 0),), torch.get_num_threads(), net=name, batch=batch
        )
        in_process(prepare, work)
        differences, timing = beside(ENGINES, _EAGER, work, TOLERANCE, rounds, title)

    def figures(engine: str) -> dict[str, Sequence[float]]:
        seconds = timing.seconds[engine]
        return {
            MILLISECONDS: [1000 * each / (work.passes * batch) for each in seconds],
            RATIO: over(seconds, timing.seconds[OURS]),
            DIFFER: [differences[engine]],
        }

    return Table(title, rows(ENGINES, timing, figures))


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m bench.classifiers", __doc__)
    parser.add_argument("--nets", nargs="+", choices=NETS, default=NETS, help="(all)")
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES, help="(1 10 64)")
    parser.add_argument("--rounds", type=int, default=5, help="timed turns of each engine (5)")
    parser.add_argument("--out", type=Path, help="a Markdown file to write the tables to")
    args = parser.parse_args(argv)
    command = ["python", "-m", "bench.classifiers", *(sys.argv[1:] if argv is None else argv)]
    return command_line.run(_main, args, command)


def _main(args: argparse.Namespace, command: Sequence[str]) -> None:
    lines = ["# Classifiers beside other engines", "", *environment(command)]
    for name in args.nets:
        for batch in args.batches:
            lines += ["", *markdown(table(name, batch, args.rounds))]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if args.out:
        write_text(args.out, text)


if __name__ == "__main__":
    sys.exit(main())
