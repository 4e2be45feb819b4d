"""What several maps have at some of an image's pixels: RandBI, RandComp."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from ..base import LayerType, Shape, layer_type
from ..exporting import is_traced
from .traced_rois import rounded

Take = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # values at whole rows and columns


class _Pixels(LayerType):
    """Bottoms: maps N x C x H x W, and pixels P x 3: the image's number, row, column."""

    bottoms = (2, None)

    def diff_bottoms(self, index: int) -> bool:
        return index < len(self.spec.bottom) - 1

    def setup_from(self, shapes: list[Shape]) -> None:
        param, maps = self.spec.rand_comp_param, len(shapes) - 1
        self.check(
            len(param.compression_rate) == maps and min(param.compression_rate) > 0,
            f"needs a positive compression_rate for each of {maps} maps; found "
            f"{list(param.compression_rate)}",
        )
        self.check(param.HasField("pad"), "needs pad: true or false")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        *maps, pixels = shapes
        self.check(
            len(pixels) == 2 and pixels[0] > 0 and pixels[1] == 3 and {*map(len, maps)} == {4},
            f"needs maps N x C x H x W and pixels P x 3; found shapes {shapes}",
        )
        return [(pixels[0], sum(shape[1] for shape in maps))]

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        *maps, pixels = shapes
        if index < len(maps):
            return None
        rates = self.spec.rand_comp_param.compression_rate
        ends = [
            min(
                (size - 1) * rate + self._margin(rate)
                for size, rate in zip(axis, rates, strict=True)
            )
            for axis in list(zip(*maps, strict=True))[2:]
        ]
        images = max(min(shape[0] for shape in maps), 1)
        columns = [rng.randint(0, images, pixels[0]), *(rng.uniform(0, e, pixels[0]) for e in ends)]
        return np.stack(columns, 1)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        *maps, pixels = bottoms
        image, row, column = pixels.detach().unbind(1)
        found = []
        for i, rate in enumerate(self.spec.rand_comp_param.compression_rate):
            margin = self._margin(rate)
            places = [(at - margin) / rate for at in (row, column)]
            found.append(self.values(partial(self._whole, i, maps[i], image.trunc()), *places))
        return torch.cat(found, 1)

    def values(self, take: Take, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        """Those of a map at these places between its pixels, P x C."""
        raise NotImplementedError

    def _whole(
        self,
        number: int,
        x: torch.Tensor,
        image: torch.Tensor,
        row: torch.Tensor,
        column: torch.Tensor,
    ) -> torch.Tensor:
        """Those of map `number` at whole rows and columns, which must lie within it."""
        images, channels, height, width = x.shape
        if not is_traced():
            inside = (image >= 0) & (row >= 0) & (column >= 0)
            inside &= (image < images) & (row < height) & (column < width)
            wrong = inside.logical_not().nonzero()
            if len(wrong):
                at = int(wrong[0])
                place = ", ".join(f"{float(each[at]):g}" for each in (image, row, column))
                self.check(
                    False,
                    f"pixel {at} of '{self.spec.bottom[-1]}' needs ({place}) of "
                    f"'{self.spec.bottom[number]}', which is of shape {tuple(x.shape)}",
                )
        numbers = (image.long() * height + row.long()) * width + column.long()
        return x.permute(0, 2, 3, 1).reshape(-1, channels).index_select(0, numbers)

    def _margin(self, rate: int) -> float:
        return (rate - 1) / 2 if self.spec.rand_comp_param.pad else 0.0


@layer_type("RandBI", "PixelNet")
class RandBI(_Pixels):
    """Bottoms: maps N x C x H x W, and pixels P x 3, the image's number, row and column.

    Top: what the maps have there, behind each other, P x (all C); between a map's pixels linearly
    from its neighbours. A map is compression_rate times as small as the image; with pad its pixels
    are in the middle of what they stand for, else at the beginning. Beyond the first row or column
    that counts, beyond the last there is an error.
    """

    def values(self, take: Take, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        row, column = row.clamp(min=0), column.clamp(min=0)
        rows, columns = (row.floor(), row.ceil()), (column.floor(), column.ceil())
        below, right = (row - rows[0])[:, None], (column - columns[0])[:, None]
        (a, b), (c, d) = ([take(r, k) for k in columns] for r in rows)
        return (a * (1 - right) + b * right) * (1 - below) + (c * (1 - right) + d * right) * below


@layer_type("RandComp", "PixelNet")
class RandComp(_Pixels):
    """As RandBI, but of the nearest of a map's pixels, which must be one."""

    def values(self, take: Take, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        return take(rounded(row), rounded(column))
