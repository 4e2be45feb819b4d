"""Layers that rearrange: Concat, Crop, Flatten, Reshape, Silence, Slice, Split, Tile."""

import math
from functools import reduce
from itertools import pairwise

import torch

from ..core.blob import Blob
from . import exporting
from .base import LayerType, Margins, Shape, Tensors, Window, layer_type


@layer_type("Concat")
class Concat(LayerType):
    """Joins bottoms along `axis` (legacy name: concat_dim); of one bottom it is the memory."""

    bottoms = (1, None)
    passes_on = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        concat = self.spec.concat_param
        legacy = concat.HasField("concat_dim")
        self.check(not (legacy and concat.HasField("axis")), "either axis or concat_dim, not both")
        self.along = self.axis(concat.concat_dim if legacy else concat.axis, shapes[0])
        self.shares_data = self.shares_diff = len(shapes) == 1

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        def rest(shape: Shape) -> Shape:
            return shape[: self.along] + shape[self.along + 1 :]

        for name, shape in zip(self.spec.bottom, shapes, strict=True):
            self.check(
                len(shape) == len(shapes[0]) and rest(shape) == rest(shapes[0]),
                f"bottoms may differ in axis {self.along} only: '{self.spec.bottom[0]}' is "
                f"{shapes[0]}, '{name}' is {shape}",
            )
        total = sum(shape[self.along] for shape in shapes)
        return [(*shapes[0][: self.along], total, *shapes[0][self.along + 1 :])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat(bottoms, self.along)


@layer_type("Slice")
class Slice(LayerType):
    """Cuts the bottom along `axis` (legacy: slice_dim) at the slice_points, or evenly.

    A single top is the bottom's memory.
    """

    tops = (1, None)
    passes_on = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.slice_param
        legacy = param.HasField("slice_dim")
        self.check(not (legacy and param.HasField("axis")), "either axis or slice_dim, not both")
        self.along = self.axis(param.slice_dim if legacy else param.axis, shapes[0])
        self.shares_data = self.shares_diff = len(self.spec.top) == 1

    def _sizes(self, shape: Shape) -> list[int]:
        total, tops = shape[self.along], len(self.spec.top)
        points = list(self.spec.slice_param.slice_point)
        if not points:
            self.check(
                total % tops == 0,
                f"axis {self.along} of shape {shape} does not divide into {tops} tops; "
                "give slice_point",
            )
            return [total // tops] * tops
        cuts = [0, *points, total]
        self.check(  # of the last top nothing may be left
            len(points) == tops - 1
            and tops <= total
            and all(a < b for a, b in pairwise(cuts[:-1]))
            and points[-1] <= total,
            f"{tops} tops need {tops - 1} increasing slice_points inside 0..{total}; "
            f"found {points}",
        )
        return [b - a for a, b in pairwise(cuts)]

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        return [
            (*shape[: self.along], size, *shape[self.along + 1 :]) for size in self._sizes(shape)
        ]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        (x,) = bottoms
        return list(torch.split(x, self._sizes(tuple(x.shape)), self.along))


@layer_type("Crop")
class Crop(LayerType):
    """Cuts bottom 0 to bottom 1's extent from `axis` on, at `offset` (crop_layer.cpp).

    Axes that bottom 1 has more count for nothing.
    """

    bottoms = (2, 2)
    passes_on = True
    reads_values = False
    reads_bottom = staticmethod(lambda index: index == 0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        from_shape, to_shape = shapes
        crop = self.spec.crop_param
        self.check(
            len(from_shape) <= len(to_shape),
            f"bottom 1 needs all axes of bottom 0: found shapes {from_shape} and {to_shape}",
        )
        axis = self.axis(crop.axis, from_shape)
        cropped = len(from_shape) - axis
        self.check(
            len(crop.offset) in (0, 1, cropped),
            f"offset needs 0, 1 or {cropped} values; found {list(crop.offset)}",
        )
        offsets = list(crop.offset) or [0]
        offsets = offsets if len(offsets) == cropped else offsets * cropped
        self.offsets = [0] * axis + offsets
        top = from_shape[:axis] + to_shape[axis : len(from_shape)]
        for i in range(axis, len(top)):
            self.check(
                self.offsets[i] + top[i] <= from_shape[i],
                f"axis {i}: offset {self.offsets[i]} and extent {top[i]} reach behind the "
                f"{from_shape[i]} of '{self.spec.bottom[0]}'",
            )
        return [top]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, like = bottoms
        (top,) = self.top_shapes([tuple(x.shape), tuple(like.shape)])
        axis = self.axis(self.spec.crop_param.axis, tuple(x.shape))
        traced = exporting.is_traced() or exporting.is_jit_traced()
        for i, (offset, size) in enumerate(zip(self.offsets, top, strict=True)):
            # The gradient of each narrow is a blob full of zeros; an export is for other sizes too.
            if (traced and i >= axis) or size != x.shape[i]:
                x = x.narrow(i, offset, size)
        return x

    def windows(self, shapes: list[Shape]) -> tuple[Window, Window] | None:
        if self.axis(self.spec.crop_param.axis, shapes[0]) != 2:
            return None
        height, width = self.offsets[2:]
        return Window(1, 1, -height), Window(1, 1, -width)

    def part(
        self, bottoms: list[torch.Tensor], params: list[torch.Tensor], margins: Margins
    ) -> torch.Tensor:
        return bottoms[0]


class Reshaping(LayerType):
    """The bottom's values, in another shape: top and bottom are the same memory."""

    shares_data = True
    passes_on = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(
            self.spec.top[0] != self.spec.bottom[0],
            "does not run in place; give the top a name of its own",
        )


@layer_type("Flatten")
class Flatten(Reshaping):
    """Makes one axis of `axis` to `end_axis`, of 1 where end_axis is axis - 1.

    From the first backward on the bottom's diff is the top's (flatten_layer.cpp).
    """

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        bottom[0].share_diff(top[0])

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        flatten = self.spec.flatten_param
        start = self.axis(flatten.axis, shape)
        end = self.axis(flatten.end_axis, shape) + 1
        self.check(
            start <= end,
            f"end_axis {flatten.end_axis} lies before axis {flatten.axis} of a bottom of "
            f"shape {shape}",
        )
        return [(*shape[:start], math.prod(shape[start:end]), *shape[end:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        return x.reshape(self.top_shapes([tuple(x.shape)])[0])


@layer_type("Reshape")
class Reshape(Reshaping):
    """Replaces `num_axes` axes from `axis` on by `shape`: 0 keeps an axis, one -1 is inferred.

    A negative axis counts from behind the last one (reshape_layer.cpp).
    """

    shares_diff = True

    def _dims(self, shape: Shape) -> list[int]:
        """The top's shape, with the -1 as yet."""
        reshape = self.spec.reshape_param
        dims = list(reshape.shape.dim)
        self.check(
            dims.count(-1) <= 1 and min(dims, default=0) >= -1,
            f"shape takes sizes, 0 to keep an axis and at most one -1; found {dims}",
        )
        start = reshape.axis if reshape.axis >= 0 else len(shape) + reshape.axis + 1
        self.check(
            0 <= start <= len(shape),
            f"axis {reshape.axis} is out of range for a bottom of shape {shape}",
        )
        end = len(shape) if reshape.num_axes == -1 else start + reshape.num_axes
        self.check(
            start <= end <= len(shape),
            f"num_axes {reshape.num_axes} must be -1 (all) or end inside a bottom of shape "
            f"{shape}, beginning at axis {start}",
        )
        for i, dim in enumerate(dims):
            self.check(
                dim != 0 or start + i < len(shape),
                f"shape {dims} keeps axis {start + i} (0), which a bottom of shape {shape} lacks",
            )
        new = [dim or shape[start + i] for i, dim in enumerate(dims)]
        return [*shape[:start], *new, *shape[end:]]

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        dims, count = self._dims(shapes[0]), math.prod(shapes[0])
        if -1 in dims:
            rest = -math.prod(dims)
            self.check(
                rest != 0 and count % rest == 0,
                f"cannot infer the -1 of {tuple(dims)}: the other axes have {rest} values, a "
                f"bottom of shape {shapes[0]} has {count}",
            )
            dims[dims.index(-1)] = count // rest
        self.check(
            math.prod(dims) == count,
            f"a bottom of shape {shapes[0]} has {count} values, a top of shape {tuple(dims)} "
            f"{math.prod(dims)}",
        )
        return [tuple(dims)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        return x.reshape(self._dims(tuple(x.shape)))


@layer_type("Tile")
class Tile(LayerType):
    """The bottom `tiles` times, one behind the other along `axis`."""

    passes_on = True

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        tiles = self.spec.tile_param.tiles
        self.check(tiles > 0, f"tiles must be given and positive; found {tiles}")
        axis = self.axis(self.spec.tile_param.axis, shape)
        return [(*shape[:axis], shape[axis] * tiles, *shape[axis + 1 :])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        tile = self.spec.tile_param
        return torch.cat([x] * tile.tiles, tile.axis)


@layer_type("Split")
class Split(LayerType):
    """Gives one blob to several layers; their gradients add up (split_layer.cpp)."""

    tops = (1, None)
    shares_data = True
    is_split = True
    passes_on = True
    reads_values = False

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        if propagate_down[0]:
            self.in_memory(_add_diffs, top, bottom[0])

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        return [bottoms[0].view_as(bottoms[0]) for _ in self.spec.top]


def _add_diffs(split: Split, top: list[Blob], bottom: Blob) -> None:
    first, *others = (blob.diff_tensor() for blob in top)
    bottom._diff.assign(reduce(torch.add, others, first) if others else first.clone())


@layer_type("Silence")
class Silence(LayerType):
    """Takes blobs that nobody else reads, and gives them a zero gradient."""

    bottoms = (1, None)
    tops = (0, 0)
    passes_on = True

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        return []
