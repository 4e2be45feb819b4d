"""What surrounds an image that a net pads, from a smaller image.

Where windows lie on nothing but pad, what they show does not change as they move along an edge. So
all that an image does not reach is around a small blank image too, in fewer copies.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import torch

from ..core.errors import CaffeError
from ..layer_types.base import Shape
from .bounds import Bounds, strips
from .kernels import Tile
from .regions import Region, Span, whole, windows_inside
from .schedule import Step

S = TypeVar("S", bound=Step)

WORTH = 0.5  # the largest share of the values of all blobs that a blank image may have


class Place(NamedTuple):
    """Where in the blank image's blob the positions of an axis of a blob are found."""

    first: int  # the first of those that look alike: there is one of them in the blank image's
    more: int  # of them behind it

    def parts(self, span: Span) -> list[tuple[Span, Span]]:
        """The parts of a span, each with its span in the blank image's blob.

        They are as long there, or are one position, which stands for all that look alike.
        """
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
class Blank(Generic[S]):
    """A blank image with the same around it as another: in every blob that the steps compute."""

    steps: list[S]  # each has one bottom and one top
    sources: list[str]
    shapes: dict[str, Shape]  # of the blank image's blobs
    places: dict[str, Places]


def surrounded(bounds: Bounds, x: torch.Tensor, places: Places, batch: int) -> Tile:
    """What is required of a blob, with values from the blank image's around what is computed."""
    sizes = [end - start for start, end in bounds.required]
    order = torch.contiguous_format if x.is_contiguous() else torch.channels_last
    values = torch.empty(
        (batch, x.shape[1], *sizes), dtype=x.dtype, device=x.device, memory_format=order
    )
    tile = Tile(values, bounds.required)
    for there, here in copies(bounds, places):
        tile.part(there).copy_(Tile(x, whole(x.shape)).part(here))
    return tile


def copies(bounds: Bounds, places: Places) -> Iterator[tuple[Region, Region]]:
    """What is required around what is computed, in parts, each with its place in the blank one."""
    for strip in strips(bounds):
        axes = (place.parts(span) for place, span in zip(places, strip, strict=True))
        for pairs in itertools.product(*axes):
            there, here = zip(*pairs, strict=True)
            yield there, here


def blank(steps: list[S], shapes: dict[str, Shape], wanted: Iterable[str]) -> Blank[S] | None:
    """The smallest blank image that has the same around it; None where none is small enough."""
    found = smallest_blank(steps, shapes, wanted)
    if found and count(found.shapes, found.steps) > WORTH * count(shapes, found.steps):
        return None
    return found


def smallest_blank(
    steps: list[S], shapes: dict[str, Shape], wanted: Iterable[str]
) -> Blank[S] | None:
    """A blank image of the least size that has the same around it, at most that of the image.

    steps: those of a net; the shapes are all blobs'; wanted: the blobs to be found. None where
    nothing is wanted, or not all of it is windows on blobs of one size that no step makes.
    """
    chain = _chain(steps, set(wanted))
    if not chain:
        return None
    made = tops(chain)
    sources = {n: shapes[n] for step in chain for n in step.bottoms if n not in made}
    if len({_size(shape) for shape in sources.values()}) > 1:
        return None
    sizes = [_smaller(chain, shapes, sources, axis) for axis in range(2)]
    small = _shapes(chain, {name: (*shape[:2], *sizes) for name, shape in sources.items()})
    places: dict[str, Places] = {name: [] for name in made}
    for axis in range(2):
        free = _free(chain, small, axis)
        for name, of in places.items():
            size, (first, _) = shapes[name][2 + axis], free[name]
            of.append(Place(first, size - small[name][2 + axis]))
    return Blank(chain, list(sources), small, places)


def windows_on_images(steps: list[S], shapes: dict[str, Shape]) -> list[S]:
    """The steps of a net that see images through windows: outside of these all images are alike.

    The images are blobs of one size that no step makes, and what other steps make of images that
    has their size, such as a Concat of two. Of several sizes it is that whose windows compute most.
    """
    made = tops(steps)
    given = {n for step in steps for n in step.bottoms if n not in made and len(shapes[n]) == 4}
    sizes = sorted({_size(shapes[name]) for name in given})
    found = [
        _windows_on(steps, {name for name in given if _size(shapes[name]) == size}, shapes)
        for size in sizes
    ]
    return max(found, key=lambda steps: count(shapes, steps), default=[])


def _windows_on(steps: list[S], images: set[str], shapes: dict[str, Shape]) -> list[S]:
    size = _size(shapes[next(iter(images))])
    behind: set[str] = set()
    found = []
    for step in steps:
        if _is_window(step) and step.bottoms[0] in images | behind:
            found.append(step)
            behind.update(step.tops)
        elif images.issuperset(step.bottoms):
            images = images | {name for name in step.tops if _size(shapes[name]) == size}
    return found


def _size(shape: Shape) -> Shape:
    """How many images there are, and their sizes."""
    return (*shape[:1], *shape[2:])


def tops(steps: Sequence[Step]) -> set[str]:
    """All that the steps compute."""
    return {name for step in steps for name in step.tops}


def count(shapes: dict[str, Shape], steps: Sequence[Step]) -> int:
    """How many values they compute, for blobs of these shapes."""
    return sum(math.prod(shapes[name]) for name in tops(steps))


def _chain(steps: list[S], wanted: set[str]) -> list[S] | None:
    """The steps that compute the wanted blobs; None if not all of them are windows on one blob."""
    chain: list[S] = []
    made = tops(steps)
    for step in reversed(steps):
        if wanted.isdisjoint(step.tops):
            continue
        if not _is_window(step):
            return None
        wanted = wanted | (set(step.bottoms) & made)
        chain.insert(0, step)
    return chain


def _is_window(step: Step) -> bool:
    return (
        step.rules is not None
        and len(step.bottoms) == 1
        and not step.layer.transposed
        and all(layer.pointwise for layer in step.in_place)
    )


def _shapes(chain: Sequence[Step], sources: dict[str, Shape]) -> dict[str, Shape]:
    shapes = dict(sources)
    for step in chain:
        (bottom,), (top,) = step.bottoms, step.tops
        (shapes[top],) = step.layer.top_shapes([shapes[bottom]])
    return shapes


def _free(chain: Sequence[Step], shapes: dict[str, Shape], axis: int) -> dict[str, Span]:
    """The positions of each blob that see neither end of the axis, and so look alike.

    A source has no ends: what lies behind it is 0 as the blank image is.
    """
    free: dict[str, Span] = {}
    for step in chain:
        (bottom,), (top,) = step.bottoms, step.tops
        size = shapes[top][2 + axis]
        free[top] = 0, size
        if bottom in free:
            assert step.rules  # a window
            start, end = windows_inside(step.rules[axis].window, free[bottom])
            free[top] = max(start, 0), min(end, size)
    return free


def _smaller(
    chain: Sequence[Step], large: dict[str, Shape], sources: dict[str, Shape], axis: int
) -> int:
    """The least size of the sources with the same ends of all blobs; their own, if none is less."""
    free = _free(chain, large, axis)
    size = next(iter(sources.values()))[2 + axis]
    scale = dict.fromkeys(sources, 1)
    for step in chain:
        assert step.rules  # a window
        scale[step.tops[0]] = scale[step.bottoms[0]] * step.rules[axis].window.stride
    phase = math.lcm(*scale.values())

    def is_same(n: int) -> bool:
        def resized(shape: Shape) -> Shape:
            return (*shape[: 2 + axis], n, *shape[3 + axis :])

        try:
            small = _shapes(chain, {name: resized(shape) for name, shape in sources.items()})
        except CaffeError:  # no window fits
            return False
        for name, (first, last) in _free(chain, small, axis).items():
            ahead = large[name][2 + axis] - small[name][2 + axis]
            if ahead * scale[name] != size - n or first >= last:
                return False
            if free[name] != (first, last + ahead):
                return False
        return True

    return next(filter(is_same, range(size % phase or phase, size, phase)), size)
