"""StageBridge of MNC: the regions of one stage as the next one looks at them."""

import math

import torch

from ..base import LayerType, Shape, layer_type
from . import boxes


@layer_type("StageBridge", "MNC")
class StageBridge(LayerType):
    """Regions, moved as was predicted for the class of each that scores highest.

    Dai et al. 2016, section 3.4, as MNC's pylayer.stage_bridge_layer has it in tests. Bottoms:
    regions R x 5, the image's number, x1, y1, x2, y2 in pixels, the last ones inside; shifts R x 4
    C, for each class, of the centre in sides and the logarithms of the sides' ratios; scores R x C,
    the background's too; height, width and scale of the image. Top: regions R x 5, of image 0,
    clipped to it. Of equal scores the first counts.
    """

    bottoms = (4, 4)
    diff_bottoms = staticmethod(lambda index: False)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        count = shapes[0][:1]
        regions, shifts, scores = (math.prod(shape[1:]) for shape in shapes[:3])
        self.check(
            regions == 5
            and shifts == 4 * scores
            and all(shape[:1] == count for shape in shapes[:3])
            and math.prod(shapes[3]) >= 3,
            "needs regions R x 5, shifts R x 4 C and scores R x C, and height, width and scale of "
            f"the image; found shapes {shapes}",
        )
        return [(*count, 5)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        regions, shifts, scores = (bottom.detach().flatten(1) for bottom in bottoms[:3])
        best = scores.argmax(1)[:, None, None].expand(-1, 1, 4)
        chosen = shifts.unflatten(1, (-1, 4)).gather(1, best)[:, 0]
        ends = torch.cat([regions[:, 1:3], regions[:, 3:] + 1], 1)
        found = boxes.decoded(chosen, ends, None, boxes.CODES.CENTER_SIZE)
        last = (bottoms[3].detach().flatten()[[1, 0, 1, 0]] - 1).to(found)
        clipped = torch.minimum(found, last).clamp(min=0)
        return torch.cat([torch.zeros_like(regions[:, :1]), clipped], 1)
