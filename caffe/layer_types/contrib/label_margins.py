"""What is done to an item's score of its own class: LabelSpecificRescale, -Margin, CosinAddm."""

import math

import torch

from ...core.blob import Blob
from ...proto import caffe_pb2
from .. import exporting
from ..base import Shape, Tensors, item_rows, layer_type
from .margins import Margin, plain_share


class OwnScore(Margin):
    """Scores N x C, changed where they are of the labels' classes; second top: by how much."""

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check_item_labels(shapes)
        return [shapes[0], (1,)][: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, much = bottoms[0], self.much()
        if self.phase == caffe_pb2.TRAIN or self.in_test():
            scores = item_rows(x)
            target = self.labels(bottoms[1], scores.shape[1]).reshape(-1, 1)
            own = torch.zeros_like(scores, dtype=torch.bool).scatter(1, target, True)
            x = torch.where(own, self.own(scores), self.other(scores)).reshape(x.shape)
        return [x, x.new_tensor([much])][: len(self.spec.top)]

    def in_test(self) -> bool:
        """Whether scores are changed in TEST too."""
        return False

    def much(self) -> float:
        raise NotImplementedError

    def own(self, scores: torch.Tensor) -> torch.Tensor:
        """What scores of the own class become."""
        raise NotImplementedError

    def other(self, scores: torch.Tensor) -> torch.Tensor:
        """What scores of the other classes become."""
        return scores


@layer_type("LabelSpecificRescale", "NormFace")
class LabelSpecificRescale(OwnScore):
    """Scores of the own class times positive_weight, of the others times negative_weight.

    The own one is (positive_weight + lambda) x / (1 + lambda); lambda is base * (1 + gamma *
    pass)^-power, lambda_min at least. for_ip: and (1 - positive_weight) / (1 + lambda) more. On the
    way back lambda counts as 0. Second top: lambda.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        """There is nothing to set up."""

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.iteration += 1
        super().forward(bottom, top)

    def in_test(self) -> bool:
        return self.spec.label_specific_rescale_param.rescale_test

    def much(self) -> float:
        return plain_share(self.spec.label_specific_rescale_param, self.iteration)

    def own(self, scores: torch.Tensor) -> torch.Tensor:
        param, share = self.spec.label_specific_rescale_param, self.much()
        if param.positive_weight == 1:
            return scores
        now = scores.detach()
        more = 1 - param.positive_weight if param.for_ip else 0
        value = ((param.positive_weight + share) * now + more) / (1 + share)
        return value + param.positive_weight * (scores - now)

    def other(self, scores: torch.Tensor) -> torch.Tensor:
        return scores * self.spec.label_specific_rescale_param.negative_weight


@layer_type("LabelSpecificMargin", "NormFace's successors")
class LabelSpecificMargin(OwnScore):
    """cos(theta + m) in place of cos(theta), the score of the own class (Deng et al. 2019).

    m, in degrees, is margin_base - 1 + (1 + gamma * pass)^power, margin_max at most, and the
    parameter, which none learns; where margin_base is not given it is as loaded. Second top: m.
    """

    updates_params = True

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.label_specific_margin_param
        self.check(
            not param.auto_tune and param.type == param.HARD and not param.pass_bp,
            "auto_tune, type: SOFT and pass_bp are not here; leave them out",
        )
        self.iteration = param.iteration
        filler = caffe_pb2.FillerParameter(value=param.margin_base)
        self.add_param((1,), filler)
        self.margin = param.margin_base  # the parameter's

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.margin = float(self.blobs[0].data[0])
        self.blobs[0].data[0] = self.much()
        super().forward(bottom, top)
        self.iteration += 1

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        if not exporting.is_traced():
            self.margin = float(params[0].detach())
        return super().expression(bottoms, params)

    def in_test(self) -> bool:
        return self.spec.label_specific_margin_param.margin_on_test

    def much(self) -> float:
        param = self.spec.label_specific_margin_param
        margin = self.margin
        if param.HasField("margin_base"):
            grown = (1 + param.gamma * self.iteration) ** param.power
            margin = param.margin_base + grown - 1
        return min(margin, param.margin_max) if param.HasField("margin_max") else margin

    def own(self, scores: torch.Tensor) -> torch.Tensor:
        return _turned(scores, math.radians(self.much()), 1e-12)


@layer_type("CosinAddm", "several forks")
class CosinAddm(OwnScore):
    """cos(theta + m) in place of cos(theta), the score of the own class (Deng et al. 2019).

    m is in radians. Where theta + m exceeds pi it is cos(theta) - m sin(m). In TEST too.
    """

    tops = (1, 1)

    def setup_from(self, shapes: list[Shape]) -> None:
        """There is nothing to set up."""

    def in_test(self) -> bool:
        return True

    def much(self) -> float:
        return self.spec.cosin_add_m_param.m

    def own(self, scores: torch.Tensor) -> torch.Tensor:
        m = self.much()
        beyond = scores - m * math.sin(m)
        turned = _turned(scores.clamp(-1, 1), m, 0)
        return torch.where(scores <= math.cos(math.pi - m), beyond, turned)


def _turned(cosine: torch.Tensor, angle: float, eps: float) -> torch.Tensor:
    """The cosine of so much more; where there is no sine its slope is 1."""
    square = 1 - cosine.square() + eps
    sine = square.clamp(min=0).where(square > 0, 1).sqrt()
    turned = cosine * math.cos(angle) - sine * math.sin(angle)
    flat = (cosine * math.cos(angle)).detach() + cosine - cosine.detach()
    return torch.where(square > 0, turned, flat)
