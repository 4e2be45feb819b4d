"""Switch: which of several bottoms each item is of."""

import math

import torch

from ..base import LayerType, Shape, layer_type


@layer_type("Switch", "several forks")
class Switch(LayerType):
    """Each item of the bottom, of those of one shape, that the last bottom's value for it numbers.

    They count from 0; an item of a number that no bottom has is 0.
    """

    bottoms = (2, None)
    passes_on = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        last = len(shapes) - 1
        self.diff_bottoms = lambda index: index < last

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        *others, numbers = shapes
        items = shapes[0][:1]
        self.check(
            len(items) == 1 and len(set(others)) == 1 and (math.prod(numbers),) == items,
            "needs bottoms of one shape, and behind them a number for each item; found shapes "
            f"{shapes}",
        )
        return others[:1]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        *others, last = bottoms
        numbers = last.detach().trunc().reshape(-1, *(1,) * (others[0].dim() - 1))
        top = torch.zeros_like(others[0])
        for number, x in enumerate(others):
            top = torch.where(numbers == number, x, top)
        return top
