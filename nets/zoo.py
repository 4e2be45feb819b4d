"""The driving-scene zoo: the nets of the report on the Indian Driving Dataset, and torchvision's.

The report is "Semantic segmentation using full convolutional network" (Ai, Qiao & Zhang).
"""

import functools
from collections.abc import Callable
from os import PathLike
from typing import Any, NamedTuple

from caffe import NetSpec
from caffe.net_spec import Top
from caffe.proto import caffe_pb2
from data.datasets import ZOO as OF_IDD
from data.weight_sources import TORCHVISION_MEAN

from . import encoder_decoder, recurrent_residual, torchvision_heads, unet
from .inputs import input_layers
from .losses import loss

# (n, image, split, classes, width) to the scores of every pixel
Scores = Callable[[NetSpec, Top, str, int, float], Top]
LOSS_WEIGHTS = "loss_weights.binaryproto"  # what a weighted net's loss reads in the run's folder


BGR_MEAN = TORCHVISION_MEAN  # (blue, green, red) that torchvision's nets want taken off


class Experiment(NamedTuple):
    """A row of the report's table.

    scores    function that defines the net up to its scores
    batch     images a step in training
    views     what of each image is trained on, see `layers/seg_data_layer.py`
    crop      height and width of what is cut out of an image in training; None: all of it
    weighted  whether each class's loss has a weight, its own
    mean      (blue, green, red) taken off the images; None: the dataset's
    """

    scores: Scores
    batch: int = 4
    views: tuple[str, ...] = ()
    crop: tuple[int, int] | None = None
    weighted: bool = False
    mean: tuple[float, float, float] | None = None

    @property
    def data(self) -> dict[str, Any]:
        """What the data layer is told in training."""
        options = {"batch": self.batch, "views": self.views, "crop": self.crop}
        return {key: value for key, value in options.items() if value}


_ZOO = {
    "baseline": Experiment(encoder_decoder.scores),
    "flip": Experiment(encoder_decoder.scores, views=("original", "mirrored")),
    # As the report may have trained: the images that are scored were never seen the right way round
    "flip-alone": Experiment(encoder_decoder.scores, views=("mirrored",)),
    "rotation": Experiment(encoder_decoder.scores, views=("original", "rotated")),
    "weighted": Experiment(encoder_decoder.scores, weighted=True),
    "rrcnn": Experiment(recurrent_residual.scores, crop=(256, 256)),
    "transfer": Experiment(
        functools.partial(torchvision_heads.deeplab, head="head", frozen=True), mean=BGR_MEAN
    ),
    "unet": Experiment(unet.scores, batch=1),
}
ZOO = tuple(_ZOO)
assert ZOO == OF_IDD  # each is a net of that dataset

_TORCHVISION: dict[str, Scores] = {
    "deeplabv3-resnet101": torchvision_heads.deeplab,
    "fcn-resnet50": functools.partial(torchvision_heads.fcn, depth=50),
    "fcn-resnet101": functools.partial(torchvision_heads.fcn, depth=101),
}
TORCHVISION = tuple(_TORCHVISION)


def experiment(net: str) -> Experiment:
    """The row of a net of ZOO; ValueError for any other."""
    if net not in _ZOO:
        raise ValueError(f"there is no net {net!r} in the zoo; choose from {', '.join(ZOO)}")
    return _ZOO[net]


def zoo(
    net: str,
    split: str,
    *,
    classes: int,
    data: dict[str, Any] | None,
    width: float = 1.0,
    class_weights: str | PathLike | None = None,
) -> caffe_pb2.NetParameter:
    """The net `net` (one of ZOO) for "train", "val" or "deploy"; its blob `score` has the classes.

    `data` and `width` are those of `nets.fcn`, `class_weights` that of `nets.Changes`; a weighted
    net's are in the file LOSS_WEIGHTS unless they are given. Raises ValueError for a net or split
    that there is none of, or for missing `data`.
    """
    of = experiment(net)
    n = NetSpec()
    input_layers(n, split, data, size=512)
    score = of.scores(n, n.data, split, classes, width)
    if split != "deploy":
        weights = None
        if split == "train":
            weights = class_weights or (LOSS_WEIGHTS if of.weighted else None)
        n.loss = loss(score, n.label, normalize=True, class_weights=weights)
    return _named(n, net)


def torchvision(net: str, *, classes: int = 21, width: float = 1.0) -> caffe_pb2.NetParameter:
    """The deploy net `net`, one of TORCHVISION; ValueError for any other.

    Its data are BGR, 0 to 255, less BGR_MEAN, once `surgery.torchvision` has filled it.
    """
    if net not in _TORCHVISION:
        raise ValueError(f"there is no net {net!r}; choose from {', '.join(TORCHVISION)}")
    n = NetSpec()
    input_layers(n, "deploy", None, size=520)
    _TORCHVISION[net](n, n.data, "deploy", classes, width)
    return _named(n, net)


def _named(n: NetSpec, name: str) -> caffe_pb2.NetParameter:
    proto = n.to_proto()
    proto.name = name
    return proto
