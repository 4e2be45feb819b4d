"""StridedSlice of Synopsys' Caffe: what TensorFlow's StridedSlice and ONNX' Slice take."""

import torch

from ..base import LayerType, Shape, layer_type
from .tensors import SYNOPSYS

WHOLE = slice(None)


@layer_type("StridedSlice", SYNOPSYS)
class StridedSlice(LayerType):
    """Of each axis what `begin:end:stride` takes of it in Python, as numpy's indices do.

    Each of begin, end and strides (1 by default) is of one axis, from the first, or of axes. A bit
    of a mask is of one of them: begin_mask and end_mask leave out begin and end, shrink_axis_mask
    takes the place at begin alone, without its axis, new_axis_mask makes an axis of 1 there, and
    ellipsis_mask stands for as many whole axes as there are left.
    """

    passes_on = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.strided_slice_param
        self.strides = list(param.strides) or [1] * len(param.begin)
        self.check(
            len(param.begin) == len(param.end) == len(self.strides)
            and len(param.axes) in (0, len(param.begin)),
            f"begin, end, strides and axes must be as many; found {list(param.begin)}, "
            f"{list(param.end)}, {list(param.strides)} and {list(param.axes)}",
        )
        self.check(0 not in self.strides, f"strides must not be 0; found {self.strides}")
        ellipses = f"{param.ellipsis_mask:b}".count("1")
        self.check(ellipses < 2, f"ellipsis_mask has one bit at most; found {param.ellipsis_mask}")

    def _indices(self, shape: Shape) -> list[slice | int | None]:
        """What is taken of each axis of the bottom; None: a new axis."""
        param = self.spec.strided_slice_param
        taken = [slice(*each) for each in zip(param.begin, param.end, self.strides, strict=True)]
        found: list[slice | int | None]
        if param.axes:
            found = [WHOLE] * len(shape)
            for axis, part in zip(param.axes, taken, strict=True):
                found[self.axis(axis, shape)] = part
            return found
        found = [self._masked(i, part) for i, part in enumerate(taken)]
        bits = [i for i in range(len(found)) if param.ellipsis_mask >> i & 1]
        at = bits[0] if bits else len(found)
        before, behind = found[:at], found[at + 1 :]
        left = len(shape) - sum(each is not None for each in before + behind)
        self.check(left >= 0, f"takes of {len(shape) - left} axes; the bottom's shape is {shape}")
        return [*before, *[WHOLE] * left, *behind]

    def _masked(self, i: int, part: slice) -> slice | int | None:
        param = self.spec.strided_slice_param
        if param.new_axis_mask >> i & 1:
            return None
        if param.shrink_axis_mask >> i & 1:
            return int(part.start)
        begin = None if param.begin_mask >> i & 1 else part.start
        end = None if param.end_mask >> i & 1 else part.stop
        return slice(begin, end, part.step)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        top, axis = [], 0
        for each in self._indices(shape):
            if each is None:
                top.append(1)
                continue
            size = shape[axis]
            if isinstance(each, slice):
                top.append(size if _is_whole(each) else len(range(*each.indices(size))))
                self.check(top[-1] > 0, f"takes nothing of axis {axis}; the shape is {shape}")
            else:
                self.check(
                    -size <= each < size, f"takes place {each} of axis {axis}; the shape is {shape}"
                )
            axis += 1
        return [tuple(top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, axis = bottoms[0], 0
        for each in self._indices(tuple(x.shape)):
            if isinstance(each, int):
                x = x.select(axis, each)
                continue
            x = x.unsqueeze(axis) if each is None else _part(x, axis, each)
            axis += 1
        return x


def _is_whole(part: slice) -> bool:
    return part.start in (None, 0) and part.stop is None and part.step in (None, 1)


def _part(x: torch.Tensor, axis: int, part: slice) -> torch.Tensor:
    """x[part] along an axis; torch has no steps backwards."""
    if _is_whole(part):
        return x
    places = range(*part.indices(x.shape[axis]))
    if places.step > 0:
        return x[(WHOLE,) * axis + (slice(places.start, places.stop, places.step),)]
    forward = slice(places[-1], places[0] + 1, -places.step)
    return x[(WHOLE,) * axis + (forward,)].flip(axis)
