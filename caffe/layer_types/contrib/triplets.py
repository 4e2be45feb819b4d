"""TripletLoss: the anchor of a triplet is to be nearer to its positive than to its negative."""

import math

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, item_rows, layer_type


@layer_type("TripletLoss", "several forks")
class TripletLoss(LayerType):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), on average (FaceNet, 2015).

    d is the squared distance. The forks' forms, told apart by their bottoms:

    - anchors, positives and negatives, N items each, and if given a weight for each: the sum over
      2 N;
    - these three, two of each pair, and labels that count for nothing: and the pair's distance; a
      losstype but 0 is 1 below;
    - items and labels, with group_size: of each group the first item is the anchor, the farthest of
      its label the positive, the nearest of another the negative, differences times `scale`; the
      sum over twice the groups that have both;
    - sets of items, and labels that count for nothing, with num_triplets or num_negatives: an
      anchor, its positive and so many negatives in each. The sum over twice the sets, and of the
      pairs' distances too with num_triplets or use_pair. Of losstype 1 a loss is
      max(0, 1 - far / (near + margin)), of 2 that of the exponentials of far and near;
    - items and labels, with none of these: all triplets of two items of the first label and one of
      another; the items of the first label come first;
    - items and T x 3 numbers of items, anchor, positive, negative: d is minus the cosine, the sum
      over the number of items.
    """

    bottoms = (2, 6)
    loss = True

    def diff_bottoms(self, index: int) -> bool:  # it depends on the form
        return index < {2: 1, 6: 5}.get(len(self.spec.bottom), 3)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        items = shapes[0][:1]
        self.check(len(items) == 1, f"needs items; found shape {shapes[0]}")
        if len(shapes) == 2:
            group = self.spec.triplet_loss_param.group_size
            if self._negatives():
                self._check_sets(items[0])
                return [()]
            self.check(
                _are_triplets(shapes[1]) or math.prod(shapes[1]) == items[0],
                f"needs a label for each of {items[0]} items, or triplets T x 3; found shape "
                f"{shapes[1]}",
            )
            self.check(
                not group or items[0] % group == 0,
                f"group_size {group} must divide the number of items, {items[0]}",
            )
            return [()]
        size = math.prod(shapes[0])
        alike = 5 if len(shapes) == 6 else 3
        self.check(
            len(shapes) != 5
            and all(shape[:1] == items and math.prod(shape) == size for shape in shapes[:alike])
            and all(math.prod(shape) == items[0] for shape in shapes[alike:]),
            "needs as many anchors, positives and negatives, of one size, and one weight each, or "
            f"two of each pair and a label; found shapes {shapes}",
        )
        return [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        if len(bottoms) == 6:
            first, second = (bottom.flatten(1) for bottom in bottoms[3:5])
            paired = _square(first - second).sum() / len(first) / 2
            return self._of_bottoms(*(bottom.flatten(1) for bottom in bottoms[:3])) + paired
        if len(bottoms) > 2:
            return self._of_bottoms(*map(item_rows, bottoms[:3]), *bottoms[3:])
        if self._negatives():
            return self._of_sets(item_rows(bottoms[0]))
        items, labels = item_rows(bottoms[0]), bottoms[1].detach()
        if _are_triplets(tuple(labels.shape)):
            return self._of_cosines(items, labels.reshape(-1, 3).long())
        if self.spec.triplet_loss_param.group_size:
            return self._of_groups(items, labels.flatten())
        return self._of_first_label(items, labels.flatten())

    def _negatives(self) -> int:
        param = self.spec.triplet_loss_param
        return param.num_triplets or param.num_negatives

    def _check_sets(self, items: int) -> None:
        param, size = self.spec.triplet_loss_param, 2 + self._negatives()
        self.check(
            param.HasField("losstype") and param.losstype < 3,
            "num_triplets and num_negatives need a losstype of 0, 1 or 2",
        )
        self.check(
            items % size == 0,
            f"needs sets of {size} items, an anchor, its positive and {size - 2} negatives; found "
            f"{items} items",
        )

    def _hinge(self, near: torch.Tensor, far: torch.Tensor) -> torch.Tensor:
        return F.relu(near - far + self.spec.triplet_loss_param.margin)

    def _of_bottoms(
        self,
        anchor: torch.Tensor,
        positive: torch.Tensor,
        negative: torch.Tensor,
        weight: torch.Tensor | None = None,
    ) -> torch.Tensor:
        near, far = _square(anchor - positive), _square(anchor - negative)
        losses = self._quotient(near, far) if self._by_quotient() else self._hinge(near, far)
        if weight is not None:
            losses = losses * weight.detach().flatten()
        return losses.sum() / len(anchor) / 2

    def _by_quotient(self) -> bool:
        return self.spec.triplet_loss_param.losstype > 0

    def _quotient(self, near: torch.Tensor, far: torch.Tensor) -> torch.Tensor:
        return F.relu(1 - far / (near + self.spec.triplet_loss_param.margin))

    def _of_sets(self, items: torch.Tensor) -> torch.Tensor:
        param, size = self.spec.triplet_loss_param, 2 + self._negatives()
        sets = items.unflatten(0, (len(items) // size, size))
        apart = _square(sets[:, :1] - sets[:, 1:])
        near, far = apart[:, :1], apart[:, 1:]
        if param.losstype == 2:
            power = far - near - torch.log1p(param.margin * torch.exp(-near))
            losses = -torch.expm1(power.clamp(max=0))
        else:
            losses = self._quotient(near, far) if self._by_quotient() else self._hinge(near, far)
        total = losses.sum()
        if param.num_triplets or param.use_pair:
            total = total + near.sum()
        return total / max(1, len(sets)) / 2

    def _of_groups(self, items: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        param = self.spec.triplet_loss_param
        groups = items.unflatten(0, (-1, param.group_size)) * param.scale
        same = labels.unflatten(0, (-1, param.group_size))
        same = same[:, 1:] == same[:, :1]
        apart = _square(groups[:, :1] - groups[:, 1:])
        whole = same.any(1) & ~same.all(1)
        positive = apart.masked_fill(~same, -math.inf).max(1).values[whole]
        negative = apart.masked_fill(same, math.inf).min(1).values[whole]
        return self._hinge(positive, negative).sum() / max(1, len(positive)) / 2

    def _of_first_label(self, items: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        others = (labels != labels[0]).nonzero()
        count = int(others[0]) if len(others) else len(labels)
        first, second = torch.triu_indices(count, count, 1)
        positive = _square(items[first] - items[second])
        negative = _square(items[first, None] - items[None, count:])
        losses = self._hinge(positive[:, None], negative)
        return losses.sum() / max(1, losses.numel())

    def _of_cosines(self, items: torch.Tensor, triplets: torch.Tensor) -> torch.Tensor:
        wrong = triplets[(triplets < 0) | (triplets >= len(items))]
        if len(wrong):
            self.check(
                False,
                f"triplet blob '{self.spec.bottom[1]}' names item {int(wrong[0])}; there are "
                f"{len(items)}",
            )
        length = (_square(items) + self.spec.triplet_loss_param.eps).sqrt()
        units = items / length[:, None]
        anchor, positive, negative = units[triplets].unbind(1)
        losses = self._hinge(-(anchor * positive).sum(1), -(anchor * negative).sum(1))
        return losses.sum() / len(items)


def _are_triplets(shape: Shape) -> bool:
    return len(shape) > 1 and shape[1] == 3 and math.prod(shape[2:]) == 1


def _square(x: torch.Tensor) -> torch.Tensor:
    return x.square().sum(-1)
