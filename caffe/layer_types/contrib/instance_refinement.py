"""Detectors that learn from what is in an image alone: InstanceLabels, their losses and sums."""

import math

import numpy as np
import torch

from ...core.rectangles import overlap
from ..base import LayerType, Shape, Tensors, layer_type
from ..loss import Loss, with_gradient
from .found import Found

LEAST = 1e-7  # what a logarithm is taken of


@layer_type("InstanceLabels", "online instance classifier refinement")
class InstanceLabels(Found):
    """The class of each region, R, 0 for the background, and what it weighs, R, by others' scores.

    Tang et al. 2017, algorithm 1, as their OICRLayer has it. Bottoms: regions R x 5, the image's
    number, x1, y1, x2, y2, the last pixels inside; scores R x C, or R x (C + 1), the background's
    first; 1 x C, 1 for each class that is in the image. The best region of such a class stands for
    it. A region has the class of the one that it overlaps most, if by fg_thresh at least, and
    weighs that one's score in any case; of equal ones the first.
    """

    bottoms = (3, 3)
    tops = (2, 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        regions, scores, present = shapes
        classes = math.prod(present)
        self.check(
            len(regions) > 0
            and regions[:1] == scores[:1]
            and math.prod(regions[1:]) == 5
            and math.prod(scores[1:]) in (classes, classes + 1)
            and present[:1] == (1,),
            "needs regions R x 5, scores R x C or R x (C + 1) and classes 1 x C; found shapes "
            f"{regions}, {scores} and {present}",
        )
        return [(regions[0],)] * 2

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        boxes, scores = (b.detach().cpu().double().flatten(1).numpy() for b in bottoms[:2])
        present = bottoms[2].detach().cpu().flatten().numpy()
        classes = np.flatnonzero(present == 1)
        self.check(len(classes) > 0, f"'{self.spec.bottom[2]}' says of no class that it is there")
        scores = scores[:, scores.shape[1] - len(present) :][:, classes]
        best = scores.argmax(0)
        boxes = boxes[:, 1:]
        overlaps = np.stack([overlap(box, boxes, pixel=1) for box in boxes[best]], axis=1)
        nearest = overlaps.argmax(1)
        is_object = overlaps.max(1) >= self.spec.region_target_param.fg_thresh
        label = np.where(is_object, classes[nearest] + 1, 0)
        weight = scores[best, range(len(classes))][nearest]
        return [torch.from_numpy(each).to(bottoms[0]) for each in (label, weight)]


@layer_type("GlobalSumPooling", "online instance classifier refinement")
class GlobalSumPooling(LayerType):
    """The sum of all items, of two axes at least: of N x C x ... 1 x C x ..."""

    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(len(shape) >= 2, f"needs two axes at least; found shape {shape}")
        return [(1, *shape[1:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0].sum(0, keepdim=True)


@layer_type("MulticlassCrossEntropyLoss", "online instance classifier refinement")
class MulticlassCrossEntropyLoss(Loss):
    """-t log p - (1 - t) log(1 - p) of probabilities p and targets t, over the number of items.

    The gradient is over the number of classes besides. No logarithm is taken of less than 1e-7.
    """

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        self.check(
            math.prod(shapes[0]) == math.prod(shapes[1]),
            f"needs a target for each probability; found shapes {shapes[0]} and {shapes[1]}",
        )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        p, t = bottoms[0], bottoms[1].detach().reshape(bottoms[0].shape)
        one, zero = p.detach().clamp(min=LEAST), (1 - p.detach()).clamp(min=LEAST)
        losses = -t * one.log() - (1 - t) * zero.log()
        slope = ((1 - t) / zero - t / one) / p[0].numel()
        return with_gradient(losses, p, slope).sum() / len(p)
