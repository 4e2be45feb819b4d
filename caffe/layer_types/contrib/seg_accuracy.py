"""How well scores name the class of each pixel: SegAccuracy, EltwiseAccuracy and others."""

import torch

from ...core.blob import Blob
from ...proto import caffe_pb2
from ..base import LayerType, Shape, Tensors, layer_type
from ..loss import Accuracy
from ..ordering import highest


@layer_type("EltwiseAccuracy", "DeconvNet")
class EltwiseAccuracy(Accuracy):
    """As Accuracy, in a top of 1 x 1 x 1 x 1."""

    bottoms = (2, 2)
    tops = (1, 1)

    def param(self) -> caffe_pb2.AccuracyParameter:
        return self.spec.eltwise_accuracy_param

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        super().top_shapes(shapes)
        return [(1, 1, 1, 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        top = super().expression(bottoms, params)
        assert isinstance(top, torch.Tensor)
        return top.reshape(1, 1, 1, 1)


@layer_type("ConfusionMatrix", "several forks")
class ConfusionMatrix(Accuracy):
    """Of each label, row by row, the share whose highest score, the first of equals, is a class's.

    A label without an item has NaN there, as in its forks; where no score is above -1 class 0 is
    found.
    """

    bottoms = (2, 2)
    tops = (1, 1)

    def param(self) -> caffe_pb2.AccuracyParameter:
        return self.spec.confusion_matrix_param

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        _, classes, _ = self.check_labels(*shapes)
        return [(classes, classes)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, label = (bottom.detach() for bottom in bottoms)
        outer, classes, inner = self.check_labels(tuple(x.shape), tuple(label.shape))
        _, found = highest(x.reshape(outer, classes, inner).clamp(min=-1), 1, 1)
        target = self.labels(label, classes).reshape(outer, inner)
        pairs = target * classes + found[:, 0]
        ignored = self.ignored()
        pairs = pairs.flatten() if ignored is None else pairs[target != ignored]
        matrix = torch.bincount(pairs, minlength=classes**2).reshape(classes, classes).to(x.dtype)
        return matrix / matrix.sum(1, keepdim=True)


@layer_type("IOUAccuracy", "Texas Instruments' caffe-jacinto")
class IOUAccuracy(Accuracy):
    """The mean IU of the classes that labels or scores of a pass have; second top: of each class.

    Labels outside the classes do not count, nor ignore_label; of equal scores the last one counts.
    A class that neither labels nor scores have is 0 in the second top.
    """

    bottoms = (2, 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        shapes = super().top_shapes(shapes)
        return [(1,), *shapes[1:]]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, label = (bottom.detach() for bottom in bottoms)
        outer, classes, inner = self.check_labels(tuple(x.shape), tuple(label.shape))
        label = label.reshape(outer, inner)
        last = x.reshape(outer, classes, inner).flip(1).argmax(1)
        found = classes - 1 - last
        counts = (label >= 0) & (label < classes)
        if (ignored := self.ignored()) is not None:
            counts &= label != ignored
        pairs = label[counts].long() * classes + found[counts]
        matrix = torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)
        union = matrix.sum(0) + matrix.sum(1) - matrix.diagonal()
        iu = matrix.diagonal().to(x.dtype) / union.where(union != 0, 1)
        mean = iu.sum() / (union != 0).sum().clamp(min=1)
        return [mean.reshape(1), iu][: len(self.spec.top)]


@layer_type("SegAccuracy", "DeepLab and PSPNet")
class SegAccuracy(LayerType):
    """Pixel accuracy, mean recall and mean IU of scores N x C x H x W, labels N x 1 x H x W.

    A top 1 x 1 x 1 x 3 holds the three; one more for each output_label has its precision, recall
    and IU. Recall is averaged over the classes that labels have, IU over all classes, 1 for one
    that neither labels nor scores have. The first highest score counts; of one channel, above 0.5
    is class 1. Pixels of an ignore_label do not count. With reset: false, earlier passes do.
    """

    bottoms = (2, 2)
    tops = (1, None)
    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.seg_accuracy_param
        self.classes = max(2, shapes[0][1]) if len(shapes[0]) == 4 else 0
        self.counts: torch.Tensor | None = None
        wrong = [label for label in param.output_label if not 0 <= label < self.classes]
        self.check(
            not wrong, f"output_label must lie in 0 to {self.classes - 1}; found {wrong or ''}"
        )
        self.check(
            len(self.spec.top) == 1 + len(param.output_label),
            f"needs a top, and one more for each output_label ({len(param.output_label)}); "
            f"found {len(self.spec.top)}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, labels = shapes
        self.check(
            len(scores) == 4 and labels == (scores[0], 1, *scores[2:]),
            f"needs scores N x C x H x W and labels N x 1 x H x W; found {scores} and {labels}",
        )
        return [(1, 1, 1, 3)] * len(self.spec.top)

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().reshape(bottom, top)
        if self.spec.seg_accuracy_param.reset:
            self.counts = None

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        scores, labels = (bottom.detach() for bottom in bottoms)
        counts = self._counted(scores, labels.flatten().long())
        if self.counts is not None:
            counts = counts + self.counts
        if not self.spec.seg_accuracy_param.reset:
            self.counts = counts
        right, labelled, named = counts.diagonal(), counts.sum(1), counts.sum(0)
        union = labelled + named - right
        iu = (right / union).where(union != right, 1)
        recall = right / labelled
        present = labelled > 0
        total = counts.sum()
        means = [
            right.sum() / total if total else total,
            recall[present].mean() if present.any() else total,
            iu.mean(),
        ]
        tops = [torch.stack(means)]
        for label in self.spec.seg_accuracy_param.output_label:
            tops.append(torch.stack([right[label] / named[label], recall[label], iu[label]]))
        return [top.to(scores.dtype).reshape(1, 1, 1, 3) for top in tops]

    def _counted(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """How often a pixel of one class (rows) is named another (columns), float64."""
        found = scores.argmax(1) if scores.shape[1] > 1 else scores[:, 0] > 0.5
        ignored = torch.tensor(list(self.spec.seg_accuracy_param.ignore_label)).to(labels)
        counts = ~torch.isin(labels, ignored)
        labels, found = labels[counts], found.flatten().long()[counts]
        wrong = labels[(labels < 0) | (labels >= self.classes)]
        if len(wrong):
            self.check(
                False,
                f"label blob '{self.spec.bottom[1]}' holds {int(wrong[0])}; expected 0 to "
                f"{self.classes - 1} or an ignore_label",
            )
        flat = torch.bincount(labels * self.classes + found, minlength=self.classes**2)
        return flat.reshape(self.classes, self.classes).double()
