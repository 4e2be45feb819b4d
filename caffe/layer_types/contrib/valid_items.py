"""What MTCNN trains by, of batches whose items are for one of its tasks: ValidItems, and a loss."""

import math

import torch

from ..base import LayerType, Shape, item_rows, layer_type
from .losses import unweighed
from .weighed_targets import TargetOfEach

INVALID = -1  # label, or first value, of an item that is for another task


@layer_type("ValidItems", "MTCNN in Caffe")
class ValidItems(LayerType):
    """The items whose label (bottom 1) is not -1, and their labels; behind them as many zeros.

    The gradient goes to the items that were taken.
    """

    bottoms = (2, 2)
    tops = (2, 2)
    pairs_tops = True
    diff_bottoms = staticmethod(lambda index: index == 0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(shapes[0]) > 0 and math.prod(shapes[1]) == shapes[0][0],
            f"needs a label for each item; found shapes {shapes[0]} and {shapes[1]}",
        )
        return shapes

    def expression(
        self, bottoms: list[torch.Tensor], params: list[torch.Tensor]
    ) -> list[torch.Tensor]:
        x, label = bottoms[0], bottoms[1].detach()
        valid = label.reshape(-1) != INVALID
        order = torch.argsort((~valid).int(), stable=True)
        return [_rows(each, order, valid) for each in (x, label)]


def _rows(x: torch.Tensor, order: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Rows in that order, zeros where they are not valid."""
    return x[order].where(valid[order].reshape(-1, *(1,) * (x.dim() - 1)), 0)


@layer_type("ValidEuclideanLoss", "MTCNN in Caffe")
class ValidEuclideanLoss(TargetOfEach):
    """As EuclideanLoss; 0 of a batch whose targets all begin with -1.

    The gradient is what it is without a loss_weight, whatever the loss weighs.
    """

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, target = bottoms[0], bottoms[1].detach().reshape(bottoms[0].shape)
        first = item_rows(target)[:, 0]
        valid = (first != INVALID).any()
        apart = (x.detach() - target).where(valid, 0)
        loss = apart.square().sum() / x.shape[0] / 2
        return loss + unweighed(x, apart / x.shape[0])
