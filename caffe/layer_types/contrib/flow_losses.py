"""Losses of optical flow: LpqLoss of FlowNet2, and one of flow that is learnt without any given."""

import torch

from ..base import LayerType, Shape, layer_type
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


@layer_type("CharbonnierLoss", "hidden two-stream networks")
class CharbonnierLoss(LayerType):
    """The sum of ((beta x)^2 + epsilon^2)^alpha over N x C x H x W, for each of its N H W places.

    Bottom 2, of the same shape, weighs each value; the sum is then divided by the whole part of N
    times the weights' sum (of their amounts). The top has the shape (1, 1, 1, 1).
    """

    bottoms = (1, 2)
    loss = True
    diff_bottoms = staticmethod(lambda index: index == 0)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            all(len(shape) == 4 and shape == shapes[0] for shape in shapes),
            f"needs differences N x C x H x W, and weights of that shape; found {shapes}",
        )
        return [(1, 1, 1, 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, (x, *weights) = self.spec.charbonnier_loss_param, bottoms
        costs = ((param.beta * x).square() + param.epsilon**2).pow(param.alpha)
        if not weights:
            total = costs.sum() / (x.shape[0] * x.shape[2] * x.shape[3])
        else:
            weight = weights[0].detach()
            places = (x.shape[0] * weight.abs().sum()).trunc().clamp(min=1)
            total = (costs * weight).sum() / places
        return total.reshape(1, 1, 1, 1)
