"""RankHardLoss: the negatives that are hardest to tell from a pair, and some others."""

import math

import torch

from ...core.rng import generator
from ..base import LayerType, Shape, layer_type


@layer_type("RankHardLoss", "unsupervised learning from videos")
class RankHardLoss(LayerType):
    """max(0, d(a, p) - d(a, n) + margin) and the same with d(p, n), d minus the product of items.

    Wang & Gupta 2015, section 4.2. Bottoms: items N x D, and their labels. Of each pair_size items
    the first is a, the second its positive p; negatives n are items of another label whose first
    term is not 0. Where there are more than neg_num, neg_num hard_ratio of the neg_num nearest are
    drawn, and of the others neg_num rand_ratio. The sum is over twice neg_num times the pairs.
    """

    bottoms = (2, 2)
    loss = True
    diff_bottoms = staticmethod(lambda index: index == 0)

    @property
    def draws(self) -> bool:
        return True

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param = self.spec.rank_param
        self.check(
            len(shapes[0]) > 1 and math.prod(shapes[1]) == shapes[0][0],
            f"needs items, and a label for each; found shapes {shapes[0]} and {shapes[1]}",
        )
        self.check(
            param.pair_size > 1 and shapes[0][0] % param.pair_size == 0,
            f"pair_size, 2 or more, must divide the {shapes[0][0]} items; found {param.pair_size}",
        )
        self.check(param.neg_num > 0, "neg_num must be positive; found 0")
        return [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param = self.spec.rank_param
        x, label = bottoms[0].flatten(1), bottoms[1].detach().flatten()
        apart = -(x @ x.T)
        loss = x.new_zeros(())
        for a in range(0, len(x), param.pair_size):
            own = apart[a, a + 1] + param.margin
            chosen = self._negatives((own - apart[a]).detach(), label != label[a], apart[a])
            for item in (a, a + 1):
                loss = loss + (own - apart[item, chosen]).relu().sum()
        return loss / (param.neg_num * len(x) // param.pair_size * 2)

    def _negatives(
        self, terms: torch.Tensor, differs: torch.Tensor, apart: torch.Tensor
    ) -> torch.Tensor:
        """The numbers of the items that an anchor is held against."""
        param = self.spec.rank_param
        found = (differs & (terms > 0)).nonzero().flatten()
        if len(found) <= param.neg_num:
            return found
        found = found[apart.detach()[found].argsort(stable=True)]
        near, others = found[: param.neg_num], found[param.neg_num :]
        hard, rand = (int(param.neg_num * share) for share in (param.hard_ratio, param.rand_ratio))
        near = near[self._order(near)]
        others = torch.cat([others, near[hard:]])
        return torch.cat([near[:hard], others[self._order(others)][:rand]])

    def _order(self, items: torch.Tensor) -> torch.Tensor:
        """A drawn order of so many."""
        device = items.device
        return torch.randperm(len(items), generator=generator(device), device=device)
