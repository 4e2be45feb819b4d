"""HardRegions: of all regions those that a detector learns most from."""

import math

import numpy as np
import torch

from ...core.rectangles import overlap
from ..base import Shape, Tensors, layer_type
from . import boxes
from .found import Found

LEAST = float(np.finfo(np.float64).eps)  # what a probability is at least


@layer_type("HardRegions", "online hard example mining")
class HardRegions(Found):
    """The post_nms_topn regions of the largest loss, of those that overlap one, the worst alone.

    Shrivastava et al. 2016, section 4.1, as the OHEMDataLayer of its authors has it. Bottoms: the
    probabilities R x C and shifts R x 4 C that a net gives which learns nothing; regions R x 5, the
    image's number, x1, y1, x2, y2, the last pixels inside; of each its class, and unless there are
    none what it shall be shifted by and the weights of that inside and outside of the loss, R x 4 C
    each. A loss is the class's logarithm and, of objects, SmoothL1. Of an image's regions of one
    class, each is left out that overlaps one of a larger loss by more than nms_thresh. Tops: the
    regions' rows of bottoms 2 to 6, the largest loss first; of equal ones the first comes first.
    """

    bottoms = (4, 7)
    tops = (2, 5)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """There is room for post_nms_topn regions, until the first forward."""
        count = shapes[2][:1]
        prob, shifts, region, label, *more = (math.prod(shape[1:]) for shape in shapes)
        self.check(
            len(shapes) in (4, 7)
            and len(self.spec.top) == len(shapes) - 2
            and all(shape[:1] == count for shape in shapes)
            and (shifts, region, label, *more) == (4 * prob, 5, 1, *(4 * prob,) * len(more)),
            "needs probabilities R x C, shifts R x 4 C, regions R x 5, classes R, perhaps targets "
            f"and two weights R x 4 C, and a top for each from the regions on; found {shapes}",
        )
        room = self.spec.proposal_param.post_nms_topn
        return [(room, *shape[1:]) for shape in shapes[2:]]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        regions = bottoms[2].detach().flatten(1).cpu().numpy()
        label = bottoms[3].detach().flatten().cpu().numpy()
        loss = self._losses(bottoms)
        kept = []
        for image, kind in np.unique(np.stack([regions[:, 0], label]), axis=1).T:
            at = np.flatnonzero((regions[:, 0] == image) & (label == kind))
            at = at[np.argsort(-loss[at], kind="stable")]
            kept.extend(at[boxes.greedy(regions[at, 1:], self._clash, len(at))])
        alone = np.sort(np.array(kept, int))
        hardest = alone[np.argsort(-loss[alone], kind="stable")]
        taken = torch.from_numpy(hardest[: self.spec.proposal_param.post_nms_topn])
        return [bottom.detach()[taken.to(bottom.device)] for bottom in bottoms[2:]]

    def _losses(self, bottoms: list[torch.Tensor]) -> np.ndarray:
        """What is lost by each region (R), float64."""
        prob, shifts, _, label, *of_boxes = (
            b.detach().cpu().double().reshape(len(b), -1) for b in bottoms
        )
        self.check(
            bool(((label >= 0) & (label < prob.shape[1])).all()),
            f"'{self.spec.bottom[3]}' holds classes that are not within 0 to {prob.shape[1] - 1}",
        )
        loss = -prob.gather(1, label.long().reshape(-1, 1))[:, 0].clamp(min=LEAST).log()
        if of_boxes:
            target, inside, outside = of_boxes
            far = (inside * (shifts - target)).abs()
            each = outside * torch.where(far < 1, far**2 / 2, far - 0.5)
            loss += each.sum(1) * (label.flatten() > 0)
        return loss.numpy()

    def _clash(self, one: np.ndarray, others: np.ndarray) -> np.ndarray:
        return overlap(one, others, pixel=1) > self.spec.proposal_param.nms_thresh
