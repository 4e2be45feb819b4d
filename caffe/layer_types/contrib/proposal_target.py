"""ProposalTarget of MS-CNN: the regions that a detector is trained on, and what they shall say."""

import math
from typing import NamedTuple

import numpy as np
import torch

from ...core.rectangles import overlap
from ...core.rng import generator
from ..base import Shape, Tensors, layer_type
from .box_output import box_scale
from .found import Found

SMALLEST = 32  # pixels of a side of the region that is made up where there is none
BEHIND = np.array([0, 0, 1, 1])  # from the last pixels to the ends


class Chosen(NamedTuple):
    """Regions R x 5, of each its object's number, and how many of them are objects, the first."""

    regions: np.ndarray
    nearest: np.ndarray
    overlaps: np.ndarray
    objects: int


@layer_type("ProposalTarget", "MS-CNN")
class ProposalTarget(Found):
    """Regions drawn for training, their classes, and the shifts to their objects.

    Girshick 2015, section 2.3, as Cai's later releases have it. Bottoms: regions R x 5, the image,
    x1, y1, x2, y2, the last pixels inside; objects G x 7, the same, the class and whether it is
    ignored; an image of -1 is none. Objects are regions too (append_gtbox). A region is an object
    from an overlap of fg_thr on, and background from bg_thr_lw to below bg_thr_hg; of batch_size
    ones fg_fraction are objects, and where there are more they are drawn; background too far off
    fills up (pickup_discard). batch_size -1 takes all. Tops, R x ... x 1 x 1: regions (5), classes
    (1), in the four places of its class what shifts it to its object, less bbox_mean and over
    bbox_std (4 cls_num, or 8 with cls_aware: false), weights of these (twice), its object: class,
    corners, overlap (6); and what it weighs (1), so that objects weigh fg_fraction.
    """

    bottoms = (2, 2)
    tops = (6, 7)

    @property
    def draws(self) -> bool:
        return True

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.proposal_target_param
        self.check(param.cls_num > 1, f"needs cls_num of 2 or more; found {param.cls_num}")
        self.check(
            param.batch_size > 0 or param.batch_size == -1,
            f"batch_size is positive, or -1 for all regions; found {param.batch_size}",
        )
        self.check(
            param.fg_thr >= param.bg_thr_hg,
            f"fg_thr {param.fg_thr:g} is below bg_thr_hg {param.bg_thr_hg:g}",
        )
        self.check(
            min(param.img_width, param.img_height) > SMALLEST,
            f"img_width and img_height must be above {SMALLEST}; found {param.img_width} and "
            f"{param.img_height}",
        )
        mean, std = box_scale(self)
        self.mean, self.std = mean.double().numpy(), std.double().numpy()

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """There is room for batch_size regions, until the first forward."""
        self.check(
            math.prod(shapes[0][1:]) == 5 and math.prod(shapes[1][1:]) in (7, 8),
            f"needs regions R x 5 and objects G x 7; found shapes {shapes}",
        )
        size = self.spec.proposal_target_param.batch_size
        count = max(shapes[0][0], 1) if size == -1 else size
        width = 4 * self._classes()
        sizes = [5, 1, width, width, width, 6, 1][: len(self.spec.top)]
        return [(count, values, 1, 1) for values in sizes]

    def _classes(self) -> int:
        """How many classes have shifts of their own."""
        aware = self.spec.bbox_reg_param.cls_aware
        return self.spec.proposal_target_param.cls_num if aware else 2

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        regions, objects = (b.detach().cpu().double().flatten(1).numpy() for b in bottoms)
        objects = objects[objects[:, 0] >= 0]
        self._check_images(regions, objects)
        if self.spec.proposal_target_param.append_gtbox:
            regions = np.concatenate([regions, objects[:, :5]])
        chosen = self._chosen(regions, objects)
        return [
            torch.from_numpy(top).to(bottoms[0])[:, :, None, None]
            for top in self._tops(chosen, objects)
        ][: len(self.spec.top)]

    def _check_images(self, regions: np.ndarray, objects: np.ndarray) -> None:
        images = self.spec.proposal_target_param.num_img_per_batch
        last = max((rows[:, 0].max() for rows in (regions, objects) if len(rows)), default=0)
        self.check(
            last < images, f"num_img_per_batch is {images}, but a region is of image {last:g}"
        )
        self.check(
            not len(objects) or objects[:, 5].min() >= 1,
            f"'{self.spec.bottom[1]}' holds an object of class "
            f"{objects[:, 5].min() if len(objects) else 0:g}; expected 1 or more",
        )

    def _chosen(self, regions: np.ndarray, objects: np.ndarray) -> Chosen:
        param = self.spec.proposal_target_param
        nearest, overlaps = matched(regions, objects)
        near = overlaps >= param.fg_thr
        ignored = objects[nearest, 6] != 0 if len(objects) else near
        fore = np.flatnonzero(near & ~ignored)
        far = ~near & ~((overlaps >= param.bg_thr_lw) & (overlaps < param.bg_thr_hg))
        back, rest = np.flatnonzero(~near & ~far), np.flatnonzero(far)
        if param.batch_size == -1:
            size, most = len(fore) + len(back), len(fore)
        else:
            size = param.batch_size
            most = math.floor(np.float32(param.fg_fraction) * np.float32(size) + 0.5)
        fore = drawn(fore, most)
        room = size - len(fore)
        if len(back) > room:
            back = drawn(back, room)
        elif param.pickup_discard:
            back = np.concatenate([back, rest[: room - len(back)]])
        taken = np.concatenate([fore, back])
        if len(taken):
            return Chosen(regions[taken], nearest[taken], overlaps[taken], len(fore))
        return Chosen(self._made_up(objects)[None], np.array([-1]), np.zeros(1), 0)

    def _made_up(self, objects: np.ndarray) -> np.ndarray:
        """A region (5) at random that is no object."""
        param = self.spec.proposal_target_param
        size = np.array([param.img_width, param.img_height])
        while True:
            draws = torch.rand(5, generator=generator()).double().numpy()
            image = np.floor(draws[0] * param.num_img_per_batch)
            start = np.floor(draws[1:3] * (size - SMALLEST))
            side = np.maximum(np.floor(draws[3:] * (size - start)), SMALLEST)
            region = np.concatenate([[image], start, start + side - 1])
            if matched(region[None], objects)[1][0] < param.fg_thr:
                return region

    def _tops(self, chosen: Chosen, objects: np.ndarray) -> list[np.ndarray]:
        param = self.spec.proposal_target_param
        count, fore = len(chosen.regions), chosen.objects
        theirs = objects[chosen.nearest[:fore]]
        label = np.zeros((count, 1))
        label[:fore, 0] = theirs[:, 5].astype(int)
        shifts, weights = (np.zeros((count, self._classes(), 4)) for _ in range(2))
        place = label[:fore, 0].astype(int).clip(max=self._classes() - 1)
        wanted = shifted(chosen.regions[:fore, 1:], theirs[:, 1:5])
        shifts[np.arange(fore), place] = (wanted - self.mean) / self.std
        overlaps = chosen.overlaps[:fore]
        counts = (overlaps >= param.bbox_thr_lw) & (overlaps <= param.bbox_thr_hg)
        weights[np.arange(fore), place] = counts[:, None]
        found = np.zeros((count, 6))
        found[:fore] = np.c_[label[:fore], theirs[:, 1:5], overlaps]
        each = np.ones((count, 1))
        if param.iou_weighted:
            each[:fore, 0] = overlaps
        if fore:
            each[:fore] *= param.fg_fraction * count / each[:fore].sum()
            each[fore:] *= (1 - param.fg_fraction) * count / max(count - fore, 1)
        flat = shifts.reshape(count, -1), weights.reshape(count, -1)
        return [chosen.regions, label, flat[0], flat[1], flat[1], found, each]


def matched(regions: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of regions (R, 5) the first object (G, 7) that they overlap most, and how much.

    Only objects of their image count; -1 and 0 where it has none.
    """
    nearest, most = np.full(len(regions), -1), np.zeros(len(regions))
    for image in np.unique(objects[:, 0]):
        own, at = np.flatnonzero(regions[:, 0] == image), np.flatnonzero(objects[:, 0] == image)
        shared = overlap(regions[own, None, 1:] + BEHIND, objects[at, 1:5] + BEHIND)
        nearest[own], most[own] = at[shared.argmax(1)], shared.max(1)
    return nearest, most


def shifted(regions: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """The shifts x, y, w, h (R, 4) from regions to objects, corners (R, 4): `moved` undoes it."""
    sides = [boxes[:, 2:] - boxes[:, :2] + 1 for boxes in (regions, objects)]
    apart = (objects[:, :2] + objects[:, 2:] - regions[:, :2] - regions[:, 2:]) / 2
    return np.concatenate([apart / sides[0], np.log(sides[1] / sides[0])], 1)


def drawn(at: np.ndarray, count: int) -> np.ndarray:
    """So many of these at random, all of fewer as they are."""
    if len(at) <= count:
        return at
    return at[torch.randperm(len(at), generator=generator())[:count].numpy()]
