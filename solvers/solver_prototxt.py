"""The published solver of each net and dataset, as a prototxt holds it."""

import nets
from caffe.proto import caffe_pb2
from data.datasets import Dataset

from .recipes import REGIMES, schedule


def solver(
    dataset: Dataset, net: str, *, test_iter: int, regime: str | None = None
) -> caffe_pb2.SolverParameter:
    """The published solver of a net on a dataset; files are named as the authors named them.

    test_iter   number of validation images (736 for seg11valid). Scores are taken by
                `solvers.train_stage`, not by the solver: its test_interval is never reached
    regime      one of REGIMES, if not the one that the net was published in: the same rate, in its
                unit
    """
    published = schedule(dataset, net)
    chosen = REGIMES[regime or published.regime]
    published = chosen.schedule or published
    own = REGIMES[published.regime]
    files = nets.file_names(dataset)
    param = caffe_pb2.SolverParameter(
        train_net=files["train"],
        test_net=[files["val"]],
        test_iter=[test_iter],
        test_interval=999_999_999,
        display=20,
        average_loss=20,
        lr_policy=chosen.lr_policy,
        base_lr=published.base_lr * chosen.rate / own.rate,
        momentum=chosen.momentum,
        iter_size=chosen.batch,
        max_iter=published.max_iter,
        weight_decay=chosen.weight_decay,
        snapshot=published.snapshot,
        snapshot_prefix="snapshot/train",
        test_initialization=False,
    )
    if chosen.type != "SGD":
        param.type = chosen.type
    if chosen.lr_policy == "poly":
        param.power = 1
    elif published.falls:
        param.lr_policy, param.gamma = "multistep", 0.1
        param.stepvalue[:] = published.falls
    return param
