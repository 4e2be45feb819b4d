"""Classifiers beside other engines, forward and training: `python -m bench.classifiers`.

An image, 10 and 64 at once. Each engine runs in a process of its own, in turns of 64 images; all
get the same weights and images, and their scores, or the losses of two steps, must agree before
anything is timed. Prints tables of milliseconds an image.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

import caffe
import command_line
from caffe.core.files import write_text
from caffe.export import onnx
from caffe.proto import caffe_pb2
from caffe.proto.text import prototxt

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
TOLERANCE = 1e-3  # of the largest score, or of the loss
LEARNING: dict[str, Any] = {"base_lr": 1e-4, "momentum": 0.9, "weight_decay": 5e-4}


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

    @property
    def labels(self) -> np.ndarray:
        """Those of the images, of the first ten classes."""
        return (np.arange(self.batch) % 10).astype(np.float32)

    @property
    def train_prototxt(self) -> Path:
        return self.folder / "train.prototxt"


def prepare(work: ClassifierWork) -> None:
    """Write to the folder: prototxt, drawn weights, and both as ONNX of that batch."""
    onnx.export(write_drawn(work, net(work.net, work.batch)), work.onnx)


def prepare_training(work: ClassifierWork) -> None:
    """Write to the folder: drawn weights, and the net with its loss.

    It has no Dropout: other engines would drop other values.
    """
    deploy = net(work.net, work.batch)
    write_drawn(work, deploy)
    layers = [layer for layer in deploy.layer if layer.type != "Dropout"]
    layers[0].top.append("label")
    layers[0].input_param.shape.add(dim=[work.batch])
    layers[-1].type, layers[-1].top[0] = "SoftmaxWithLoss", "loss"
    layers[-1].bottom.append("label")
    train = caffe_pb2.NetParameter(name=deploy.name, layer=layers)
    write_text(work.train_prototxt, prototxt(train))


class Turn:
    """So many passes as make a turn, by a function of the images."""

    def __init__(self, work: ClassifierWork, scores: peers.Scores) -> None:
        self.work, self.scores, self.given = work, scores, work.images()

    def once(self) -> None:
        for _ in range(self.work.passes):
            self.scores(self.given)

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        for i in range(2):
            yield f"pass {i}", self.scores(self.given)


def ours(work: ClassifierWork) -> Turn:
    """Through pycaffe's Net."""
    made = caffe.Net(work.prototxt, caffe.TEST, weights=work.caffemodel)
    return Turn(work, lambda images: made.forward(data=images)["prob"])


def eager(work: ClassifierWork) -> Turn:
    """The same layers as a torch.nn.Module."""
    module = _as_module(caffe.Net(work.prototxt, caffe.TEST, weights=work.caffemodel))

    @torch.inference_mode()
    def scores(images: np.ndarray) -> np.ndarray:
        data = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
        return module(data).numpy()

    return Turn(work, scores)


def _as_module(made: caffe.Net) -> torch.nn.Module:
    # torch's types know no memory_format of a module
    return made.to_torch().to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def onnx_runtime(work: ClassifierWork) -> Turn:
    """As `caffe export` writes the net. Raises ImportError where it is not installed."""
    return Turn(work, peers.by_onnx_runtime(work.onnx, work.threads))


def open_vino(work: ClassifierWork) -> Turn:
    """As `caffe export` writes the net. Raises ImportError where it is not installed."""
    return Turn(work, peers.by_open_vino(work.onnx, work.threads))


def our_steps(work: ClassifierWork) -> Turn:
    """Through pycaffe's SGDSolver."""
    path = work.folder / "solver.prototxt"
    learning = caffe_pb2.SolverParameter(
        net=str(work.train_prototxt), lr_policy="fixed", **LEARNING
    )
    write_text(path, prototxt(learning))
    solver = caffe.SGDSolver(path)
    blobs = solver.net.blobs
    solver.net.copy_from(work.caffemodel)

    def step(images: np.ndarray) -> np.ndarray:
        blobs["data"].data[...] = images
        blobs["label"].data[...] = work.labels
        solver.step(1)
        return blobs["loss"].data.copy()

    return Turn(work, step)


def eager_steps(work: ClassifierWork) -> Turn:
    """The same layers as a torch.nn.Module, with torch's SGD."""
    made = caffe.Net(work.train_prototxt, caffe.TRAIN, weights=work.caffemodel)
    module = _as_module(made).train()
    learned = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(
        learned, LEARNING["base_lr"], LEARNING["momentum"], weight_decay=LEARNING["weight_decay"]
    )

    def step(images: np.ndarray) -> np.ndarray:
        data = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
        optimiser.zero_grad(set_to_none=True)
        loss = module(data, torch.from_numpy(work.labels))
        loss.backward()
        optimiser.step()
        return loss.detach().numpy()

    return Turn(work, step)


_EAGER = Engine(CHANNELS_LAST, eager)
_EAGER_STEPS = Engine(CHANNELS_LAST, eager_steps)
ENGINES = (
    Engine(OURS, ours),
    _EAGER,
    Engine(ONNX_RUNTIME, onnx_runtime, peer=True),
    Engine(OPENVINO, open_vino, peer=True),
)
STEPS = (Engine(OURS, our_steps), _EAGER_STEPS)


def forward(name: str, batch: int, rounds: int) -> Table:
    """A classifier's scores at one batch size."""
    return _table(f"{name}, {batch} at once", prepare, ENGINES, _EAGER, name, batch, rounds)


def training(name: str, batch: int, rounds: int) -> Table:
    """A classifier's training steps at one batch size."""
    title = f"{name}, a training step of {batch}"
    return _table(title, prepare_training, STEPS, _EAGER_STEPS, name, batch, rounds)


def _table(
    title: str,
    preparing: Callable[[ClassifierWork], None],
    engines: Sequence[Engine],
    reference: Engine,
    name: str,
    batch: int,
    rounds: int,
) -> Table:
    with tempfile.TemporaryDirectory() as folder:
        work = ClassifierWork(
            Path(folder), ((0, 0),), torch.get_num_threads(), net=name, batch=batch
        )
        in_process(preparing, work)
        differences, timing = beside(engines, reference, work, TOLERANCE, rounds, title)

    def figures(engine: str) -> dict[str, Sequence[float]]:
        seconds = timing.seconds[engine]
        return {
            MILLISECONDS: [1000 * each / (work.passes * batch) for each in seconds],
            RATIO: over(seconds, timing.seconds[OURS]),
            DIFFER: [differences[engine]],
        }

    return Table(title, rows(engines, timing, figures))


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
    os.environ.setdefault("GLOG_minloglevel", "1")  # a solver's log is no part of the bench's
    lines = ["# Classifiers beside other engines", "", *environment(command)]
    print("\n".join(lines))
    for name in args.nets:
        for batch in args.batches:
            for measured in (forward, training):
                found = ["", *markdown(measured(name, batch, args.rounds))]
                tqdm.write("\n".join(found))
                lines += found
    if args.out:
        write_text(args.out, "\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
