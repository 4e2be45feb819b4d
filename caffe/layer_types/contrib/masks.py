"""MNC's layer types: ROIWarping, MaskResize, MaskPooling."""

import math

import torch

from ..base import LayerType, Shape, layer_type
from .rois import Regions, rounded
from .sampling import sampled


@layer_type("ROIWarping", "MNC")
class ROIWarping(Regions):
    """The maximum of bilinear values in each of pooled_h x pooled_w parts of a region.

    Dai et al. 2016, section 3.2. Corners are multiplied by spatial_scale and rounded; each part has
    as many steps along an axis as pixels, rounded up, both ends included. Half a pixel beyond the
    map its edge counts, further out nothing; a part of that alone is 0. The gradient by a region
    is that by its centre (x, y), width and height on the map.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        pool = self.spec.roi_warping_param
        self.check(
            pool.pooled_h > 0 and pool.pooled_w > 0,
            f"pooled_h and pooled_w must be positive; found {pool.pooled_h} and {pool.pooled_w}",
        )

    def scale(self) -> float:
        return self.spec.roi_warping_param.spatial_scale

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_regions(shapes)
        pool = self.spec.roi_warping_param
        return [(shapes[1][0], shapes[0][1], pool.pooled_h, pool.pooled_w)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        pool, scale = self.spec.roi_warping_param, self.scale()
        moves = bottoms[1].reshape(-1, 5)
        moves = moves - moves.detach()
        parts = []
        for move, (x, corners) in zip(moves, self.regions(bottoms), strict=True):
            left, above, right, below = (float(each) for each in rounded(corners * scale))
            rows = _places(above, below, pool.pooled_h, move[2], move[4])
            columns = _places(left, right, pool.pooled_w, move[1], move[3])
            values = _bilinear(x, rows.flatten(), columns.flatten())
            values = values.unflatten(1, rows.shape).unflatten(3, columns.shape)
            found = _maximum(values)
            parts.append(found.where(found > -math.inf, 0))
        (top,) = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])
        return torch.stack(parts) if parts else bottoms[0].new_zeros(top)


def _maximum(values: torch.Tensor) -> torch.Tensor:
    """Over the steps (C, parts, steps, parts, steps); of equal ones the first has the gradient."""
    return values.transpose(2, 3).flatten(3).max(3).values


def _places(
    start: float, end: float, parts: int, centre: torch.Tensor, size: torch.Tensor
) -> torch.Tensor:
    """Where each part's steps are along an axis, (parts, steps).

    centre, size: 0, whose gradients are those by the region's centre and size.
    """
    length = max(end - start, 0)
    steps = math.ceil(length / parts)
    inside = torch.linspace(0, 1, steps + 1, dtype=centre.dtype, device=centre.device)
    at = torch.arange(parts, device=centre.device)[:, None] + (inside if steps else inside[:1])
    return start + at * (length / parts) + centre + (at / parts - 0.5) * size


def _bilinear(x: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Of (C, H, W) at all rows and columns, (C, rows, columns); -inf outside."""
    height, width = x.shape[1:]
    inside = ((rows >= -0.5) & (rows <= height - 0.5))[:, None] & (
        (columns >= -0.5) & (columns <= width - 0.5)
    )
    y = rows.clamp(0, height - 1)[:, None].expand(-1, len(columns)).reshape(1, -1)
    z = columns.clamp(0, width - 1).expand(len(rows), -1).reshape(1, -1)
    values = sampled(x[None], y, z, 0)[0].unflatten(1, (len(rows), len(columns)))
    return values.where(inside, -math.inf)


@layer_type("MaskResize", "MNC")
class MaskResize(LayerType):
    """Bilinear, to output_height x output_width: pixel i at i times the ratio of the sizes."""

    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param = self.spec.mask_resize_param
        self.check(
            len(shapes[0]) == 4 and param.output_height > 0 and param.output_width > 0,
            "needs 4 axes (N, C, H, W), and output_height and output_width; found shape "
            f"{shapes[0]}",
        )
        return [(*shapes[0][:2], param.output_height, param.output_width)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        *_, height, width = self.top_shapes([tuple(x.shape)])[0]
        rows = torch.arange(height, device=x.device).to(x.dtype) * x.shape[2] / height
        columns = torch.arange(width, device=x.device).to(x.dtype) * x.shape[3] / width
        y, z = (each.reshape(1, -1) for each in torch.meshgrid(rows, columns, indexing="ij"))
        # Behind the last half pixel is nothing.
        inside = (y <= x.shape[2] - 0.5) & (z <= x.shape[3] - 0.5)
        flat = x.reshape(1, -1, *x.shape[2:])
        return (sampled(flat, y, z, 0) * inside).reshape(*x.shape[:2], height, width)


@layer_type("MaskPooling", "MNC")
class MaskPooling(LayerType):
    """Maps N x C x H x W times masks N x 1 x H x W."""

    bottoms = (2, 2)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        maps, masks = shapes
        self.check(
            len(maps) == 4 and masks == (maps[0], 1, *maps[2:]),
            f"needs maps N x C x H x W and masks N x 1 x H x W; found {maps} and {masks}",
        )
        return [maps]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        maps, masks = bottoms
        return maps * masks
