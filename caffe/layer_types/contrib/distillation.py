"""KnowledgeDistillation: a net learns what another one gives, with softer probabilities."""

import math

import torch
import torch.nn.functional as F

from ..base import Shape, layer_type
from ..loss import LOG_FLT_MIN, Loss, with_gradient


@layer_type("KnowledgeDistillation", "several forks")
class KnowledgeDistillation(Loss):
    """The divergence of softmax(x / T) from softmax(t / T), T the temperature (Hinton et al. 2015).

    Bottoms: scores x of the net that learns, t of the other one, and with loss_param's ignore_label
    labels, of which this one makes a place count for nothing. The gradient is T^2 times the
    derivative. The sum is over what loss_param's normalization says, the places that count.
    """

    bottoms = (2, 3)
    diff_bottoms = staticmethod(lambda index: index == 0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        x, other, *labels = shapes
        param = self.spec.knowledge_distillation_param
        self.check(param.temperature > 0, f"needs a temperature; found {param.temperature:g}")
        self.check(x == other, f"needs scores of one shape; found shapes {x} and {other}")
        axis = self.axis(self.spec.softmax_param.axis, x)
        self.check(
            bool(labels) == self.spec.loss_param.HasField("ignore_label"),
            "takes a third bottom, of labels, where there is an ignore_label, and else none",
        )
        self.check(
            all(math.prod(shape) * x[axis] == math.prod(x) for shape in labels),
            f"needs a label for each place; found shapes {shapes}",
        )
        return [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, axis = bottoms[0], self.axis(self.spec.softmax_param.axis, tuple(bottoms[0].shape))
        temperature = self.spec.knowledge_distillation_param.temperature
        ours, theirs = (F.log_softmax(b.detach() / temperature, axis) for b in bottoms[:2])
        counts = torch.ones_like(x).narrow(axis, 0, 1)
        if len(bottoms) == 3:
            labels = bottoms[2].detach().reshape(counts.shape).trunc()
            counts = (labels != self.spec.loss_param.ignore_label).to(x.dtype)
        outer = math.prod(x.shape[:axis])
        divisor = self.normaliser(outer, counts.numel() // outer, int(counts.sum()))
        apart = theirs.clamp(min=LOG_FLT_MIN) - ours.clamp(min=LOG_FLT_MIN)
        loss = (theirs.exp() * apart * counts).sum() / divisor
        slope = (ours.exp() - theirs.exp()) * counts * (temperature / divisor)
        return loss + with_gradient(torch.zeros_like(x), x, slope).sum()
