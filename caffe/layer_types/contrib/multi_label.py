"""Items of several labels at once, told by sigmoids or softmaxes."""

import math

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, Tensors, layer_type
from ..loss import LOG_FLT_MIN, Labelled, Loss, with_gradient


def check_sizes(layer: LayerType, shapes: list[Shape]) -> None:
    """Each score has a label of its own."""
    layer.check(
        math.prod(shapes[0]) == math.prod(shapes[1]),
        f"needs a label for each score; found shapes {shapes[0]} and {shapes[1]}",
    )


@layer_type("MultiLabelLoss", "several forks")
@layer_type("MultiLabelSigmoidLoss", "several forks")
class MultiLabelLoss(Loss):
    """-log sigmoid(x) of labels above 0 and -log sigmoid(-x) of those below, over the items.

    Labels of 0 do not count. Second top: the sigmoids.
    """

    tops = (1, 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        check_sizes(self, shapes)
        return [*super().top_shapes(shapes), shapes[0]][: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, label = bottoms
        sign = label.detach().reshape(x.shape).sign()
        loss = -(sign.abs() * F.logsigmoid(sign * x)).sum() / x.shape[0]
        return [loss, x.detach().sigmoid()] if len(self.spec.top) == 2 else loss


@layer_type("MultiSoftmaxWithLoss", "several forks")
class MultiSoftmaxWithLoss(Loss, Labelled):
    """-log softmax of each class whose label is 1; others count for nothing.

    Labels have the scores' shape then, ignore_label is a class, and the sum is normalised as
    SoftmaxWithLoss's; second top: the softmax. N x K labels of N x K C scores are those of K
    softmaxes of C classes each, and the sum is divided by N.
    """

    tops = (1, 2)

    def class_axis(self) -> int:
        return self.spec.softmax_param.axis

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, labels = shapes
        tops = super().top_shapes(shapes)
        if math.prod(labels) == math.prod(scores):
            self.axis(self.class_axis(), scores)
            return [*tops, scores][: len(self.spec.top)]
        channels, groups = scores[1:2], labels[1:2]
        self.check(
            math.prod(scores) == math.prod(scores[:2])
            and math.prod(labels) == math.prod(labels[:2])
            and math.prod(groups) > 0
            and math.prod(channels) % math.prod(groups) == 0,
            "needs a label for each score, or N x K labels of N x K C scores; found shapes "
            f"{labels} and {scores}. Forks with a label for each pixel count classes from 0 or "
            "from 1: write a SoftmaxWithLoss, which counts from 0, with loss_param { "
            "normalization: BATCH_SIZE }",
        )
        self.check(
            len(self.spec.top) == 1 and self.ignored() is None,
            "of several softmaxes has one top and no ignore_label",
        )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, label = bottoms
        if label.numel() != x.numel():
            log_prob = F.log_softmax(x.reshape(label.numel(), -1), 1)
            classes = self.labels(label, log_prob.shape[1]).reshape(-1, 1)
            return -_floored(log_prob.gather(1, classes)).sum() / x.shape[0]
        axis = self.axis(self.class_axis(), tuple(x.shape))
        log_prob = F.log_softmax(x, axis)
        counts = label.detach().reshape(x.shape) == 1
        ignored = self.ignored()
        if ignored is not None:
            others = torch.arange(x.shape[axis], device=x.device) != ignored
            counts &= others.reshape(-1, *(1,) * (x.dim() - 1 - axis))
        outer, inner = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
        divisor = self.normaliser(outer, inner, int(counts.sum()))
        loss = -_floored(log_prob).where(counts, 0).sum() / divisor
        return [loss, log_prob.detach().exp()] if len(self.spec.top) == 2 else loss


def _floored(log_prob: torch.Tensor) -> torch.Tensor:
    """No logarithm of less than a float's smallest, whose slope is still that of any other."""
    return with_gradient(log_prob.clamp(min=LOG_FLT_MIN), log_prob, 1)


@layer_type("MultiLabelAccuracy", "several forks")
class MultiLabelAccuracy(LayerType):
    """How well the scores' signs are the labels', where these are not 0: 1 x 5 x 1 x 1.

    Recall of the positive ones (a score of 0 is positive), recall of the negative ones, the
    harmonic mean of both, precision, and F1. 0 where there is nothing to divide by.
    """

    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: False)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        check_sizes(self, shapes)
        return [(1, 5, 1, 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        scores, labels = (bottom.detach().flatten() for bottom in bottoms)
        labels = labels.trunc()
        found = scores >= 0
        hits, misses = (found & (labels > 0)).sum(), (~found & (labels > 0)).sum()
        passes, alarms = (~found & (labels < 0)).sum(), (found & (labels < 0)).sum()
        values = [
            _ratio(hits, hits + misses),
            _ratio(passes, passes + alarms),
            _ratio(2 * hits * passes, (hits + misses) * passes + (passes + alarms) * hits),
            _ratio(hits, hits + alarms),
            _ratio(2 * hits, 2 * hits + alarms + misses),
        ]
        return torch.stack(values).to(scores.dtype).reshape(1, 5, 1, 1)


def _ratio(part: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    return part / whole.clamp(min=1)
