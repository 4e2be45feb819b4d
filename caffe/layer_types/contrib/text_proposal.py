"""TextProposal of CTPN: narrow regions that may hold a piece of text."""

import math

import numpy as np
import torch

from ..base import LayerType, Shape, Tensors, layer_type
from .proposal import example_sizes

BASE = 16  # pixels: an anchor's width, and the side of the square around whose centre it is
HEIGHTS = (11, 16, 23, 33, 48, 68, 97, 139, 198, 283)


def anchors() -> np.ndarray:
    """Boxes (10, 4) x1, y1, x2, y2 in pixels, the last ones inside, int64.

    Halves of sides and corners are cut off to whole numbers, toward 0.
    """
    centre = (BASE - 1) / 2
    halves = np.array([[BASE // 2, height // 2] for height in HEIGHTS])
    return np.trunc(np.concatenate([centre - halves, centre + halves], 1)).astype(int)


@layer_type("TextProposal", "CTPN")
class TextProposal(LayerType):
    """All regions of a map, moved and stretched in height alone, and their scores.

    Tian et al. 2016, section 3.1, as CTPN's layers.text_proposal_layer has it. Bottoms: scores 1 x
    20 x H x W, those of text last; shifts 1 x 20 x H x W, of each anchor the centre's in heights
    and the logarithm of the height's ratio; height, width and scale of the image. Tops: R x 4,
    x1, y1, x2, y2 in pixels, clipped to the image; scores R x 1: row by row, place by place, anchor
    by anchor. The upper side is height / 2 above the centre, the lower one a whole height below it.
    """

    bottoms = (3, 3)
    tops = (2, 2)
    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        stride = self.spec.proposal_param.feat_stride
        self.check(stride > 0, f"feat_stride must be positive; found {stride:g}")

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        return example_sizes(shapes, self.spec.proposal_param.feat_stride) if index == 2 else None

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, shifts, sizes = shapes
        count = len(HEIGHTS)
        self.check(
            len(scores) == 4 and scores == shifts and scores[:2] == (1, 2 * count),
            f"needs scores and shifts 1 x {2 * count} x H x W, of one image; found shapes {scores} "
            f"and {shifts}",
        )
        self.check(
            math.prod(sizes) >= 3,
            f"needs height, width and scale of the image; found the shape {sizes} of "
            f"'{self.spec.bottom[2]}'",
        )
        regions = count * scores[2] * scores[3]
        return [(regions, 4), (regions, 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        scores, shifts, sizes = (bottom.detach() for bottom in bottoms)
        count = len(HEIGHTS)
        height, width = scores.shape[2:]
        shifts = shifts[0].unflatten(0, (count, 2)).permute(2, 3, 0, 1)
        stride = self.spec.proposal_param.feat_stride
        y, x = (torch.arange(n, device=scores.device).to(scores) * stride for n in (height, width))
        left, above, right, below = torch.from_numpy(anchors()).to(scores).unbind(1)
        side = below - above + 1
        tall = shifts[..., 1].exp() * side
        first = shifts[..., 0] * side + (above + below) / 2 + y[:, None, None] - tall / 2
        ends = (
            (left + x[:, None]).expand(height, width, count),
            first,
            (right + x[:, None]).expand(height, width, count),
            first + tall,
        )
        last = (sizes.flatten()[[1, 0, 1, 0]] - 1).to(scores)
        found = torch.minimum(torch.stack(ends, -1).reshape(-1, 4), last).clamp(min=0)
        return [found, scores[0, count:].permute(1, 2, 0).reshape(-1, 1)]
