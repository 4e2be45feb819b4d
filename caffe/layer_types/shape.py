"""Layers that rearrange: Concat, Crop, Silence, Slice, Split."""

from itertools import pairwise

import torch

from .base import LayerType, Shape, layer_type


@layer_type("Concat")
class Concat(LayerType):
    """Joins bottoms along `axis` (legacy name: concat_dim)."""

    bottoms = (1, None)

    def setup(self, shapes: list[Shape]) -> None:
        concat = self.spec.concat_param
        legacy = concat.HasField("concat_dim")
        self.check(not (legacy and concat.HasField("axis")), "either axis or concat_dim, not both")
        self.along = self.axis(concat.concat_dim if legacy else concat.axis, shapes[0])

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

    def expression(self, bottoms, params):
        return torch.cat(bottoms, self.along)


@layer_type("Slice")
class Slice(LayerType):
    """Cuts the bottom along `axis` (legacy: slice_dim) at the slice_points, or evenly."""

    tops = (1, None)

    def setup(self, shapes: list[Shape]) -> None:
        param = self.spec.slice_param
        legacy = param.HasField("slice_dim")
        self.check(not (legacy and param.HasField("axis")), "either axis or slice_dim, not both")
        self.along = self.axis(param.slice_dim if legacy else param.axis, shapes[0])

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
        self.check(
            len(points) == tops - 1 and all(a < b for a, b in pairwise(cuts)),
            f"{tops} tops need {tops - 1} increasing slice_points inside 0..{total}; "
            f"found {points}",
        )
        return [b - a for a, b in pairwise(cuts)]

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        return [
            (*shape[: self.along], size, *shape[self.along + 1 :]) for size in self._sizes(shape)
        ]

    def expression(self, bottoms, params):
        (x,) = bottoms
        return list(torch.split(x, self._sizes(tuple(x.shape)), self.along))


@layer_type("Crop")
class Crop(LayerType):
    """Cuts bottom 0 to bottom 1's extent from `axis` on, at `offset` (crop_layer.cpp)."""

    bottoms = (2, 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        from_shape, to_shape = shapes
        crop = self.spec.crop_param
        self.check(
            len(from_shape) == len(to_shape),
            f"both bottoms need as many axes: found shapes {from_shape} and {to_shape}",
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
        top = from_shape[:axis] + to_shape[axis:]
        for i in range(axis, len(top)):
            self.check(
                self.offsets[i] + top[i] <= from_shape[i],
                f"axis {i}: offset {self.offsets[i]} and extent {top[i]} reach behind the "
                f"{from_shape[i]} of '{self.spec.bottom[0]}'",
            )
        return [top]

    def expression(self, bottoms, params):
        x, like = bottoms
        (top,) = self.top_shapes([tuple(x.shape), tuple(like.shape)])
        for i, (offset, size) in enumerate(zip(self.offsets, top, strict=True)):
            x = x.narrow(i, offset, size)
        return x


@layer_type("Split")
class Split(LayerType):
    """Gives one blob to several layers; their gradients add up."""

    tops = (1, None)
    shares_data = True

    def expression(self, bottoms, params):
        return [bottoms[0].view_as(bottoms[0]) for _ in self.spec.top]


@layer_type("Silence")
class Silence(LayerType):
    """Takes blobs that nobody else reads, and gives them a zero gradient."""

    bottoms = (1, None)
    tops = (0, 0)

    def expression(self, bottoms, params):
        return []
