"""Layers of Zhang et al.'s colorization (2016): colours as classes, and how much each counts.

And of their interactive one (2017): BGR2HSV, ColorGlobalDropout.
"""

from pathlib import Path

import numpy as np
import torch

from ...core.files import cannot_be_read
from ...core.rng import generator
from ..base import LayerType, Shape, layer_type
from ..loss import with_gradient

PRIORS = Path("resources/prior_probs.npy")
SIGMA = 5.0
UNIFORM = 0.5  # part of the uniform distribution in what weights divide by
GRAY = 5.0  # the largest |a| or |b| of a gray pixel
# Of sRGB, as skimage has them
TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
WHITE = (0.95047, 1.0, 1.08883)
DARK = 0.008856


def _read(path: Path) -> np.ndarray:
    try:
        return np.asarray(np.load(path), np.float64)
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None


class _Target(LayerType):
    """What is made of the labels, through which nothing is learnt."""

    diff_bottoms = staticmethod(lambda index: False)
    reads_values = False
    channels, top_channels = 2, 1

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(
            len(shape) == 4 and shape[1] == self.channels,
            f"needs N x {self.channels} x H x W; found shape {shape}",
        )
        return [(shape[0], self.top_channels, *shape[2:])]


@layer_type("BGR2Lab", "colorization")
class BGR2Lab(_Target):
    """BGR from 0 to 255, without their fractions, as CIE Lab of white D65."""

    channels = top_channels = 3

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        rgb = x.detach().flip(1).remainder(256).floor() / 255
        linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
        xyz = torch.einsum("ij,njhw->nihw", linear.new_tensor(TO_XYZ), linear)
        parts = xyz / xyz.new_tensor(WHITE).view(3, 1, 1)
        roots = torch.where(parts > DARK, parts ** (1 / 3), 7.787 * parts + 16 / 116)
        x, y, z = roots.unbind(1)
        return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


@layer_type("BGR2HSV", "interactive colorization")
class BGR2HSV(_Target):
    """BGR from 0 to 255, without their fractions, as hue, saturation and value from 0 to 1."""

    channels = top_channels = 3

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        red, green, blue = (x.detach().flip(1).remainder(256).floor() / 255).unbind(1)
        value = red.maximum(green).maximum(blue)
        apart = value - red.minimum(green).minimum(blue)
        scale = apart.where(apart > 0, 1)
        hue = torch.where(red == value, (green - blue) / scale, 2 + (blue - red) / scale)
        hue = torch.where(blue == value, 4 + (red - green) / scale, hue)
        hue = (hue / 6).remainder(1).where(apart > 0, 0)
        return torch.stack([hue, apart / value.where(value > 0, 1), value], 1)


@layer_type("ColorGlobalDropout", "interactive colorization")
class ColorGlobalDropout(LayerType):
    """The bottom (N, C, H, W), but 0 of items drawn by dropout_ratio; channel C + 1: 0 of these.

    Of the others it is 1. So it does in both phases; nothing is learnt through it.
    """

    diff_bottoms = staticmethod(lambda index: False)
    reads_values = False

    @property
    def draws(self) -> bool:
        return True

    def setup_from(self, shapes: list[Shape]) -> None:
        ratio = self.spec.dropout_param.dropout_ratio
        self.check(0 <= ratio <= 1, f"dropout_ratio is from 0 to 1; found {ratio:g}")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        return [(shape[0], shape[1] + 1, *shape[2:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), keep = bottoms, 1 - self.spec.dropout_param.dropout_ratio
        kept = x.new_empty(len(x), 1, 1, 1).bernoulli_(keep, generator=generator(x.device))
        return torch.cat([x.detach() * kept, kept.expand(-1, -1, *x.shape[2:])], 1)


@layer_type("NNEnc", "colorization")
class NNEnc(_Target):
    """Of a and b (N, 2, H, W) how much of each class of colours they are, (N, Q, H, W).

    Section 2.2: the 10 nearest classes of resources/pts_in_hull.npy (Q, 2) weigh as a Gaussian of
    their distance with sigma 5, and 1 together; all others are 0. nearest_colours_param gives
    another number of them and another file, as of the interactive colorization.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.nearest_colours_param
        self.check(param.neighbours > 0, "neighbours must be positive; found 0")
        self.colours = _read(Path(param.colours))
        self.check(
            self.colours.ndim == 2 and self.colours.shape[1] == 2 and len(self.colours) > 0,
            f"{param.colours}: needs colours Q x 2; found shape {self.colours.shape}",
        )
        self.top_channels = len(self.colours)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        points = x.detach().movedim(1, 3).reshape(-1, 2)
        colours = torch.as_tensor(self.colours).to(points)
        apart = (points[:, None] - colours).square().sum(2)
        nearest = min(self.spec.nearest_colours_param.neighbours, len(colours))
        near, classes = apart.topk(nearest, largest=False)
        weights = (-near / (2 * SIGMA**2)).softmax(1)
        top = weights.new_zeros(len(points), len(colours)).scatter(1, classes, weights)
        n, _, height, width = x.shape
        return top.reshape(n, height, width, -1).movedim(3, 1)


@layer_type("PriorBoost", "colorization")
class PriorBoost(_Target):
    """How much a pixel of classes (N, Q, H, W) counts: more, the rarer its first highest one is.

    Equation 4 with lambda 1/2: 1 / (p / 2 + 1 / (2 Q')), p being resources/prior_probs.npy (Q), Q'
    how many of it are not 0; the weights' mean over p is 1, that of a class of p = 0 is 0.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        prior = _read(PRIORS)
        some = prior != 0
        mixed = (1 - UNIFORM) * prior + UNIFORM * some / some.sum()
        weights = np.divide(1, mixed, out=np.zeros_like(prior), where=some)
        self.weights = weights / (prior * weights).sum()
        self.channels = len(prior)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        return torch.as_tensor(self.weights).to(x)[x.detach().argmax(1, keepdim=True)]


@layer_type("NonGrayMask", "colorization")
class NonGrayMask(_Target):
    """1 for all pixels (N, 1, H, W) of an image of which one is coloured, else 0.

    It is where |a| or |b| is above 5.
    """

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        coloured = (x.detach().abs() > GRAY).flatten(1).any(1).to(x.dtype)
        return coloured.view(-1, 1, 1, 1).expand(self.top_shapes([tuple(x.shape)])[0]).clone()


@layer_type("ClassRebalanceMult", "colorization")
class ClassRebalanceMult(LayerType):
    """The first bottom (N, C, H, W); its gradient is times the second, (N, 1, H, W) or alike."""

    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        values, weights = shapes
        alike = len(values) == len(weights) and all(
            b in (1, a) for a, b in zip(values, weights, strict=True)
        )
        self.check(alike, f"needs weights of 1 or as many along each axis; found {shapes}")
        return [values]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, weights = bottoms
        return with_gradient(x, x, weights)


@layer_type("SpatialRep", "colorization")
class SpatialRep(LayerType):
    """N x C x 1 x 1 at each place of the second bottom, N x C x H x W."""

    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)
    reads_bottom = staticmethod(lambda index: index == 0)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        values, places = shapes
        self.check(
            len(places) == 4 and values == (places[0], *values[1:2], 1, 1),
            f"needs N x C x 1 x 1, and N x D x H x W; found shapes {shapes}",
        )
        return [(*values[:2], *places[2:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0].expand(-1, -1, *bottoms[1].shape[2:]).clone()
