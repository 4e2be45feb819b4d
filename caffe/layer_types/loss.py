"""The losses on labels, Softmax and Accuracy. Losses on targets are in target.py."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from .. import io
from ..core.errors import error_context
from ..core.files import read_numbers
from ..core.strict import is_strict
from ..proto import caffe_pb2
from ..proto.text import read_binaryproto
from .base import LayerType, Shape, Tensors, item_rows, layer_type

LOG_FLT_MIN = math.log(torch.finfo(torch.float32).tiny)
LOG_THRESHOLD = 1e-20  # kLOG_THRESHOLD of loss_layer.hpp: no logarithm of less is taken

MODES = caffe_pb2.LossParameter


@layer_type("Softmax")
class Softmax(LayerType):
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        self.axis(self.spec.softmax_param.axis, shapes[0])

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.softmax(bottoms[0], self.spec.softmax_param.axis)


def with_gradient(
    value: torch.Tensor, x: torch.Tensor, slope: torch.Tensor | float
) -> torch.Tensor:
    """`value`, with `slope` as its gradient by x: for where Caffe's is not the derivative."""
    slope = slope.detach() if isinstance(slope, torch.Tensor) else slope
    return value.detach() + slope * (x - x.detach())


class Loss(LayerType):
    """A scalar from bottoms of one batch size; nothing is learnt through bottom 1."""

    bottoms = (2, 2)
    loss = True
    diff_bottoms = staticmethod(lambda index: index != 1)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        found, expected = shapes[1][:1], shapes[0][:1]
        self.check(
            found == expected and len(found) == 1,
            f"needs as many items in '{self.spec.bottom[1]}' as in '{self.spec.bottom[0]}': "
            f"found shapes {shapes[1]} and {shapes[0]}",
        )
        return [()]

    def normaliser(self, outer: int, inner: int, valid: float, default: int = MODES.VALID) -> float:
        """What a sum of losses is divided by (GetNormalizer): never less than 1."""
        sizes = {
            MODES.FULL: outer * inner,
            MODES.VALID: valid,
            MODES.BATCH_SIZE: outer,
            MODES.NONE: 1,
            MODES.PRE_FIXED: self.spec.loss_param.pre_fixed_normalizer,
        }
        return max(1, sizes[self.normalization(default)])

    def normalization(self, default: int = MODES.VALID) -> int:
        """loss_param's mode; `normalize`, its older form, counts where it alone is given."""
        loss = self.spec.loss_param
        if loss.HasField("normalization"):
            return loss.normalization
        if loss.HasField("normalize"):
            return MODES.VALID if loss.normalize else MODES.BATCH_SIZE
        return default


class Labelled(LayerType):
    """A layer that holds scores (bottom 0) against integer labels (bottom 1).

    Labels have the scores' shape without the class axis (an axis of 1 in its place is as good).
    """

    bottoms = (2, 2)

    def class_axis(self) -> int:
        raise NotImplementedError

    def ignored(self) -> int | None:
        loss = self.spec.loss_param
        return loss.ignore_label if loss.HasField("ignore_label") else None

    def check_weights(self, shapes: list[Shape]) -> None:
        """Raise CaffeError unless what each label weighs (bottom 2 of forks), if given, fits."""
        self.check(
            not (is_strict() and len(shapes) == 3), f"takes 2 bottom blob(s); found {len(shapes)}"
        )
        self.check(
            len(shapes) < 3 or math.prod(shapes[1]) == math.prod(shapes[2]),
            f"needs a weight for each label; found shapes {shapes[1:]}",
        )

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

    def check_item_labels(self, shapes: list[Shape]) -> None:
        """Raise CaffeError unless there is a label for each item, whose values are its scores."""
        self.check(len(shapes[0]) > 0, f"needs items of scores; found shape {shapes[0]}")
        self.check_labels((shapes[0][0], math.prod(shapes[0][1:])), shapes[1])

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


class SoftmaxLoss(Loss, Labelled):
    """A loss on the softmax of bottom 0 along the class axis.

    Tops: the loss, and if named the softmax, whose diff counts for nothing; nor does that of the
    third, which some types have: the loss of each prediction, in the labels' shape.
    """

    tops = (1, 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_labels(*shapes[:2])
        return [*super().top_shapes(shapes), *shapes[:2]][: len(self.spec.top)]

    def losses(
        self, log_prob: torch.Tensor, target: torch.Tensor, more: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """The loss of each prediction, 0 of ignored ones.

        log_prob: outer x classes x inner; target: outer x inner; more: the bottoms from 2 on.
        """
        raise NotImplementedError

    def counted(self, target: torch.Tensor, more: Sequence[torch.Tensor]) -> float:
        """How many predictions count, where VALID ones do; arguments as those of `losses`."""
        ignored = self.ignored()
        return target.numel() if ignored is None else int((target != ignored).sum())

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, label, *more = bottoms
        outer, classes, inner = self.check_labels(tuple(x.shape), tuple(label.shape))
        target = self.labels(label, classes).reshape(outer, inner)
        log_prob = F.log_softmax(x, self.class_axis())
        losses = self.losses(log_prob.reshape(outer, classes, inner), target, more)
        loss = losses.sum() / self.normaliser(outer, inner, self.counted(target, more))
        if len(self.spec.top) == 1:
            return loss
        tops = [loss, log_prob.detach().exp(), losses.detach().reshape(label.shape)]
        return tops[: len(self.spec.top)]


@layer_type("SoftmaxWithLoss")
class SoftmaxWithLoss(SoftmaxLoss):
    """-log softmax of the true class, summed and normalised (softmax_loss_layer.cpp).

    weight_by_label_freqs (SegNet) weights each prediction by its label's class_weighting, or
    without that by 1 / the number of the batch's labels of that class. Bottom 2 (Faster R-CNN)
    weighs each prediction; normalised by VALID, the sum is divided by the whole part of the
    weights' sum. loss_param's weight_source (DeepLab) is a file with a weight of each class, and
    VALID is the weights' sum then. Cascade R-CNN's has a third top.
    """

    bottoms = (2, 3)
    tops = (1, 3)
    diff_bottoms = staticmethod(lambda index: index == 0)
    weighs_classes = False  # by softmax_param's pos_mult
    of_classes: torch.Tensor | None = None  # what a label of each class weighs

    def setup_from(self, shapes: list[Shape]) -> None:
        kind = self.spec.softmax_param.normalize_type
        self.check(kind == "Softmax", f"normalize_type is Softmax; found {kind}")
        self.check(
            self.weighs_classes
            or not (self.spec.softmax_param.pos_mult or self.spec.softmax_param.pos_cid),
            "pos_mult and pos_cid are WeightedSoftmaxWithLoss's; write that type",
        )
        if path := self.spec.loss_param.weight_source:
            with error_context(f"layer '{self.name}' ({self.type}): weight_source"):
                found = read_numbers(path)
            self.check(min(found, default=0) >= 0, f"{path}: expected weights from 0 on")
            self.of_classes = torch.tensor(found)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_weights(shapes)
        if self.of_classes is not None:
            classes, found = shapes[0][self.class_axis()], len(self.of_classes)
            self.check(
                classes == found and len(shapes) == 2,
                f"{self.spec.loss_param.weight_source} needs a weight for each of {classes} "
                f"classes, and 2 bottoms; found {found}, and {len(shapes)}",
            )
        self.check(not is_strict() or len(self.spec.top) < 3, "takes 1 to 2 top blob(s); found 3")
        return super().top_shapes(shapes)

    def class_axis(self) -> int:
        return self.spec.softmax_param.axis

    def losses(
        self, log_prob: torch.Tensor, target: torch.Tensor, more: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        ignored = self.ignored()
        index = -100 if ignored is None else ignored
        losses = F.nll_loss(log_prob, target, reduction="none", ignore_index=index)
        # Caffe takes log(max(p, FLT_MIN)), but its gradient knows nothing of the max.
        losses = with_gradient(losses.clamp(max=-LOG_FLT_MIN), losses, 1)
        if self.spec.loss_param.weight_by_label_freqs:
            losses = losses * self._weights(target, log_prob.shape[1]).to(losses.dtype)
        if self.of_classes is not None:
            losses = losses * self._of_labels(target).to(losses.dtype)
        return losses * self._given(target, more[0]) if more else losses

    def counted(self, target: torch.Tensor, more: Sequence[torch.Tensor]) -> float:
        if self.of_classes is not None:
            return float(self._of_labels(target).sum())
        return int(self._given(target, more[0]).sum()) if more else super().counted(target, more)

    def _of_labels(self, target: torch.Tensor) -> torch.Tensor:
        """The weight of each label's class, 0 of ignored labels."""
        assert self.of_classes is not None
        weights, ignored = self.of_classes.to(target.device), self.ignored()
        of_each = weights[target.clamp(0, len(weights) - 1)]
        return of_each if ignored is None else of_each.where(target.ne(ignored), 0)

    def _given(self, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """The weights of bottom 2, 0 of ignored labels."""
        weight, ignored = weights.detach().reshape(target.shape), self.ignored()
        return weight if ignored is None else weight.where(target.ne(ignored), 0)

    def _weights(self, target: torch.Tensor, classes: int) -> torch.Tensor:
        """A weight for each label; what is ignored has any."""
        given = self.spec.loss_param.class_weighting
        inside = target.clamp(0, classes - 1)
        if given:
            self.check(
                len(given) == classes,
                f"class_weighting needs a value for each of {classes} classes; found {len(given)}",
            )
            return torch.tensor(given, device=target.device)[inside]
        valid = target[target != self.ignored()] if self.ignored() is not None else target
        return 1 / torch.bincount(valid.flatten(), minlength=classes).clamp(min=1)[inside]


@layer_type("InfogainLoss")
class InfogainLoss(SoftmaxLoss):
    """- sum over k of H[label, k] log softmax[k], normalised (infogain_loss_layer.cpp).

    H, classes x classes, is bottom 2 or the blob in the file `source`.
    """

    bottoms = (2, 3)
    diff_bottoms = staticmethod(lambda index: index == 0)

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(
            not self.spec.loss_param.HasField("normalize"),
            "normalize is deprecated and not for this layer; use normalization",
        )
        if len(shapes) == 3:
            return
        source = self.spec.infogain_loss_param.source
        self.check(bool(source), "needs the infogain matrix: a third bottom, or source")
        with error_context(f"layer '{self.name}' ({self.type}): source {source}"):
            matrix = io.blobproto_to_array(read_binaryproto(source, caffe_pb2.BlobProto()))
        self.matrix = torch.from_numpy(matrix).float()

    def class_axis(self) -> int:
        return self.spec.infogain_loss_param.axis

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        classes = shapes[0][self.class_axis()]
        matrix = shapes[2] if len(shapes) == 3 else tuple(self.matrix.shape)
        self.check(
            math.prod(matrix) == classes**2,
            f"the infogain matrix of {classes} classes must be {classes} x {classes}; "
            f"found shape {matrix}",
        )
        return tops

    def losses(
        self, log_prob: torch.Tensor, target: torch.Tensor, more: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        classes = log_prob.shape[1]
        matrix = more[0].detach() if more else self.matrix.to(log_prob)
        label = self.ignored()
        ignored = target == label if label is not None else target < 0
        rows = matrix.reshape(classes, classes)[target.masked_fill(ignored, 0)]
        weight = rows.movedim(2, 1).masked_fill(ignored.unsqueeze(1), 0)
        floored = with_gradient(log_prob.clamp(min=math.log(LOG_THRESHOLD)), log_prob, 1)
        return -(weight * floored).sum(1)


class ItemLabelled(Labelled):
    """All values of an item are scores of its classes, of which none is ignored."""

    def class_axis(self) -> int:
        return 1

    def ignored(self) -> None:
        return None


class ItemLoss(Loss, ItemLabelled):
    """One label for each item of bottom 0."""

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        self.check_item_labels(shapes)
        return tops

    def losses(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Losses, to be summed. x: items x classes; target: items x 1."""
        raise NotImplementedError

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, label = item_rows(bottoms[0]), bottoms[1]
        target = self.labels(label, x.shape[1]).reshape(-1, 1)
        return self.losses(x, target).sum() / x.shape[0]


@layer_type("MultinomialLogisticLoss")
class MultinomialLogisticLoss(ItemLoss):
    """-log of the true class's probability (multinomial_logistic_loss_layer.cpp)."""

    def losses(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        p = x.gather(1, target)
        floored = p.clamp(min=LOG_THRESHOLD)
        return with_gradient(-floored.log(), p, -1 / floored)


@layer_type("HingeLoss")
class HingeLoss(ItemLoss):
    """max(0, 1 - x) of the true class, max(0, 1 + x) of all others; L2: squared."""

    def losses(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        margins = F.relu(1 + torch.where(_one_hot(x, target), -x, x))
        l2 = self.spec.hinge_loss_param.norm == caffe_pb2.HingeLossParameter.L2
        return margins.square() if l2 else margins


def _one_hot(x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return target == torch.arange(x.shape[1], device=x.device)


@layer_type("Accuracy")
class Accuracy(Labelled):
    """The share of labels among the top_k scores; second top: the same for each class.

    A class counts as among the top k when fewer than k others score as high (accuracy_layer.cpp).
    Bottom 2 (Faster R-CNN): what each label counts; min_is_better (NormFace): of the least scores.
    """

    bottoms = (2, 3)
    tops = (1, 2)
    diff_bottoms = staticmethod(lambda index: False)

    def param(self) -> caffe_pb2.AccuracyParameter:
        return self.spec.accuracy_param

    def class_axis(self) -> int:
        return self.param().axis

    def ignored(self) -> int | None:
        accuracy = self.param()
        return accuracy.ignore_label if accuracy.HasField("ignore_label") else None

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        _, classes, _ = self.check_labels(*shapes[:2])
        self.check_weights(shapes)
        top_k = self.param().top_k
        self.check(top_k <= classes, f"top_k {top_k} exceeds the {classes} classes")
        return [(), (classes,)][: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, label, *more = (b.detach() for b in bottoms)
        outer, classes, inner = self.check_labels(tuple(x.shape), tuple(label.shape))
        target = self.labels(label, classes).reshape(outer, 1, inner)
        ignored = self.ignored()
        valid = target != ignored if ignored is not None else target >= 0
        target = target.where(valid, 0)
        x = x.reshape(outer, classes, inner)
        x = -x if self.param().min_is_better else x
        as_high = (x >= x.gather(1, target)).sum(1, keepdim=True) - 1
        right = (as_high < self.param().top_k)[valid].to(x.dtype)
        counts = torch.ones_like(right)
        if more:
            counts = more[0].reshape(valid.shape)[valid]
            right, total = right * counts, counts.sum()
            share = right.sum() / total.where(total != 0, 1)
        else:
            share = right.sum() / max(1, right.numel())
        if len(self.spec.top) == 1:
            return share
        zeros = x.new_zeros(classes)
        of_class = zeros.index_add(0, target[valid], counts)
        hits = zeros.index_add(0, target[valid], right)
        return [share, hits / of_class.where(of_class != 0, 1)]
