"""Solver prototxt with the published parameters ("heavy learning" of the released models)."""

from caffe.proto import caffe_pb2

# Batches of one image, momentum 0.99 and an unnormalised loss: the rate falls by 100 each time
# a finer skip joins, for the nets fine-tune from the stage before.
BASE_LR = {"fcn32s": 1e-10, "fcn16s": 1e-12, "fcn8s": 1e-14, "fcn8s-atonce": 1e-10}
MAX_ITER = {"fcn32s": 100_000, "fcn16s": 100_000, "fcn8s": 100_000, "fcn8s-atonce": 300_000}


def solver(net: str, *, test_iter: int) -> caffe_pb2.SolverParameter:
    """The published solver of a net of nets.NETS; files are named as the authors named them.

    test_iter is the number of validation images (736 for seg11valid). Scores are taken by
    `solvers.stage`, not by the solver: hence the test_interval that is never reached.
    """
    return caffe_pb2.SolverParameter(
        train_net="train.prototxt",
        test_net=["val.prototxt"],
        test_iter=[test_iter],
        test_interval=999_999_999,
        display=20,
        average_loss=20,
        lr_policy="fixed",
        base_lr=BASE_LR[net],
        momentum=0.99,
        iter_size=1,
        max_iter=MAX_ITER[net],
        weight_decay=0.0005,
        snapshot=4000,
        snapshot_prefix="snapshot/train",
        test_initialization=False,
    )
