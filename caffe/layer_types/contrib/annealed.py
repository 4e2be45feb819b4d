"""What changes with the passes of training: GradientScaler, and a base of the margins."""

import math

import torch

from ...core.blob import Blob
from ...proto import caffe_pb2
from ..base import LayerType, Shape, Tensors, layer_type
from ..loss import with_gradient


class Annealed(LayerType):
    """Counts forward passes in `iteration`; a run that is resumed goes on with the count."""

    iteration = 0

    @property
    def draws(self) -> bool:
        """A second forward pass is not the same."""
        return self.phase == caffe_pb2.TRAIN

    def state_dict(self) -> dict[str, int]:
        """How many passes there were."""
        return {"iteration": self.iteration}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on there; CaffeError for anything but what `state_dict` gave."""
        self.check_position(state, self.state_dict())
        self.iteration = state["iteration"]


@layer_type("GradientScaler", "domain adaptation by backpropagation")
class GradientScaler(Annealed):
    """The bottoms; their gradients are the tops', times -lambda (Ganin & Lempitsky 2015).

    lambda goes from lower_bound towards upper_bound: lower + (upper - lower) * (2 / (1 +
    exp(-alpha * p)) - 1), p the passes in TRAIN over max_iter, 1 at most. In TEST it is 1.
    """

    bottoms = (1, None)
    tops = (1, None)
    pairs_tops = True

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param = self.spec.gradient_scaler_param
        self.check(
            len(shapes) == len(self.spec.top),
            f"needs a top for each of {len(shapes)} bottoms; found {len(self.spec.top)}",
        )
        self.check(
            param.max_iter >= 1 and param.alpha >= 0,
            f"max_iter is at least 1 and alpha at least 0; found {param.max_iter:g} and "
            f"{param.alpha:g}",
        )
        return shapes

    def scale(self) -> float:
        """lambda."""
        param = self.spec.gradient_scaler_param
        if self.phase != caffe_pb2.TRAIN:
            return 1.0
        progress = min(1, self.iteration / param.max_iter)
        height = param.upper_bound - param.lower_bound
        return param.lower_bound + height * math.tanh(param.alpha * progress / 2)

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().forward(bottom, top)
        if self.phase == caffe_pb2.TRAIN:
            self.iteration += 1

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        return [with_gradient(x, x, -self.scale()) for x in bottoms]
