"""AnchorTarget of Faster R-CNN: what a region proposal network shall say of its anchors."""

import math

import numpy as np
import torch

from ...core.rectangles import overlap
from ..base import LayerType, Shape, Tensors, layer_type
from .proposal import checked_anchors
from .proposal_target import drawn, shifted


@layer_type("AnchorTarget", "Faster R-CNN")
class AnchorTarget(LayerType):
    """Which anchors are objects, and what shifts each to its own.

    Ren et al. 2015, section 3.1.2, as py-faster-rcnn's rpn.anchor_target_layer has it. Bottoms:
    scores 1 x 2 A x H x W, whose shape alone counts; objects G x 5 or more, x1, y1, x2, y2, the
    last pixels inside, and the class; height, width and scale of the image; and, if given, the
    image. An anchor inside of the image is an object (1) from an overlap of positive_overlap on,
    and (force_fg_for_each_gt) if none overlaps an object more, equal ones included; otherwise
    background (0) below negative_overlap. Of batch_size anchors fg_fraction are objects at most,
    and background fills up; where there are more, they are drawn, and the others do not count (-1).
    Tops: labels 1 x 1 x A H x W; shifts to the object that an anchor overlaps most, 1 x 4 A x H x
    W; weights of these, 1 at objects; and 1 over the number of anchors that count, at these. With a
    fifth bottom, scores 1 x 2 A x H x W of a net that learns nothing, those that it tells worst are
    kept in place of drawn ones, and where no anchor is inside all are taken (SSH, Najibi et al.
    2017, section 3.4).
    """

    bottoms = (3, 5)
    tops = (4, 4)
    diff_bottoms = staticmethod(lambda index: False)
    reads_bottom = staticmethod(lambda index: index in (1, 2, 4))

    @property
    def draws(self) -> bool:
        return not self._mines()

    def _mines(self) -> bool:
        return len(self.spec.bottom) == 5

    def setup_from(self, shapes: list[Shape]) -> None:
        self.anchors = checked_anchors(self, self.spec.anchor_target_param, "batch_size")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, objects, sizes, *more = shapes
        count = len(self.anchors)
        self.check(
            len(scores) == 4 and scores[:2] == (1, 2 * count),
            f"{count} anchors need scores 1 x {2 * count} x H x W, of one image; found shape "
            f"{scores}. There is an anchor for each ratio and scale",
        )
        self.check(
            len(objects) > 1 and math.prod(objects[1:]) >= 5 and math.prod(sizes) >= 3,
            "needs objects G x 5 or more, and height, width and scale of the image; found shapes "
            f"{objects} and {sizes}",
        )
        self.check(
            len(more) < 2 or more[1] == scores,
            f"needs scores to mine by of shape {scores}; found shape {more[-1] if more else ()}",
        )
        height, width = scores[2:]
        each = (1, 4 * count, height, width)
        return [(1, 1, count * height, width), each, each, each]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        height, width = bottoms[0].shape[2:]
        objects = bottoms[1].detach().cpu().double().flatten(1).numpy()[:, :4]
        size = bottoms[2].detach().cpu().double().flatten().numpy()[:2]
        every = self._every(height, width)
        border = self.spec.anchor_target_param.allowed_border
        inside = np.flatnonzero(
            (every[:, :2] >= -border).all(1) & (every[:, 2:] < size[::-1] + border).all(1)
        )
        if self._mines() and not len(inside):
            inside = np.arange(len(every))
        shared = overlap(every[inside, None], objects, pixel=1)
        label = np.full(len(every), -1.0)
        label[inside] = self._labels(shared, self._said(bottoms)[inside] if self._mines() else None)
        shifts, counts, each = (np.zeros((len(every), 4)) for _ in range(3))
        if len(objects):
            shifts[inside] = shifted(every[inside], objects[shared.argmax(1)])
        counts[label == 1] = 1
        each[label >= 0] = 1 / max((label >= 0).sum(), 1)
        labels = label.reshape(height, width, -1).transpose(2, 0, 1).reshape(1, 1, -1, width)
        maps = (
            m.reshape(1, height, width, -1).transpose(0, 3, 1, 2) for m in (shifts, counts, each)
        )
        return [torch.from_numpy(top).to(bottoms[0]) for top in (labels, *maps)]

    def _every(self, height: int, width: int) -> np.ndarray:
        """All anchors (P, 4), row by row, place by place."""
        stride = self.spec.anchor_target_param.feat_stride
        y, x = (axis.reshape(-1, 1) * stride for axis in np.mgrid[:height, :width])
        return (self.anchors + np.stack([x, y, x, y], -1)).reshape(-1, 4)

    def _said(self, bottoms: list[torch.Tensor]) -> np.ndarray:
        """The scores of all anchors (P) as objects."""
        scores = bottoms[4].detach()[0, len(self.anchors) :]
        return scores.permute(1, 2, 0).flatten().cpu().double().numpy()

    def _labels(self, shared: np.ndarray, scores: np.ndarray | None) -> np.ndarray:
        """What anchors (P) are, from their overlaps (P, G) with the objects, and their scores."""
        param = self.spec.anchor_target_param
        label = np.full(len(shared), -1.0)
        if not shared.size:  # without an object all is background
            label[:] = 0
        else:
            most = shared.max(1)
            label[most < param.negative_overlap] = 0
            if param.force_fg_for_each_gt:
                label[(shared == shared.max(0)).any(1)] = 1
            label[most >= param.positive_overlap] = 1
        left = param.batch_size
        for kind, most_of in ((1, int(param.fg_fraction * left)), (0, left)):
            at = np.flatnonzero(label == kind)
            if scores is None:
                kept = drawn(at, min(most_of, left))
            else:  # objects of low scores, background of high ones
                wrong = (1 - 2 * kind) * scores[at]
                kept = at[np.argsort(-wrong, kind="stable")[: min(most_of, left)]]
            label[np.setdiff1d(at, kept)] = -1
            left -= len(kept)
        return label
