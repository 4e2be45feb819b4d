"""RotateROIPooling of RRPN: maxima of the parts of regions that are turned."""

import math

import numpy as np
import torch

from .. import exporting
from ..base import LayerType, Shape, layer_type


@layer_type("RotateROIPooling", "RRPN")
class RotateROIPooling(LayerType):
    """The maximum, at least 0, of each of pooled_h x pooled_w parts of a turned region.

    Ma et al. 2018, section III.D. Bottoms: maps N x C x H x W; regions R x 6, each the image's
    number, the centre's x and y, height, width, and the angle in degrees; and im_info, whose first
    row has height and width of the image: what lies outside of it does not count. A part has the
    pixels whose corner times 1 / spatial_scale lies in it. The gradient goes to the first of equal
    maxima, rows first.
    """

    bottoms = (3, 3)
    diff_bottoms = staticmethod(lambda index: index == 0)

    def setup_from(self, shapes: list[Shape]) -> None:
        pool = self.spec.rotate_pooling_param
        self.check(
            pool.pooled_h > 0 and pool.pooled_w > 0,
            f"pooled_h and pooled_w must be positive; found {pool.pooled_h} and {pool.pooled_w}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        maps, regions, info = shapes
        self.check(
            len(maps) == 4 and math.prod(regions[1:]) == 6 and math.prod(info) > 1,
            "needs maps N x C x H x W, regions R x 6 and im_info with a height and a width; found "
            f"shapes {shapes}",
        )
        pool = self.spec.rotate_pooling_param
        return [(regions[0], maps[1], pool.pooled_h, pool.pooled_w)]

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        images, _, *size = shapes[0]
        sides = np.array(size) / self.spec.rotate_pooling_param.spatial_scale
        if index == 0:
            return None
        if index == 2:
            return np.resize([*sides, 1], shapes[2])
        count = shapes[1][0]
        return np.concatenate(
            [
                rng.randint(0, max(images, 1), (count, 1)),
                rng.uniform(0.2, 0.8, (count, 2)) * sides[::-1],
                rng.uniform(0.2, 0.8, (count, 2)) * sides,
                rng.uniform(-90, 90, (count, 1)),
            ],
            1,
        ).reshape(shapes[1])

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, regions, info = bottoms[0], bottoms[1].detach().reshape(-1, 6), bottoms[2].detach()
        pool = self.spec.rotate_pooling_param
        image = regions[:, 0].long()
        if not exporting.is_traced():
            wrong = image[(image < 0) | (image >= len(x))]
            self.check(
                not len(wrong),
                f"region blob '{self.spec.bottom[1]}' names image {wrong[:1].tolist()}; "
                f"'{self.spec.bottom[0]}' has {len(x)}",
            )
        part = self._parts(regions, info.flatten(), x)
        if exporting.is_traced():
            tops = _maxima(x.flatten(2)[image], part, pool.pooled_h * pool.pooled_w)
        else:  # one by one, for all at once are large
            each = zip(image.tolist(), part, strict=True)
            count = pool.pooled_h * pool.pooled_w
            of_each = [_maxima(x[i].flatten(1)[None], row[None], count) for i, row in each]
            tops = torch.cat(of_each) if of_each else x.new_zeros(0, x.shape[1], count)
        return tops.unflatten(2, (pool.pooled_h, pool.pooled_w))

    def _parts(self, regions: torch.Tensor, info: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The part of each region that each pixel is of, R x (H * W); pooled_h * pooled_w: none."""
        pool = self.spec.rotate_pooling_param
        scale, (height, width) = pool.spatial_scale, x.shape[2:]
        _, x0, y0, tall, wide, angle = (each[:, None, None] for each in regions.unbind(1))
        turn = angle / 180 * math.pi
        right = torch.arange(width, device=x.device).to(x.dtype) - x0 * scale
        below = torch.arange(height, device=x.device).to(x.dtype)[:, None] - y0 * scale
        across = (right * turn.cos() - below * turn.sin()) / (wide * scale / pool.pooled_w)
        down = (right * turn.sin() + below * turn.cos()) / (tall * scale / pool.pooled_h)
        column = (across + pool.pooled_w / 2).floor()
        row = (down + pool.pooled_h / 2).floor()
        limits = (info[:2] * scale + 0.5).floor()
        inside = (column >= 0) & (column < pool.pooled_w) & (row >= 0) & (row < pool.pooled_h)
        inside = inside & (torch.arange(width, device=x.device) < limits[1])
        inside = inside & (torch.arange(height, device=x.device)[:, None] < limits[0])
        part = row * pool.pooled_w + column
        return part.where(inside, pool.pooled_h * pool.pooled_w).long().flatten(1)


def _maxima(x: torch.Tensor, part: torch.Tensor, count: int) -> torch.Tensor:
    """Of values (R, C, P) in parts (R, P): (R, C, count), 0 where none is above."""
    part = part[:, None].expand(x.shape)
    zeros = x.new_zeros(x.shape[0], x.shape[1], count + 1)
    most = zeros.scatter_reduce(2, part, x.detach(), "amax")
    if exporting.is_traced():
        return most[:, :, :count]
    places = torch.arange(x.shape[2], device=x.device).expand(x.shape)
    is_most = (x.detach() == most.gather(2, part)) & (x.detach() > 0)
    none = torch.full_like(zeros, x.shape[2], dtype=torch.long)
    first = none.scatter_reduce(2, part, places.where(is_most, x.shape[2]), "amin")
    with_zero = torch.cat([x, x.new_zeros(*x.shape[:2], 1)], 2)
    return with_zero.gather(2, first[:, :, :count])
