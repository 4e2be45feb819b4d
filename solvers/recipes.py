"""The stages: what each net starts from, how it is trained, and what one training of it is."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import nets
from caffe.proto import caffe_pb2
from data import custom
from data.datasets import Dataset, Schedule
from surgery import ilsvrc, torchvision

RUNS = Path("runs")
DEMO_DATASET = "synthetic"  # of solvers.demo, whose runs lie in the folder demo of the others

# What a net starts from: the stage before, two nets of one modality each, an ILSVRC classifier made
# fully convolutional, or a net of torchvision's; nothing: its fillers.
BEFORE: dict[str, tuple[str, ...]] = {
    "fcn-alexnet": ("caffenet",),
    "fcn32s": ("vgg16",),
    "fcn32s-fixed": ("vgg16",),
    "fcn16s": ("fcn32s",),
    "fcn8s": ("fcn16s",),
    "fcn8s-atonce": ("vgg16",),
    "fcn-googlenet": ("googlenet",),
    "fcn-googlenet-16s": ("fcn-googlenet",),
    "fcn-googlenet-8s": ("fcn-googlenet-16s",),
    "fcn32s-squeezenet": ("squeezenet",),
    "fcn16s-squeezenet": ("fcn32s-squeezenet",),
    "fcn8s-squeezenet": ("fcn16s-squeezenet",),
    "fcn32s-color": ("vgg16",),
    "fcn32s-depth": ("vgg16",),
    "fcn32s-hha": ("vgg16",),
    "fcn32s-color-d": ("vgg16",),
    "fcn32s-color-hha": ("fcn32s-color", "fcn32s-hha"),
    "fcn16s-color-hha": ("fcn32s-color-hha",),
    **dict.fromkeys(nets.ZOO, ()),
    "transfer": ("deeplabv3-resnet101",),
}


class Regime(NamedTuple):
    """How a net is trained: `batch` images one after another, their sum a step.

    normalize     whether the loss is averaged over the pixels
    rate          of base_lr, for equal loss and data
    schedule      of every net, where it does not depend on what was published of it
    score_rate    learning rate of the score layers, over that of the others
    keep          whether the first layers don't learn
    dropout       whether the layers that a net drops features out of do so
    mirror        whether every second image is mirrored
    zoom          how many times as large an image is made, drawn between the two
    """

    batch: int
    momentum: float
    normalize: bool
    rate: float = 1
    type: str = "SGD"
    lr_policy: str = "fixed"
    weight_decay: float = 0.0005
    schedule: Schedule | None = None
    score_rate: float = 1
    keep: bool = False
    dropout: bool = True
    mirror: bool = False
    zoom: tuple[float, float] | None = None


SHORT = Schedule(1e-4, 4000, 1000, regime="short")
REGIMES = {
    # Of the released nets (PAMI 2017): a step an image, an unnormalised loss
    "heavy": Regime(batch=1, momentum=0.99, normalize=False, rate=1e-6),
    # Of the CVPR paper, section 4.3
    "accumulate": Regime(batch=20, momentum=0.9, normalize=True, rate=1),
    # Not published: for hours, not days, docs/datasets.md
    "short": Regime(
        batch=1,
        momentum=0.9,
        normalize=True,
        type="Adam",
        lr_policy="poly",
        weight_decay=0,
        schedule=SHORT,
        score_rate=10,
        keep=True,
        dropout=False,
        mirror=True,
        zoom=(0.6, 1.5),
    ),
}


class Epochs(NamedTuple):
    """How a net of the zoo is trained, its rate falling to zero in a line.

    type and momentum are the solver's; an epoch is as many images as there are, with their copies.
    """

    type: str = "Adam"
    base_lr: float = 1e-3
    momentum: float = 0.9
    epochs: int = 10


# The report names Adam, and for U-Net SGD; rates and epochs are ours.
ZOO = dict.fromkeys(nets.ZOO, Epochs()) | {"unet": Epochs("SGD", base_lr=0.01)}


@dataclass(frozen=True)
class Stage:
    """One training of a net, which lives in one folder.

    weights    caffemodels of the nets in `before`
    solver     its file names stand for those in the folder
    regime     one of REGIMES; None: that of `regime_of`
    width      scales the channels
    before     what the net starts from; None: what BEFORE has for it
    changes    what the net has otherwise than the released one
    data       further options of the data layer in training: mirror, jitter, every, crop, ...
    keep       whether the first layers don't learn; None: as the regime has it
    """

    net: str
    dataset: Dataset
    folder: Path
    weights: tuple[Path, ...]
    solver: caffe_pb2.SolverParameter
    regime: str | None = None
    width: float = 1.0
    seed: int = 1337
    before: tuple[str, ...] | None = None
    changes: nets.Changes = nets.RELEASED
    data: dict[str, Any] = field(default_factory=dict)
    keep: bool | None = None


# base_lr of the released nets. A hundredth for the net with a finer skip: so the paper, and so ours
# for those that were never released.
HEAVY = {
    "fcn32s": 1e-10,
    "fcn32s-fixed": 1e-10,
    "fcn16s": 1e-12,
    "fcn8s": 1e-14,
    "fcn8s-atonce": 1e-10,
    "fcn32s-color": 1e-10,
    "fcn32s-depth": 1e-10,
    "fcn32s-hha": 1e-10,
    "fcn32s-color-d": 1e-10,
    "fcn32s-color-hha": 1e-12,
    "fcn16s-color-hha": 1e-14,
}
# AlexNet's as released, GoogLeNet's as in the paper
ACCUMULATE = {
    "fcn-alexnet": 1e-4,
    "fcn-googlenet": 5e-5,
    "fcn-googlenet-16s": 5e-7,
    "fcn-googlenet-8s": 5e-9,
}
NOT_OF_THE_PAPER = ("fcn32s-squeezenet", "fcn16s-squeezenet", "fcn8s-squeezenet")
ATONCE_ITERATIONS = 300_000  # in one stage, as many as the three take


def schedule(dataset: Dataset, net: str) -> Schedule:
    """How a net of nets.NETS or RGBD_NETS was trained; where it was not, as VOC's."""
    if net in dataset.schedules:
        return dataset.schedules[net]
    if net in NOT_OF_THE_PAPER:
        return SHORT
    iterations = ATONCE_ITERATIONS if net == "fcn8s-atonce" else dataset.iterations
    if net in ACCUMULATE:
        return Schedule(ACCUMULATE[net], iterations, dataset.snapshot, regime="accumulate")
    return Schedule(HEAVY[net], iterations, dataset.snapshot)


def as_seen(dataset: Dataset, net: str) -> Dataset:
    """The dataset with the mean that is taken off for the net, where it wants one of its own."""
    mean = nets.experiment(net).mean if net in nets.ZOO else None
    return dataclasses.replace(dataset, mean=mean) if mean else dataset


def copies_alone(net: str) -> str | None:
    """A warning where a net of the zoo is trained on copies without the originals."""
    views = nets.experiment(net).views if net in nets.ZOO else ()
    if not views or "original" in views:
        return None
    return (
        f"{net} is trained on {' and '.join(views)} images alone, and scored on originals: this is "
        "to show what that costs; train with the originals beside them (flip, rotation)"
    )


def regime_of(dataset: Dataset, net: str) -> str:
    """The regime of a training that is asked for none: of images of one's own the short one."""
    return SHORT.regime if dataset.layout == custom.NAME else schedule(dataset, net).regime


def suffix(net: str, before: str) -> str:
    """What the layers of `before` have at the end of their names in `net`: color and hha."""
    return nets.modalities(before)[0] if len(BEFORE[net]) > 1 else ""


def default_weights(dataset: str, net: str) -> tuple[Path, ...]:
    """Where the stages before, on the dataset of this name, leave their weights."""
    return tuple(_weights(dataset, before) for before in BEFORE[net])


def require_weights(dataset: str, net: str, paths: Sequence[Path], *, given: bool) -> None:
    """Check that what a net starts from is there, where the user said (`given`) or by default.

    Raises ValueError for other than one file for each net that it starts from, FileNotFoundError
    that names what makes the file.
    """
    if len(paths) != len(BEFORE[net]):
        raise ValueError(
            f"{net} starts from {' and '.join(BEFORE[net]) or 'nothing'}, but {len(paths)} "
            "caffemodel(s) are given; name as many, with commas between them"
        )
    for before, path in zip(BEFORE[net], paths, strict=True):
        if not path.is_file():
            cure = "check the path" if given else f"`make {_target(dataset, before)}` makes them"
            raise FileNotFoundError(
                f"{path}: {net} starts from these weights, of {before}, and they are not there; "
                f"{cure}" + ("" if given else ", or give others (WEIGHTS=, --weights)")
            )


def _weights(dataset: str, net: str) -> Path:
    if net in nets.CLASSIFIERS:
        return ilsvrc.converted(net)
    if net in nets.TORCHVISION:
        return torchvision.converted(net)
    return RUNS / f"{dataset}-{net}" / f"{net}.caffemodel"


def _target(dataset: str, net: str) -> str:
    """What to tell make for the weights of a net or classifier."""
    if net in nets.CLASSIFIERS:
        return f"{net}-fcn"
    if net in nets.TORCHVISION:
        return f"{net} FILE=its.pth"
    return f"{net}-{dataset}" + (" DATA=folder" if dataset == custom.NAME else "")
