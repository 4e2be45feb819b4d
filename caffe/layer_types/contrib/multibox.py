"""MultiBoxLoss of SSD: matching default boxes to objects, and the loss of what is matched."""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from ...core.rectangles import overlap
from ...proto import caffe_pb2
from ..base import Shape, layer_type
from ..loss import Loss
from . import boxes

PARAM = caffe_pb2.MultiBoxLossParameter
SEEN = 1e-6  # an overlap that does not exceed this is none


class Objects(NamedTuple):
    """The objects of an image: boxes (G, 4) and classes (G)."""

    boxes: np.ndarray
    classes: np.ndarray


class Matches(NamedTuple):
    """Of each prior the object that it is for, -1 for none, and its largest overlap with any."""

    objects: np.ndarray
    overlaps: np.ndarray


def matched(prior: np.ndarray, objects: np.ndarray, threshold: float | None) -> Matches:
    """Priors (P, 4) and objects (G, 4) paired by overlap (Liu et al. 2016, section 2.2).

    First each object gets the prior that it overlaps most, the best pair of all first, of equal
    ones that of the first prior; then each prior left, unless threshold is None, the object that it
    overlaps most, if by the threshold.
    """
    found = np.full(len(prior), -1)
    if not len(objects):
        return Matches(found, np.zeros(len(prior)))
    overlaps = overlap(prior[:, None], objects[None])
    overlaps = np.where(overlaps > SEEN, overlaps, 0)
    best = overlaps.max(1)
    left = overlaps.copy()
    while left.max() > 0:
        index, which = np.unravel_index(left.argmax(), left.shape)
        found[index] = which
        left[index], left[:, which] = 0, 0
    if threshold is not None:
        free = (found < 0) & (best >= max(threshold, SEEN))
        found[free] = overlaps[free].argmax(1)
    return Matches(found, best)


@layer_type("MultiBoxLoss", "SSD")
class MultiBoxLoss(Loss):
    """The loss of matched boxes' places, and of the classes of these and of the hardest negatives.

    Liu et al. 2016, section 2.2. Bottoms: locations N x 4 P, confidences N x P num_classes, priors
    as PriorBox gives them, and objects 1 x 1 x G x 8: the image, the class, a number, the corners,
    whether it is difficult; an image of -1 is no object. With mining_type MAX_NEGATIVE an image has
    neg_pos_ratio negatives for each matched prior, those with the largest loss of the class, among
    the unmatched ones that overlap no object by neg_overlap; with NONE all are. Both losses are
    divided by the number of matched priors, or as loss_param says.
    """

    bottoms = (4, 4)
    diff_bottoms = staticmethod(lambda index: index < 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.multibox_loss_param
        self.check(param.num_classes > 1, "num_classes, the background included, is missing")
        self.check(param.share_location, "knows share_location: true, as SSD trains")
        self.check(param.use_prior_for_matching, "knows use_prior_for_matching: true")
        self.check(param.mining_type != PARAM.HARD_EXAMPLE, "knows mining_type HARD_EXAMPLE not")
        for field in ("ignore_cross_boundary_bbox", "bp_inside"):
            self.check(not getattr(param, field), f"knows {field}: false, as SSD trains")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        located, confident, prior, objects = shapes
        priors = int(np.prod(prior)) // 8
        classes = self.spec.multibox_loss_param.num_classes
        self.check(
            int(np.prod(located[1:])) == 4 * priors
            and int(np.prod(confident[1:])) == classes * priors
            and objects[-1] == 8,
            f"{priors} priors need {4 * priors} locations, {classes * priors} confidences and "
            f"objects of 8 values; found shapes {shapes}",
        )
        return [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param = self.spec.multibox_loss_param
        images = len(bottoms[0])
        located = bottoms[0].reshape(images, -1, 4)
        confident = bottoms[1].reshape(images, -1, param.num_classes)
        prior = bottoms[2].detach().reshape(2, -1, 4)
        objects = self._objects(bottoms[3].detach().cpu().numpy(), images)
        corners = prior[0].cpu().numpy()
        per_prior = param.match_type == PARAM.PER_PREDICTION
        matches = [
            matched(corners, each.boxes, param.overlap_threshold if per_prior else None)
            for each in objects
        ]
        places = self._place_loss(located, prior, objects, matches)
        kinds = self._class_loss(confident, objects, matches)
        count = int(sum((each.objects >= 0).sum() for each in matches))
        normaliser = self.normaliser(images, located.shape[1], count)
        return (param.loc_weight * places + kinds) / normaliser

    def _objects(self, rows: np.ndarray, images: int) -> list[Objects]:
        """The objects of each image that count."""
        param = self.spec.multibox_loss_param
        rows = rows.reshape(-1, 8)
        rows = rows[rows[:, 0] >= 0]
        if not param.use_difficult_gt:
            rows = rows[rows[:, 7] == 0]
        classes = rows[:, 1].astype(int)
        wrong = (classes == param.background_label_id) | (classes < 0)
        wrong |= classes >= param.num_classes
        self.check(
            not wrong.any(),
            f"object blob '{self.spec.bottom[3]}' holds class {classes[wrong][:1]}; expected 0 to "
            f"{param.num_classes - 1}, but not the background {param.background_label_id}",
        )
        if param.map_object_to_agnostic:
            classes[:] = param.background_label_id + 1
        return [
            Objects(rows[rows[:, 0] == image, 3:7], classes[rows[:, 0] == image])
            for image in range(images)
        ]

    def _place_loss(
        self,
        located: torch.Tensor,
        prior: torch.Tensor,
        objects: list[Objects],
        matches: list[Matches],
    ) -> torch.Tensor:
        param = self.spec.multibox_loss_param
        losses = [located.sum() * 0]
        for places, image, match in zip(located, objects, matches, strict=True):
            index = np.flatnonzero(match.objects >= 0)
            at = torch.from_numpy(index).to(located.device)
            box = located.new_tensor(image.boxes[match.objects[index]]).reshape(-1, 4)
            variance = prior[1, at]
            code = boxes.encoded(
                box,
                prior[0, at],
                None if param.encode_variance_in_target else variance,
                param.code_type,
            )
            if param.loc_loss_type == PARAM.L2:
                losses.append((places[at] - code).square().sum() / 2)
            else:
                losses.append(F.smooth_l1_loss(places[at], code, reduction="sum"))
        return torch.stack(losses).sum()

    def _class_loss(
        self, confident: torch.Tensor, objects: list[Objects], matches: list[Matches]
    ) -> torch.Tensor:
        param = self.spec.multibox_loss_param
        losses = []
        for scores, image, match in zip(confident, objects, matches, strict=True):
            label = np.full(len(match.objects), param.background_label_id)
            positive = match.objects >= 0
            label[positive] = image.classes[match.objects[positive]]
            each = self._of_class(scores, torch.from_numpy(label).to(scores.device))
            counts = positive | self._negatives(each.detach().cpu().numpy(), match)
            losses.append(each[torch.from_numpy(counts).to(scores.device)].sum())
        return torch.stack(losses).sum()

    def _of_class(self, scores: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """The loss of each prior's class."""
        param = self.spec.multibox_loss_param
        if param.conf_loss_type == PARAM.SOFTMAX:
            return F.cross_entropy(scores, label, reduction="none")
        one = F.one_hot(label, param.num_classes).to(scores.dtype)
        return F.binary_cross_entropy_with_logits(scores, one, reduction="none").sum(1)

    def _negatives(self, losses: np.ndarray, match: Matches) -> np.ndarray:
        """Which unmatched priors count."""
        param = self.spec.multibox_loss_param
        free = match.objects < 0
        mined = param.mining_type == PARAM.MAX_NEGATIVE
        if param.HasField("do_neg_mining"):
            mined = param.do_neg_mining
        if not mined:
            return free
        free &= match.overlaps < param.neg_overlap
        most = int((match.objects >= 0).sum() * param.neg_pos_ratio)
        hardest = np.argsort(np.where(free, -losses, np.inf), kind="stable")[:most]
        chosen = np.zeros(len(free), bool)
        chosen[hardest] = True
        return chosen & free
