"""The loss of a net's scores: the released nets' softmax, or as the paper's studies change it."""

from typing import Any

from caffe import NetSpec
from caffe import layers as L
from caffe.net_spec import Function, Top
from caffe.proto import caffe_pb2
from data.datasets import VOID

from .changes import Changes


def counted_labels(
    n: NetSpec, label: str, changes: Changes, data: dict[str, Any], *, cell: int
) -> Top:
    """The labels that the loss in training counts: all, or those of a share of the cells (3.4).

    A cell is a square of `cell` pixels, as those that the coarsest scores are apart; `data` is the
    data layer, whose seed the cells are drawn from too.
    """
    if changes.kept == 1:
        return n[label]
    param = {"p": changes.kept, "cell": cell, "seed": data["param_str"].get("seed")}
    layer = dict(module="sampled_labels", layer="SampledLabels", param_str=str(param))
    (n[f"{label}_sampled"],) = Function("Python", (n[label],), layer).tops
    return n[f"{label}_sampled"]


def loss(scores: Top, label: Top, *, normalize: bool, class_weights: Any = None) -> Top:
    """The softmax loss of the scores, averaged over the labelled pixels or summed.

    With `class_weights`, the file of a matrix, it is InfogainLoss, which has the softmax in it.
    """
    if class_weights is None:
        param = dict(normalize=normalize, ignore_label=VOID)
        return L.SoftmaxWithLoss(scores, label, loss_param=param)
    modes = caffe_pb2.LossParameter
    mode = modes.VALID if normalize else modes.BATCH_SIZE
    return L.InfogainLoss(
        scores,
        label,
        infogain_loss_param=dict(source=str(class_weights)),
        loss_param=dict(normalization=mode, ignore_label=VOID),
    )
