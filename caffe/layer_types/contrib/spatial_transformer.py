"""SpatialTransformer, Transformer: maps seen through an affine grid the net decides on."""

import math

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, layer_type
from .sampling import sampled

_THETA = [f"theta_{i}_{j}" for i in (1, 2) for j in (1, 2, 3)]


@layer_type("SpatialTransformer", "several forks")
class SpatialTransformer(LayerType):
    """Bilinear values of maps where an affine transformation leads (Jaderberg et al. 2015).

    Bottoms: N x C x H x W, and N x 6, theta without the values that st_param gives. Row i of
    output_H and column j of output_W are 2 i / output_H - 1 and 2 j / output_W - 1; theta takes
    (row, column, 1) to a row and a column of the bottom, of which -1 is pixel 0 and 1 is H or W.
    Outside the maps are 0.
    """

    bottoms = (2, 2)
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.st_param
        self.check(
            param.transform_type == "affine" and param.sampler_type == "bilinear",
            f"transforms by affine and samples bilinear; found {param.transform_type} and "
            f"{param.sampler_type}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param = self.spec.st_param
        maps, theta = shapes
        needed = 6 - sum(map(param.HasField, _THETA))
        self.check(
            len(maps) == 4 and theta[:1] == maps[:1] and theta[1:] == (needed,),
            f"needs maps N x C x H x W, and N x {needed} values of theta; found {maps} and {theta}",
        )
        height = param.output_H if param.HasField("output_H") else maps[2]
        width = param.output_W if param.HasField("output_W") else maps[3]
        self.check(height > 0 and width > 0, "output_H and output_W must be positive")
        return [(*maps[:2], height, width)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, maps = self.spec.st_param, bottoms[0]
        (top,) = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])
        given = iter(bottoms[1].unbind(1))
        theta = [
            maps.new_full(maps.shape[:1], getattr(param, name))
            if param.HasField(name)
            else next(given)
            for name in _THETA
        ]
        y, x = _places(torch.stack(theta, 1), maps, (top[2], top[3]))
        maps = maps if param.to_compute_dU else maps.detach()
        # A pixel of 0 around them lets their edges fade out.
        return sampled(F.pad(maps, (1, 1, 1, 1)), y + 1, x + 1, 0).reshape(top)


@layer_type("Transformer", "several forks")
class Transformer(LayerType):
    """A SpatialTransformer of the bottom's size, all of theta in bottom 1.

    Places outside the middles of the outer pixels are 0 at once.
    """

    bottoms = (2, 2)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        maps, theta = shapes
        self.check(
            len(maps) == 4 and theta[:2] == (maps[0], 6) and math.prod(theta[2:]) == 1,
            f"needs maps N x C x H x W, and N x 6 values of theta; found {maps} and {theta}",
        )
        return [maps]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        maps, theta = bottoms[0], bottoms[1].flatten(1)
        height, width = maps.shape[2:]
        y, x = _places(theta, maps, (height, width))
        inside = (y <= height - 1) & (x <= width - 1)
        return sampled(maps, y, x, 0).where(inside.unsqueeze(1), 0).reshape(maps.shape)


def _places(
    theta: torch.Tensor, maps: torch.Tensor, size: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows and columns (N, H * W) of the maps, where theta (N, 6) takes those of a grid H x W."""
    rows, columns = (
        torch.arange(length, device=maps.device).to(maps.dtype) * 2 / length - 1 for length in size
    )
    grid = torch.stack([*torch.meshgrid(rows, columns, indexing="ij"), maps.new_ones(size)])
    y, x = (theta.unflatten(1, (2, 3)) @ grid.flatten(1)).unbind(1)
    return (y + 1) / 2 * maps.shape[2], (x + 1) / 2 * maps.shape[3]
