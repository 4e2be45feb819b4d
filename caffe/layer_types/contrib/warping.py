"""Layer types that sample maps at given places: Grid, Warp."""

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, layer_type
from .sampling import sampled


@layer_type("Grid", "LiteFlowNet")
class Grid(LayerType):
    """The places of N x C x H x W, x and y: N x 2 x H x W."""

    reads_values = False
    reads_bottom = staticmethod(lambda index: False)
    diff_bottoms = staticmethod(lambda index: False)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        return [(shape[0], 2, *shape[2:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        height, width = x.shape[2:]
        rows = torch.arange(height, device=x.device).to(x.dtype)[:, None].expand(height, width)
        columns = torch.arange(width, device=x.device).to(x.dtype).expand(height, width)
        return torch.stack([columns, rows]).expand(x.shape[0], 2, height, width)


@layer_type("Warp", "LiteFlowNet")
class Warp(LayerType):
    """Bilinear values of maps N x C x H x W at places N x 2 x H' x W', x and y of each.

    Around the maps there is 0, from one pixel away on.
    """

    bottoms = (2, 2)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        maps, places = shapes
        self.check(
            len(maps) == len(places) == 4 and places[:2] == (maps[0], 2),
            f"needs maps N x C x H x W and places N x 2 x H x W; found shapes {maps}, {places}",
        )
        return [(*maps[:2], *places[2:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        maps, places = bottoms
        x, y = (places + 1).flatten(2).unbind(1)  # on maps with a 0 more around them
        found = sampled(F.pad(maps, (1, 1, 1, 1)), y, x, 0.0)
        return found.reshape(*maps.shape[:2], *places.shape[2:])
