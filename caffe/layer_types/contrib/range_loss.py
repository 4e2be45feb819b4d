"""RangeLoss: of the largest distances inside classes, and the least one between them."""

import math
from itertools import combinations

import torch

from ..base import Shape, item_rows, layer_type
from ..loss import Loss, with_gradient


@layer_type("RangeLoss", "the authors of the range loss")
class RangeLoss(Loss):
    """Draws the items of each class together, and apart the two classes whose centres are nearest.

    Zhang et al. 2017, equations 4 and 6. Of each class the harmonic mean of the choose_k largest
    squared distances between its items, summed over the classes, times intra_weight; and what the
    squared distance between the centres lacks to margin, times inter_weight. A mean with a distance
    of 0 is 0, and nothing is learnt through it. As in the fork, the second part's gradient by an
    item is a quarter of the derivative, and divided by the number of items of the other class
    instead of its own.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.range_loss_param
        names = ("choose_k", "inter_weight", "intra_weight", "margin")
        lacks = [name for name in names if not param.HasField(name)]
        self.check(not lacks, f"needs {' and '.join(lacks)} in range_loss_param")
        self.check(param.choose_k > 0, "choose_k must be positive; found 0")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        self.check(
            math.prod(shapes[1]) == shapes[0][0],
            f"needs a label for each item; found shapes {shapes[0]} and {shapes[1]}",
        )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, labels = item_rows(bottoms[0]), bottoms[1].detach().flatten().trunc().tolist()
        param = self.spec.range_loss_param
        classes: dict[float, list[int]] = {}
        for item, label in enumerate(labels):
            classes.setdefault(label, []).append(item)
        self.check(len(classes) > 1, "needs items of two classes at least in each batch")
        inside = x.new_zeros(())
        for label, items in classes.items():
            pairs = list(combinations(items, 2))
            self.check(
                len(pairs) >= param.choose_k,
                f"choose_k is {param.choose_k}; of class {label:g} a batch has {len(items)} items, "
                f"which are {len(pairs)} pairs",
            )
            one, other = zip(*pairs, strict=True)
            squares = (x[list(one)] - x[list(other)]).square().sum(1)
            largest = squares.topk(param.choose_k).values
            least = largest.detach().min()  # no 1 / distance alone, which may be infinite
            if least > 0:
                inside = inside + param.choose_k * least / (least / largest).sum()
        return param.intra_weight * inside + param.inter_weight * self._between(x, classes)

    def _between(self, x: torch.Tensor, classes: dict[float, list[int]]) -> torch.Tensor:
        """What the nearest centres lack to margin."""
        members = list(classes.values())
        centres = torch.stack([x.detach()[items].mean(0) for items in members])
        pairs = list(combinations(range(len(members)), 2))
        apart = [centres[i] - centres[j] for i, j in pairs]
        at = int(torch.stack([each.square().sum() for each in apart]).argmin())
        lack = self.spec.range_loss_param.margin - apart[at].square().sum()
        if lack <= 0:
            return x.new_zeros(())
        slope, (i, j) = torch.zeros_like(x), pairs[at]
        slope[members[i]] = -apart[at] / (2 * len(members[j]))
        slope[members[j]] = apart[at] / (2 * len(members[i]))
        zeros = with_gradient(torch.zeros_like(x), x, slope)
        return lack + zeros.sum()
