"""Proposal of Faster R-CNN: regions that may hold an object, from a region proposal network."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from ...core.rectangles import overlap
from ...proto import caffe_pb2
from .. import exporting
from ..base import LayerType, Shape, Tensors, layer_type
from ..ordering import highest
from . import boxes, traced_boxes
from .found import Found

RATIOS, SCALES = (0.5, 1.0, 2.0), (8.0, 16.0, 32.0)  # where none are given


def anchors(
    base: float, ratios: Sequence[float], scales: Sequence[float], pixel: int = 1
) -> np.ndarray:
    """Boxes (ratios x scales, 4) around a square of a side of `base` pixels, float64.

    x1, y1, x2, y2 in pixels, the last ones inside. A ratio is height / width; for each, width and
    then height of a box of the square's area are rounded, halves up, and then multiplied by each
    scale. Of base 16 these are the anchors of generate_anchors.py. pixel: 0 where the last pixels
    are outside.
    """
    centre = (base - pixel) / 2
    found = []
    for ratio in ratios:
        width = math.floor(math.sqrt(base * base / ratio) + 0.5)
        height = math.floor(width * ratio + 0.5)
        for scale in scales:
            half = np.array([width * scale - pixel, height * scale - pixel]) / 2
            found.append([*(centre - half), *(centre + half)])
    return np.array(found)


def checked_anchors(
    layer: LayerType,
    param: caffe_pb2.ProposalParameter | caffe_pb2.AnchorTargetParameter,
    *counts: str,
) -> np.ndarray:
    """The anchors that a layer's fields say; CaffeError for one, or a count, not positive."""
    ratios, scales = list(param.ratio) or RATIOS, list(param.scale) or SCALES
    given = {name: [getattr(param, name)] for name in ("feat_stride", "base_size", *counts)}
    for name, values in {**given, "ratio": ratios, "scale": scales}.items():
        layer.check(min(values) > 0, f"{name} must be positive; found {min(values):g}")
    return anchors(param.base_size, ratios, scales)


def example_sizes(shapes: list[Shape], stride: float) -> np.ndarray:
    """Sizes of images, bottom 2, that have scores of these shapes, bottom 0."""
    more = math.prod(shapes[2]) // max(shapes[0][0], 1) - 2
    return np.resize([*(length * stride for length in shapes[0][2:]), *[1] * more], shapes[2])


@layer_type("Proposal", "Faster R-CNN")
class Proposal(Found):
    """The post_nms_topn regions that score highest, without those that overlap a better one.

    Ren et al. 2015, section 3.1, as the layers in C++ of PVANET and OpenVINO have it. Bottoms:
    scores N x 2 A x H x W, the A of objects last; shifts N x 4 A x H x W; the images' size, of each
    image (or one row for all) height, width, and scale, or the scales of height and width. Tops:
    R x 5, of each region the image, x1, y1, x2, y2 in pixels, the last ones inside; scores R. An
    anchor at each place, feat_stride apart, is shifted and clipped to the image; a region of a side
    below min_size times the scale scores 0. Of the pre_nms_topn best, in order, each is left out
    that overlaps one before it by more than nms_thresh. Of equal scores the first comes first:
    row by row, place by place, anchor by anchor.
    """

    bottoms = (3, 3)
    tops = (1, 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        counts = "pre_nms_topn", "post_nms_topn"
        self.anchors = checked_anchors(self, self.spec.proposal_param, *counts)

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        return example_sizes(shapes, self.spec.proposal_param.feat_stride) if index == 2 else None

    def threshold(self) -> float:
        param = self.spec.proposal_param
        return param.iou_threshold if param.HasField("iou_threshold") else param.nms_thresh

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """There is room for all regions that there may be, until the first forward."""
        scores, shifts, sizes = shapes
        count = len(self.anchors)
        self.check(
            len(scores) == len(shifts) == 4
            and scores[1] == 2 * count
            and shifts == (scores[0], 4 * count, *scores[2:]),
            f"{count} anchors need scores N x {2 * count} x H x W and shifts N x {4 * count} x H x "
            f"W; found shapes {scores} and {shifts}. There is an anchor for each ratio and scale",
        )
        values = math.prod(sizes[1:])
        self.check(
            len(sizes) > 1 and sizes[0] in (1, scores[0]) and values >= 3,
            "needs height, width and scale of each image; found the shape "
            f"{sizes} of '{self.spec.bottom[2]}' for {scores[0]} images",
        )
        regions = scores[0] * self.spec.proposal_param.post_nms_topn
        said: Shape = (regions, 1) if self.leaves_out() else (regions,)
        return [(regions, 5), said][: len(self.spec.top)]

    def leaves_out(self) -> bool:
        """Small regions are not given, and scores have two axes: for a Python layer."""
        return self.spec.HasField("python_param")

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        scores, shifts, sizes = (bottom.detach() for bottom in bottoms)
        images = scores.shape[0]
        self.check_closed(images, "finds regions image by image")
        count = len(self.anchors)
        scores = scores[:, count:].permute(0, 2, 3, 1).reshape(images, -1)
        shifts = shifts.unflatten(1, (count, 4)).permute(0, 3, 4, 1, 2)
        sizes = sizes.reshape(len(sizes), -1).expand(images, -1)
        regions, kept = [], []
        for image in range(images):
            found = self._found(shifts[image], sizes[image])
            small = self._small(found, sizes[image])
            score = torch.where(small, 0, scores[image])
            best = self._best(found, score)
            if self.leaves_out():
                best = best[~small[best]]
            number = torch.full_like(found[best, :1], image)
            regions.append(torch.cat([number, found[best]], 1))
            kept.append(score[best])
        said = torch.cat(kept)
        said = said[:, None] if self.leaves_out() else said
        return [torch.cat(regions), said][: len(self.spec.top)]

    def _found(self, shifts: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        """The regions (P, 4) of an image, from the shifts (H, W, A, 4) of its anchors."""
        height, width = shifts.shape[:2]
        stride = self.spec.proposal_param.feat_stride
        y, x = (torch.arange(n).to(shifts) * stride for n in (height, width))
        places = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1)
        anchor = torch.from_numpy(self.anchors).to(shifts) + places.repeat(1, 1, 2)[:, :, None]
        side = anchor[..., 2:] - anchor[..., :2] + 1
        centre = anchor[..., :2] + 0.5 * side + shifts[..., :2] * side
        half = 0.5 * shifts[..., 2:].exp() * side
        found = torch.cat([centre - half, centre + half], -1).reshape(-1, 4)
        last = (size[[1, 0, 1, 0]] - 1).to(found)
        return torch.minimum(found, last).clamp(min=0)

    def _small(self, found: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        """Which regions (P, 4) have a side that is too small."""
        scales = size[[min(3, len(size) - 1), 2]]  # of width and height
        least = self.spec.proposal_param.min_size * scales
        return (found[:, 2:] - found[:, :2] + 1 < least).any(1)

    def _best(self, found: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The indices of the regions that are given, the best first."""
        param = self.spec.proposal_param
        best, order = highest(scores, torch.sym_min(param.pre_nms_topn, scores.shape[0]), 0)
        threshold = self.threshold()
        if exporting.is_traced():
            ends = torch.cat([found[order, :2], found[order, 2:] + 1], 1)  # behind the last pixels
            counts = torch.ones_like(best, dtype=torch.bool)
            left = traced_boxes.greedy(ends[None], best[None], counts[None], threshold, 1)[0]
            return order[left & (left.cumsum(0) <= param.post_nms_topn)]
        kept = boxes.greedy(
            found[order].cpu().numpy(),
            lambda one, others: overlap(one, others, pixel=1) > threshold,
            param.post_nms_topn,
        )
        return order[torch.from_numpy(kept).to(order.device)]
