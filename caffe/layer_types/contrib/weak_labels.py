"""DeepLab's layers for images whose labels say what is in them: BiasChannel, UniqueLabel, ..."""

import torch

from ...core.rng import generator
from ..base import LayerType, Shape, item_rows, layer_type


class LabelledImages(LayerType):
    """Bottoms: scores N x C x H x W, and the labels that each image has, N x L, -1 for none."""

    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, labels = shapes
        self.check(
            len(scores) == 4 and labels[:1] == scores[:1] and set(labels[2:]) <= {1},
            f"needs scores N x C x H x W and labels N x L x 1 x 1; found {scores} and {labels}",
        )
        return [scores]

    def labels(self, bottom: torch.Tensor, classes: int, ignored: set[int]) -> list[list[int]]:
        """Of each image, but for -1 and those that are ignored."""
        found = [
            [label for label in row if label not in ignored | {-1}]
            for row in item_rows(bottom.detach()).long().tolist()  # NaN is a label that is none
        ]
        wrong = [label for row in found for label in row if not 0 <= label < classes]
        self.check(
            not wrong,
            f"label blob '{self.spec.bottom[1]}' holds {wrong[:1]}; expected 0 to {classes - 1}, "
            "or -1 for none",
        )
        return found


@layer_type("BiasChannel", "DeepLab")
class BiasChannel(LabelledImages):
    """bg_bias more where an image has label 0, fg_bias more for each other label that it has."""

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.bias_channel_param
        self.check(
            param.bg_bias >= 0 and param.fg_bias >= 0,
            f"bg_bias and fg_bias are 0 at least; found {param.bg_bias:g} and {param.fg_bias:g}",
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, param = bottoms[0], self.spec.bias_channel_param
        bias = torch.zeros_like(x[:, :, :1, :1])
        for image, labels in enumerate(
            self.labels(bottoms[1], x.shape[1], set(param.ignore_label))
        ):
            for label in labels:
                bias[image, label] += param.fg_bias if label else param.bg_bias
        return x + bias


@layer_type("AdaptiveBiasChannel", "DeepLab")
class AdaptiveBiasChannel(LabelledImages):
    """Biases by which each label that an image has wins a part of it at least.

    Papandreou et al. 2015, section 3.2. bg_portion of the pixels for label 0, which is first, and
    fg_portion for the others, in an order that is drawn; num_iter times. With suppress_others a
    score of another class above the least of them is margin_others below it. The mean over the
    pixels of the highest of their scores stays as it was. There is no gradient.
    """

    draws = True
    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.adaptive_bias_channel_param
        self.check(
            param.num_iter > 0
            and 0 <= param.bg_portion <= 1
            and 0 <= param.fg_portion <= 1
            and param.margin_others >= 0,
            "num_iter is positive, bg_portion and fg_portion lie in 0 to 1, and margin_others is 0 "
            f"at least; found {param.num_iter}, {param.bg_portion:g}, {param.fg_portion:g} and "
            f"{param.margin_others:g}",
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0].detach()
        found = self.labels(bottoms[1], x.shape[1], set())
        return torch.stack([self._biased(x[i], sorted(set(found[i]))) for i in range(len(found))])

    def _biased(self, scores: torch.Tensor, labels: list[int]) -> torch.Tensor:
        """Of an image, C x H x W."""
        param = self.spec.adaptive_bias_channel_param
        if not labels:
            return scores
        scores = scores.clone()
        if param.suppress_others:
            least = scores[labels].amin(0)
            others = [c for c in range(len(scores)) if c not in labels]
            scores[others] = scores[others].where(
                scores[others] <= least, least - param.margin_others
            )
        highest = scores[labels].amax(0)
        before = highest.double().mean()
        count = highest.numel()
        for _ in range(param.num_iter):
            for label in self._order(labels):
                apart = (highest - scores[label]).flatten()
                portion = param.fg_portion if label else param.bg_portion
                at = min(int(portion * count), count - 1)
                scores[label] += apart.kthvalue(at + 1).values
                highest = torch.maximum(highest, scores[label])
        return scores + (before - highest.double().mean()).to(scores.dtype)

    def _order(self, labels: list[int]) -> list[int]:
        """Label 0 first, the others as they are drawn."""
        first = labels[:1] if labels[0] == 0 else []
        others = labels[len(first) :]
        drawn = torch.randperm(len(others), generator=generator()).tolist()
        return first + [others[i] for i in drawn]


@layer_type("UniqueLabel", "DeepLab")
class UniqueLabel(LayerType):
    """The labels that label maps N x 1 x H x W hold, N x max_labels x 1 x 1, rising, then -1.

    Without each ignore_label, with each force_label.
    """

    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.unique_label_param
        self.check(
            param.max_labels > len(set(param.force_label)),
            f"max_labels must exceed the number of force_label, {len(set(param.force_label))}; "
            f"found {param.max_labels}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(shapes[0]) == 4 and shapes[0][1] == 1,
            f"needs label maps N x 1 x H x W; found shape {shapes[0]}",
        )
        return [(shapes[0][0], self.spec.unique_label_param.max_labels, 1, 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, x = self.spec.unique_label_param, bottoms[0].detach()
        top = x.new_full((x.shape[0], param.max_labels, 1, 1), -1)
        for image, values in enumerate(x.flatten(1)):
            held = set(values.unique().tolist()) - set(param.ignore_label)
            found = sorted(held | set(map(float, param.force_label)))
            self.check(
                len(found) <= param.max_labels,
                f"image {image} has {len(found)} labels; raise max_labels, {param.max_labels}",
            )
            top[image, : len(found), 0, 0] = x.new_tensor(found)
        return top
