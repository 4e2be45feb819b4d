"""What Cascade R-CNN's proposal nets learn: DetectionGroupLoss, DetectionGroupAccuracy."""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from ...core.rectangles import overlap
from ...core.rng import generator
from ...proto import caffe_pb2
from ..base import Shape, Tensors, layer_type
from ..loss import LOG_FLT_MIN, Labelled, Loss, with_gradient
from .box_output import bounds, box_scale, centres, placed

MINING = ("random", "bootstrap", "mixture")
RANKING = ("conf_loss", "conf_prob")
BOX_LOSSES = ("Smooth_L1", "Euclidean_L2")
Param = caffe_pb2.DetectionGroupLossParameter | caffe_pb2.DetectionGroupAccuracyParameter


class FieldGroups(Labelled):
    """Base: of G fields at each place, each an item of its own, as BoxGroupOutput has them.

    Bottoms: scores N G x cls_num x H x W, shifts N G x 4 x H x W, labels N G x 6 x H x W: a class
    (0: background), the object's centre x, y and sides w, h in pixels, and how much the field there
    overlaps an object. Background of an overlap of bg_threshold does not count. objectness: all
    objects are of class 1.
    """

    bottoms = (3, 3)
    param: Param

    def setup_groups(self, param: Param) -> None:
        self.param = param
        given = len(param.field_w), len(param.field_h)
        self.check(
            given[0] == given[1] > 0 and min(*param.field_w, *param.field_h, param.stride) > 0,
            f"needs as many field_w as field_h, and a stride, all positive; found {given[0]} and "
            f"{given[1]}, and stride {param.stride}",
        )
        self.check(param.cls_num > 1, f"needs cls_num of 2 or more; found {param.cls_num}")
        self.check(
            not param.objectness or param.cls_num == 2,
            f"objectness: true has cls_num 2; found {param.cls_num}",
        )
        self.mean, self.std = box_scale(self)

    def check_groups(self, shapes: list[Shape]) -> None:
        (x, shifts, labels), count = shapes, len(self.param.field_w)
        self.check(
            len(x) == 4
            and x[0] % count == 0
            and x[1] == self.param.cls_num
            and shifts == (x[0], 4, *x[2:])
            and labels == (x[0], 6, *x[2:]),
            f"{count} fields need scores N {count} x {self.param.cls_num} x H x W, shifts N "
            f"{count} x 4 x H x W and labels N {count} x 6 x H x W; found shapes {shapes}",
        )

    def classes_of(self, labels: torch.Tensor) -> torch.Tensor:
        """The class of each place (N G, H, W)."""
        label = labels[:, 0].clamp(max=1) if self.param.objectness else labels[:, 0]
        return self.labels(label, self.param.cls_num)

    def counting(self, label: torch.Tensor) -> torch.Tensor:
        """Which places (N G, H, W) are no ignored ones."""
        ignored = self.ignored()
        return torch.ones_like(label, dtype=torch.bool) if ignored is None else label.ne(ignored)

    def fields(self) -> list[tuple[int, int]]:
        return list(zip(self.param.field_w, self.param.field_h, strict=True))


@layer_type("DetectionGroupLoss", "Cascade R-CNN")
class DetectionGroupLoss(Loss, FieldGroups):
    """The loss of classes and boxes of the fields at each place (Ren et al. 2015, section 3.1.2).

    Top: 1 x 1 x 1 x 2, the loss, and the boxes' part of it. Softmax loss on average over what is
    chosen of each image: with batch_size 1 / (1 + bg_multiple) of so many are objects, drawn where
    there are more, and the rest background; with -1 all objects, and bg_multiple times as many of
    the background, min_num_neg at least. Background is drawn (neg_mining_type "random"), or that of
    the largest loss, or lowest probability (neg_ranking_type "conf_prob"; "bootstrap"), or half of
    either ("mixture"). pos_neg_weighted: objects weigh 1 / (1 + bg_multiple) of all. Plus lambda
    times the boxes' loss of the chosen objects, Smooth_L1 or Euclidean_L2, on average over the
    values; what is beyond field_xyr and field_whr, where both are given, is taken for these, and
    learns nevertheless.
    """

    bottoms = (3, 3)
    diff_bottoms = staticmethod(lambda index: index < 2)

    @property
    def draws(self) -> bool:
        return True

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.detection_group_loss_param
        self.setup_groups(param)
        for name, known in (
            ("neg_mining_type", MINING),
            ("neg_ranking_type", RANKING),
            ("bbox_loss_type", BOX_LOSSES),
        ):
            value = getattr(param, name)
            self.check(value in known, f"{name} is one of {', '.join(known)}; found '{value}'")
        self.check(
            param.batch_size > 0 or param.batch_size == -1,
            f"batch_size is positive, or -1; found {param.batch_size}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_groups(shapes)
        return [(1, 1, 1, 2)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, shifts, labels = bottoms[0], bottoms[1], bottoms[2].detach()
        label = self.classes_of(labels)
        own = label.clamp(0, self.param.cls_num - 1)[:, None]
        log_prob = F.log_softmax(x, 1)
        losses = -log_prob.gather(1, own)[:, 0]
        losses = with_gradient(losses.clamp(max=-LOG_FLT_MIN), losses, 1)  # of what is learnt
        with torch.no_grad():
            chosen = self._chosen(losses.detach(), log_prob.detach()[:, 0].exp(), labels, label)
        counts = chosen & self.counting(label)
        weighted = losses * self._weights(chosen, label)
        class_loss = weighted[counts].sum() / counts.sum().clamp(min=1)
        box_loss = self._box_loss(shifts, labels, counts & (labels[:, 0].long() != 0))
        box_loss = box_loss * getattr(self.param, "lambda")
        return torch.stack([class_loss + box_loss, box_loss.detach()]).reshape(1, 1, 1, 2)

    def _chosen(
        self, losses: torch.Tensor, empty: torch.Tensor, labels: torch.Tensor, label: torch.Tensor
    ) -> torch.Tensor:
        """Which places (N G, H, W) are learnt from; empty: how probable each is background."""
        param = self.spec.detection_group_loss_param
        groups = len(param.field_w)
        objects = label > 0
        may = (label == 0) & (labels[:, 5] < param.bg_threshold)
        harder = losses if param.neg_ranking_type == "conf_loss" else 1 - empty
        chosen = torch.zeros_like(may)
        for image in range(0, len(label), groups):
            of_image = slice(image, image + groups)
            fore = objects[of_image].flatten().nonzero()[:, 0]
            back = may[of_image].flatten().nonzero()[:, 0]
            most = self._counts(len(fore))
            fore = _drawn(fore, most[0])
            back = self._background(back, harder[of_image].flatten(), most[1])
            chosen[of_image].view(-1)[torch.cat([fore, back])] = True
        return chosen

    def _counts(self, objects: int) -> tuple[int, int]:
        """How many objects and how much background of an image is chosen at most."""
        param = self.spec.detection_group_loss_param
        if param.batch_size == -1:
            return objects, max(objects * param.bg_multiple, param.min_num_neg)
        most = min(math.floor(param.batch_size / (1 + param.bg_multiple) + 0.5), objects)
        return most, param.batch_size - most

    def _background(self, back: torch.Tensor, harder: torch.Tensor, count: int) -> torch.Tensor:
        """So many of the places of an image's background, the hardest, or drawn."""
        mining = self.spec.detection_group_loss_param.neg_mining_type
        if len(back) <= count or mining == "random":
            return _drawn(back, count)
        # Of equal ones the last comes first.
        back = back.flip(0)[harder[back].flip(0).sort(descending=True, stable=True).indices]
        hardest = count if mining == "bootstrap" else math.floor(count * 0.5 + 0.5)
        return torch.cat([back[:hardest], _drawn(back[hardest:], count - hardest)])

    def _weights(self, chosen: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """What each place (N G, H, W) weighs."""
        param = self.spec.detection_group_loss_param
        weights = torch.ones_like(label, dtype=torch.float32)
        if not param.pos_neg_weighted:
            return weights
        share, objects = 1 / (1 + param.bg_multiple), label > 0
        for part, kind in ((share, objects), (1 - share, ~objects)):
            count = (chosen & kind).sum()
            if count:
                weights[kind] = part * chosen.sum() / count
        return weights

    def _box_loss(
        self, shifts: torch.Tensor, labels: torch.Tensor, there: torch.Tensor
    ) -> torch.Tensor:
        param = self.spec.detection_group_loss_param
        mean, std = (v.to(shifts)[:, None, None] for v in (self.mean, self.std))
        size = torch.tensor(self.fields()).to(shifts).repeat(len(shifts) // len(self.fields()), 1)
        size = size[:, :, None, None]
        shift = (labels[:, 1:3] - centres(shifts, param.stride)) / size
        wanted = torch.cat([shift, (labels[:, 3:5].clamp(min=2) / size).log()], 1)
        said = shifts.detach()
        if param.HasField("field_xyr") and param.HasField("field_whr"):
            low, high = self._limits().to(shifts)[:, None, :, None, None]
            said = torch.maximum(torch.minimum(said, high), low)
        apart = said - (wanted - mean) / std
        losses, slopes = apart.square() / 2, apart
        if param.bbox_loss_type == "Smooth_L1":
            losses = torch.where(apart.abs() < 1, losses, apart.abs() - 0.5)
            slopes = apart.clamp(-1, 1)
        losses = with_gradient(losses, shifts, slopes).movedim(1, -1)[there]
        return losses.sum() / max(losses.numel(), 1)

    def _limits(self) -> torch.Tensor:
        """What shifts are at least, and at most: (2, 4).

        Two values stand for the means and deviations of x and y, and two for those of w and h.
        """
        limits = bounds(self.param.field_xyr, self.param.field_whr).unflatten(1, (2, 2))
        limits = limits - self.mean.unflatten(0, (2, 2)).mean(1, keepdim=True)
        limits = limits / self.std.unflatten(0, (2, 2)).prod(1, keepdim=True).sqrt()
        return limits.flatten(1)


def _drawn(at: torch.Tensor, count: int) -> torch.Tensor:
    """So many of these at random, all of fewer as they are."""
    if len(at) <= count:
        return at
    order = torch.randperm(len(at), generator=generator(at.device), device=at.device)
    return at[order[:count]]


@layer_type("DetectionGroupAccuracy", "Cascade R-CNN")
class DetectionGroupAccuracy(FieldGroups):
    """How often the class has the best score, and how much boxes overlap their objects.

    Tops: 1 x 1 x 1 x 2, of all places that count, and of objects; 1 x 1 x 1 x 1, the mean overlap.
    -1 where there is none. Of equal scores the first class counts.
    """

    tops = (1, 2)
    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        self.setup_groups(self.spec.detection_group_accuracy_param)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_groups(shapes)
        shown: list[Shape] = [(1, 1, 1, 2), (1, 1, 1, 1)]
        return shown[: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, shifts, labels = (bottom.detach() for bottom in bottoms)
        label = self.classes_of(labels)
        counts = self.counting(label)
        counts &= (label != 0) | (labels[:, 5] < self.param.bg_threshold)
        right = (x.argmax(1) == label).double()
        there = counts & (labels[:, 0].long() != 0)
        overlaps = torch.from_numpy(np.concatenate([*self._overlaps(shifts, labels, there)]))
        tops = [_mean(each) for each in (right[counts], right[counts & (label != 0)], overlaps)]
        top = torch.tensor(tops).to(x).reshape(1, 1, 1, 3)
        return [top[..., :2], top[..., 2:]][: len(self.spec.top)]

    def _overlaps(
        self, shifts: torch.Tensor, labels: torch.Tensor, there: torch.Tensor
    ) -> Iterator[np.ndarray]:
        """Of each object's box with what the net says of it, field by field."""
        std, mean = (v.to(shifts)[:, None, None] for v in (self.std, self.mean))
        limits, fields = bounds(self.param.field_xyr, self.param.field_whr), self.fields()
        for k, field in enumerate(fields):
            each = slice(k, None, len(fields))
            box = placed(shifts[each] * std + mean, limits, field, self.param.stride)
            box, wanted = (b.movedim(1, -1)[there[each]].double() for b in (box, labels[each, 1:5]))
            found = torch.cat([box[:, :2], box[:, :2] + box[:, 2:]], 1)
            half = wanted[:, 2:] / 2
            truth = torch.cat([wanted[:, :2] - half, wanted[:, :2] + half], 1)
            yield overlap(found.cpu().numpy(), truth.cpu().numpy())


def _mean(values: torch.Tensor) -> float:
    """The mean; -1 of nothing."""
    return float(values.mean()) if len(values) else -1.0
