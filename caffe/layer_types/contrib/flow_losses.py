"""LpqLoss of FlowNet2."""

import torch

from ..base import Shape, layer_type
from ..target import Distance


@layer_type("LpqLoss", "FlowNet2")
class LpqLoss(Distance):
    """The sum of (q_epsilon + s)^q over places, s the sum of (p_epsilon + |x - t|)^p over channels.

    Over the number of items, or with normalize_by_num_entries of places with numbers; what is no
    number counts as no distance. x alone may be given. With l2_prescale_by_channels s is the mean.
    Of a schedule of p and q by pq_episode_starts_at_iter there is the first step alone.
    """

    bottoms = (1, 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.lpq_loss_param
        self.check(
            len(param.p) == len(param.q) == 1,
            f"needs one p and one q, for there is no schedule here; found {len(param.p)} and "
            f"{len(param.q)}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(len(shapes[0]) > 1, f"needs items of channels; found shape {shapes[0]}")
        return super().top_shapes(shapes) if len(shapes) == 2 else [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, (x, *target) = self.spec.lpq_loss_param, bottoms
        apart = x - target[0].reshape(x.shape) if target else x
        known = ~apart.detach().isnan()
        # No power of 0 itself is taken, whose derivative may be none.
        far = apart.where(known, 0).abs() + param.p_epsilon
        powers = far.where(far > 0, 1).pow(param.p[0]).where(far > 0, 0)
        sums = powers.mean(1) if param.l2_prescale_by_channels else powers.sum(1)
        total = (sums + param.q_epsilon).pow(param.q[0]).sum()
        if param.normalize_by_num_entries:
            return total / (known.sum() / x.shape[1])
        return total / x.shape[0]
