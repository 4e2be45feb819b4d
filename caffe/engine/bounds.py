"""Which region of each blob an image reaches, and which one later layers need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

from .kernels import needed
from .regions import Region, common, hull
from .schedule import Step

SLACK = 1.05  # a region that exceeds what the image reaches by so little is computed as a whole


@dataclass
class Need:
    """The region of a blob that later layers need, and what of it is computed for each image."""

    region: Region
    computed: Region


def reached_regions(steps: list[Step], everything: dict[str, Region]) -> dict[str, Region]:
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


def needed_regions(
    steps: list[Step],
    kept: set[str],
    everything: dict[str, Region],
    reached: dict[str, Region],
) -> dict[str, Need]:
    """What is needed for the kept blobs; a blob that nobody needs is left out."""
    needs = {name: Need(everything[name], everything[name]) for name in kept}
    for step in reversed(steps):
        tops = [needs[name] for name in step.tops if name in needs]
        for need, name in zip(tops, step.tops, strict=False):
            inner = common(need.region, reached[name]) if step.rules else None
            # What a pooling leaves out, no convolution before it has to compute
            exact = step.layer.type == "Pooling"
            whole = inner is None or (not exact and exceeds_slightly(need.region, inner))
            need.computed = need.region if whole else inner
        for name in step.read if tops else ():
            region = everything[name]
            if step.rules:
                region = common(needed(step.rules, tops[0].computed), region) or region
            if name in needs:
                region = hull(region, needs[name].region)
            needs[name] = Need(region, region)
    return needs


def strips(need: Need) -> list[Region]:
    """What is needed around what is computed: above, below, left and right of it."""
    ((top, bottom), (left, right)), ((first, last), (start, end)) = need.region, need.computed
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
