"""Losses of CASENet and SEAL, where a pixel may be an edge of several classes."""

import math

import torch
import torch.nn.functional as F

from ..base import Shape, layer_type
from ..loss import Loss

FORK = "CASENet and SEAL"
BITS = 32  # of a label


class _Edges(Loss):
    """Sigmoid losses of C channels. Bit k of a label, as float32 lies in memory, is class k's.

    The highest bit of the last label says that the pixel does not count. Bottoms: scores
    N x C x H x W, labels N x L x H x W. Over the number of items.
    """

    least = 0  # bits that labels have beside the classes'

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        tops = super().top_shapes(shapes)
        scores, labels = shapes
        self.check(
            len(scores) > 1 and len(labels) > 1 and _places(scores) == _places(labels),
            f"needs labels for each place of the scores; found shapes {scores} and {labels}",
        )
        self.check_classes(scores[1], labels[1])
        return tops

    def check_classes(self, classes: int, labels: int) -> None:
        """Raise CaffeError unless so many labels tell of so many classes."""
        self.check(
            labels == 1 and classes < BITS,
            f"needs one label, which tells of {BITS - 1} classes at most; found {labels} labels "
            f"and {classes} classes",
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0].reshape(*bottoms[0].shape[:2], -1)
        bits = bottoms[1].detach().float().contiguous().view(torch.int32)
        bits = bits.reshape(x.shape[0], -1, x.shape[2])
        counts = bits[:, -1:] >= 0  # the sign is the highest bit
        right = self.right(bits, x.shape[1])
        losses = F.softplus(torch.where(right, -x, x)) * counts
        return (losses * self.weights(bits, right, counts).to(x.dtype)).sum() / x.shape[0]

    def right(self, bits: torch.Tensor, classes: int) -> torch.Tensor:
        """Which pixels are edges of which class, N x C x P."""
        channels = torch.arange(classes, device=bits.device)
        of_each = bits[:, channels // BITS]
        return (of_each >> (channels % BITS)[:, None]) & 1 == 1

    def weights(
        self, bits: torch.Tensor, right: torch.Tensor, counts: torch.Tensor
    ) -> torch.Tensor:
        """What each loss weighs."""
        return torch.ones_like(counts)


@layer_type("MultiChannelSigmoidCrossEntropyLoss", FORK)
class MultiChannelSigmoidCrossEntropyLoss(_Edges):
    """The sum of the sigmoid losses of all classes and pixels over the number of items.

    Bottoms: scores N x C x H x W, labels N x 1 x H x W: bit k of a label, as float32 lies in
    memory, is class k's; a pixel whose label has the highest bit does not count.
    """


class _Reweighted(_Edges):
    """An edge weighs the share of pixels without any, what is none that of those with one."""

    def weights(
        self, bits: torch.Tensor, right: torch.Tensor, counts: torch.Tensor
    ) -> torch.Tensor:
        used = min(right.shape[1] // BITS + 1, bits.shape[1])
        edges = ((bits[:, :used] != 0).any(1, keepdim=True) & counts).sum((1, 2), keepdim=True)
        share = edges / counts.sum((1, 2), keepdim=True).clamp(min=1)
        return torch.where(right, 1 - share, share)


@layer_type("MultiChannelReweightedSigmoidCrossEntropyLoss", FORK)
class MultiChannelReweightedSigmoidCrossEntropyLoss(_Reweighted):
    """MultiChannelSigmoidCrossEntropyLoss, an edge of a class weighing the share of no edges.

    What is no edge of the class weighs the share of pixels that are edges of any (Yu et al. 2017,
    equation 2); shares are an item's. Labels N x L x H x W: class k has bit k % 32 of the label
    k / 32, the last label the bit of what does not count; there are more bits than classes.
    """

    def check_classes(self, classes: int, labels: int) -> None:
        self.check(
            classes < BITS * labels,
            f"needs labels of more bits than classes; found {labels} labels of {BITS} bits for "
            f"{classes} classes",
        )


@layer_type("ReweightedSigmoidCrossEntropyLoss", FORK)
class ReweightedSigmoidCrossEntropyLoss(_Reweighted):
    """The same of edges of whatever class: scores and labels N x 1 x H x W."""

    def check_classes(self, classes: int, labels: int) -> None:
        self.check(
            classes == labels == 1,
            f"needs one channel of scores and one label; found {classes} and {labels}",
        )

    def right(self, bits: torch.Tensor, classes: int) -> torch.Tensor:
        return bits != 0


def _places(shape: Shape) -> int:
    return math.prod(shape[2:])
