"""Regions of which some go on: ScaleRoute and HardMining of Cascade R-CNN."""

import math

import torch

from ...core.blob import Blob
from ..base import Shape, Tensors, item_rows, layer_type
from .found import Found

MIDDLE = 256.0  # pixels of the size whose nearest region goes on, where neither end is given


class Chosen(Found):
    """Base of such layers: nothing is learnt through them, whatever is below."""

    diff_bottoms = staticmethod(lambda index: True)

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        for blob, down in zip(bottom, propagate_down, strict=True):
            if down:
                blob._diff.assign(torch.zeros_like(blob.data_tensor()))


@layer_type("ScaleRoute", "Cascade R-CNN")
class ScaleRoute(Chosen):
    """The regions of a size from low_scale to below high_scale, and what is given with them.

    Bottoms: regions R x 5, the image, x1, y1, x2, y2, the last pixels inside, and rows of each. The
    size is the square root of the area; either end may be open. Where there is none, the region
    whose size is nearest to the mean of both ends in octaves, the first of equal ones.
    """

    bottoms = (1, None)
    tops = (1, None)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.scale_route_param
        self.low = param.low_scale if param.HasField("low_scale") else 0.0
        self.high = param.high_scale if param.HasField("high_scale") else math.inf
        ends = [end for end in (self.low, self.high) if 0 < end < math.inf]
        self.middle = math.exp(sum(map(math.log, ends)) / len(ends)) if ends else MIDDLE
        self.check(
            self.high >= self.low and (self.low > 0 or not param.HasField("low_scale")),
            f"needs 0 < low_scale <= high_scale; found {self.low:g} and {self.high:g}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """There is room for one region, until the first forward."""
        check_rows(self, shapes, shapes[0], len(self.spec.top))
        return [(1, *shape[1:]) for shape in shapes]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        corners = bottoms[0].detach().flatten(1)[:, 1:]
        sides = corners[:, 2:] - corners[:, :2]
        size = (sides + 1).prod(1).where((sides >= 0).all(1), 0).sqrt()
        chosen = ((size >= self.low) & (size < self.high)).nonzero()[:, 0]
        if not len(chosen):
            chosen = (size / self.middle).log2().abs().argmin()[None]
        return [bottom.detach()[chosen] for bottom in bottoms]


@layer_type("HardMining", "Cascade R-CNN")
class HardMining(Chosen):
    """Of each image the num_roi_per_image regions of the largest loss (Shrivastava et al. 2016).

    Bottoms: the loss of each, regions R x 5, the image's number first, and rows of each. Tops: the
    chosen regions and their rows, in order: num_image times as many, filled up with what is hardest
    of the other images, or all regions where there are fewer.
    """

    bottoms = (2, None)
    tops = (1, None)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.hard_mining_param
        self.check(
            param.num_image > 0 and param.num_roi_per_image > 0,
            f"num_image and num_roi_per_image must be positive; found {param.num_image} and "
            f"{param.num_roi_per_image}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        check_rows(self, shapes, shapes[1], len(self.spec.top) + 1)
        self.check(
            math.prod(shapes[0]) == shapes[0][0],
            f"needs a loss for each region; found shape {shapes[0]}",
        )
        count = min(self._most(), shapes[0][0])
        return [(count, *shape[1:]) for shape in shapes[1:]]

    def _most(self) -> int:
        param = self.spec.hard_mining_param
        return param.num_image * param.num_roi_per_image

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        losses, images = (item_rows(bottom.detach())[:, 0] for bottom in bottoms[:2])
        param = self.spec.hard_mining_param
        wrong = images[(images < 0) | (images >= param.num_image)].tolist()
        self.check(
            not wrong, f"num_image is {param.num_image}, but a region is of image {wrong[:1]}"
        )
        # Of equal losses the last region comes first.
        order = len(losses) - 1 - losses.flip(0).sort(descending=True, stable=True).indices
        first = torch.zeros_like(images, dtype=torch.bool)
        for image in range(param.num_image):
            first[order[images[order] == image][: param.num_roi_per_image]] = True
        others = order[~first[order]]
        kept = torch.cat([first.nonzero()[:, 0], others])[: self._most()].sort().values
        return [bottom.detach()[kept] for bottom in bottoms[1:]]


def check_rows(layer: Found, shapes: list[Shape], regions: Shape, bottoms: int) -> None:
    """Raise CaffeError unless there are regions R x 5, rows of each, and a top for each."""
    layer.check(
        math.prod(regions[1:]) == 5 and len({shape[:1] for shape in shapes}) == 1,
        f"needs regions R x 5 and R rows in every other bottom; found shapes {shapes}",
    )
    layer.check(
        len(shapes) == bottoms,
        f"{len(layer.spec.top)} tops need {bottoms} bottoms; found {len(shapes)}",
    )
