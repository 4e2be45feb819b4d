"""Layer types of Apollo's traffic lights: RPNProposalSSD, RCNNProposal."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from ...core.rectangles import overlap
from ...proto import caffe_pb2
from .. import exporting
from ..base import LayerType, Shape, layer_type
from ..ordering import highest
from . import boxes, traced_boxes

PARAM = caffe_pb2.DetectionOutputSSDParameter
ASKED = ("min_size_h", "min_size_w", "threshold_objectness", "refine_out_of_map_bbox")
NMS = ("overlap_ratio", "top_n", "max_candidate_n")


class BestBoxes(LayerType):
    """Rows of boxes, the highest scores first, without those that overlap a better one.

    There are as many rows as nms_param's top_n says: what is left of them is -1. Corners x1, y1,
    x2, y2 are in pixels, the last ones inside. The last bottom: the image's height and width, and
    four values that are not looked at.
    """

    diff_bottoms = staticmethod(lambda index: False)
    asked: tuple[str, ...] = ()  # fields of detection_output_ssd_param

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.param()
        nms = param.nms_param
        given = {name: param.HasField(name) for name in (*self.asked, *ASKED)}
        counts = {name: len(getattr(nms, name)) for name in NMS}
        missing = [name for name, known in (given | counts).items() if not known]
        self.check(
            not missing, f"detection_output_ssd_param has no {', '.join(missing)}; write each"
        )
        self.check(
            not any(nms.use_soft_nms) and not any(nms.voting),
            "use_soft_nms and voting are not known; write false",
        )
        self.check(
            nms.top_n[0] > 0 and nms.max_candidate_n[0] > 0,
            f"top_n and max_candidate_n must be positive; found {nms.top_n[0]} and "
            f"{nms.max_candidate_n[0]}",
        )
        reg = self.spec.bbox_reg_param
        self.mean, self.std = list(reg.bbox_mean) or [0.0] * 4, list(reg.bbox_std) or [1.0] * 4
        self.check(
            len(self.mean) == len(self.std) == 4,
            f"needs four of bbox_mean and bbox_std; found {len(self.mean)} and {len(self.std)}",
        )

    def param(self) -> caffe_pb2.DetectionOutputSSDParameter:
        return self.spec.detection_output_ssd_param

    def check_image(self, shape: Shape) -> None:
        self.check(
            shape[:1] == (1,) and math.prod(shape) == 6,
            f"needs one image, and its 6 values, of which the first are its height and width; "
            f"'{self.spec.bottom[-1]}' is of shape {shape}",
        )

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        return np.full(shapes[index], 64.0) if index == len(shapes) - 1 else None

    def decoded(self, box: torch.Tensor, shifts: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """Boxes (..., 4) from these (..., 4), their shifts and the last bottom."""
        shifts = shifts * shifts.new_tensor(self.std) + shifts.new_tensor(self.mean)
        side = box[..., 2:] - box[..., :2] + 1
        centre = box[..., :2] + 0.5 * (side - 1) + shifts[..., :2] * side
        half = 0.5 * (shifts[..., 2:].exp() * side - 1)
        found = torch.cat([centre - half, centre + half], -1)
        if not self.param().refine_out_of_map_bbox:
            return found
        last = image.reshape(-1)[[1, 0, 1, 0]].trunc() - 1
        return torch.minimum(found.clamp(min=0), last)

    def large(self, found: torch.Tensor) -> torch.Tensor:
        """Which boxes (P, 4) are of min_size_h and min_size_w, or of one of them."""
        param = self.param()
        wide, tall = (found[:, 2:] - found[:, :2] + 1).unbind(1)
        fits = wide >= param.min_size_w, tall >= param.min_size_h
        either = param.min_size_mode == PARAM.HEIGHT_OR_WIDTH
        return fits[0] | fits[1] if either else fits[0] & fits[1]

    def best(
        self, found: torch.Tensor, scores: torch.Tensor, counts: torch.Tensor, *more: torch.Tensor
    ) -> torch.Tensor:
        """The rows: 0, the image's number, a box of (P, 4), and more (P, V) of it.

        counts (P): which boxes take part.
        """
        nms = self.param().nms_param
        ranked = torch.where(counts, scores, -torch.inf)
        _, order = highest(ranked, torch.sym_min(nms.max_candidate_n[0], scores.shape[0]), 0)
        found, counts = found[order], counts[order]
        kept = self._kept(found, ranked[order], counts)
        rows = torch.cat([torch.zeros_like(found[:, :1]), found, *(x[order] for x in more)], 1)
        at = kept.cumsum(0) - 1
        at = torch.where(kept & (at < nms.top_n[0]), at, nms.top_n[0])[:, None].expand_as(rows)
        empty = rows.new_full((nms.top_n[0] + 1, rows.shape[1]), -1)
        return empty.scatter(0, at, rows)[:-1, :, None, None]

    def _kept(
        self, found: torch.Tensor, scores: torch.Tensor, counts: torch.Tensor
    ) -> torch.Tensor:
        """Which boxes (K, 4), the best first, overlap none before them that is kept."""
        nms = self.param().nms_param
        threshold = nms.overlap_ratio[0]
        if exporting.is_traced():
            ends = torch.cat([found[:, :2], found[:, 2:] + 1], 1)  # behind the last pixels
            return traced_boxes.greedy(ends[None], scores[None], counts[None], threshold, 1)[0]
        chosen = boxes.greedy(
            found[counts].cpu().numpy(),
            lambda one, others: overlap(one, others, pixel=1) > threshold,
            nms.top_n[0],
        )
        kept = torch.zeros_like(counts)
        kept[torch.from_numpy(chosen).to(kept.device)] = True  # those that count come first
        return kept


def _positive(layer: LayerType, name: str, values: Sequence[float]) -> None:
    layer.check(min(values, default=0) > 0, f"{name} must be positive; found {list(values)}")


@layer_type("RPNProposalSSD", "Apollo")
class RPNProposalSSD(BestBoxes):
    """Regions that may hold an object, top_n x 5 x 1 x 1: the image, 0, and the corners.

    As Apollo computes it with TensorRT. Bottoms: scores 1 x 2 A x H x W, the A of objects last;
    shifts 1 x 4 A x H x W. An anchor of each of gen_anchor_param's sizes is around every place,
    heat_map_a pixels apart, the first around the image's corner; its shift is scaled by
    bbox_reg_param. Regions take part that score more than threshold_objectness and are large
    enough, at most max_candidate_n; of equal scores the first comes first, row by row, place by
    place, anchor by anchor.
    """

    bottoms = (3, 3)
    asked = ("heat_map_a",)

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        anchors = self.param().gen_anchor_param
        self.check(
            len(anchors.anchor_width) == len(anchors.anchor_height),
            f"needs as many widths as heights of anchors; found {len(anchors.anchor_width)} and "
            f"{len(anchors.anchor_height)}",
        )
        _positive(self, "anchor_width", anchors.anchor_width)
        _positive(self, "anchor_height", anchors.anchor_height)
        _positive(self, "heat_map_a", [self.param().heat_map_a])

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, shifts, image = shapes
        count = len(self.param().gen_anchor_param.anchor_width)
        self.check(
            len(scores) == 4
            and scores[:2] == (1, 2 * count)
            and shifts == (1, 4 * count, *scores[2:]),
            f"{count} anchors need scores 1 x {2 * count} x H x W and shifts 1 x {4 * count} x H x "
            f"W; found shapes {scores} and {shifts}",
        )
        self.check_image(image)
        return [(self.param().nms_param.top_n[0], 5, 1, 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        scores, shifts, image = (bottom.detach() for bottom in bottoms)
        param, (height, width) = self.param(), scores.shape[2:]
        anchors = param.gen_anchor_param
        sides = shifts.new_tensor([list(anchors.anchor_width), list(anchors.anchor_height)]).T
        y, x = (torch.arange(n, device=shifts.device).to(shifts) for n in (height, width))
        centre = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1)
        centre, half = centre[:, :, None] * param.heat_map_a, 0.5 * (sides - 1)
        around = torch.cat([centre - half, centre + half], -1)  # H, W, A, 4
        shifts = shifts[0].unflatten(0, (-1, 4)).permute(2, 3, 0, 1)
        found = self.decoded(around, shifts, image).reshape(-1, 4)
        score = scores[0].unflatten(0, (2, -1))[1].permute(1, 2, 0).reshape(-1)
        counts = (score > param.threshold_objectness) & self.large(found)
        return self.best(found, score, counts)


@layer_type("RCNNProposal", "Apollo")
class RCNNProposal(BestBoxes):
    """What is in each region: top_n x V x 1 x 1, the image, 0, the corners and the probabilities.

    As Apollo computes it with TensorRT. Bottoms: probabilities R x (num_class + 1), the
    background's first; shifts R x 4 (num_class + 1); regions R x 5, of which those count that are
    of an image. A region's class is the one whose probability is the most above its threshold; it
    is left out where none is, and where anything but the background has less than
    threshold_objectness. Without rpn_proposal_output_score V is 5.
    """

    bottoms = (4, 4)
    asked = ("num_class",)

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        if index != 2:
            return super().example_bottom(index, shapes, rng)
        corners = np.sort(rng.uniform(0, 64, (shapes[2][0], 2, 2)), axis=1)
        rows = np.c_[np.zeros(len(corners)), corners.reshape(-1, 4)]
        return rows.reshape(shapes[2])

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        param = self.param()
        self.check(
            param.num_class > 0 and len(param.threshold) >= param.num_class,
            f"needs a threshold for each of num_class {param.num_class}; found "
            f"{len(param.threshold)}",
        )
        self.check(not param.regress_agnostic, "regress_agnostic is not known; write false")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, shifts, regions, image = shapes
        param, count = self.param(), self.param().num_class + 1
        sizes = [(shape[:1], math.prod(shape[1:])) for shape in (scores, shifts, regions)]
        self.check(
            len(scores) > 0 and sizes == [(scores[:1], each) for each in (count, 4 * count, 5)],
            f"needs probabilities R x {count}, shifts R x {4 * count} and regions R x 5; found "
            f"shapes {scores}, {shifts} and {regions}",
        )
        self.check_image(image)
        values = 5 + count if param.rpn_proposal_output_score else 5
        return [(param.nms_param.top_n[0], values, 1, 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        scores, shifts, regions, image = (bottom.detach() for bottom in bottoms)
        param, count = self.param(), self.param().num_class + 1
        scores, regions = scores.reshape(-1, count), regions.reshape(-1, 5)
        found = self.decoded(regions[:, None, 1:], shifts.reshape(-1, count, 4), image)
        limits = scores.new_tensor(list(param.threshold)[: param.num_class])
        above, kind = highest(scores[:, 1:] - limits, 1, 1)
        of_kind = (kind[..., None] + 1).expand(-1, 1, 4)
        found = found.gather(1, of_kind)[:, 0]
        score = scores.gather(1, kind + 1)[:, 0]
        sure = (1 - scores[:, 0] >= param.threshold_objectness) & (above[:, 0] >= 0)
        counts = (regions[:, 0] >= 0) & sure & (score > 0) & self.large(found)
        more = [scores] if param.rpn_proposal_output_score else []
        return self.best(found, score, counts, *more)
