"""What moves and repeats values in Synopsys' Caffe: Squeeze, BroadcastTo, TileND, Piece, ...."""

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, layer_type
from ..shape import Reshaping
from .padding import last_first
from .tensors import SYNOPSYS


@layer_type("Squeeze", SYNOPSYS)
class Squeeze(Reshaping):
    """The bottom without its axes of length 1; of those that `axis` names, if it names any."""

    shares_diff = True

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        named = [self.axis(axis, shape) for axis in self.spec.squeeze_param.axis]
        longer = [axis for axis in named if shape[axis] != 1]
        self.check(not longer, f"axes {longer} of a bottom of shape {shape} are not of length 1")
        axes = named or range(len(shape))
        return [tuple(n for axis, n in enumerate(shape) if n != 1 or axis not in axes)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        return x.reshape(self.top_shapes([tuple(x.shape)])[0])


@layer_type("BroadcastTo", SYNOPSYS)
class BroadcastTo(LayerType):
    """The bottom repeated along axes of 1, and along new ones in front, until it has `shape`."""

    passes_on = True
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), wanted = shapes, tuple(self.spec.broadcast_to_param.shape)
        last = wanted[len(wanted) - len(shape) :]
        self.check(
            len(wanted) >= len(shape)
            and all(n in (1, to) for n, to in zip(shape, last, strict=True)),
            f"a bottom of shape {shape} cannot be repeated to shape {wanted}",
        )
        return [wanted]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0].expand(*self.spec.broadcast_to_param.shape)


@layer_type("TileND", SYNOPSYS)
class TileND(LayerType):
    """The bottom several times along each axis: `multiples`, or `tiles` along those of `axis`."""

    passes_on = True
    reads_values = False

    def times(self, shape: Shape) -> list[int]:
        """For each axis."""
        param = self.spec.tile_nd_param
        named = [self.axis(axis, shape) for axis in param.axis]
        times = [1] * len(shape)
        for axis, tiles in zip(named, param.tiles, strict=False):
            times[axis] = tiles
        if param.multiples:
            times = list(param.multiples)
        self.check(
            len(times) == len(shape)
            and len(named) == len(param.tiles)
            and bool(param.multiples) != bool(named)
            and min(times) > 0,
            "needs positive multiples, one for each axis, or tiles for those that axis names; "
            f"found {list(param.multiples)}, or {list(param.tiles)} for {list(param.axis)}, and "
            f"shape {shape}",
        )
        return times

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        return [tuple(n * times for n, times in zip(shape, self.times(shape), strict=True))]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        return x.repeat(self.times(tuple(x.shape)))


@layer_type("Piece", SYNOPSYS)
class Piece(LayerType):
    """Of each axis `size` values from `begin` on; -1: all that are left."""

    passes_on = True
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), param = shapes, self.spec.piece_param
        self.check(
            len(param.begin) == len(param.size) == len(shape),
            f"needs a begin and a size for each axis; found {list(param.begin)} and "
            f"{list(param.size)} for shape {shape}",
        )
        found = [
            n - begin if size == -1 else size
            for n, begin, size in zip(shape, param.begin, param.size, strict=True)
        ]
        self.check(
            all(
                begin >= 0 < size <= n - begin
                for n, begin, size in zip(shape, param.begin, found, strict=True)
            ),
            f"sizes {found} from {list(param.begin)} do not lie on a bottom of shape {shape}",
        )
        return [tuple(found)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), begin = bottoms, self.spec.piece_param.begin
        for axis, size in enumerate(self.top_shapes([tuple(x.shape)])[0]):
            x = x.narrow(axis, begin[axis], size)
        return x


class Blocks(LayerType):
    """Channels, and the pixels of blocks of block_size x block_size, for each other.

    data_format says where they are: NHWC, which it is where it is not given, or NCHW.
    """

    passes_on = True
    reads_values = False
    formats: tuple[str, ...] = ("NHWC", "NCHW")

    def given(self) -> tuple[int, str]:
        """block_size and data_format."""
        raise NotImplementedError

    def top_of(self, channels: int, size: list[int], block: int) -> tuple[int, list[int]]:
        """Channels, and height and width, of the top; numbers that are not whole say so."""
        raise NotImplementedError

    def moved(self, x: torch.Tensor, block: int, kind: str) -> torch.Tensor:
        """The top of N x C x H x W."""
        raise NotImplementedError

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), (block, kind) = shapes, self.given()
        self.check(
            kind in self.formats, f"data_format is {' or '.join(self.formats)}; found {kind}"
        )
        self.check(len(shape) == 4, f"needs 4 axes; found shape {shape}")
        self.check(block > 0, f"needs a positive block_size; found {block}")
        last = kind == "NHWC"
        channels, size = shape[3 if last else 1], list(shape[1:3] if last else shape[2:])
        after, sizes = self.top_of(channels, size, block)
        return [(shape[0], *sizes, after) if last else (shape[0], after, *sizes)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), (block, kind) = bottoms, self.given()
        if kind != "NHWC":
            return self.moved(x, block, kind)
        return self.moved(x.permute(0, 3, 1, 2), block, kind).permute(0, 2, 3, 1)


@layer_type("DepthToSpace", SYNOPSYS)
class DepthToSpace(Blocks):
    """A block of pixels of each block_size^2 channels.

    Of a pixel's channels those of the block's first pixel come first, and so on; in the data_format
    CRD, of N x C x H x W too, those of one channel of the top follow one another.
    """

    formats = ("NHWC", "NCHW", "DCR", "CRD")

    def given(self) -> tuple[int, str]:
        param = self.spec.depth_to_space_param
        return param.block_size, param.data_format

    def top_of(self, channels: int, size: list[int], block: int) -> tuple[int, list[int]]:
        self.check(
            channels % block**2 == 0,
            f"block_size {block} makes blocks of {block**2} channels; found {channels} channels",
        )
        return channels // block**2, [n * block for n in size]

    def moved(self, x: torch.Tensor, block: int, kind: str) -> torch.Tensor:
        if kind == "CRD":
            return F.pixel_shuffle(x, block)
        x = x.unflatten(1, (block, block, -1))  # N, rows, columns, C, H, W
        return x.permute(0, 3, 4, 1, 5, 2).flatten(4, 5).flatten(2, 3)


@layer_type("SpaceToDepth", SYNOPSYS)
class SpaceToDepth(Blocks):
    """The channels of all pixels of a block, the first pixel's first, for the block."""

    def given(self) -> tuple[int, str]:
        param = self.spec.space_to_depth_param
        return param.block_size, param.data_format

    def top_of(self, channels: int, size: list[int], block: int) -> tuple[int, list[int]]:
        self.check(
            not any(n % block for n in size),
            f"block_size {block} must divide height and width, {size[0]} x {size[1]}",
        )
        return channels * block**2, [n // block for n in size]

    def moved(self, x: torch.Tensor, block: int, kind: str) -> torch.Tensor:
        x = x.unflatten(3, (-1, block)).unflatten(2, (-1, block))  # N, C, H, rows, W, columns
        return x.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)


@layer_type("MirrorPad", SYNOPSYS)
class MirrorPad(LayerType):
    """The bottom with `paddings` values more before and behind each axis.

    mode: CONSTANT, constant_values; EDGE, the last value; SYMMETRIC, those inside from the last on;
    REFLECT, from the last but one on.
    """

    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,), param = shapes, self.spec.mirror_pad_param
        more = list(param.paddings)
        self.check(
            len(more) == 2 * len(shape),
            f"needs two paddings for each axis of shape {shape}; found {more}",
        )
        inside = {"CONSTANT": None, "EDGE": None, "SYMMETRIC": 0, "REFLECT": 1}
        self.check(param.mode in inside, f"mode is one of {', '.join(inside)}; found {param.mode}")
        kept = inside[param.mode]
        self.check(
            kept is None
            or all(max(more[2 * i : 2 * i + 2]) + kept <= n for i, n in enumerate(shape)),
            f"a bottom of shape {shape} has too few values to mirror {more} of them",
        )
        return [tuple(n + sum(more[2 * i : 2 * i + 2]) for i, n in enumerate(shape))]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), param = bottoms, self.spec.mirror_pad_param
        more, mode = list(param.paddings), param.mode
        if mode == "CONSTANT":
            return F.pad(x, last_first(more), value=param.constant_values)
        for axis in range(x.dim()):
            before, behind = more[2 * axis : 2 * axis + 2]
            if before or behind:
                at = torch.tensor(_mirrored(x.shape[axis], before, behind, mode), device=x.device)
                x = x.index_select(axis, at)
        return x


def _mirrored(length: int, before: int, behind: int, mode: str) -> list[int]:
    """Which of an axis's values its padded positions have."""
    found = []
    for at in range(-before, length + behind):
        if mode == "EDGE":
            found.append(min(max(at, 0), length - 1))
        elif mode == "SYMMETRIC":
            found.append(-1 - at if at < 0 else 2 * length - 1 - at if at >= length else at)
        else:
            found.append(-at if at < 0 else 2 * length - 2 - at if at >= length else at)
    return found
