"""SpatialTransformer: maps seen through an affine grid that the net itself decides on."""

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
            maps.new_full((len(maps),), getattr(param, name))
            if param.HasField(name)
            else next(given)
            for name in _THETA
        ]
        rows = torch.arange(top[2], device=maps.device).to(maps.dtype) * 2 / top[2] - 1
        columns = torch.arange(top[3], device=maps.device).to(maps.dtype) * 2 / top[3] - 1
        grid = torch.stack(
            [*torch.meshgrid(rows, columns, indexing="ij"), maps.new_ones(top[2:])]
        ).flatten(1)
        y, x = (torch.stack(theta, 1).unflatten(1, (2, 3)) @ grid).unbind(1)
        y, x = (y + 1) / 2 * maps.shape[2], (x + 1) / 2 * maps.shape[3]
        maps = maps if param.to_compute_dU else maps.detach()
        # A pixel of 0 around them lets their edges fade out.
        return sampled(F.pad(maps, (1, 1, 1, 1)), y + 1, x + 1, 0).reshape(top)
