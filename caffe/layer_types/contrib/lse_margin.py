"""GlobalLSEMargin of AM-Softmax's successor: a margin that follows from the scores themselves."""

import math

import torch

from ...proto import caffe_pb2
from .. import exporting
from ..base import Shape, Tensors, item_rows, layer_type
from .margins import Margin

SCALE = 30.0  # where scale_param has no filler
NEAR, DONE = 0.1, 1e-3  # mean shift: what counts, and where it ends
FIRST_STEPS = 20
KEPT = 0.9  # of the margin before


@layer_type("GlobalLSEMargin", "AM-Softmax's authors")
class GlobalLSEMargin(Margin):
    """Cosines N x C, the own class's less a margin m above 0, times a scale s.

    Bottoms: cosines, labels, and if given what stands for s, of each item. Parameters: s, between
    scale_param's min_value and max_value, and m, which the passes set and nothing learns: nine
    tenths of m and one of where most items are that are within 0.1 of it, an item being at its own
    cosine less log(sum of exp(s * cosine)) / s over the other classes. Second top: s, and the means
    of own cosines, of these logarithms and of the highest other cosine, and m.
    """

    bottoms = (2, 3)
    tops = (1, 2)
    diff_bottoms = staticmethod(lambda index: index != 1)
    updates_params = True

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.scale_param
        given = param.HasField("filler")
        self.add_param((1,), param.filler if given else caffe_pb2.FillerParameter(value=SCALE))
        self.add_param((1,), caffe_pb2.FillerParameter())
        for rate in (float(len(shapes) == 2), 0.0)[len(self.spec.param) :]:
            self.spec.param.add(lr_mult=rate, decay_mult=0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_item_labels(shapes)
        count = shapes[0][0]
        self.check(
            len(shapes) == 2 or math.prod(shapes[2]) == count,
            f"needs one scale for each of {count} items; found shape {shapes[-1]}",
        )
        return [shapes[0], (5,)][: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, labels, *norms = bottoms
        scores = item_rows(x)
        target = self.labels(labels, scores.shape[1]).reshape(-1, 1)
        own = torch.zeros_like(scores, dtype=torch.bool).scatter(1, target, True)
        if not exporting.is_traced():
            param = self.spec.scale_param
            most = param.max_value if param.HasField("max_value") else math.inf
            params[0].data.clamp_(param.min_value, most)
        scale = norms[0].reshape(-1, 1) if norms else params[0]
        with torch.no_grad():
            others = scores.masked_fill(own, -1).amax(1, keepdim=True).clamp(min=-1)
            sums = (scale * (scores - others)).exp().masked_fill(own, 0).sum(1, keepdim=True)
            lse = sums.log() / scale + others
            targets = scores.gather(1, target)
            if not exporting.is_traced():
                params[1].data.copy_(_moved((targets - lse).flatten(), params[1]))
        margin = params[1].detach()
        top = (torch.where(own, scores - margin.clamp(min=0), scores) * scale).reshape(x.shape)
        parts = (scale, targets, lse, others, margin)
        return [top, torch.stack([part.detach().mean() for part in parts])][: len(self.spec.top)]


def _moved(margins: torch.Tensor, margin: torch.Tensor) -> torch.Tensor:
    """The margin after a pass whose items are at these; from 0 it goes to them at once."""
    first = not margin
    found = _mode(margins, margins.mean() if first else margin, FIRST_STEPS if first else 1)
    if found.isnan():
        return margin
    return found if first else KEPT * margin + (1 - KEPT) * found


def _mode(margins: torch.Tensor, start: torch.Tensor, steps: int) -> torch.Tensor:
    """Mean shift; from the mean where nothing is near."""
    at = start
    for _ in range(steps):
        near = margins[(margins - at).abs() < NEAR]
        if not len(near):
            at = margins.mean()
            near = margins[(margins - at).abs() < NEAR]
        moved = near.mean() if len(near) else at
        if (moved - at).abs() < DONE:
            return moved
        at = moved
    return at
