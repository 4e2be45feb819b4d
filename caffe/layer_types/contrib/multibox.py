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
    """Of each prior the object that it is for, NONE or IGNORED, and its largest overlap."""

    objects: np.ndarray
    overlaps: np.ndarray


NONE, IGNORED = -1, -2


def matched(
    prior: np.ndarray, objects: np.ndarray, threshold: float | None, inside: bool = False
) -> Matches:
    """Priors (P, 4) and objects (G, 4) paired by overlap (Liu et al. 2016, section 2.2).

    First each object gets the prior that it overlaps most, the best pair of all first, of equal
    ones that of the first prior; then each prior left, unless threshold is None, the object that it
    overlaps most, if by the threshold. inside: priors that reach beyond the image are ignored.
    """
    found = np.full(len(prior), NONE)
    if not len(objects):
        return Matches(found, np.zeros(len(prior)))
    overlaps = overlap(prior[:, None], objects[None])
    overlaps = np.where(overlaps > SEEN, overlaps, 0)
    if inside:
        beyond = ((prior < 0) | (prior > 1)).any(1)
        found[beyond], overlaps[beyond] = IGNORED, 0
    best = overlaps.max(1)
    left = overlaps.copy()
    while left.max() > 0:
        index, which = np.unravel_index(left.argmax(), left.shape)
        found[index] = which
        left[index], left[:, which] = 0, 0
    if threshold is not None:
        free = (found == NONE) & (best >= max(threshold, SEEN))
        found[free] = overlaps[free].argmax(1)
    return Matches(found, best)


@layer_type("MultiBoxLoss", "SSD")
class MultiBoxLoss(Loss):
    """The loss of matched boxes' places, and of the classes of these and of the hardest negatives.

    Liu et al. 2016, section 2.2. Bottoms: locations N x 4 P (x classes without share_location),
    confidences N x P num_classes, priors as PriorBox gives them, and objects 1 x 1 x G x 8: the
    image, the class, a number, the corners, whether it is difficult; an image of -1 is no object.
    Objects are matched with the priors, or without use_prior_for_matching with the boxes that are
    predicted. With mining_type MAX_NEGATIVE an image has neg_pos_ratio negatives for each matched
    prior, those with the largest loss of the class, among the unmatched ones that overlap no object
    by neg_overlap; with HARD_EXAMPLE the sample_size boxes with the largest loss, matched or not,
    count alone (Shrivastava et al. 2016); with nms_param both choose among the boxes that overlap
    none with a larger loss. With NONE all unmatched ones are negatives. bp_inside: a corner that
    lies beyond the image does not count. Both losses are divided by the number of matched priors,
    or as loss_param says. RefineDet (Zhang et al. 2018, section 3): bottom 4, N x 2 P, says how
    likely each prior has an object, the second of each pair; a negative of less than
    objectness_score is none. Bottom 5, locations N x 4 P, refines the priors before all else. With
    objectness_score and two classes every object is of class 1.
    """

    bottoms = (4, 6)
    diff_bottoms = staticmethod(lambda index: index < 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.multibox_loss_param
        self.check(param.num_classes > 1, "num_classes, the background included, is missing")
        self.check(
            param.share_location or self.mining() == PARAM.NONE,
            "with share_location: false needs mining_type: NONE, as in SSD",
        )
        self.check(
            param.sample_size > 0, f"sample_size must be positive; found {param.sample_size}"
        )

    def mining(self) -> int:
        """mining_type; do_neg_mining, its older form, counts where it is given."""
        param = self.spec.multibox_loss_param
        if param.HasField("do_neg_mining"):
            return PARAM.MAX_NEGATIVE if param.do_neg_mining else PARAM.NONE
        return param.mining_type

    def slots(self) -> list[int]:
        """Of which classes a prior has locations; without share_location of all."""
        param = self.spec.multibox_loss_param
        return [-1] if param.share_location else list(range(param.num_classes))

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        located, confident, prior, objects, *first = shapes
        priors = int(np.prod(prior)) // 8
        classes = self.spec.multibox_loss_param.num_classes
        values = 4 * priors * len(self.slots())
        self.check(
            int(np.prod(prior)) == 8 * priors
            and int(np.prod(located[1:])) == values
            and int(np.prod(confident[1:])) == classes * priors
            and located[:1] == confident[:1]
            and objects[-1:] == (8,),
            f"{priors} priors need {values} locations, {classes * priors} confidences of each "
            f"image, priors 1 x 2 x {4 * priors} and objects of 8 values; found shapes {shapes}",
        )
        for name, shape, count in zip(self.spec.bottom[4:], first, (2, 4), strict=False):
            self.check(
                int(np.prod(shape)) == located[0] * priors * count,
                f"{priors} priors need {count} values each of '{name}'; found shape {shape}",
            )
        return [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param = self.spec.multibox_loss_param
        images = len(bottoms[0])
        prior = bottoms[2].detach().reshape(2, -1, 4)
        located = bottoms[0].reshape(images, prior.shape[1], -1, 4)
        confident = bottoms[1].reshape(images, -1, param.num_classes)
        objects = self._objects(bottoms[3].detach().cpu().numpy(), images)
        first = [bottom.detach() for bottom in bottoms[4:]]
        steps = zip(*self._first_step(first, prior.expand(images, *prior.shape)), strict=True)
        places, kinds = [located.sum() * 0], [confident.sum() * 0]
        count = 0
        each_image = zip(located, confident, objects, steps, strict=True)
        for at, sure, image, (where, may) in each_image:
            place, kind, matches = self._of_image(at, sure, image, where, may)
            places.append(place)
            kinds.append(kind)
            count += matches
        total = param.loc_weight * torch.stack(places).sum() + torch.stack(kinds).sum()
        return total / self.normaliser(images, prior.shape[1], count)

    def _first_step(
        self, first: list[torch.Tensor], prior: torch.Tensor
    ) -> tuple[torch.Tensor, np.ndarray]:
        """The priors of each image (N, 2, P, 4), refined, and which may be negatives (N, P)."""
        param = self.spec.multibox_loss_param
        images, _, count, _ = prior.shape
        may = np.full((images, count), True)
        if first:
            likely = first[0].reshape(images, count, 2)[..., 1]
            may = (likely >= param.objectness_score).cpu().numpy()
        if len(first) == 2:
            refined = self._boxes(first[1].reshape(images, count, 4), prior.transpose(0, 1))
            prior = torch.stack([refined, prior[:, 1]], 1)
        return prior, may

    def _objects(self, rows: np.ndarray, images: int) -> list[Objects]:
        """The objects of each image that count."""
        param = self.spec.multibox_loss_param
        rows = rows.reshape(-1, 8)
        rows = rows[rows[:, 0] >= 0]
        if not param.use_difficult_gt:
            rows = rows[rows[:, 7] == 0]
        classes = rows[:, 1].astype(int)
        if param.HasField("objectness_score") and param.num_classes == 2:
            classes = np.minimum(classes, 1)
        wrong = (classes == param.background_label_id) | (classes < 0)
        wrong |= classes >= param.num_classes
        self.check(
            not wrong.any(),
            f"object blob '{self.spec.bottom[3]}' holds class {classes[wrong][:1]}; expected 0 to "
            f"{param.num_classes - 1}, but not the background {param.background_label_id}",
        )
        return [
            Objects(rows[rows[:, 0] == image, 3:7], classes[rows[:, 0] == image])
            for image in range(images)
        ]

    def _of_image(
        self,
        located: torch.Tensor,
        confident: torch.Tensor,
        image: Objects,
        prior: torch.Tensor,
        may: np.ndarray,
    ) -> tuple[torch.Tensor, torch.Tensor, int]:
        """Both losses of an image, and its number of matches; located (P, slots, 4).

        may: which priors (P) may be negatives.
        """
        param = self.spec.multibox_loss_param
        matches = self._matches(located.detach(), image, prior)
        label = np.full(len(confident), param.background_label_id)
        for match in matches.values():
            classes = image.classes[match.objects[match.objects >= 0]]
            if param.map_object_to_agnostic:
                classes = np.full(len(classes), param.background_label_id + 1)
            label[match.objects >= 0] = classes
        kinds = self._of_class(confident, torch.from_numpy(label).to(confident.device))
        places = {
            slot: self._places(located[:, max(slot, 0)], image, prior, match)
            for slot, match in matches.items()
        }
        positive = {slot: match.objects >= 0 for slot, match in matches.items()}
        counts = np.full(len(confident), True)
        if self.mining() != PARAM.NONE:
            losses = kinds.detach()
            if self.mining() == PARAM.HARD_EXAMPLE:
                losses = losses + places[-1].detach()
            # As in SSD, an image without objects has no negatives either.
            counts = positive[-1]
            if len(image.classes):
                positive[-1], counts = self._mined(
                    losses.cpu().numpy(), matches[-1], located[:, 0].detach(), prior, may
                )

        def total(losses: torch.Tensor, counts: np.ndarray) -> torch.Tensor:
            return losses[torch.from_numpy(counts).to(losses.device)].sum()

        place = torch.stack([total(places[slot], positive[slot]) for slot in matches]).sum()
        return place, total(kinds, counts), int(sum(each.sum() for each in positive.values()))

    def _matches(
        self, located: torch.Tensor, image: Objects, prior: torch.Tensor
    ) -> dict[int, Matches]:
        """Of each slot but the background's what its boxes are for."""
        param = self.spec.multibox_loss_param
        threshold = param.overlap_threshold if param.match_type == PARAM.PER_PREDICTION else None
        slots = [slot for slot in self.slots() if slot != param.background_label_id]

        def match(boxes: torch.Tensor, objects: np.ndarray) -> Matches:
            inside = param.ignore_cross_boundary_bbox
            return matched(boxes.cpu().numpy(), objects, threshold, inside)

        if param.use_prior_for_matching:
            whole = match(prior[0], image.boxes)
            if param.share_location:
                return {-1: whole}
            of_prior = np.append(image.classes, -1)[whole.objects]
            return {
                slot: Matches(np.where(of_prior == slot, whole.objects, NONE), whole.overlaps)
                for slot in slots
            }
        found = {}
        for slot in slots:
            which = np.flatnonzero((image.classes == slot) | (slot == -1))
            mine = match(self._boxes(located[:, max(slot, 0)], prior), image.boxes[which])
            number = np.where(mine.objects < 0, mine.objects, np.append(which, 0)[mine.objects])
            found[slot] = Matches(number, mine.overlaps)
        return found

    def _boxes(self, located: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """The boxes (P, 4) that are predicted."""
        param = self.spec.multibox_loss_param
        variance = None if param.encode_variance_in_target else prior[1]
        return boxes.decoded(located, prior[0], variance, param.code_type)

    def _places(
        self, located: torch.Tensor, image: Objects, prior: torch.Tensor, match: Matches
    ) -> torch.Tensor:
        """The loss of each prior's place, 0 of those that are for no object."""
        param = self.spec.multibox_loss_param
        index = np.flatnonzero(match.objects >= 0)
        at = torch.from_numpy(index).to(located.device)
        box = located.new_tensor(image.boxes[match.objects[index]]).reshape(-1, 4)
        variance = prior[1, at]
        code = boxes.encoded(box, prior[0, at], variance, param.code_type)
        found = located[at]
        if param.encode_variance_in_target:
            found = found / variance  # as the targets are
        if param.bp_inside:
            seen = prior[0]
            if not param.use_prior_for_matching:
                seen = self._boxes(located.detach(), prior)
            found = torch.where((seen[at] < 0) | (seen[at] > 1), code, found)
        if param.loc_loss_type == PARAM.L2:
            losses = (found - code).square() / 2
        else:
            losses = F.smooth_l1_loss(found, code, reduction="none")
        return located.new_zeros(len(located)).index_add(0, at, losses.sum(1))

    def _of_class(self, scores: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """The loss of each prior's class."""
        param = self.spec.multibox_loss_param
        if param.conf_loss_type == PARAM.SOFTMAX:
            return F.cross_entropy(scores, label, reduction="none")
        one = F.one_hot(label, param.num_classes).to(scores.dtype)
        return F.binary_cross_entropy_with_logits(scores, one, reduction="none").sum(1)

    def _mined(
        self,
        losses: np.ndarray,
        match: Matches,
        located: torch.Tensor,
        prior: torch.Tensor,
        may: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Which priors count as matched, and which count at all."""
        param = self.spec.multibox_loss_param
        positive, hard = match.objects >= 0, self.mining() == PARAM.HARD_EXAMPLE
        eligible = np.flatnonzero(
            may & (hard | ((match.objects == NONE) & (match.overlaps < param.neg_overlap)))
        )
        most = param.sample_size if hard else int(positive.sum() * param.neg_pos_ratio)
        if param.HasField("nms_param") and param.nms_param.nms_threshold > 0:
            seen = prior[0] if param.use_prior_for_nms else self._boxes(located, prior)
            order = boxes.suppressed(
                seen.cpu().numpy()[eligible],
                losses[eligible],
                None,
                param.nms_param.nms_threshold,
                1,
                param.nms_param.top_k,
            )
        else:
            order = np.argsort(-losses[eligible], kind="stable").tolist()
        chosen = np.zeros(len(losses), bool)
        chosen[eligible[order[:most]]] = True
        if hard:
            positive = positive & chosen
        return positive, positive | (chosen & (match.objects == NONE))


@layer_type("MultiBoxFocalLoss", "MobileNet-SSD's author")
class MultiBoxFocalLoss(MultiBoxLoss):
    """MultiBoxLoss whose loss of a class is focal_loss_param's, -alpha (1 - p)^gamma log p.

    As in its fork 1 - alpha weighs the gradient by the scores of the other classes. With
    conf_loss_type LOGISTIC it is MultiBoxLoss.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        alphas = list(self.spec.focal_loss_param.alpha) or [0.25]
        self.check(len(alphas) == 1, f"alpha needs one value; found {len(alphas)}")
        self.alpha = alphas[0]

    def _of_class(self, scores: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        if self.spec.multibox_loss_param.conf_loss_type != PARAM.SOFTMAX:
            return super()._of_class(scores, label)
        gamma = self.spec.focal_loss_param.gamma
        log_prob = F.log_softmax(scores.detach(), 1)
        log = log_prob.gather(1, label[:, None])
        p, rest = log.exp(), -torch.expm1(log)
        own = self.alpha * rest**gamma * (gamma * p * log - rest)
        other = rest**gamma - gamma * rest ** (gamma - 1) * p * log
        slope = (1 - self.alpha) * log_prob.exp() * other
        slope = slope.scatter(1, label[:, None], own)
        losses = -self.alpha * rest**gamma * log
        return losses[:, 0] + (slope * (scores - scores.detach())).sum(1)
