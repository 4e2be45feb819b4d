"""ROIMaskPooling of GBD-Net: a region's surroundings, or a half of it."""

import numpy as np
import torch

from ..base import Shape, layer_type
from .rois import Regions, parts_of, rounded

HALVES = (1, 2, 3, 4)  # left, right, upper, lower


@layer_type("ROIMaskPooling", "GBD-Net")
class ROIMaskPooling(Regions):
    """The maximum of each of pooled_h x pooled_w parts of a region of roi_scale times its size.

    Gidaris & Komodakis 2015, section 3, as GBD-Net has it. half_part 1 to 4 is its left, right,
    upper or lower half; corners are multiplied by spatial_scale, moved by spatial_shift and
    rounded, and lie inside. With a positive mask_scale the pixels of the region of that size count
    as 0; one that is above what was found so far, row by row, is given as it is, as its fork does
    on a GPU. A part outside of the map is 0. The gradient goes to the pixel that is given.
    """

    @property
    def not_in_onnx(self) -> str:
        return "which pixel it gives depends on those before it; write a ROIPooling"

    def setup_from(self, shapes: list[Shape]) -> None:
        pool = self.spec.roi_mask_pooling_param
        self.check(
            pool.pooled_h > 0 and pool.pooled_w > 0,
            f"pooled_h and pooled_w must be positive; found {pool.pooled_h} and {pool.pooled_w}",
        )

    def scale(self) -> float:
        return self.spec.roi_mask_pooling_param.spatial_scale

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_regions(shapes)
        pool = self.spec.roi_mask_pooling_param
        return [(shapes[1][0], shapes[0][1], pool.pooled_h, pool.pooled_w)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        pooled = [self._pooled(x, corners) for x, corners in self.regions(bottoms)]
        (top,) = self.top_shapes([tuple(bottom.shape) for bottom in bottoms])
        return torch.stack(pooled) if pooled else bottoms[0].new_zeros(top)

    def _pixels(self, corners: np.ndarray, size: float, half: int) -> np.ndarray:
        """The first column and row, and the last, of a region of so many times the size."""
        pool = self.spec.roi_mask_pooling_param
        centre, sides = (corners[:2] + corners[2:]) / 2, corners[2:] - corners[:2]
        reach = sides * np.float32(size) / 2
        found = np.concatenate([centre - reach, centre + reach])
        if half in HALVES:
            end = (2, 0, 3, 1)[half - 1]
            found[end] = centre[end % 2]
        return rounded(found * np.float32(pool.spatial_scale) + np.float32(pool.spatial_shift))

    def _pooled(self, x: torch.Tensor, corners: np.ndarray) -> torch.Tensor:
        pool = self.spec.roi_mask_pooling_param
        values = x.detach().cpu().numpy()
        counted = values
        if pool.mask_scale > 0:
            left, above, right, below = self._pixels(corners, pool.mask_scale, 0)
            rows, columns = (np.arange(length) for length in x.shape[1:])
            inside = ((rows >= above) & (rows <= below))[:, None] & (
                (columns >= left) & (columns <= right)
            )
            counted = np.where(inside, 0, values)
        pixels = self._pixels(corners, pool.roi_scale, pool.half_part)
        ranges = parts_of(pixels, (pool.pooled_h, pool.pooled_w), x)
        at = [[_chosen(values, counted, row, column) for column in ranges[1]] for row in ranges[0]]
        where = torch.from_numpy(np.array(at)).to(x.device).permute(2, 0, 1)
        found = x.flatten(1).gather(1, where.clamp(min=0).flatten(1)).reshape(where.shape)
        return found.where(where >= 0, 0)


def _chosen(
    values: np.ndarray, counted: np.ndarray, row: tuple[int, int], column: tuple[int, int]
) -> np.ndarray:
    """Which pixel of a part each channel gives, its number in the map (C); -1 for none."""
    width = values.shape[2]
    if counted is values and row[0] < row[1] and column[0] < column[1]:
        down, right = np.divmod(
            values[:, slice(*row), slice(*column)].reshape(len(values), -1).argmax(1),
            column[1] - column[0],
        )
        return (down + row[0]) * width + right + column[0]
    place = np.full(len(values), -1)
    most = np.full(len(values), -np.inf)
    for y in range(*row):
        for x in range(*column):
            more = counted[:, y, x] > most
            most[more] = values[more, y, x]
            place[more] = y * width + x
    return place
