"""Which region of each blob an image reaches, and which one later layers need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from .regions import Region, common, hull, input_region
from .schedule import Step

SLACK = 1.05  # a region that exceeds what the image reaches by so little is computed as a whole


@dataclass
class Bounds:
    """The region of a blob that later layers need, and what of it is computed for each image."""

    required: Region
    computed: Region


def reached_regions(steps: Sequence[Step], everything: dict[str, Region]) -> dict[str, Region]:
    """What the tops of the data layers reach of each blob."""
    reached = dict(everything)
    for step in steps:
        if step.rules is None:
            continue
        spans = [
            tuple(rule.reaches(span) for rule, span in zip(step.rules, reached[name], strict=True))
            for name in step.read
        ]
        (top,) = step.tops
        reached[top] = common(reduce(hull, spans), everything[top]) or everything[top]
    return reached


def find_bounds(
    steps: Sequence[Step],
    kept: set[str],
    everything: dict[str, Region],
    reached: dict[str, Region],
) -> dict[str, Bounds]:
    """What is required for the kept blobs; a blob that nobody requires is left out."""
    bounds = {name: Bounds(everything[name], everything[name]) for name in kept}
    for step in reversed(steps):
        tops = [bounds[name] for name in step.tops if name in bounds]
        for top, name in zip(tops, step.tops, strict=False):
            inner = common(top.required, reached[name]) if step.rules else None
            # What a pooling leaves out, no convolution before it has to compute
            exact = step.layer.pools
            if inner is not None and (exact or not exceeds_slightly(top.required, inner)):
                top.computed = inner
            else:
                top.computed = top.required
        for name in step.read if tops else ():
            region = everything[name]
            if step.rules:
                region = common(input_region(step.rules, tops[0].computed), region) or region
            if name in bounds:
                region = hull(region, bounds[name].required)
            bounds[name] = Bounds(region, region)
    return bounds


def strips(bounds: Bounds) -> list[Region]:
    """What is required around what is computed: above, below, left and right of it."""
    (top, bottom), (left, right) = bounds.required
    (first, last), (start, end) = bounds.computed
    strips = [
        ((top, first), (left, right)),
        ((last, bottom), (left, right)),
        ((first, last), (left, start)),
        ((first, last), (end, right)),
    ]
    return [s for s in strips if all(a < b for a, b in s)]


def exceeds_slightly(region: Region, inner: Region) -> bool:
    """Whether it is not worth while to compute the inner region only."""
    return area(region) <= SLACK * area(inner)


def area(region: Region) -> int:
    return math.prod(end - start for start, end in region)
