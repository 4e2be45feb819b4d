"""CrossEntropyLoss: of probabilities, whatever a fork takes as their targets."""

import math

import torch

from ..base import Shape, item_rows, layer_type
from ..loss import LOG_THRESHOLD, MODES, ItemLabelled, Loss, with_gradient

TINY = torch.finfo(torch.float32).tiny


@layer_type("CrossEntropyLoss", "several forks")
class CrossEntropyLoss(Loss, ItemLabelled):
    """-t log p - (1 - t) log(1 - p) of probabilities p and targets t, over the number of items.

    No logarithm is taken of less than 1e-20. Targets of ignore_value, which is -1 where it is not
    given, count for nothing, as do those of the class ignore_label. A label for each item instead
    of targets: with class_num t is 1 for that class and 0 for the others, without it the loss is
    -log p of the class. Forks divide by the items, by all values or by nothing, and a prototxt does
    not say which: normalization of loss_param, at which they do not look, is BATCH_SIZE here, or
    FULL or NONE where it is given.
    """

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        scores, targets = shapes
        given, classes = self.spec.cross_entropy_loss_param.class_num, math.prod(scores[1:])
        self.check(
            math.prod(targets) in (math.prod(scores), scores[0]),
            "needs a target for each probability, or a label for each item; found shapes "
            f"{scores} and {targets}",
        )
        self.check(
            math.prod(targets) == math.prod(scores) or given in (0, classes),
            f"class_num is {given}; a bottom of shape {scores} has {classes} classes",
        )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, target = self.spec.cross_entropy_loss_param, bottoms[1].detach()
        p = item_rows(bottoms[0])
        items, values = p.shape
        if target.numel() != p.numel():
            label = self.labels(target, values).reshape(-1, 1)
            if not param.class_num:
                of_label = p.gather(1, label)
                floored = of_label.clamp(min=TINY)
                losses = with_gradient(-floored.log(), of_label, -1 / floored)
                return losses.sum() / self.normaliser(items, 1, items, MODES.BATCH_SIZE)
            target = torch.zeros_like(p).scatter(1, label, 1)
        target = target.reshape(p.shape)
        counts = target != param.ignore_value
        if param.HasField("ignore_label"):
            places = math.prod(bottoms[0].shape[2:])
            classes = torch.arange(values, device=p.device) // places
            counts = counts & (classes != param.ignore_label)
        losses = _losses(p, target).where(counts, 0)
        return losses.sum() / self.normaliser(
            items, values, int(counts.sum()), default=MODES.BATCH_SIZE
        )


def _losses(p: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The loss of each probability."""
    one, zero = (x.clamp(min=LOG_THRESHOLD) for x in (p.detach(), 1 - p.detach()))
    losses = -target * one.log() - (1 - target) * zero.log()
    return with_gradient(losses, p, (1 - target) / zero - target / one)
