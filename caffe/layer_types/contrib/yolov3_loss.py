"""Yolov3, the loss of YOLOv3."""

import math

import numpy as np
import torch

from ...core.rectangles import overlap
from ...proto import caffe_pb2
from ..base import Shape, layer_type
from .yolo import BOX, YoloLoss, corners, places, sigmoid


@layer_type("Yolov3", "MobileNet-YOLO")
class Yolov3(YoloLoss):
    """The loss of YOLOv3 at one scale: places, sides, objectness and classes of its anchors' boxes.

    Redmon and Farhadi 2018, section 2, as MobileNet-YOLO trains. Bottoms: N x num (5 + num_class) x
    H x W; of each image rows of 5, as RegionLoss takes them. The anchors are those of `biases` that
    `mask` names, in pixels, of which a place of the map is anchors_scale wide. An object is learnt
    by the anchor of all whose sides fit best, if the layer has it; all others' objectness is drawn
    to 0, unless they overlap an object by more than thresh. What is called a gradient here is that
    of cross entropies and of squares of places and sides, or with iou_loss that of the overlap, as
    if the sides were their exponents; with use_logic_gradient it is of squared errors, objectness
    times object_scale. The loss is the sum of its squares, with iou_loss iou_normalizer times 1
    less the overlap in place of the boxes' part; all over the number of images. A second object of
    the same box sets its class to 1 and leaves the others.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.yolov3_param
        self.check(
            len(param.mask) == param.num > 0 and len(param.biases) % 2 == 0,
            f"num {param.num} anchors need as many values of mask, and pairs of biases; found "
            f"{len(param.mask)} and {len(param.biases)} values",
        )
        self.check(
            param.anchors_scale > 0 and len(param.biases) >= 2 * (max(param.mask) + 1),
            f"mask names anchor {max(param.mask)}, which needs {2 * (max(param.mask) + 1)} biases; "
            f"found {len(param.biases)}",
        )
        self.all = np.array(param.biases).reshape(-1, 2)
        self.anchors = self.all[list(param.mask)]

    def param(self) -> caffe_pb2.Yolov3Parameter:
        return self.spec.yolov3_param

    def of_image(self, x: np.ndarray, rows: np.ndarray, images: int) -> tuple[np.ndarray, float]:
        param = self.spec.yolov3_param
        self.check_objects(rows)
        found = corners(*places(x, self.anchors, param.anchors_scale))
        truths = corners(rows[:, 1:3], rows[:, 3:])
        slopes = np.zeros_like(x)
        slopes[:, 4] = sigmoid(x[:, 4])
        if len(rows):
            best = overlap(found[..., None, :], truths).max(-1)
            slopes[:, 4][best > param.thresh] = 0
        apart = 0.0
        for row, truth in zip(rows, truths, strict=True):
            apart += self._learn(x, slopes, row, truth)
        if param.iou_loss == param.MSE:
            loss = float(np.square(slopes).sum())
        else:
            loss = float(np.square(slopes[:, 4:]).sum()) + param.iou_normalizer * apart
        if param.use_logic_gradient:
            for part in (slice(0, 2), slice(4, None)):
                said = sigmoid(x[:, part])
                slopes[:, part] *= said * (1 - said)
        return slopes, loss

    def _learn(
        self, x: np.ndarray, slopes: np.ndarray, row: np.ndarray, truth: np.ndarray
    ) -> float:
        """Set the gradient of the box that learns an object; how far it is from overlapping it."""
        param = self.spec.yolov3_param
        size = np.array(x.shape[:1:-1])  # width and height
        at, side = row[1:3] * size, row[3:] * size * param.anchors_scale
        i, j = at.astype(int)
        common = np.minimum(self.all, side).prod(1)
        best = int((common / (self.all.prod(1) + side.prod() - common)).argmax())
        if best not in param.mask:
            return 0.0
        n = list(param.mask).index(best)
        cell, slope = x[n, :, j, i], slopes[n, :, j, i]
        said = sigmoid(cell)
        apart = 0.0
        if param.iou_loss == param.MSE:
            wanted = np.concatenate([at - [i, j], np.log(side / self.anchors[n])])
            shown = np.concatenate([said[:2], cell[2:4]])
            slope[:4] = param.coord_scale * (2 - row[3] * row[4]) * (shown - wanted)
        else:
            box = corners(*(v[n, j, i] for v in places(x, self.anchors, param.anchors_scale)))
            apart, moved = _apart(box, truth, param.iou_loss == param.GIOU)
            slope[:4] = param.iou_normalizer * moved * [1, 1, *np.exp(cell[2:4])]
        slope[4] = (said[4] - 1) * (param.object_scale if param.use_logic_gradient else 1)
        label = BOX + int(row[0])
        if slope[BOX]:  # as its fork sees that the box has learnt an object
            slope[label] = said[label] - 1
            return apart
        slope[BOX:] = param.class_scale * said[BOX:]
        slope[label] = param.class_scale * (said[label] - 1)
        if param.use_focal_loss:
            sure = said[label] + 1e-15
            slope[BOX:] *= -0.5 * (1 - sure) * (2 * sure * np.log(sure) + sure - 1)
        return apart


def _apart(found: np.ndarray, truth: np.ndarray, general: bool) -> tuple[float, np.ndarray]:
    """1 less the general overlap of boxes (4), and a gradient by the first's centre and sides (4).

    The gradient is that of the overlap, or of the general one; of boxes that lie apart the sides in
    common are negative then.
    """
    with torch.inference_mode(False), torch.enable_grad():
        box, other = torch.from_numpy(found).requires_grad_(), torch.from_numpy(truth)
        (by_corner,) = torch.autograd.grad(_shared(box, other, general, -math.inf), box)
    left, above, right, below = by_corner.tolist()
    moved = np.array([left + right, above + below, (right - left) / 2, (below - above) / 2])
    return 1 - float(_shared(box, other, True, 0).detach()), -moved


def _shared(box: torch.Tensor, truth: torch.Tensor, general: bool, least: float) -> torch.Tensor:
    """How much boxes (4) overlap, whose sides in common are `least` at least.

    general: less the part of the box around both that is in neither (Rezatofighi et al. 2019).
    """
    common = torch.minimum(box[2:], truth[2:]) - torch.maximum(box[:2], truth[:2])
    both = common.clamp(min=least).prod()
    union = sum((each[2:] - each[:2]).prod() for each in (box, truth)) - both
    if not general:
        return both / union
    around = (torch.maximum(box[2:], truth[2:]) - torch.minimum(box[:2], truth[:2])).prod()
    return both / union - (around - union) / around
