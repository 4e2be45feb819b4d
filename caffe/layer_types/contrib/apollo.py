"""Layer types of Apollo's detectors: RPNProposalSSD, RCNNProposal."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from ...core.rectangles import overlap
from ...proto import caffe_pb2
from .. import exporting
from ..base import Shape, Tensors, layer_type
from ..ordering import highest
from . import boxes, traced_boxes
from .found import Found
from .proposal import anchors

PARAM = caffe_pb2.DetectionOutputSSDParameter


class BestBoxes(Found):
    """Rows of boxes, the highest scores first, without those that overlap a better one.

    A row: the image's number, corners x1, y1, x2, y2 in pixels, of which the last ones are inside
    (bbox_size_add_one), and with rpn_proposal_output_score how likely it is. Where there is no box
    there is one row of zeros. Several tops have boxes of a side, the root of their area, between
    proposal_min_sqrt_area and proposal_max_sqrt_area. The last bottom: 6 values, the image's width
    and height and four that are not looked at. Boxes take part that are large enough, at most
    max_candidate_n of them; from an overlap_ratio of 1 on, all are given, in the bottoms' order.
    """

    tops = (1, None)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.param()
        nms, count = param.nms_param, param.num_class
        self.check(count > 0, "num_class must be positive; found 0")
        self.check(
            param.channel_per_scale >= 5,
            f"channel_per_scale is 5 at least; found {param.channel_per_scale}",
        )
        self.check(
            param.allow_border_ratio <= 1,
            f"allow_border_ratio is 1 at most; found {param.allow_border_ratio:g}",
        )
        self.thresholds = self._each("threshold", param.threshold, 0.0, count)
        self.most_overlap = self._each("overlap_ratio", nms.overlap_ratio, 0.4, count)[0]
        top_n = self._each("top_n", nms.top_n, 200, count)
        candidates = self._each("max_candidate_n", nms.max_candidate_n, 3000, count)
        room = max(candidates)
        if 0 < nms.nms_gpu_max_n_per_time < room:
            room = nms.nms_gpu_max_n_per_time
        self.check(
            max(top_n) <= room,
            f"top_n is at most max_candidate_n and nms_gpu_max_n_per_time; found {max(top_n)}, of "
            f"{room}",
        )
        self.top_n, self.candidates = int(top_n[0]), int(candidates[0])
        reg = self.spec.bbox_reg_param
        known = len(reg.bbox_mean) > 0 and len(reg.bbox_std) > 0
        self.mean = list(reg.bbox_mean) if known else [0.0] * 4
        self.std = list(reg.bbox_std) if known else [1.0] * 4
        self.check(
            len(self.mean) == len(self.std) == 4,
            f"needs four of bbox_mean and bbox_std; found {len(self.mean)} and {len(self.std)}",
        )
        tops = len(self.spec.top)
        least = self._each("proposal_min_sqrt_area", param.proposal_min_sqrt_area, 0.0, tops)
        most = self._each("proposal_max_sqrt_area", param.proposal_max_sqrt_area, math.inf, tops)
        self.areas = [(low * low, high * high) for low, high in zip(least, most, strict=True)]

    def _each(self, name: str, values: Sequence[float], default: float, count: int) -> list[float]:
        """`count` values of a field that has none, one for all, or one of each."""
        given = list(values)
        self.check(
            len(given) in (0, 1, count), f"needs {name} once or {count} times; found {given}"
        )
        return given if len(given) == count else (given or [default]) * count

    def param(self) -> caffe_pb2.DetectionOutputSSDParameter:
        return self.spec.detection_output_ssd_param

    @property
    def pixel(self) -> int:
        """What a side is longer than the difference of its ends."""
        return int(self.param().bbox_size_add_one)

    def check_image(self, shape: Shape) -> None:
        self.check(
            len(shape) > 0 and shape[0] > 0 and math.prod(shape[1:]) == 6,
            "needs 6 values of an image, of which the first are its width and height; "
            f"'{self.spec.bottom[-1]}' is of shape {shape}",
        )

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        return np.full(shapes[index], 64.0) if index == len(shapes) - 1 else None

    def room(self, values: int) -> list[Shape]:
        """The tops' shapes where there are as many boxes of an image as there may be."""
        return [(max(self.top_n, 1), values, 1, 1)] * len(self.spec.top)

    def decoded(self, box: torch.Tensor, shifts: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """Boxes (..., 4) from these (..., 4), their shifts and the last bottom."""
        shifts = shifts * shifts.new_tensor(self.std) + shifts.new_tensor(self.mean)
        side = box[..., 2:] - box[..., :2] + self.pixel
        centre = box[..., :2] + 0.5 * (side - self.pixel) + shifts[..., :2] * side
        half = 0.5 * (shifts[..., 2:].exp() * side - self.pixel)
        found = torch.cat([centre - half, centre + half], -1)
        return self._clipped(found, image) if self.param().refine_out_of_map_bbox else found

    def _clipped(self, box: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """Boxes (..., 4) up to the last pixels of the first image."""
        return torch.minimum(box.clamp(min=0), image.reshape(-1)[[0, 1, 0, 1]] - 1)

    def within(self, box: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """Which boxes (P, 4), before they are shifted, lie in the image as far as is asked for."""
        param = self.param()
        counts = torch.ones_like(box[:, 0], dtype=torch.bool)
        if param.allow_border >= 0:
            over = image.reshape(-1)[:2] - 1 + param.allow_border
            counts &= (box[:, :2] >= -param.allow_border).all(1) & (box[:, 2:] <= over).all(1)
        if param.allow_border_ratio >= 0:
            start, end = box.clamp(min=0)[:, :2], torch.minimum(box, self._clipped(box, image))
            inside = (end[:, 2:] - start + self.pixel).prod(1)
            counts &= inside / self._sides(box).prod(1) >= 1 - param.allow_border_ratio
        return counts

    def _sides(self, box: torch.Tensor) -> torch.Tensor:
        return box[:, 2:] - box[:, :2] + self.pixel

    def large(self, found: torch.Tensor) -> torch.Tensor:
        """Which boxes (P, 4) are of min_size_h and min_size_w, or of one of them."""
        param = self.param()
        wide, tall = self._sides(found).unbind(1)
        fits = wide >= param.min_size_w, tall >= param.min_size_h
        either = param.min_size_mode == PARAM.HEIGHT_OR_WIDTH
        return fits[0] | fits[1] if either else fits[0] & fits[1]

    def best(self, found: torch.Tensor, scores: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """The numbers of the boxes (P, 4) that are given, of those that take part (P)."""
        if self.most_overlap >= 1:
            return counts.nonzero()[:, 0]
        ranked = torch.where(counts, scores, -torch.inf)
        ranked, order = highest(ranked, torch.sym_min(self.candidates, scores.shape[0]), 0)
        found, counts = found[order], counts[order]
        if exporting.is_traced():
            # Boxes less than a pixel apart overlap a little here, where they do not else.
            ends = torch.cat([found[:, :2], found[:, 2:] + self.pixel], 1)
            one = ends[None], ranked[None], counts[None]
            kept = traced_boxes.greedy(*one, self.most_overlap, 1)[0]
            return order[kept & (kept.cumsum(0) <= self.top_n)]
        chosen = boxes.greedy(found[counts].cpu().numpy(), self._clash, self.top_n)
        return order[torch.from_numpy(chosen).to(order.device)]  # those that count come first

    def _clash(self, one: np.ndarray, others: np.ndarray) -> np.ndarray:
        start, end = np.maximum(one[:2], others[:, :2]), np.minimum(one[2:], others[:, 2:])
        return (end >= start).all(1) & (overlap(one, others, self.pixel) > self.most_overlap)

    def rows(self, found: list[torch.Tensor], values: int) -> Tensors:
        """The tops, from the rows of each image."""
        rows, tops = torch.cat(found), []
        areas = self._sides(rows[:, 1:5]).prod(1)
        nothing = rows.new_zeros(1, values)
        for low, high in self.areas:
            fits = torch.ones_like(areas, dtype=torch.bool)
            if len(self.areas) > 1:
                fits = (areas > low) & (areas < high)
            # A row of zeros where there is no other, without asking how many there are: by a sum,
            # for of no values onnxruntime finds one that is true.
            fits = torch.cat([fits, fits.sum(0, keepdim=True) == 0])
            tops.append(torch.cat([rows, nothing])[fits][:, :, None, None])
        return tops


@layer_type("RPNProposalSSD", "Apollo")
class RPNProposalSSD(BestBoxes):
    """Regions that may hold an object, R x 5 x 1 x 1: the image, 0, and the corners.

    Bottoms: scores 1 x 2 A x H x W, the A of objects last; shifts 1 x 4 A x H x W. The anchors of
    gen_anchor_param are around every place, heat_map_a pixels apart, the first heat_map_b from the
    image's corner: for each ratio and scale as Proposal has them, then those of corners, then those
    of a width and a height, around the place or (zero_anchor_center: false) behind it. An anchor is
    shifted as bbox_reg_param scales it. Regions take part that score threshold_objectness or more,
    and above 0, and whose anchors are inside of the image as allow_border (pixels) and
    allow_border_ratio say; of equal scores the first comes first: anchor by anchor, row by row.
    """

    bottoms = (3, 3)

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        param = self.param()
        places = [len(param.heat_map_a), len(param.heat_map_b) or 1]
        self.check(places == [1, 1], f"needs one heat_map_a and heat_map_b; found {places}")
        self.stride, self.begin = param.heat_map_a[0], (list(param.heat_map_b) or [0.0])[0]
        self.check(
            self.stride > 0 and self.begin >= 0,
            f"heat_map_a must be positive and heat_map_b not negative; found {self.stride:g} and "
            f"{self.begin:g}",
        )
        self.anchors = self._anchors(param.gen_anchor_param)
        sides = self.anchors[:, 2:] - self.anchors[:, :2] + self.pixel
        self.check(
            len(sides) > 0 and sides.min() > 0,
            "gen_anchor_param says no anchor, or one without an area: write anchor_width and "
            "anchor_height, or ratios and scales",
        )

    def _anchors(self, param: caffe_pb2.GenAnchorParameter) -> np.ndarray:
        """Boxes (A, 4) around a place."""
        self.check(
            min([param.base_size, *param.ratios, *param.scales]) > 0,
            "base_size, ratios and scales of gen_anchor_param must be positive",
        )
        found = anchors(param.base_size, param.ratios, param.scales, self.pixel).reshape(-1, 4)
        corners = [list(getattr(param, f"anchor_{name}")) for name in ("x1", "y1", "x2", "y2")]
        sides = [list(param.anchor_width), list(param.anchor_height)]
        for given in (corners, sides):
            counts = [len(values) for values in given]
            self.check(
                len(set(counts)) == 1,
                f"needs as many of each of an anchor's values; found {counts}",
            )
        ends = np.transpose(sides).reshape(-1, 2) - self.pixel
        around = np.c_[-ends / 2, ends / 2] if param.zero_anchor_center else np.c_[0 * ends, ends]
        return np.concatenate([found, np.transpose(corners).reshape(-1, 4), around])

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, shifts, image = shapes
        count = len(self.anchors)
        self.check(
            len(scores) == 4
            and scores[:2] == (1, 2 * count)
            and shifts == (1, 4 * count, *scores[2:]),
            f"{count} anchors need scores 1 x {2 * count} x H x W and shifts 1 x {4 * count} x H x "
            f"W; found shapes {scores} and {shifts}",
        )
        self.check_image(image)
        return self.room(5 + self.param().rpn_proposal_output_score)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        scores, shifts, image = (bottom.detach() for bottom in bottoms)
        param, (height, width), count = self.param(), scores.shape[2:], len(self.anchors)
        y, x = (torch.arange(n, device=shifts.device).to(shifts) for n in (height, width))
        place = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1)
        place = (place * self.stride + self.begin).repeat(1, 1, 2)
        anchor = torch.from_numpy(self.anchors).to(shifts)[:, None, None] + place
        shifts = shifts[0].unflatten(0, (count, 4)).permute(0, 2, 3, 1)  # A, H, W, 4
        found = self.decoded(anchor, shifts, image).reshape(-1, 4)
        score = scores[0, count:].reshape(-1)
        counts = (score >= param.threshold_objectness) & (score > 0) & self.large(found)
        at = self.best(found, score, counts & self.within(anchor.reshape(-1, 4), image))
        parts = [torch.zeros_like(found[at, :1]), found[at]]
        if param.rpn_proposal_output_score:
            parts.append(score[at, None])
        return self.rows([torch.cat(parts, 1)], sum(part.shape[1] for part in parts))


@layer_type("RCNNProposal", "Apollo")
class RCNNProposal(BestBoxes):
    """What is in each region: R x V x 1 x 1, the image, the corners and the probabilities.

    Bottoms: probabilities R x (num_class + 1), the background's first; shifts R x 4 (num_class +
    1), or with regress_agnostic, which is the default, R x 8, of which the last four are of all
    classes; regions R x 5, those of image -1 of none. A region's class is the one whose probability
    is the most above its threshold; it is left out where none is, and where anything but the
    background has less than threshold_objectness. Without rpn_proposal_output_score V is 5.
    """

    bottoms = (4, 4)

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        if index != 2:
            return super().example_bottom(index, shapes, rng)
        corners = np.sort(rng.uniform(0, 64, (shapes[2][0], 2, 2)), axis=1)
        rows = np.c_[np.zeros(len(corners)), corners.reshape(-1, 4)]
        return rows.reshape(shapes[2])

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, shifts, regions, image = shapes
        param, count = self.param(), self.param().num_class + 1
        moves = 4 * (2 if param.regress_agnostic else count)
        sizes = [(shape[:1], math.prod(shape[1:])) for shape in (scores, shifts, regions)]
        self.check(
            len(scores) > 0 and sizes == [(scores[:1], each) for each in (count, moves, 5)],
            f"needs probabilities R x {count}, shifts R x {moves} and regions R x 5; found "
            f"shapes {scores}, {shifts} and {regions}. regress_agnostic is "
            f"{str(param.regress_agnostic).lower()}",
        )
        self.check_image(image)
        return self.room(5 + count if param.rpn_proposal_output_score else 5)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        scores, shifts, regions, image = (bottom.detach() for bottom in bottoms)
        param, count = self.param(), self.param().num_class + 1
        scores, regions = scores.reshape(-1, count), regions.reshape(-1, 5)
        above, kind = highest(scores[:, 1:] - scores.new_tensor(self.thresholds), 1, 1)
        moves = shifts.reshape(len(shifts), -1, 4)
        at = torch.ones_like(kind) if param.regress_agnostic else kind + 1
        moves = moves.gather(1, at[..., None].expand(-1, 1, 4))[:, 0]
        found = self.decoded(regions[:, 1:], moves, image)
        score = scores.gather(1, kind + 1)[:, 0]
        sure = (1 - scores[:, 0] >= param.threshold_objectness) & (above[:, 0] >= 0)
        counts = sure & (score > 0) & self.large(found) & self.within(regions[:, 1:], image)
        number = regions[:, 0].trunc()
        images = image.shape[0]
        self.check_closed(images, "finds objects image by image")
        if not exporting.is_traced() and len(number):
            images = int(number.max()) + 1
        parts = [number[:, None], found, *([scores] if param.rpn_proposal_output_score else [])]
        rows = torch.cat(parts, 1)
        each = [rows[self.best(found, score, counts & (number == i))] for i in range(images)]
        return self.rows([rows[:0], *each], rows.shape[1])
