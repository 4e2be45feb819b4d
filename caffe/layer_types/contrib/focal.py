"""FocalLoss: a cross-entropy in which what is predicted well counts for little."""

import math

import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from ..base import Shape, Tensors, layer_type
from ..loss import Labelled, Loss


@layer_type("FocalLoss", "several forks")
@layer_type("SoftmaxFocalLoss", "several forks")
class FocalLoss(Loss, Labelled):
    """-alpha (1 - p)^gamma log p of the true class (Lin et al. 2017, equation 5), normalised.

    With a label for each prediction p is the softmax's. With a target, 0 or 1, for each value it is
    the sigmoid's, 1 - p for a target of 0, which 1 - alpha weighs then, as in the paper. alpha is
    0.25 where it is not given; alpha_balance has one for each class, or where it is false none.
    Tops: the loss, and if named the probabilities, whose diff counts for nothing.
    """

    bottoms = (2, 2)
    tops = (1, 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        focal = self.spec.focal_loss_param
        self.check(
            focal.type == caffe_pb2.FocalLossParameter.ORIGIN,
            "of type ORIGIN and LINEAR only ORIGIN is here",
        )
        self.gamma = focal.gama if focal.HasField("gama") else focal.gamma
        if focal.HasField("alpha_balance") and not focal.alpha_balance:
            self.alpha = [1.0]
        else:
            self.alpha = list(focal.alpha) or [0.25]

    def class_axis(self) -> int:
        focal = self.spec.focal_loss_param
        return focal.axis if focal.HasField("axis") else self.spec.softmax_param.axis

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        classes = 1
        if not self._is_sigmoid(shapes):
            _, classes, _ = self.check_labels(*shapes)
        self.check(
            len(self.alpha) in (1, classes),
            f"alpha needs one value, or one for each of {classes} classes; found {len(self.alpha)}",
        )
        return [*super().top_shapes(shapes), shapes[0]][: len(self.spec.top)]

    @staticmethod
    def _is_sigmoid(shapes: list[Shape]) -> bool:
        return math.prod(shapes[0]) == math.prod(shapes[1])

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        sigmoid = self._is_sigmoid([tuple(bottom.shape) for bottom in bottoms])
        loss, prob = (self._of_targets if sigmoid else self._of_labels)(*bottoms)
        return [loss, prob.detach()][: len(self.spec.top)]

    def _of_labels(self, x: torch.Tensor, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        outer, classes, inner = self.check_labels(tuple(x.shape), tuple(label.shape))
        target = self.labels(label, classes).reshape(outer, 1, inner)
        log_prob = F.log_softmax(x, self.class_axis())
        counts = torch.ones_like(target, dtype=torch.bool)
        if (ignored := self.ignored()) is not None:
            counts = target.ne(ignored)
        target = target.where(counts, 0)
        own = log_prob.reshape(outer, classes, inner).gather(1, target)
        alpha = x.new_tensor(self.alpha).expand(classes)[target]
        losses = self._losses(own, alpha).where(counts, 0)
        return losses.sum() / self.normaliser(outer, inner, int(counts.sum())), log_prob.exp()

    def _of_targets(
        self, x: torch.Tensor, target: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        target = target.detach().reshape(x.shape)
        counts = torch.ones_like(target, dtype=torch.bool)
        if (ignored := self.ignored()) is not None:
            counts = target.ne(ignored)
        sign, (alpha,) = 2 * target - 1, self.alpha
        weight = alpha * target + (1 - alpha) * (1 - target)
        losses = self._losses(F.logsigmoid(sign * x), weight).where(counts, 0)
        outer, inner = x.shape[0], math.prod(x.shape[1:])
        return losses.sum() / self.normaliser(outer, inner, int(counts.sum())), x.sigmoid()

    def _losses(self, log_prob: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
        """Of the logarithms of the true class's probabilities."""
        # Not 1 - exp(log p): near 1 nothing would be left of the difference.
        return -alpha * (-torch.expm1(log_prob)) ** self.gamma * log_prob
