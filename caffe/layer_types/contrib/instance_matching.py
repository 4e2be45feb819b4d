"""The online instance matching of person search: LabeledMatching and UnlabeledMatching.

Xiao et al. 2017, section 3.2.
"""

import math

import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, Tensors, layer_type


class Matching(LayerType):
    """Products of features, N x K, with rows that are kept; bottom 1: a label for each feature.

    In TRAIN, where its first param has an lr_mult, the rows follow the features, after the products
    with them; they have no gradient.
    """

    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)

    def rows(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def setup_from(self, shapes: list[Shape]) -> None:
        features, labels = shapes
        self.check(self.rows() > 0, f"needs some rows; found {self.rows()}")
        self.check(
            len(features) > 1 and math.prod(labels) == features[0],
            f"needs features N x K and labels N; found shapes {features} and {labels}",
        )
        self.width = math.prod(features[1:])
        self.add_param((self.rows(), self.width), caffe_pb2.FillerParameter())
        learnt = not self.spec.param or self.spec.param[0].lr_mult != 0
        self.updates_params = self.phase == caffe_pb2.TRAIN and learnt

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        features, labels = shapes
        self.check(
            features[:1] == (math.prod(labels),) and math.prod(features[1:]) == self.width,
            f"needs features of {self.width} values and a label for each; found shapes {features} "
            f"and {labels}",
        )
        return [(features[0], self.rows()), labels][: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x = bottoms[0].flatten(1)
        scores = x @ params[0].detach().clone().T
        labels = bottoms[1].detach().flatten().long().tolist()
        if self.updates_params:
            with torch.no_grad():
                self.follow(x.detach(), labels, [param.data for param in params])
        return self.answer(scores, labels)

    def follow(self, x: torch.Tensor, labels: list[int], params: list[torch.Tensor]) -> None:
        """Change the rows by these features."""
        raise NotImplementedError

    def answer(self, scores: torch.Tensor, labels: list[int]) -> Tensors:
        return [scores]


@layer_type("LabeledMatching", "person search")
class LabeledMatching(Matching):
    """Products with a row for each of num_classes; second top: the labels, -1 for another one.

    A class's row becomes momentum times itself and the rest of 1 times a feature of its label, one
    feature after the other. The second parameter counts the passes since a class was seen.
    """

    tops = (2, 2)

    def rows(self) -> int:
        return self.spec.labeled_matching_param.num_classes

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        self.add_param((self.rows(),), caffe_pb2.FillerParameter())

    def follow(self, x: torch.Tensor, labels: list[int], params: list[torch.Tensor]) -> None:
        rows, unseen = params
        momentum = self.spec.labeled_matching_param.momentum
        unseen += 1
        for feature, label in zip(x, labels, strict=True):
            if 0 <= label < len(rows):
                rows[label] = momentum * rows[label] + (1 - momentum) * feature
                unseen[label] = 0

    def answer(self, scores: torch.Tensor, labels: list[int]) -> Tensors:
        found = [label if 0 <= label < self.rows() else -1 for label in labels]
        return [scores, scores.new_tensor(found).reshape(self._label_shape)]

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self._label_shape = shapes[1]
        return super().top_shapes(shapes)


@layer_type("UnlabeledMatching", "person search")
class UnlabeledMatching(Matching):
    """Products with the last queue_size features of label -1, the oldest of which is replaced."""

    tops = (1, 1)

    def rows(self) -> int:
        return self.spec.unlabeled_matching_param.queue_size

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        self.end = 0

    def follow(self, x: torch.Tensor, labels: list[int], params: list[torch.Tensor]) -> None:
        for feature, label in zip(x, labels, strict=True):
            if label == -1:
                params[0][self.end] = feature
                self.end = (self.end + 1) % self.rows()
