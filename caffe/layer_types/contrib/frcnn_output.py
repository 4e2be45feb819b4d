"""FrcnnOutput of Cascade R-CNN: what is found, of all classes."""

import math

import numpy as np
import torch

from ...core.rectangles import area, overlap
from ..base import Shape, Tensors, layer_type
from . import boxes
from .box_output import box_scale, moved
from .found import Found


@layer_type("FrcnnOutput", "Cascade R-CNN")
class FrcnnOutput(Found):
    """The detections of an image, in its pixels, from scores and shifts of regions.

    Bottoms: the softmax of scores R x classes, class 0 the background; shifts R x 4 classes, or R x
    8 of which the last four count (cls_aware: false), as bbox_reg_param scales them; regions R x 5,
    or 6, the image (0), x1, y1, x2, y2, the last pixels inside; the image's height and width. A
    region is cut off at these. Of those that score conf_thr for a class the ones go, by falling
    score, that overlap a better one by more than iou_thr; then the max_det_num best of all classes
    stay. Top: K x 7 x 1 x 1, first 0, -1, ...: that there is an image; then the image, x1, y1, x2,
    y2, the class and the score, class by class. save_output_param is without effect.
    """

    bottoms = (4, 4)

    def setup_from(self, shapes: list[Shape]) -> None:
        kind = self.spec.frcnn_output_param.nms_type
        self.check(kind in ("IOU", "IOMU"), f"nms_type is IOU or IOMU; found '{kind}'")
        self.mean, self.std = box_scale(self)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """There is room for the first row, until the first forward."""
        scores, shifts, regions, sizes = (math.prod(shape[1:]) for shape in shapes)
        wanted = 4 * scores if self.spec.bbox_reg_param.cls_aware else 8
        self.check(
            scores > 1
            and shifts == wanted
            and regions in (5, 6)
            and len({s[:1] for s in shapes[:3]}) == 1,
            f"needs scores, {wanted} shifts and a region of 5 values for each of as many regions; "
            f"found shapes {shapes[:3]}",
        )
        self.check(
            (*shapes[3][:1], sizes) == (1, 2),
            f"needs the height and width of one image, 1 x 2; found shape {shapes[3]}",
        )
        return [(1, 7, 1, 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        scores, shifts, regions, size = (b.detach().cpu().flatten(1) for b in bottoms)
        self.check(
            not regions[:, 0].any(), "takes one image, number 0; set batch_size: 1 in the data"
        )
        param = self.spec.frcnn_output_param
        rows = [np.array([[0, -1, -1, -1, -1, -1, -1]])]
        for label in range(1, scores.shape[1]):
            corners = self._corners(shifts, regions, label, size[0])
            score = scores[:, label].double().numpy()
            at = np.flatnonzero(score >= np.float32(param.conf_thr))
            at = at[np.argsort(-score[at], kind="stable")]
            at = at[boxes.greedy(corners[at], self._clash, len(at))]
            named = np.full((len(at), 1), label)
            rows.append(np.c_[0 * named, corners[at], named, score[at]])
        best = np.concatenate(rows[1:])
        if 0 < param.max_det_num < len(best):
            best = best[np.sort(np.argsort(-best[:, 6], kind="stable")[: param.max_det_num])]
        top = np.concatenate([rows[0], best])
        return [torch.from_numpy(top).to(bottoms[0])[:, :, None, None]]

    def _corners(
        self, shifts: torch.Tensor, regions: torch.Tensor, label: int, size: torch.Tensor
    ) -> np.ndarray:
        """Of the regions (R, 4) as they are for a class."""
        place = label if self.spec.bbox_reg_param.cls_aware else 1
        own = shifts[:, 4 * place : 4 * place + 4] * self.std + self.mean
        corners = moved(own, regions[:, 1:5])
        return torch.cat(
            [corners[:, :2].clamp(min=0), corners[:, 2:].minimum(size.flip(0))], 1
        ).numpy()

    def _clash(self, one: np.ndarray, others: np.ndarray) -> np.ndarray:
        param = self.spec.frcnn_output_param
        shared = overlap(one, others, pixel=1)
        if param.nms_type == "IOMU":
            sizes = area(one, 1), area(others, 1)
            common = shared * (sizes[0] + sizes[1]) / (1 + shared)
            shared = common / np.minimum(*sizes)
        return shared > param.iou_thr
