"""The solver of each net and dataset, as a prototxt holds it."""

import math

import nets
from caffe.proto import caffe_pb2
from data.datasets import Dataset, ids

from .recipes import REGIMES, ZOO, regime_of, schedule


def solver(
    dataset: Dataset,
    net: str,
    *,
    test_iter: int,
    regime: str | None = None,
    width: float = 1.0,
) -> caffe_pb2.SolverParameter:
    """The published solver of a net on a dataset; files are named as the authors named them.

    test_iter   number of validation images (736 for seg11valid). Scores are taken by
                `solvers.train_stage`, not by the solver: its test_interval is never reached
    regime      one of REGIMES, if not that of `regime_of`: the published rate, in its unit, or its
                own
    width       of the net's channels. A layer of fewer inputs has larger weights, by the root, and
                Adam's steps, whose size the gradient does not set, have to be larger with them
    """
    chosen = REGIMES[regime or regime_of(dataset, net)]
    published = chosen.schedule or schedule(dataset, net)
    own = REGIMES[published.regime]
    param = _scored_by_stages(dataset, test_iter)
    param.lr_policy = chosen.lr_policy
    param.base_lr = published.base_lr * chosen.rate / own.rate
    param.momentum = chosen.momentum
    param.iter_size = chosen.batch
    param.max_iter = published.max_iter
    param.weight_decay = chosen.weight_decay
    param.snapshot = published.snapshot
    if chosen.type != "SGD":
        param.type = chosen.type
        param.base_lr /= math.sqrt(width)
    if chosen.lr_policy == "poly":
        param.power = 1
    elif published.falls:
        param.lr_policy, param.gamma = "multistep", 0.1
        param.stepvalue[:] = published.falls
    return param


def of_zoo(
    dataset: Dataset, net: str, *, test_iter: int, epochs: int | None = None
) -> caffe_pb2.SolverParameter:
    """The solver of a net of nets.ZOO, for `epochs` if not its own; it snapshots once an epoch.

    An epoch is as many images as the training split has, times the views of each. Images are drawn
    at random, so that it is no exact pass. Raises OSError where the split's list is missing.
    """
    recipe, experiment = ZOO[net], nets.experiment(net)
    images = len(ids(dataset, dataset.train_split)) * max(1, len(experiment.views))
    steps = math.ceil(images / experiment.batch)
    param = _scored_by_stages(dataset, test_iter)
    param.type = recipe.type
    param.base_lr = recipe.base_lr
    param.momentum = recipe.momentum
    param.lr_policy, param.power = "poly", 1
    param.max_iter = steps * (epochs or recipe.epochs)
    param.snapshot = steps
    if recipe.type == "Adam":
        param.momentum2, param.delta = 0.999, 1e-8
    return param


def _scored_by_stages(dataset: Dataset, test_iter: int) -> caffe_pb2.SolverParameter:
    """What every solver here has: it leaves scores to `solvers.train_stage`."""
    files = nets.file_names(dataset)
    return caffe_pb2.SolverParameter(
        train_net=files["train"],
        test_net=[files["val"]],
        test_iter=[test_iter],
        test_interval=999_999_999,
        display=20,
        average_loss=20,
        snapshot_prefix="snapshot/train",
        test_initialization=False,
    )
