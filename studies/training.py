"""One arm trained with one seed: it goes on where it was broken off, and is never trained twice."""

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np

import caffe
import nets
from caffe.core.files import write_text
from caffe.proto import caffe_pb2
from caffe.proto.text import prototxt
from data.datasets import Dataset, passes
from data.statistics import survey
from solvers import solver_prototxt
from solvers.evaluate import evaluate
from solvers.loss_weights import write_matrix
from solvers.recipes import BEFORE, Stage
from solvers.train_stage import Diverged, net_of, train
from surgery.random_weights import draw
from tables.our_values import read_csv

from .arms import Arm, plain
from .setting import REGIME, Setting

PIXEL = 64  # about as large as pixels less their mean are, where weights are drawn for values of 1
DIVERGED = "diverged.txt"
UNCHANGED = dict(mirror=False, zoom=(1, 1))  # images, as the paper's; the regime's are not
NUMBERS = ("iteration", "val_loss", "overall_accuracy", "mean_iu")


class Point(NamedTuple):
    """Scores on the validation set after so many iterations; the fractions in [0, 1]."""

    iteration: int
    loss: float
    pixel_accuracy: float
    mean_iu: float


class Outcome(NamedTuple):
    """What came of an arm with one seed: its scores in the order of time; none: it diverged."""

    arm: Arm
    seed: int
    points: tuple[Point, ...]


def train_arm(setting: Setting, arm: Arm, seed: int) -> Outcome:
    """Train an arm, if it is not trained yet, and what it starts from; score it; its outcome.

    Raises ValueError where its folder holds a run of another setting.
    """
    folder = trained(setting, arm, seed)
    points = _points(folder)
    if arm.scored is None or not points:
        return Outcome(arm, seed, points)
    again = folder / f"scored-{arm.scored}"
    if not (again / "metrics.csv").exists():
        net = setting.stages[arm.skips]
        data = setting.data(arm.scored)
        evaluate(net, data, trained_weights(setting, arm, seed), again, width=setting.width)
    (scored,) = _points(again)
    return Outcome(arm, seed, (scored._replace(iteration=points[-1].iteration),))


def trained(setting: Setting, arm: Arm, seed: int) -> Path:
    """The folder of a trained arm, which is trained now if it was not."""
    key = arm.key
    if arm.downscale not in (None, setting.downscale):
        key += f"_downscale-{arm.downscale}"
    folder = setting.out / "arms" / key / str(seed)
    stage = _stage(setting, arm, seed, folder)
    _same_setting(stage)
    if not any((folder / name).exists() for name in (f"{stage.net}.caffemodel", DIVERGED)):
        try:
            train(stage)
        except Diverged as error:
            write_text(folder / DIVERGED, f"{error}\n")
        shutil.rmtree(folder / "snapshot")
    return folder


def trained_weights(setting: Setting, arm: Arm, seed: int) -> Path:
    """The caffemodel of a trained arm; ValueError where it diverged."""
    folder = trained(setting, arm, seed)
    if not _points(folder):
        raise ValueError(
            f"{folder}: other arms start from this one, which diverged; lower the rate (LR=, --lr)"
        )
    return folder / f"{setting.stages[arm.skips]}.caffemodel"


def _stage(setting: Setting, arm: Arm, seed: int, folder: Path) -> Stage:
    net = setting.stages[arm.skips]
    data = setting.data(arm.downscale)
    weights, before = setting.weights, BEFORE[setting.stages[0]]
    if arm.start == "scratch":
        weights = _drawn(setting)
    elif arm.start == "before":
        skips = max(0, arm.skips - 1)
        before = (setting.stages[skips],)
        weights = trained_weights(setting, plain(skips), seed)
    changes = arm.changes
    if arm.balanced:
        changes = changes._replace(class_weights=_class_weights(setting, data))
    images = passes(data, data.val_split)
    solver = solver_prototxt.solver(data, net, test_iter=images, regime=REGIME)
    solver.max_iter = setting.iterations
    solver.snapshot = max(1, setting.iterations // setting.points)
    solver.iter_size *= arm.batch
    solver.base_lr = setting.rate * arm.rate
    return Stage(
        *(net, data, folder, (weights,), solver),
        regime=REGIME,
        width=setting.width,
        seed=seed,
        before=before,
        changes=changes,
        data=UNCHANGED | arm.data,
        keep=False if arm.start == "scratch" else None,  # drawn layers have all to learn
    )


def _same_setting(stage: Stage) -> None:
    """Write what a run is of beside it; ValueError where it was of something else."""
    net = net_of(stage, "train")
    text = f"# from {' '.join(map(str, stage.weights))}\n{prototxt(stage.solver)}{prototxt(net)}"
    path = stage.folder / "setting.prototxt"
    if not path.exists():
        write_text(path, text)
    elif path.read_text() != text:
        raise ValueError(
            f"{path}: a run with another setting (data, weights, width, rate or iterations) lies "
            "here; choose another folder (OUT=, --out), or remove this one"
        )


def _points(folder: Path) -> tuple[Point, ...]:
    """The lines of a metrics.csv; of an iteration that was done again the last.

    None of a run that diverged: weights that are no numbers have no loss, or no score.
    """
    if (folder / DIVERGED).exists():
        return ()
    lines = {
        int(line["iteration"]): line for line in read_csv(folder / "metrics.csv", (), NUMBERS[:1])
    }
    if not all(line[name] for line in lines.values() for name in NUMBERS):
        return ()
    return tuple(
        Point(iteration, *(float(line[name]) for name in NUMBERS[1:]))
        for iteration, line in lines.items()
    )


def _drawn(setting: Setting) -> Path:
    """The classifier's layers with drawn weights, as they are before they are trained."""
    path = setting.out / "scratch.caffemodel"
    if not path.exists():
        spec = nets.convolutional(BEFORE[setting.stages[0]][0], width=setting.width)
        net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
        draw(net)
        next(iter(net.params.values()))[0].data[...] /= PIXEL
        net.save(path)
    return path


def _class_weights(setting: Setting, data: Dataset) -> Path:
    """The file of a diagonal matrix: the inverse of each class's frequency, 1 for the mean pixel.

    A class without a pixel in the training set has weight 0.
    """
    path = setting.out / "class_weights.binaryproto"
    if not path.exists():
        counts = survey(data, data.train_split).pixels["label"][:-1].astype(float)  # without void
        present = counts > 0
        weights = np.zeros_like(counts)
        weights[present] = counts.sum() / (present.sum() * counts[present])
        write_matrix(weights, path)
    return path
