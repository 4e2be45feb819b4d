"""Winograd's minimal filtering F(4x4, 3x3): a 3 x 3 convolution in a quarter of its products.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016). A tile of 4 x 4
outputs is computed from 6 x 6 inputs: in a linear transform of these and of the weights it is 36
products of numbers instead of 144. Summed over the channels, these are 36 products of matrices.
The transforms on both axes at once are products with a matrix too, so that all of it is torch's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F

from .base import Margins

TILE = 4  # outputs of a tile, on each axis
SEEN = TILE + 2  # the inputs that they are computed from

# Where it pays, measured on an AMD EPYC with AVX2: docs/speed.md
CHANNELS = 128  # with fewer the transforms take as long as what they spare
POSITIONS = 1024  # with fewer the weights' transform does

TILES = 192  # whose products are taken at once: their transforms stay in a cache
SUMMED = 512  # the same, of a weight gradient: each time all sums pass through the cache too
VALUES = 8192  # of each of a tile's places, that are transformed at once

_ON_INPUT = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
_ON_WEIGHT = [  # times 24
    [6, 0, 0],
    [-4, -4, -4],
    [-4, 4, -4],
    [1, 2, 4],
    [1, -2, 4],
    [0, 0, 24],
]
_ON_OUTPUT = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]


def _on_both_axes(matrix: list[list[int]], scale: int = 1) -> torch.Tensor:
    one = torch.tensor(matrix, dtype=torch.float64) / scale
    return torch.kron(one, one).float()


# A row for each place in what comes out, a column for each in what goes in, row by row of the tile
INPUT = _on_both_axes(_ON_INPUT)
WEIGHT = _on_both_axes(_ON_WEIGHT, 24)
OUTPUT = _on_both_axes(_ON_OUTPUT)

Block = tuple[range, range]  # rows and columns of the top, of whole tiles but for the last ones

_on = True


def uses_winograd() -> bool:
    """Whether 3 x 3 convolutions may be computed by Winograd's minimal filtering."""
    return _on


def set_winograd(on: bool) -> None:
    """Choose whether nets may compute 3 x 3 convolutions by Winograd's minimal filtering.

    On by default. It is for passes of a whole net in TEST on the CPU, and for the layers of a
    solver's iterations whose image is padded, with stride 1 and at least 128 channels: their values
    and gradients differ from those of the sums by some 1e-5 of the largest. Off, they are the sums.
    """
    global _on
    _on = on


def pays(x: torch.Tensor, outputs: int) -> bool:
    """Whether a 3 x 3 convolution of x (N, C, H, W) to so many channels is faster like this."""
    n, channels, height, width = x.shape
    return (
        _on
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and min(channels, outputs) >= CHANNELS
        and n * height * width >= POSITIONS
    )


def convolve(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, margins: Margins
) -> torch.Tensor:
    """The 3 x 3 convolution of x (N, C, H, W) with as much pad at the ends as margins say.

    weight: (K, C, 3, 3). All are float32 on the CPU, the weights and x with the channels last in
    memory, and so is the result (N, K, height, width). It keeps no gradient.
    """
    outputs, channels = weight.shape[:2]
    (above, below), (left, right) = margins
    height, width = x.shape[2] + above + below - 2, x.shape[3] + left + right - 2
    # (36, C, K)
    weights = (WEIGHT @ weight.permute(0, 2, 3, 1).reshape(outputs, 9, channels)).permute(1, 2, 0)
    biases = (x.new_zeros(outputs) if bias is None else bias).repeat(_at_once(outputs))
    shape = len(x), outputs, height, width
    y = torch.empty(shape, dtype=x.dtype, memory_format=torch.channels_last)
    for image, top in zip(x.permute(0, 2, 3, 1), y.permute(0, 2, 3, 1), strict=True):
        for rows, columns in _blocks(height, width, TILES):
            tiles = _tiles(image, rows, columns, (above, left), SEEN)
            products = torch.bmm(_transformed(INPUT, tiles), weights)
            _put(products, biases, top[rows.start : rows.stop, columns.start : columns.stop])
    return y


def weight_gradient(x: torch.Tensor, diff: torch.Tensor, padding: tuple[int, int]) -> torch.Tensor:
    """The gradient (K, C, 3, 3) of the weights of a convolution of x (N, C, H, W).

    diff: of its top, (N, K, height, width); padding: above and below, left and right of x. Both are
    float32 on the CPU, with the channels last in memory. That is F(3x3, 4x4): every transform of
    the convolution, transposed.
    """
    outputs, channels = diff.shape[1], x.shape[1]
    sums = x.new_zeros(SEEN * SEEN, outputs, channels)
    for image, top in zip(x.permute(0, 2, 3, 1), diff.permute(0, 2, 3, 1), strict=True):
        for rows, columns in _blocks(diff.shape[2], diff.shape[3], SUMMED):
            seen = _transformed(INPUT, _tiles(image, rows, columns, padding, SEEN))
            wanted = _transformed(OUTPUT.T, _tiles(top, rows, columns, (0, 0), TILE))
            sums.baddbmm_(wanted.transpose(1, 2), seen)
    return (WEIGHT.T @ sums.flatten(1)).view(3, 3, outputs, channels).permute(2, 3, 0, 1)


class _Recorded(torch.autograd.Function):
    """`convolve` with as much pad on both sides, and its gradients likewise."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        padding: tuple[int, int],
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.padding = padding
        return convolve(_channels_last(x), _channels_last(weight), bias, _both_sides(padding))

    @staticmethod
    def backward(ctx: Any, diff: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        diff = _channels_last(diff)
        of_x, of_weight, of_bias, _ = ctx.needs_input_grad
        above, left = ctx.padding
        turned = weight.flip(2, 3).transpose(0, 1)
        around = _both_sides((2 - above, 2 - left))
        return (
            convolve(diff, _channels_last(turned), None, around) if of_x else None,
            weight_gradient(_channels_last(x), diff, ctx.padding) if of_weight else None,
            diff.sum((0, 2, 3)) if of_bias else None,
            None,
        )


def recorded(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, padding: tuple[int, int]
) -> torch.Tensor:
    """`convolve` in torch's graph; padding: at most 2 above and below, left and right."""
    return _Recorded.apply(x, weight, bias, padding)


def _channels_last(x: torch.Tensor) -> torch.Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def _both_sides(padding: tuple[int, int]) -> Margins:
    above, left = padding
    return (above, above), (left, left)


def _blocks(height: int, width: int, tiles: int) -> Iterator[Block]:
    """All of a top, in parts of some so many tiles."""
    columns = min(-(-width // TILE), tiles)
    rows = max(1, tiles // columns)
    for row in range(0, height, TILE * rows):
        for column in range(0, width, TILE * columns):
            yield (
                range(row, min(row + TILE * rows, height)),
                range(column, min(column + TILE * columns, width)),
            )


def _at_once(channels: int) -> int:
    """How many tiles of a row are transformed at once."""
    return max(1, VALUES // channels)


def _tiles(
    image: torch.Tensor, rows: range, columns: range, before: tuple[int, int], extent: int
) -> torch.Tensor:
    """(extent, extent, tile rows, tile columns, C): what a block's tiles see of an image (H, W, C).

    before: how much pad there is above and to the left of the image; what lies behind it is 0 too.
    """
    spans, padding = [], []
    for block, pad, size in zip((rows, columns), before, image.shape, strict=False):
        start = block.start - pad
        end = start + -(-len(block) // TILE) * TILE + extent - TILE
        inside = range(size)[max(start, 0) : max(end, 0)]
        ahead = min(max(-start, 0), end - start)
        spans.append(slice(inside.start, inside.stop))
        padding.append((ahead, end - start - ahead - len(inside)))
    (above, below), (left, right) = padding
    seen = image[spans[0], spans[1]]
    if above or below or left or right:
        seen = F.pad(seen, (0, 0, left, right, above, below))
    return seen.unfold(0, extent, TILE).unfold(1, extent, TILE).permute(3, 4, 0, 1, 2)


def _transformed(matrix: torch.Tensor, tiles: torch.Tensor) -> torch.Tensor:
    """(36, tiles, C): the matrix (36, places) times each of the tiles (places on two axes, ...)."""
    _, _, rows, columns, channels = tiles.shape
    to = tiles.new_empty(len(matrix), rows * columns * channels)
    many = _at_once(channels)
    for row in range(rows):
        for column in range(0, columns, many):
            some = tiles[:, :, row, column : column + many].reshape(matrix.shape[1], -1)
            start = (row * columns + column) * channels
            torch.mm(matrix, some, out=to[:, start : start + some.shape[1]])
    return to.view(len(matrix), rows * columns, channels)


def _put(products: torch.Tensor, biases: torch.Tensor, to: torch.Tensor) -> None:
    """The outputs of the products (36, tiles, K) and a bias, into their block (h, w, K) of a top.

    biases: the bias (K), repeated for as many tiles as are transformed at once.
    """
    height, width, channels = to.shape
    columns = -(-width // TILE)
    many = _at_once(channels)
    products = products.flatten(1)
    for row in range(0, height, TILE):
        for column in range(0, columns, many):
            start = (row // TILE * columns + column) * channels
            some = products[:, start : start + min(many, columns - column) * channels]
            tiles = torch.addmm(biases[: some.shape[1]], OUTPUT, some)
            lines = to[row : row + TILE, TILE * column : TILE * (column + many)]
            # (4, tiles, 4, K)
            tiles = tiles.view(TILE, TILE, -1, channels).transpose(1, 2)[: len(lines)]
            whole, rest = divmod(lines.shape[1], TILE)
            lines[:, : whole * TILE].unflatten(1, (whole, TILE)).copy_(tiles[:, :whole])
            if rest:
                lines[:, whole * TILE :].copy_(tiles[:, whole, :rest])
