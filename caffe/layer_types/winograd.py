"""Winograd's minimal filtering F(4x4, 3x3): a 3 x 3 convolution in a quarter of its products.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016). A tile of 4 x 4
outputs is computed from 6 x 6 inputs: in a linear transform of these and of the weights it is 36
products of numbers instead of 144. Summed over the channels, these are 36 products of matrices.
The transforms of weights and outputs are products with a matrix too, that of the input is sums of
slices, so that all of it is torch's.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F

from .base import Margins

TILE = 4  # outputs of a tile, on each axis
SEEN = TILE + 2  # the inputs that they are computed from

# What it costs, in what it spares for each channel, output and position: measured on an AMD EPYC
# with AVX2, against weights in the order of oneDNN's kernels (docs/speed.md)
OF_VALUE = 36  # to transform a value of the bottom or of the top
OF_WEIGHT = 300
OF_CALL = 5_000_000

CHANNELS = 64  # with fewer outputs the gradient of the weights is not faster

VALUES = 98304  # of each of the places in a tile, that are transformed and multiplied at once

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
WEIGHT = _on_both_axes(_ON_WEIGHT, 24)
TURNED = WEIGHT.flip(1)  # of a kernel that is turned by half a turn
OUTPUT = _on_both_axes(_ON_OUTPUT)
EVERYWHERE = 7  # the place that each output gets once: the bias is added there

# Images, and rows and columns of the top, of whole tiles but for the last ones
Block = tuple[range, range, range]

_on = True
_kept = threading.local()


def uses_winograd() -> bool:
    """Whether 3 x 3 convolutions may be computed by Winograd's minimal filtering."""
    return _on


def set_winograd(on: bool) -> None:
    """Choose whether nets may compute 3 x 3 convolutions by Winograd's minimal filtering.

    On by default. It is for passes of a whole net in TEST on the CPU, and for the layers of a
    solver's iterations whose image is padded, with stride 1, from 64 channels on where it pays:
    their values and gradients differ from those of the sums by some 1e-5 of the largest. Off, they
    are the sums.
    """
    global _on
    _on = on


def pays(shape: Sequence[int], weight: torch.Tensor) -> bool:
    """Whether the convolution of a bottom (N, C, H, W) with a weight (K, C, 3, 3) is faster so."""
    n, channels, height, width = shape
    positions, outputs = n * height * width, len(weight)
    values, weights = (channels + outputs) * positions, channels * outputs
    costs = OF_VALUE * values + OF_WEIGHT * weights + OF_CALL
    return weights * positions > costs and pays_both_ways(weight)


def pays_both_ways(weight: torch.Tensor) -> bool:
    """Whether it is faster with its gradients, as `recorded` computes them."""
    is_plain = weight.device.type == "cpu" and weight.dtype == torch.float32
    return _on and is_plain and len(weight) >= CHANNELS


def convolve(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    margins: Margins,
    turned: bool = False,
) -> torch.Tensor:
    """The 3 x 3 convolution of x (N, C, H, W) with as much pad at the ends as margins say.

    weight: (K, C, 3, 3). All are float32 on the CPU, x with the channels last in memory, and so is
    the result (N, K, height, width). turned: by the weights turned by half a turn. It keeps no
    gradient.
    """
    outputs, channels = weight.shape[:2]
    (above, below), (left, right) = margins
    height, width = x.shape[2] + above + below - 2, x.shape[3] + left + right - 2
    weights = _buffer(outputs, SEEN * SEEN, channels)
    transform = (TURNED if turned else WEIGHT).expand(outputs, -1, -1)
    torch.bmm(transform, weight.flatten(2).transpose(1, 2), out=weights)
    weights = weights.permute(1, 2, 0)
    shape = len(x), outputs, height, width
    y = torch.empty(shape, dtype=x.dtype, memory_format=torch.channels_last)
    for block in _blocks(shape, channels):
        products = torch.bmm(_of_input(x, block, (above, left)), weights)
        if bias is not None:
            products[EVERYWHERE] += bias
        _put(products, _part(y, block))
    return y


def weight_gradient(x: torch.Tensor, diff: torch.Tensor, padding: tuple[int, int]) -> torch.Tensor:
    """The gradient (K, C, 3, 3) of the weights of a convolution of x (N, C, H, W).

    diff: of its top, (N, K, height, width); padding: above and below, left and right of x. Both are
    float32 on the CPU, with the channels last in memory. That is F(3x3, 4x4): every transform of
    the convolution, transposed.
    """
    outputs, channels = diff.shape[1], x.shape[1]
    sums, old = _buffer(SEEN * SEEN, outputs, channels), 0
    for block in _blocks(diff.shape, channels):
        wanted = _of_diff(diff, block).transpose(1, 2)
        sums.baddbmm_(wanted, _of_input(x, block, padding), beta=old)
        old = 1
    return (WEIGHT.T @ sums.flatten(1)).view(3, 3, outputs, channels).permute(2, 3, 0, 1)


class _Recorded(torch.autograd.Function):
    """A 3 x 3 convolution with as much pad on both sides.

    With the channels last, oneDNN's gradient of the weights takes five times as long as the
    convolution, so that this one is always computed here; the other two where that pays.
    """

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
        return _faster(x, weight, bias, padding)

    @staticmethod
    def backward(ctx: Any, diff: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        diff = _channels_last(diff)
        of_x, of_weight, of_bias, _ = ctx.needs_input_grad
        above, left = ctx.padding
        pad = (2 - above, 2 - left)
        return (
            _faster(diff, weight.transpose(0, 1), None, pad, turned=True) if of_x else None,
            weight_gradient(_channels_last(x), diff, ctx.padding) if of_weight else None,
            diff.sum((0, 2, 3)) if of_bias else None,
            None,
        )


def recorded(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, padding: tuple[int, int]
) -> torch.Tensor:
    """A 3 x 3 convolution in torch's graph; padding: at most 2 above and below, left and right."""
    return _Recorded.apply(x, weight, bias, padding)


def _faster(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    padding: tuple[int, int],
    turned: bool = False,
) -> torch.Tensor:
    """The convolution of x, with the channels last in memory, filtered if that pays."""
    x = _channels_last(x)
    if pays(x.shape, weight):
        above, left = padding
        return convolve(x, weight, bias, ((above, above), (left, left)), turned)
    weight = _channels_last(weight.flip(2, 3) if turned else weight)
    return F.conv2d(x, weight, bias, padding=padding)


def _channels_last(x: torch.Tensor) -> torch.Tensor:
    """With the channels next to each other; parts of an image are as good as all of it."""
    return x if x.stride(1) == 1 else x.contiguous(memory_format=torch.channels_last)


def _buffer(*shape: int) -> torch.Tensor:
    """Memory for one call at a time: to take 37 MB anew costs more than what is computed there."""
    count = math.prod(shape)
    if not hasattr(_kept, "buffer") or len(_kept.buffer) < count:
        with torch.inference_mode(False):  # else training could not write to it
            _kept.buffer = torch.empty(count, dtype=torch.float32, device="cpu")
    return _kept.buffer[:count].view(shape)


def _blocks(top: Sequence[int], channels: int) -> Iterator[Block]:
    """All of a top (N, K, H, W), in parts of so many tiles that each place has about VALUES."""
    n, outputs, height, width = top
    tiles = max(1, VALUES // max(channels, outputs))
    columns = min(-(-width // TILE), tiles)
    rows = min(-(-height // TILE), max(1, tiles // columns))
    images = max(1, tiles // (rows * columns))
    return product(_ranges(n, images), _ranges(height, TILE * rows), _ranges(width, TILE * columns))


def _ranges(size: int, step: int) -> list[range]:
    return [range(start, min(start + step, size)) for start in range(0, size, step)]


def _part(x: torch.Tensor, block: Block) -> torch.Tensor:
    """(n, height, width, C): a block of x (N, C, H, W)."""
    images, rows, columns = (slice(part.start, part.stop) for part in block)
    return x.permute(0, 2, 3, 1)[images, rows, columns]


def _seen(x: torch.Tensor, block: Block, before: tuple[int, int], extent: int) -> torch.Tensor:
    """(n, height, width, C): what a block's tiles of so great an extent see of x (N, C, H, W).

    before: how much pad there is above and to the left of x; what lies behind it is 0 too.
    """
    inside, padding = [], []
    for part, pad, size in zip(block[1:], before, x.shape[2:], strict=True):
        start = part.start - pad
        end = start + -(-len(part) // TILE) * TILE + extent - TILE
        there = range(size)[max(start, 0) : max(end, 0)]
        ahead = min(max(-start, 0), end - start)
        inside.append(there)
        padding.append((ahead, end - start - ahead - len(there)))
    (above, below), (left, right) = padding
    rows, columns = inside
    seen = _part(x, (block[0], rows, columns))
    if above or below or left or right:
        seen = F.pad(seen, (0, 0, left, right, above, below))
    return seen


def _of_input(x: torch.Tensor, block: Block, before: tuple[int, int]) -> torch.Tensor:
    """(36, tiles, C): the transform of what a block's tiles see, on one axis after the other."""
    lines = _of_input_on_axis_2(_seen(x, block, before, SEEN))
    return _of_input_on_axis_2(lines).view(SEEN * SEEN, -1, x.shape[1])


def _of_input_on_axis_2(x: torch.Tensor) -> torch.Tensor:
    """(6, ...): Lavin and Gray's B^T times what each tile sees on x's axis 2, now that of tiles."""
    d = x.unfold(2, SEEN, TILE).movedim(-1, 0)
    to = torch.empty_like(d, memory_format=torch.contiguous_format)
    even, odd = d[4].sub(d[2], alpha=4), d[3].sub(d[1], alpha=4)
    torch.add(even, odd, out=to[1])
    torch.sub(even, odd, out=to[2])
    torch.sub(d[4], d[2], out=even)
    torch.sub(d[3], d[1], out=odd)
    torch.add(even, odd, alpha=2, out=to[3])
    torch.sub(even, odd, alpha=2, out=to[4])
    for i in (0, 1):
        torch.add(d[4 + i], d[i], alpha=4, out=to[5 * i]).sub_(d[2 + i], alpha=5)
    return to


def _of_diff(diff: torch.Tensor, block: Block) -> torch.Tensor:
    """(36, tiles, K): the output's transform, transposed, of a block of a diff (N, K, H, W)."""
    tiles = _seen(diff, block, (0, 0), TILE).unfold(1, TILE, TILE).unfold(2, TILE, TILE)
    n, rows, columns, outputs = tiles.shape[:4]
    lines = tiles.permute(0, 1, 4, 5, 2, 3).reshape(n * rows, TILE * TILE, columns * outputs)
    to = lines.new_empty(SEEN * SEEN, n * rows, columns * outputs)
    torch.bmm(OUTPUT.T.expand(n * rows, -1, -1), lines, out=to.transpose(0, 1))
    return to.view(SEEN * SEEN, -1, outputs)


def _put(products: torch.Tensor, to: torch.Tensor) -> None:
    """The outputs of the products (36, tiles, K), into their block (n, h, w, K) of a top."""
    n, height, width, channels = to.shape
    rows, columns = -(-height // TILE), -(-width // TILE)
    lines = products.view(SEEN * SEEN, n * rows, -1).transpose(0, 1)
    tiles = torch.bmm(OUTPUT.expand(n * rows, -1, -1), lines)
    # (n, tile rows, 4, tile columns, 4, K)
    tiles = tiles.view(n, rows, TILE, TILE, columns, channels).transpose(3, 4)
    for (i, high), (j, wide) in product(_equal_tiles(height), _equal_tiles(width)):
        part = to[:, TILE * i.start :, TILE * j.start :][:, : high * len(i), : wide * len(j)]
        part = part.unflatten(2, (len(j), wide)).unflatten(1, (len(i), high))
        part.copy_(tiles[:, i.start : i.stop, :high, j.start : j.stop, :wide])


def _equal_tiles(size: int) -> list[tuple[range, int]]:
    """On an axis of so many outputs the tiles that are whole, and the last one that is not."""
    whole, rest = divmod(size, TILE)
    parts = [(range(whole), TILE), (range(whole, whole + 1), rest)]
    return [(tiles, extent) for tiles, extent in parts if len(tiles) * extent]
