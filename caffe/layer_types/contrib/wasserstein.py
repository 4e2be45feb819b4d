"""WassersteinLoss: how far probabilities have to be carried to be the labels'."""

import math

import numpy as np
import torch

from ...core.errors import error_context
from ...formats import hdf5
from ..base import Shape, item_rows, layer_type
from ..loss import ItemLabelled, Loss, with_gradient

TINY = torch.finfo(torch.float32).tiny


@layer_type("WassersteinLoss", "learning with a Wasserstein loss")
class WassersteinLoss(Loss, ItemLabelled):
    """The least cost to make probabilities the labels', less entropy / lambda, over the items.

    Frogner et al. 2015, equation 7, by scaling_iter iterations of its algorithm 1. The costs of the
    ways between C classes are the dataset "data" of the HDF5 file ground_metric. Bottoms:
    probabilities N x C, and as many or a class for each item. The gradient is the algorithm's,
    log(u) / (lambda N), u no less than float32's least; with shift_gradient less its mean over an
    item. The fork computes the entropy in place, which gives other values of the loss than these.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.wasserstein_param
        strength = getattr(param, "lambda")
        self.check(
            strength > 0 and param.scaling_iter > 0,
            "needs lambda and scaling_iter above 0 in wasserstein_param; found "
            f"{strength:g} and {param.scaling_iter}",
        )
        self.check(bool(param.ground_metric), "needs ground_metric, an HDF5 file of the costs")
        with (
            error_context(f"layer '{self.name}' ({self.type})"),
            hdf5.reading(param.ground_metric, "a ground metric") as file,
        ):
            costs = hdf5.array(file, "data").astype(np.float64)
        classes = math.prod(shapes[0][1:])
        self.check(
            costs.shape == (classes, classes),
            f"ground_metric {param.ground_metric} must be {classes} x {classes}; found shape "
            f"{costs.shape}",
        )
        self.costs = torch.from_numpy(costs)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops, classes = super().top_shapes(shapes), math.prod(shapes[0][1:])
        self.check(
            classes == len(self.costs) and math.prod(shapes[1][1:]) in (1, classes),
            f"needs items of {len(self.costs)} probabilities, and as many or a class for each; "
            f"found shapes {shapes[0]} and {shapes[1]}",
        )
        return tops

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        p, target = map(item_rows, bottoms)
        target = target.detach()
        param = self.spec.wasserstein_param
        strength, costs = getattr(param, "lambda"), self.costs.to(p)
        if target.shape[1] == 1 and p.shape[1] > 1:
            target = torch.zeros_like(p).scatter(1, self.labels(target, p.shape[1]), 1)
        kernel, now = torch.exp(-strength * costs - 1), p.detach()
        of_p = torch.ones_like(now)
        for _ in range(param.scaling_iter):
            of_target = target / (of_p @ kernel)
            of_p = now / (of_target @ kernel.T)
        # What is carried from i to j is u_i K_ij v_j, and log K_ij = -lambda M_ij - 1: in the sum
        # of cost and entropy M cancels, and no tensor has an item's C x C values.
        gone, come = of_p * (of_target @ kernel.T), of_target * (of_p @ kernel)
        logs = torch.xlogy(gone, of_p).sum() + torch.xlogy(come, of_target).sum()
        loss = (logs - gone.sum()) / strength
        slope = of_p.clamp(min=TINY).log() / strength
        if param.shift_gradient:
            slope = slope - slope.mean(1, keepdim=True)
        none = with_gradient(torch.zeros_like(p), p, slope / len(p))
        return loss.detach() / len(p) + none.sum()
