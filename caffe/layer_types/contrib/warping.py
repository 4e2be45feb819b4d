"""Layer types that sample maps at given places: Grid, Warp, FlowTransformer."""

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
        return _grid(x).expand(x.shape[0], 2, *x.shape[2:])


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
        maps, places = bottoms[0], self.places(bottoms[1])
        x, y = (places + 1).flatten(2).unbind(1)  # on maps with a 0 more around them
        found = sampled(F.pad(maps, (1, 1, 1, 1)), y, x, 0.0)
        return found.reshape(*maps.shape[:2], *places.shape[2:])

    def places(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom


@layer_type("FlowTransformer", "hidden two-stream networks")
class FlowTransformer(Warp):
    """Bilinear values of maps N x C x H x W where a flow N x 2 x H x W, x and y, leads each place.

    Around the maps there is 0. Nothing is learnt through the maps. The flow's gradient is the
    derivative, at whole places, where there is none, the one towards larger x and y.
    """

    diff_bottoms = staticmethod(lambda index: index == 1)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        self.check(
            shapes[0][2:] == shapes[1][2:],
            f"needs a flow for each place of the maps; found shapes {shapes[0]}, {shapes[1]}",
        )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return super().expression([bottoms[0].detach(), bottoms[1]], params)

    def places(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom + _grid(bottom)


def _grid(x: torch.Tensor) -> torch.Tensor:
    """The places of N x C x H x W, x and y: 2 x H x W."""
    height, width = x.shape[2:]
    rows = torch.arange(height, device=x.device).to(x.dtype)[:, None].expand(height, width)
    columns = torch.arange(width, device=x.device).to(x.dtype).expand(height, width)
    return torch.stack([columns, rows])
