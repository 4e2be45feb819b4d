"""One stage of training: emit the nets, start from the last stage's weights, train, score, resume.

    python -m solvers.stage fcn32s [--dataset voc] [--data DIR] [--weights FILE] [--iters N] ...

A stage lives in one folder, runs/DATASET-NET by default: train.prototxt, val.prototxt,
deploy.prototxt, solver.prototxt, snapshot/, log.txt, metrics.csv, curve.png, grid.png and, once it
has trained to the end, NET.caffemodel, which the next stage starts from.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import logging
import re
import signal
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

import caffe
import nets
import surgery
from caffe import files
from caffe.proto import caffe_pb2
from data.datasets import DATASETS, VGG16, Dataset, Split, ids, require
from infer import colours, legend

from . import plots, prototxt, score
from .device import choose_device
from .metrics import Scores

log = logging.getLogger("solvers")

RUNS = Path("runs")
PRETRAINED = "vgg16-fcn"  # fc6 and fc7 made convolutions, see surgery.ilsvrc
PREVIOUS = {
    "fcn32s": PRETRAINED,
    "fcn16s": "fcn32s",
    "fcn8s": "fcn16s",
    "fcn8s-atonce": PRETRAINED,
}
PICTURES = 4  # validation images shown in grid.png


@dataclasses.dataclass(frozen=True)
class Stage:
    """What distinguishes one stage from another."""

    net: str
    dataset: Dataset
    folder: Path
    weights: Path  # a caffemodel of the stage before
    solver: caffe_pb2.SolverParameter
    width: float = 1.0
    score_every: int | None = None  # iterations; None: at each snapshot
    seed: int = 1337


class Interrupted(Exception):
    """Ctrl-C, taken between two iterations."""


class Diverged(ValueError):
    """A loss that is no number: nothing of this iteration is worth a snapshot."""


def train(stage: Stage, *, resume: bool = True) -> Scores:
    """Train a stage to max_iter and return the scores of its last iteration.

    Continues from the newest whole snapshot; if `resume` is False, older snapshots and metrics are
    moved aside first. Ctrl-C and errors of the data write a snapshot. Raises ValueError for weights
    that are not those of the stage before, and for a folder where another net or dataset trained.
    """
    stage.folder.mkdir(parents=True, exist_ok=True)
    with logging_to(stage.folder / "log.txt"):
        if not resume:
            _move_aside(stage.folder / "snapshot")
            _move_aside(stage.folder / "metrics.csv")
        snapshots = _snapshots(stage)
        solver = _solver(stage, continues=bool(snapshots))
        if snapshots:
            _resume(stage, solver, snapshots)
        else:
            start_from(solver.net, stage)
        return _run(stage, solver)


def start_from(net, stage: Stage) -> None:
    """Fill a training net from the stage before: its weights, bilinear upsampling, zero scores.

    Raises ValueError where layers that the stage before has would be left untrained.
    """
    stored = caffe.storage.blob_shapes(stage.weights)
    new = [layer for layer in net.params if layer not in stored]
    untrained = [layer for layer in new if not _is_new(layer, stage.net)]
    if untrained:
        raise ValueError(
            f"{stage.weights}: has no weights for {', '.join(untrained)}; {stage.net} must start "
            f"from the weights of {PREVIOUS[stage.net]}, or it would train from nothing"
        )
    if len(stored["fc6"][0]) == 2 or stored["fc6"][0][:2] == (1, 1):  # an old file's 2-d blob
        raise ValueError(
            f"{stage.weights}: fc6 has shape {stored['fc6'][0]}, that of a classifier; transplant "
            f"it first: python -m surgery.ilsvrc {stage.weights} {PRETRAINED}.caffemodel"
        )
    net.copy_from(str(stage.weights))
    surgery.interp(net, [layer for layer in net.params if "up" in layer])
    log.info("Starting from %s; new layers: %s", stage.weights, ", ".join(new))


def _is_new(layer: str, net: str) -> bool:
    """Whether this net is the first of its stages that has the layer."""
    head = {"fcn32s": "score_fr", "fcn16s": "score_pool4", "fcn8s": "score_pool3"}.get(net, "score")
    return layer.startswith(("upscore", "scale", head))


def _solver(stage: Stage, continues: bool):
    """Write the prototxt of a stage and build its solver.

    Raises ValueError where a run continues, but with other nets than it began with.
    """
    for split, of_dataset in (
        ("train", stage.dataset.train_split),
        ("val", stage.dataset.val_split),
        ("deploy", None),
    ):
        data = nets.seg_data(stage.dataset, of_dataset, seed=stage.seed) if of_dataset else None
        net = nets.fcn(
            stage.net,
            split,
            classes=len(stage.dataset.classes),
            data=data,
            width=stage.width,
        )
        path, text = stage.folder / f"{split}.prototxt", files.prototxt(net)
        if continues and path.exists() and path.read_text() != text:
            raise ValueError(
                f"{path} is of another net or dataset than this command asks for, and "
                f"{stage.folder} holds its snapshots: choose another folder (--out), or start "
                "again there (RESUME=0, --restart)"
            )
        files.write_text(path, text)
    param = caffe_pb2.SolverParameter()
    param.CopyFrom(stage.solver)
    param.train_net = str(stage.folder / "train.prototxt")
    param.test_net[:] = [str(stage.folder / "val.prototxt")]
    param.snapshot_prefix = str(stage.folder / "snapshot" / "train")
    param.random_seed = stage.seed
    path = stage.folder / "solver.prototxt"
    files.write_text(path, files.prototxt(param))
    (stage.folder / "snapshot").mkdir(exist_ok=True)
    return caffe.get_solver(str(path))


def _snapshots(stage: Stage) -> list[Path]:
    """The run's solverstates, the newest first."""
    found = {
        int(match[1]): path
        for path in (stage.folder / "snapshot").glob("train_iter_*.solverstate")
        if (match := re.fullmatch(r"train_iter_(\d+)", path.stem))
    }
    return [found[iteration] for iteration in sorted(found, reverse=True)]


def _resume(stage: Stage, solver, snapshots: list[Path]) -> None:
    """Continue from the first snapshot that is whole; CaffeError if none is."""
    for path in snapshots:
        try:
            solver.restore(str(path))
        except caffe.CaffeError as error:
            log.info("Passing over a snapshot: %s", error)
            continue
        log.info("Resuming from %s (%s is not read again)", path, stage.weights)
        solver.net.layers[0].skip(solver.iter * stage.solver.iter_size)
        return
    raise caffe.CaffeError(
        f"{stage.folder}/snapshot: no snapshot can be read; start again with RESUME=0 (--restart)"
    )


def _move_aside(path: Path) -> None:
    """Rename what is at path to path.1, path.2, ...: the first that is free."""
    if path.exists():
        number = 1
        while (aside := path.with_name(f"{path.name}.{number}")).exists():
            number += 1
        path.rename(aside)
        log.info("%s is now %s", path, aside)


def _run(stage: Stage, solver) -> Scores:
    param = stage.solver
    every = min(stage.score_every or param.snapshot, param.max_iter)
    losses: deque[float] = deque(maxlen=param.average_loss)
    result = None
    with tqdm(total=param.max_iter, initial=solver.iter, desc=stage.net, unit="iter") as bar:
        stop = _stop_on_sigint()

        def on_start() -> None:
            if stop["asked"]:
                raise Interrupted

        def on_gradients_ready() -> None:
            losses.append(float(solver.net.blobs["loss"].data))
            if not np.isfinite(losses[-1]):
                raise Diverged(
                    f"{stage.net}: the loss is {losses[-1]} at iteration {solver.iter}: training "
                    f"has diverged; lower base_lr ({param.base_lr:g}, --lr) and start again from a "
                    "snapshot before that, or with RESUME=0"
                )
            bar.update()
            bar.set_postfix(loss=f"{np.mean(losses):.4g}", refresh=False)

        solver.add_callback(on_start, on_gradients_ready)
        try:
            while solver.iter < param.max_iter:
                # Dropout draws anew from here, so that resuming here changes nothing.
                caffe.set_random_seed(stage.seed + solver.iter)
                solver.step(min(every - solver.iter % every, param.max_iter - solver.iter))
                result = _score(stage, solver, float(np.mean(losses)))
        except Interrupted:
            state = solver.snapshot()
            raise SystemExit(
                f"interrupted at iteration {solver.iter}; {state} is written, "
                "and the same command continues from it"
            ) from None
        except Diverged:
            raise
        except (ValueError, OSError, caffe.CaffeError):
            log.info("An error stops the run; %s is written", solver.snapshot())
            raise
        finally:
            stop["restore"]()
    if result is None:
        log.info(
            "Already trained to iteration %d (%d asked for); scoring", solver.iter, param.max_iter
        )
        return _score(stage, solver, None)
    if param.max_iter % param.snapshot:
        solver.snapshot()
    solver.net.save(str(stage.folder / f"{stage.net}.caffemodel"))
    return result


def _stop_on_sigint() -> dict:
    """Let Ctrl-C wait for the end of the iteration; a second one stops at once."""
    state = {"asked": False}
    before = signal.getsignal(signal.SIGINT)

    def handle(signum, frame) -> None:
        if state["asked"]:
            raise KeyboardInterrupt
        state["asked"] = True
        tqdm.write("finishing this iteration, then writing a snapshot (Ctrl-C again: stop at once)")

    signal.signal(signal.SIGINT, handle)
    state["restore"] = lambda: signal.signal(signal.SIGINT, before)
    return state


def _score(stage: Stage, solver, loss: float | None) -> Scores:
    """Score the validation set, add a line to metrics.csv and draw the run's pictures.

    loss: the training loss, None if nothing was trained: then only the score is new.
    """
    net = solver.test_nets[0]
    net.share_with(solver.net)
    images = stage.solver.test_iter[0]
    # Spread over the set: neighbours in a list may be neighbours in a film.
    pictured = {images * k // PICTURES for k in range(PICTURES)}
    shown: list[list[np.ndarray]] = []
    labels: list[np.ndarray] = []

    def watch(i: int, data: np.ndarray, label: np.ndarray, prediction: np.ndarray) -> None:
        if i in pictured:
            mean = np.array(stage.dataset.mean, np.float32)[:, None, None]
            image = np.clip(np.rint(data + mean), 0, 255).astype(np.uint8)[::-1].transpose(1, 2, 0)
            truth, prediction = label.astype(np.uint8), prediction.astype(np.uint8)
            shown.append([image, colours(truth), colours(prediction)])
            labels.extend([truth, prediction])

    evaluation = score.evaluate(net, images, watch=watch)
    result = evaluation.scores
    if loss is None:
        return result
    log.info(
        "Iteration %d: loss %.4g, val loss %.4g, overall accuracy %.4f, mean accuracy %.4f, "
        "mean IU %.4f, f.w. IU %.4f",
        solver.iter,
        loss,
        evaluation.loss,
        *result[:4],
    )
    metrics = stage.folder / "metrics.csv"
    with open(metrics, "a", newline="") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(score.header(stage.dataset.classes, evaluation.others))
        writer.writerow(score.row(solver.iter, loss, evaluation))
    plots.curve(metrics, stage.folder / "curve.png")
    names = legend(np.concatenate([part.ravel() for part in labels]), stage.dataset.classes)
    plots.grid(shown, ("image", "truth", stage.net), stage.folder / "grid.png", names)
    return result


class logging_to:
    """Copies what the solver and the engine log to a file, and shows it above progress bars."""

    def __init__(self, path: Path) -> None:
        self.handlers = [logging.FileHandler(path), _Console()]

    def __enter__(self) -> None:
        for name in ("solvers", "caffe"):
            logger = logging.getLogger(name)
            logger.setLevel(logging.INFO)
            for handler in self.handlers:
                logger.addHandler(handler)

    def __exit__(self, *error) -> None:
        for name in ("solvers", "caffe"):
            for handler in self.handlers:
                logging.getLogger(name).removeHandler(handler)
        self.handlers[0].close()


class _Console(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "solvers":  # the engine's per-iteration lines are for the file
            tqdm.write(self.format(record))


def dataset_at(dataset: Dataset, data: Path | None) -> Dataset:
    """The dataset in another folder: one in VOC layout, with splits train and val."""
    if data is None:
        return dataset
    splits = {name: Split("VOCSegDataLayer", ".") for name in ("train", "val")}
    return dataclasses.replace(
        dataset,
        home=data.resolve(),
        splits=splits,
        train_split="train",
        val_split="val",
        sources=(),
        hint="the folder given as data must be in VOC layout: JPEGImages, SegmentationClass, "
        "ImageSets/Segmentation/train.txt and val.txt",
    )


def default_weights(net: str, dataset: str) -> Path:
    """Where the stage before leaves its weights."""
    previous = PREVIOUS[net]
    if previous == PRETRAINED:
        return DATASETS["voc"].home / "ilsvrc-nets" / f"{PRETRAINED}.caffemodel"
    return RUNS / f"{dataset}-{previous}" / f"{previous}.caffemodel"


def _require_weights(path: Path, net: str, given: bool) -> None:
    if path.is_file():
        return
    cure = "check the path" if given else f"train {PREVIOUS[net]} first, or give --weights"
    if PREVIOUS[net] == PRETRAINED and not given:
        cure = (
            f"put {VGG16.url} at {DATASETS['voc'].home / VGG16.path} (`make data-voc` does), then "
            "run `make vgg16-fcn`"
        )
    raise FileNotFoundError(
        f"{path}: {net} starts from these weights, and they are not there; {cure}"
    )


def _positive(kind: type) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text}: must be above 0")
        return value

    return parse


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m solvers.stage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("net", choices=nets.NETS)
    parser.add_argument("--dataset", choices=sorted(DATASETS), default="voc")
    parser.add_argument("--data", type=Path, help="a folder in VOC layout instead (train, val)")
    parser.add_argument("--weights", type=Path, help="caffemodel to start from")
    parser.add_argument("--out", type=Path, help="folder of the run (runs/DATASET-NET)")
    parser.add_argument("--iters", type=_positive(int), help="iterations (as published)")
    parser.add_argument("--lr", type=_positive(float), help="base learning rate (as published)")
    parser.add_argument(
        "--snapshot", type=_positive(int), help="iterations between snapshots and scores"
    )
    parser.add_argument(
        "--width", type=_positive(float), default=1.0, help="scales the channels (1)"
    )
    parser.add_argument("--gpu", help="number of the GPU, or cpu (the GPU if there is one)")
    parser.add_argument("--restart", action="store_true", help="do not resume from a snapshot")
    args = parser.parse_args(argv)
    try:
        choose_device(args.gpu)
        dataset = dataset_at(DATASETS[args.dataset], args.data)
        require(dataset)
        weights = args.weights or default_weights(args.net, args.dataset)
        _require_weights(weights, args.net, args.weights is not None)
        solver = prototxt.solver(args.net, test_iter=len(ids(dataset, dataset.val_split)))
        solver.max_iter = args.iters or solver.max_iter
        solver.base_lr = args.lr or solver.base_lr
        solver.snapshot = min(args.snapshot or solver.snapshot, solver.max_iter)
        folder = args.out or RUNS / f"{args.dataset}-{args.net}"
        stage = Stage(args.net, dataset, folder, weights, solver, args.width)
        result = train(stage, resume=not args.restart)
    except (ValueError, OSError, caffe.CaffeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(score.table({args.net: result}))
    print(f"weights, log, metrics and pictures are in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
