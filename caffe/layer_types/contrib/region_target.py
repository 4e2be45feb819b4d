"""RegionTarget of Faster R-CNN: the regions that a detector is trained on, and their objects."""

import math

import numpy as np
import torch

from ..base import Shape, Tensors, layer_type
from .box_output import box_scale
from .found import Found
from .proposal_target import drawn, matched, shifted


@layer_type("RegionTarget", "Faster R-CNN")
class RegionTarget(Found):
    """Regions drawn for training, their classes, and what shifts them to their objects.

    Girshick 2015, section 2.3, as rpn.proposal_target_layer of py-faster-rcnn and R-FCN has it.
    Bottoms: regions R x 5, the image, which is 0, x1, y1, x2, y2, the last pixels inside; objects G
    x 5, the same without the image, and the class. Objects are regions too. A region is an object
    from an overlap of fg_thresh on, and background from bg_thresh_lo to below bg_thresh_hi. Of
    batch_size ones fg_fraction are objects at most, background fills up, and where there are more
    they are drawn; batch_size -1 takes all. Tops: regions R x 5, first the objects; classes R; in
    the four places of its class what shifts a region to its object, less bbox_mean and over
    bbox_std, R x 4 num_classes; weights of these, 1 at objects, twice. agnostic: all classes share
    the places of class 1. Person search has objects G x 6, and last a top R of their sixth values,
    bg_aux_label for background.
    """

    bottoms = (2, 3)
    tops = (5, 6)

    @property
    def draws(self) -> bool:
        return True

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.region_target_param
        self.check(
            param.num_classes > 1, f"needs num_classes of 2 or more; found {param.num_classes}"
        )
        self.check(
            param.batch_size > 0 or param.batch_size == -1,
            f"batch_size is positive, or -1 for all regions; found {param.batch_size}",
        )
        mean, std = box_scale(self)
        self.mean, self.std = mean.double().numpy(), std.double().numpy()

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """There is room for batch_size regions, until the first forward."""
        wanted = (5, len(self.spec.top))
        self.check(
            all(len(s) > 1 and math.prod(s[1:]) == n for s, n in zip(shapes, wanted, strict=False)),
            f"needs regions R x 5 and objects G x {wanted[1]} for {wanted[1]} tops; found shapes "
            f"{shapes[:2]}",
        )
        size = self.spec.region_target_param.batch_size
        count = max(shapes[0][0], 1) if size == -1 else size
        return [self._shape(count, values) for values in self._values()]

    def _values(self) -> list[int]:
        """How many values of a region each top has."""
        return [5, 1, *(4 * self._boxes(),) * 3, 1][: len(self.spec.top)]

    def _shape(self, count: int, values: int) -> Shape:
        """The shape of so many values for each of the regions."""
        axes = self.spec.region_target_param.num_axes
        if axes == 2:  # where classes have one axis
            return (count, values)[: min(values, 2)]
        return (count, values, *(1,) * (axes - 2))

    def _boxes(self) -> int:
        """How many boxes a region has."""
        param = self.spec.region_target_param
        return 2 if param.agnostic else param.num_classes

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        regions, objects = (b.detach().cpu().double().flatten(1).numpy() for b in bottoms[:2])
        self.check(
            not regions[:, 0].any(),
            f"'{self.spec.bottom[0]}' has a region of image {regions[:, 0].max(initial=0):g}; "
            "expected 0, for one image is trained on at a time",
        )
        self._check_classes(objects[:, 4])
        objects = np.insert(objects, 0, 0, axis=1)  # all of image 0
        regions = np.concatenate([regions, objects[:, :5]])
        nearest, overlaps = matched(regions, objects)
        fore, back = self._drawn(overlaps)
        taken = np.concatenate([fore, back])
        theirs = objects[nearest[fore]]
        label = np.zeros(len(taken))
        label[: len(fore)] = theirs[:, 5]
        second = np.full(len(taken), self.spec.region_target_param.bg_aux_label)
        second[: len(fore)] = theirs[:, -1]
        shifts, weights = (np.zeros((len(taken), self._boxes(), 4)) for _ in range(2))
        rows = np.flatnonzero(label > 0)
        place = np.minimum(label[rows].astype(int), self._boxes() - 1)
        shifts[rows, place] = (
            shifted(regions[taken[rows], 1:], theirs[rows, 1:5]) - self.mean
        ) / self.std
        weights[rows, place] = 1
        tops = (regions[taken], label, shifts, weights, weights, second)
        return [
            torch.from_numpy(top.reshape(self._shape(len(taken), count))).to(bottoms[0])
            for top, count in zip(tops, self._values(), strict=False)
        ]

    def _check_classes(self, classes: np.ndarray) -> None:
        param = self.spec.region_target_param
        last = math.inf if param.agnostic else param.num_classes - 1
        highest = classes.max(initial=0)
        self.check(
            highest <= last,
            f"'{self.spec.bottom[1]}' holds an object of class {highest:g}; expected at most "
            f"{last:g}",
        )

    def _drawn(self, overlaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which regions are trained on as objects, and which as background."""
        param = self.spec.region_target_param
        size = math.inf if param.batch_size == -1 else param.batch_size
        fore = np.flatnonzero(overlaps >= param.fg_thresh)
        back = np.flatnonzero((overlaps < param.bg_thresh_hi) & (overlaps >= param.bg_thresh_lo))
        fore = drawn(fore, int(min(np.round(param.fg_fraction * size), len(fore))))
        return fore, drawn(back, int(min(size - len(fore), len(back))))
