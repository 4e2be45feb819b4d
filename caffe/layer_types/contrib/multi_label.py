"""Items of several labels at once: MultiLabelLoss, MultiLabelSigmoidLoss, MultiLabelAccuracy."""

import math

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, Tensors, layer_type
from ..loss import Loss


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
