"""What surrounds an image that a net pads, from a smaller image.

Where windows lie on nothing but pad, what they show does not change as they move along an edge. So
all that an image does not reach is around a small blank image too, in fewer copies.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch

from ..core.errors import CaffeError
from ..layer_types.base import Shape
from .bounds import Need, strips
from .kernels import Held
from .regions import Region, Span, is_pointwise, whole, windows, within
from .schedule import Step

WORTH = 0.5  # of the values of all blobs: a blank image that has more is not


class Place(NamedTuple):
    """Where one axis of a blob is in that of the blank image."""

    first: int  # the first of those that look alike: there is one of them in the blank image's
    more: int  # of them behind it

    def parts(self, span: Span) -> list[tuple[Span, Span]]:
        """The parts of a span, and where each is: place by place, or all of it in one."""
        start, end = span
        last = self.first + self.more
        before, behind = (start, min(end, self.first)), (max(start, last + 1), end)
        alike = max(start, self.first), min(end, last + 1)
        found = [
            (before, before),
            (alike, (self.first, self.first + 1)),
            (behind, (behind[0] - self.more, behind[1] - self.more)),
        ]
        return [(there, here) for there, here in found if there[0] < there[1]]


Places = list[Place]  # of rows and columns


@dataclass
class Blank:
    """A blank image with the same around it as another: in every blob that the steps compute."""

    steps: list[Step]  # each has one bottom and one top
    sources: list[str]
    shapes: dict[str, Shape]  # of the blank image's blobs
    places: dict[str, Places]


def surrounded(need: Need, x: torch.Tensor, places: Places, batch: int) -> Held:
    """What is needed of a blob, with values from the blank image's around what is computed."""
    sizes = [end - start for start, end in need.region]
    order = torch.contiguous_format if x.is_contiguous() else torch.channels_last
    like = dict(dtype=x.dtype, device=x.device, memory_format=order)
    values = torch.empty(batch, x.shape[1], *sizes, **like)
    held = Held(values, need.region)
    for there, here in copies(need, places):
        held.part(there).copy_(Held(x, whole(x.shape)).part(here))
    return held


def copies(need: Need, places: Places) -> Iterator[tuple[Region, Region]]:
    """What is needed around what is computed, in parts, and where each is in the blank image's."""
    for strip in strips(need):
        axes = (place.parts(span) for place, span in zip(places, strip, strict=True))
        for pairs in itertools.product(*axes):
            there, here = zip(*pairs, strict=True)
            yield there, here


def blank(steps: list[Step], shapes: dict[str, Shape], wanted: Iterable[str]) -> Blank | None:
    """The smallest blank image that has the same around it; None where none is small enough.

    steps: those of a net; the shapes are all blobs'; wanted: the blobs to be found.
    """
    trunk = _trunk(steps, set(wanted))
    if not trunk:
        return None
    made = tops(trunk)
    sources = {n: shapes[n] for step in trunk for n in step.bottoms if n not in made}
    if len({(shape[0], *shape[2:]) for shape in sources.values()}) > 1:
        return None
    sizes = [_smaller(trunk, shapes, sources, axis) for axis in range(2)]
    small = _shapes(trunk, {name: (*shape[:2], *sizes) for name, shape in sources.items()})
    if count(small, trunk) > WORTH * count(shapes, trunk):
        return None
    places: dict[str, Places] = {name: [] for name in made}
    for axis in range(2):
        free = _free(trunk, small, axis)
        for name, of in places.items():
            size, (first, _) = shapes[name][2 + axis], free[name]
            of.append(Place(first, size - small[name][2 + axis]))
    return Blank(trunk, list(sources), small, places)


def tops(steps: list[Step]) -> set[str]:
    """All that the steps compute."""
    return {name for step in steps for name in step.tops}


def count(shapes: dict[str, Shape], steps: list[Step]) -> int:
    """How many values they compute, for blobs of these shapes."""
    return sum(math.prod(shapes[name]) for name in tops(steps))


def _trunk(steps: list[Step], wanted: set[str]) -> list[Step] | None:
    """The steps that compute the wanted blobs; None if not all of them are windows on one blob."""
    trunk: list[Step] = []
    made = tops(steps)
    for step in reversed(steps):
        if wanted.isdisjoint(step.tops):
            continue
        if not (_is_window(step) and all(map(is_pointwise, step.in_place))):
            return None
        wanted = wanted | (set(step.bottoms) & made)
        trunk.insert(0, step)
    return trunk


def _is_window(step: Step) -> bool:
    pointwise = is_pointwise(step.layer)
    return bool(step.rules and len(step.bottoms) == 1) and (
        pointwise or step.layer.type in ("Convolution", "Pooling")
    )


def _shapes(trunk: list[Step], sources: dict[str, Shape]) -> dict[str, Shape]:
    shapes = dict(sources)
    for step in trunk:
        (bottom,), (top,) = step.bottoms, step.tops
        (shapes[top],) = step.layer.top_shapes([shapes[bottom]])
    return shapes


def _free(trunk: list[Step], shapes: dict[str, Shape], axis: int) -> dict[str, Span]:
    """The positions of each blob that see neither end of the axis, and so look alike.

    A source has no ends: what lies behind it is 0 as the blank image is.
    """
    free: dict[str, Span] = {}
    for step in trunk:
        (bottom,), (top,) = step.bottoms, step.tops
        size = shapes[top][2 + axis]
        free[top] = 0, size
        if bottom in free:
            start, end = within(windows(step.layer)[axis], free[bottom])
            free[top] = max(start, 0), min(end, size)
    return free


def _smaller(
    trunk: list[Step], large: dict[str, Shape], sources: dict[str, Shape], axis: int
) -> int:
    """The least size of the sources with the same ends of all blobs; their own, if none is less."""
    free = _free(trunk, large, axis)
    size = next(iter(sources.values()))[2 + axis]
    scale = dict.fromkeys(sources, 1)
    for step in trunk:
        scale[step.tops[0]] = scale[step.bottoms[0]] * windows(step.layer)[axis].stride
    phase = math.lcm(*scale.values())

    def is_same(n: int) -> bool:
        def resized(shape: Shape) -> Shape:
            return (*shape[: 2 + axis], n, *shape[3 + axis :])

        try:
            small = _shapes(trunk, {name: resized(shape) for name, shape in sources.items()})
        except CaffeError:  # no window fits
            return False
        for name, (first, last) in _free(trunk, small, axis).items():
            ahead = large[name][2 + axis] - small[name][2 + axis]
            if ahead * scale[name] != size - n or first >= last:
                return False
            if free[name] != (first, last + ahead):
                return False
        return True

    return next(filter(is_same, range(size % phase or phase, size, phase)), size)
