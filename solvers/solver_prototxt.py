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
    own = REGIMES[published.regime]
    chosen = REGIMES[regime or published.regime]
    files = nets.file_names(dataset)
    param = caffe_pb2.SolverParameter(
        train_net=files["train"],
        test_net=[files["val"]],
        test_iter=[test_iter],
        test_interval=999_999_999,
        display=20,
        average_loss=20,
        lr_policy="fixed",
        base_lr=published.base_lr * chosen.rate / own.rate,
        momentum=chosen.momentum,
        iter_size=chosen.batch,
        max_iter=published.max_iter,
        weight_decay=0.0005,
        snapshot=published.snapshot,
        snapshot_prefix="snapshot/train",
        test_initialization=False,
    )
    if published.falls:
        param.lr_policy, param.gamma = "multistep", 0.1
        param.stepvalue[:] = published.falls
    return param
