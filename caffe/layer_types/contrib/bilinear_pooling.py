"""Bilinear pooling: Bilinear, Covariance, CompactBilinear and the SignedSqrt behind them."""

import math

import torch

from ..base import LayerType, Shape, layer_type
from ..loss import with_gradient

ROOT_EPS = 0.03  # of a square root's gradient


@layer_type("SignedSqrt", "compact bilinear pooling")
class SignedSqrt(LayerType):
    """The square root of |x|, with the sign of x; its gradient is 1 / (2 (|top| + 0.03))."""

    pointwise = True
    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        root = x.detach().abs().sqrt()
        return with_gradient(x.detach().sign() * root, x, 0.5 / (root + ROOT_EPS))


@layer_type("Bilinear", "several forks")
class Bilinear(LayerType):
    """The products of each channel of bottom 0 and of bottom 1, summed over the places of a map.

    Lin et al. 2015, section 3.1: N x C0 C1 x 1 x 1 of N x C0 x H x W and N x C1 x H x W.
    """

    bottoms = (2, 2)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        first, second = shapes
        self.check(
            len(first) == len(second) == 4
            and (first[0], *first[2:]) == (second[0], *second[2:])
            and math.prod(first[2:]) > 0,
            f"needs two of N x C x H x W, alike but in C; found shapes {first} and {second}",
        )
        return [(first[0], first[1] * second[1], 1, 1)]

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        return math.prod(bottoms[0]) * bottoms[1][1]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        first, second = (bottom.flatten(2) for bottom in bottoms)
        return (first @ second.transpose(1, 2)).flatten(1)[..., None, None]


@layer_type("Covariance", "several forks")
class Covariance(LayerType):
    """The products of each two channels, N x C x C x 1: their mean over a map, over C.

    As in its forks the gradient is that by one of both factors, but of a channel's square.
    """

    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(
            len(shape) == 4 and math.prod(shape[1:]) > 0, f"needs N x C x H x W; found {shape}"
        )
        return [(shape[0], shape[1], shape[1], 1)]

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        return math.prod(bottoms[0]) * bottoms[0][1]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0].flatten(2)
        fixed = x.detach().transpose(1, 2)
        products = (x @ fixed) / math.prod(x.shape[1:])
        square = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        return (products + (products - products.detach()) * square)[..., None]


@layer_type("CompactBilinear", "compact bilinear pooling")
class CompactBilinear(LayerType):
    """The products of all channels of two bottoms at a place, in num_output sums of them.

    Each channel of each bottom is added to one of num_output sums, or taken from it, as C's rand()
    after srand(1) has it under Linux; the top is num_output times the circular convolution of both
    bottoms' sums (Gao et al. 2016, tensor sketch), with sum_pool added up over all places.
    """

    bottoms = (2, 2)
    reads_values = False

    @property
    def not_in_onnx(self) -> str:
        return "a Fourier transform is no part of it; export the net up to its bottoms"

    def setup_from(self, shapes: list[Shape]) -> None:
        self.size = self.spec.compact_bilinear_param.num_output
        self.check(self.size > 0, "num_output is missing")
        self.check(min(map(len, shapes)) > 1, f"needs items of channels; found shapes {shapes}")
        channels = [shape[1] for shape in shapes]
        numbers = iter(rand(2 * sum(channels)))
        self.sketches = [
            (
                torch.tensor([next(numbers) % self.size for _ in range(count)]),
                torch.tensor([2.0 * (next(numbers) % 2) - 1 for _ in range(count)]),
            )
            for count in channels
        ]

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        first, second = shapes
        self.check(
            len(first) == 4 and first[:1] + first[2:] == second[:1] + second[2:],
            f"needs bottoms N x C x H x W of equal N, H and W; found shapes {first} and {second}",
        )
        for shape, (places, _) in zip(shapes, self.sketches, strict=True):
            self.check(
                shape[1] == len(places),
                f"expects {len(places)} channels; found a bottom of shape {shape}",
            )
        pooled = self.spec.compact_bilinear_param.sum_pool
        return [(first[0], self.size, *((1, 1) if pooled else first[2:]))]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        spectra = []
        for x, (places, signs) in zip(bottoms, self.sketches, strict=True):
            signed = x * signs.to(x).reshape(1, -1, 1, 1)
            sums = x.new_zeros(x.shape[0], self.size, *x.shape[2:])
            spectra.append(torch.fft.rfft(sums.index_add(1, places.to(x.device), signed), dim=1))
        product = spectra[0] * spectra[1]
        if self.spec.compact_bilinear_param.sum_pool:
            product = product.sum((2, 3), keepdim=True)
        return torch.fft.irfft(product, n=self.size, dim=1) * self.size


def rand(count: int) -> list[int]:
    """The first numbers of C's rand() after srand(1), as glibc draws them."""
    state = [1]
    for _ in range(30):
        state.append(16807 * state[-1] % (2**31 - 1))
    state += state[:3]
    for i in range(34, 344 + count):
        state.append((state[i - 3] + state[i - 31]) % 2**32)
    return [word >> 1 for word in state[344:]]
