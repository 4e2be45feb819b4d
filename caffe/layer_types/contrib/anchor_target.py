"""AnchorTarget of Faster R-CNN: what a region proposal network shall say of its anchors."""

import math

import numpy as np
import torch

from ...core.rectangles import overlap
from ..base import LayerType, Shape, Tensors, layer_type
from .proposal import RATIOS, SCALES, anchors
from .proposal_target import drawn, shifted

BASE = 16  # pixels of the side of the square that anchors are made of


@layer_type("AnchorTarget", "Faster R-CNN")
class AnchorTarget(LayerType):
    """Which anchors are objects, and what shifts each to its own.

    Ren et al. 2015, section 3.1.2, as py-faster-rcnn's rpn.anchor_target_layer has it. Bottoms:
    scores 1 x 2 A x H x W, whose shape alone counts; objects G x 5 or more, x1, y1, x2, y2, the
    last pixels inside, and the class; height, width and scale of the image; and, if given, the
    image. An anchor inside of the image is an object (1) from an overlap of positive_overlap on,
    and if none overlaps an object more, equal ones included; otherwise background (0) below
    negative_overlap. Of batch_size anchors fg_fraction are objects at most, and background fills
    up; where there are more, they are drawn, and the others do not count (-1). Tops: labels 1 x 1 x
    A H x W; shifts to the object that an anchor overlaps most, 1 x 4 A x H x W; weights of these, 1
    at objects; and 1 over the number of anchors that count, at these.
    """

    bottoms = (3, 4)
    tops = (4, 4)
    diff_bottoms = staticmethod(lambda index: False)
    reads_bottom = staticmethod(lambda index: index in (1, 2))

    @property
    def draws(self) -> bool:
        return True

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.anchor_target_param
        ratios, scales = list(param.ratio) or RATIOS, list(param.scale) or SCALES
        for name, values in (
            ("feat_stride", [param.feat_stride]),
            ("ratio", ratios),
            ("scale", scales),
            ("batch_size", [param.batch_size]),
        ):
            self.check(min(values) > 0, f"{name} must be positive; found {min(values):g}")
        self.anchors = anchors(BASE, ratios, scales)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, objects, sizes = shapes[:3]
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
        shared = overlap(every[inside, None], objects, pixel=1)
        label = np.full(len(every), -1.0)
        label[inside] = self._labels(shared)
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

    def _labels(self, shared: np.ndarray) -> np.ndarray:
        """What anchors (P) are, from their overlaps (P, G) with the objects."""
        param = self.spec.anchor_target_param
        label = np.full(len(shared), -1.0)
        if not shared.size:  # without an object all is background
            label[:] = 0
        else:
            most = shared.max(1)
            label[most < param.negative_overlap] = 0
            label[(shared == shared.max(0)).any(1) | (most >= param.positive_overlap)] = 1
        fore = np.flatnonzero(label == 1)
        kept = drawn(fore, int(param.fg_fraction * param.batch_size))
        label[np.setdiff1d(fore, kept)] = -1
        back = np.flatnonzero(label == 0)
        label[np.setdiff1d(back, drawn(back, param.batch_size - len(kept)))] = -1
        return label
