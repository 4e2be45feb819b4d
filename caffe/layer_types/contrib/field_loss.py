"""What MS-CNN's proposal nets learn: DetectionLoss; and how well, DetectionAccuracy."""

import numpy as np
import torch
import torch.nn.functional as F

from ...core.rectangles import overlap
from ...core.rng import generator
from ...proto import caffe_pb2
from ..base import Shape, Tensors, layer_type
from ..loss import LOG_FLT_MIN, Labelled, Loss, with_gradient
from .box_output import bounds, box_scale, centres, placed

LEAST = 4  # background places that count, for each class, however few objects there are
Param = caffe_pb2.DetectionLossParameter | caffe_pb2.DetectionAccuracyParameter


class Fields(Labelled):
    """Base: bottoms N x (cls_num + 4) x H x W, as BoxOutput has them, and labels N x 6 x H x W.

    A label is a class (0: background), the object's centre x, y and sides w, h in pixels, and how
    much the field there overlaps an object. Background of an overlap of bg_threshold does not
    count.
    """

    param: Param

    def setup_fields(self, param: Param) -> None:
        self.param = param
        self.check(
            param.cls_num > 1 and param.coord_num == 4,
            f"needs cls_num of 2 or more and coord_num 4; found {param.cls_num} and "
            f"{param.coord_num}",
        )
        self.check(
            not param.objectness or param.cls_num == 2,
            f"objectness: true has cls_num 2; found {param.cls_num}",
        )
        self.check(
            min(param.field_w, param.field_h, param.downsample_rate) > 0,
            f"field_w, field_h and downsample_rate must be positive; found {param.field_w}, "
            f"{param.field_h} and {param.downsample_rate}",
        )
        self.mean, self.std = box_scale(self)

    def check_fields(self, shapes: list[Shape]) -> None:
        (x, labels), classes = shapes, self.param.cls_num
        self.check(
            len(x) == 4 and x[1] == classes + 4 and labels == (x[0], 6, *x[2:]),
            f"needs maps N x {classes + 4} x H x W and labels N x 6 x H x W; found shapes {x} and "
            f"{labels}",
        )

    def classes_of(self, labels: torch.Tensor) -> torch.Tensor:
        """The class of each place (N, H, W)."""
        label = labels[:, 0].clamp(max=1) if self.param.objectness else labels[:, 0]
        return self.labels(label, self.param.cls_num)

    def counting(self, label: torch.Tensor) -> torch.Tensor:
        """Which places (N, H, W) are no ignored ones."""
        ignored = self.ignored()
        if ignored is None:
            return torch.ones_like(label, dtype=torch.bool)
        return label.ne(ignored)


@layer_type("DetectionLoss", "MS-CNN")
class DetectionLoss(Loss, Fields):
    """The loss of classes and boxes at one scale (Cai et al. 2016, section 3.1).

    Top: 1 x 1 x 1 x 2, the loss, and the boxes' part of it. Softmax loss on average over objects
    and the background that counts: the hardest places (sample_mode "bootstrap"), bg_multiple for
    each object and 4 of each class at least; as many at random ("random"); half of either
    ("mixture"); or all (else). pos_neg_weighted: objects weigh 1 / (1 + bg_multiple) of all;
    iou_weighted: each as much as its overlap. Plus lambda times the boxes' loss, Smooth L1
    (bb_smooth) or half of the squares, on average over the values; what is beyond field_xyr and
    field_whr is taken for these, and learns nevertheless.
    """

    @property
    def draws(self) -> bool:
        return self.spec.detection_loss_param.sample_mode in ("random", "mixture")

    def setup_from(self, shapes: list[Shape]) -> None:
        self.setup_fields(self.spec.detection_loss_param)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_fields(shapes)
        return [(1, 1, 1, 2)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, labels = bottoms[0], bottoms[1].detach()
        label = self.classes_of(labels)
        kept = self._background(x.detach(), labels, label)
        objects = (label != 0) & self.counting(label)
        own = label.clamp(0, self.param.cls_num - 1)[:, None]
        losses = -F.log_softmax(x[:, :-4], 1).gather(1, own)[:, 0]
        losses = with_gradient(losses.clamp(max=-LOG_FLT_MIN), losses, 1)  # of what is learnt
        losses = losses * self._weights(labels, label, kept)
        class_loss = losses[objects | kept].sum() / (objects | kept).sum().clamp(min=1)
        box_loss = self._box_loss(x[:, -4:], labels, objects)
        box_loss = box_loss * getattr(self.param, "lambda")
        return torch.stack([class_loss + box_loss, box_loss.detach()]).reshape(1, 1, 1, 2)

    def _background(
        self, x: torch.Tensor, labels: torch.Tensor, label: torch.Tensor
    ) -> torch.Tensor:
        """Which places (N, H, W) of the background count."""
        may = (label == 0) & (labels[:, 5] < self.param.bg_threshold)
        mode = self.spec.detection_loss_param.sample_mode
        if mode not in ("random", "bootstrap", "mixture"):
            return may
        kept = torch.zeros_like(may)
        part = self.spec.detection_loss_param.bg_multiple * (0.5 if mode == "mixture" else 1)
        for image in range(len(x)):
            if mode != "bootstrap":
                kept[image] |= self._drawn(label[image], part)
            if mode != "random":
                kept[image] |= self._hardest(x[image], label[image], may[image], part)
        return kept & may

    def _drawn(self, label: torch.Tensor, part: float) -> torch.Tensor:
        """Places (H, W) at random, of which some are drawn twice."""
        count = max(int((label != 0).sum() * part), LEAST * (self.param.cls_num - 1))
        on = label.device
        at = torch.randint(label.numel(), (count,), generator=generator(on), device=on)
        drawn = torch.zeros_like(label, dtype=torch.bool)
        drawn.flatten()[at] = True
        return drawn

    def _hardest(
        self, x: torch.Tensor, label: torch.Tensor, may: torch.Tensor, part: float
    ) -> torch.Tensor:
        """Places (H, W) of an image that score highest for some class, of equal ones the last."""
        hardest = torch.zeros_like(may)
        for k in range(1, self.param.cls_num):
            count = max(LEAST, int((label == k).sum() * part))
            scores = x[k].where(may, -torch.inf).flatten().flip(0)
            order = scores.sort(descending=True, stable=True).indices[:count]
            hardest.flatten()[may.numel() - 1 - order] = True
        return hardest

    def _weights(
        self, labels: torch.Tensor, label: torch.Tensor, kept: torch.Tensor
    ) -> torch.Tensor:
        """What each place (N, H, W) weighs."""
        param = self.spec.detection_loss_param
        objects = label != 0
        weights = torch.ones_like(labels[:, 5])
        if param.iou_weighted:
            weights = weights.where(~objects, labels[:, 5])
        total = weights[objects].sum()
        if param.pos_neg_weighted and total != 0:
            share = 1 / (1 + param.bg_multiple)
            count = objects.sum() + kept.sum()
            both = share * count / total, (1 - share) * count / kept.sum().clamp(min=1)
            weights = weights * torch.where(objects, *both)
        return weights

    def _box_loss(
        self, shifts: torch.Tensor, labels: torch.Tensor, objects: torch.Tensor
    ) -> torch.Tensor:
        mean, std = (v.to(shifts)[:, None, None] for v in (self.mean, self.std))
        size = torch.tensor([self.param.field_w, self.param.field_h]).to(shifts)[:, None, None]
        middle = centres(shifts, self.param.downsample_rate)
        shift = (labels[:, 1:3] - middle) / size
        wanted = torch.cat([shift, (labels[:, 3:5].clamp(min=2) / size).log()], 1)
        # Two values stand for the means and deviations of x and y, and two for those of w and h.
        limits = bounds(self.param.field_xyr, self.param.field_whr).to(shifts).unflatten(1, (2, 2))
        limits = limits - self.mean.to(shifts).unflatten(0, (2, 2)).mean(1, keepdim=True)
        limits = limits / self.std.to(shifts).unflatten(0, (2, 2)).prod(1, keepdim=True).sqrt()
        low, high = limits.flatten(1)[:, None, :, None, None]
        apart = torch.maximum(torch.minimum(shifts, high), low) - (wanted - mean) / std
        apart = apart.detach()
        losses, slopes = apart.square() / 2, apart
        if self.spec.detection_loss_param.bb_smooth:
            losses = torch.where(apart.abs() < 1, losses, apart.abs() - 0.5)
            slopes = apart.clamp(-1, 1)
        losses = with_gradient(losses, shifts, slopes) * objects[:, None]
        return losses.sum() / (4 * objects.sum()).clamp(min=1)


@layer_type("DetectionAccuracy", "MS-CNN")
class DetectionAccuracy(Fields):
    """How often the class is among the top_k best, and how much boxes overlap their objects.

    Tops: 1 x 1 x 1 x 2, of all places that count, and of objects; 1 x 1 x 1 x 1, the mean overlap.
    -1 where there is none. Of equal scores the last class comes first.
    """

    tops = (1, 2)
    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        self.setup_fields(self.spec.detection_accuracy_param)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_fields(shapes)
        shown: list[Shape] = [(1, 1, 1, 2), (1, 1, 1, 1)]
        return shown[: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, labels = (bottom.detach() for bottom in bottoms)
        label, param = self.classes_of(labels), self.spec.detection_accuracy_param
        counts = self.counting(label)
        scores, at = x[:, :-4], label.clamp(0, param.cls_num - 1)[:, None]
        own, number = scores.gather(1, at), torch.arange(param.cls_num, device=x.device)
        before = (scores > own) | ((scores == own) & (number[:, None, None] > at))
        right = (before.sum(1) < param.top_k).double()
        tops = [
            _mean(right[each])
            for each in (
                counts & ((label != 0) | (labels[:, 5] < param.bg_threshold)),
                counts & (label != 0),
            )
        ]
        tops.append(_mean(torch.from_numpy(self._overlaps(x[:, -4:], labels, counts))))
        top = torch.tensor(tops).to(x).reshape(1, 1, 1, 3)
        return [top[..., :2], top[..., 2:]][: len(self.spec.top)]

    def _overlaps(
        self, shifts: torch.Tensor, labels: torch.Tensor, counts: torch.Tensor
    ) -> np.ndarray:
        """Of each object's box with what the net says of it."""
        param = self.spec.detection_accuracy_param
        std, mean = (v.to(shifts)[:, None, None] for v in (self.std, self.mean))
        limits = bounds(param.field_xyr, param.field_whr)
        field = (param.field_w, param.field_h)
        box = placed(shifts * std + mean, limits, field, param.downsample_rate)
        there = counts & (labels[:, 0].long() != 0)
        box, wanted = (each.movedim(1, -1)[there].double() for each in (box, labels[:, 1:5]))
        found = torch.cat([box[:, :2], box[:, :2] + box[:, 2:]], 1)
        half = wanted[:, 2:] / 2
        truth = torch.cat([wanted[:, :2] - half, wanted[:, :2] + half], 1)
        return overlap(found.cpu().numpy(), truth.cpu().numpy())


def _mean(values: torch.Tensor) -> float:
    """The mean; -1 of nothing."""
    return float(values.mean()) if len(values) else -1.0
