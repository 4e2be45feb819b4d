"""Softmax, the losses, and Accuracy."""

import math

import torch
import torch.nn.functional as F

from ..proto import caffe_pb2
from .base import LayerType, Shape, layer_type

LOG_FLT_MIN = math.log(torch.finfo(torch.float32).tiny)


@layer_type("Softmax")
class Softmax(LayerType):
    def setup(self, shapes: list[Shape]) -> None:
        self.axis(self.spec.softmax_param.axis, shapes[0])

    def expression(self, bottoms, params):
        return F.softmax(bottoms[0], self.spec.softmax_param.axis)


class Labelled(LayerType):
    """A layer that holds scores (bottom 0) against integer labels (bottom 1).

    Labels have the scores' shape without the class axis (an axis of 1 in its place is as good).
    """

    bottoms = (2, 2)

    def class_axis(self) -> int:
        raise NotImplementedError

    def ignored(self) -> int | None:
        raise NotImplementedError

    def check_labels(self, scores: Shape, labels: Shape) -> tuple[int, int, int]:
        """(outer count, classes, inner count) of the scores around the class axis."""
        axis = self.axis(self.class_axis(), scores)
        outer, inner = math.prod(scores[:axis]), math.prod(scores[axis + 1 :])
        self.check(
            math.prod(labels) == outer * inner,
            f"needs one label for each of {outer} x {inner} predictions: scores "
            f"'{self.spec.bottom[0]}' are {scores}, labels '{self.spec.bottom[1]}' are {labels}",
        )
        return outer, scores[axis], inner

    def labels(self, label: torch.Tensor, classes: int) -> torch.Tensor:
        """Labels as int64, checked: each must be a class or the ignored label."""
        label = label.detach().long()
        wrong = (label < 0) | (label >= classes)
        if self.ignored() is not None:
            wrong &= label != self.ignored()
        if wrong.any():
            ignored = "" if self.ignored() is None else f", or {self.ignored()} to ignore"
            self.check(
                False,
                f"label blob '{self.spec.bottom[1]}' holds {label[wrong][0].item()} "
                f"({int(wrong.sum())} such labels); expected 0 to {classes - 1}{ignored}. "
                "Check num_output of the score layer against the classes of the data",
            )
        return label


@layer_type("SoftmaxWithLoss")
class SoftmaxWithLoss(Labelled):
    """-log softmax of the true class, summed and normalised (softmax_loss_layer.cpp).

    Tops: the loss, and if named the softmax, whose diff counts for nothing.
    """

    tops = (0, 2)
    loss = True
    diff_bottoms = staticmethod(lambda index: index != 1)

    def class_axis(self) -> int:
        return self.spec.softmax_param.axis

    def ignored(self) -> int | None:
        loss = self.spec.loss_param
        return loss.ignore_label if loss.HasField("ignore_label") else None

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_labels(*shapes)
        return [(), shapes[0]][: len(self.spec.top)]

    def expression(self, bottoms, params):
        x, label = bottoms
        outer, classes, inner = self.check_labels(tuple(x.shape), tuple(label.shape))
        target = self.labels(label, classes).view(outer, inner)
        log_prob = F.log_softmax(x, self.class_axis())
        ignored = -100 if self.ignored() is None else self.ignored()
        losses = F.nll_loss(
            log_prob.reshape(outer, classes, inner), target, reduction="none", ignore_index=ignored
        )
        # Caffe takes log(max(p, FLT_MIN)), but its gradient knows nothing of the max.
        losses = losses + (losses.clamp(max=-LOG_FLT_MIN) - losses).detach()
        loss = losses.sum() / self._normaliser(target, outer, inner)
        return [loss, log_prob.detach().exp()] if len(self.spec.top) == 2 else loss

    def _normaliser(self, target: torch.Tensor, outer: int, inner: int) -> float:
        modes = caffe_pb2.LossParameter
        loss = self.spec.loss_param
        mode = loss.normalization
        if loss.HasField("normalize") and not loss.HasField("normalization"):
            mode = modes.VALID if loss.normalize else modes.BATCH_SIZE
        if mode == modes.VALID and self.ignored() is not None:
            return max(1, int((target != self.ignored()).sum()))
        sizes = {modes.FULL: outer * inner, modes.BATCH_SIZE: outer, modes.NONE: 1}
        return max(1, sizes.get(mode, outer * inner))


@layer_type("Accuracy")
class Accuracy(Labelled):
    """The share of labels among the top_k scores; second top: the same for each class.

    A class counts as among the top k when fewer than k others score as high (accuracy_layer.cpp).
    """

    tops = (1, 2)
    diff_bottoms = staticmethod(lambda index: False)

    def class_axis(self) -> int:
        return self.spec.accuracy_param.axis

    def ignored(self) -> int | None:
        accuracy = self.spec.accuracy_param
        return accuracy.ignore_label if accuracy.HasField("ignore_label") else None

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        _, classes, _ = self.check_labels(*shapes)
        top_k = self.spec.accuracy_param.top_k
        self.check(top_k <= classes, f"top_k {top_k} exceeds the {classes} classes")
        return [(), (classes,)][: len(self.spec.top)]

    def expression(self, bottoms, params):
        x, label = (b.detach() for b in bottoms)
        outer, classes, inner = self.check_labels(tuple(x.shape), tuple(label.shape))
        target = self.labels(label, classes).view(outer, 1, inner)
        valid = target != self.ignored() if self.ignored() is not None else target >= 0
        target = target.where(valid, 0)
        x = x.reshape(outer, classes, inner)
        as_high = (x >= x.gather(1, target)).sum(1, keepdim=True) - 1
        right = (as_high < self.spec.accuracy_param.top_k)[valid].to(x.dtype)
        if len(self.spec.top) == 1:
            return right.sum() / max(1, right.numel())
        zeros = x.new_zeros(classes)
        of_class = zeros.index_add(0, target[valid], torch.ones_like(right))
        hits = zeros.index_add(0, target[valid], right)
        return [right.sum() / max(1, right.numel()), hits / of_class.clamp(min=1)]
