"""Scales and shifts as part of the products before them, where nobody reads what is in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from ..core.precision import current_precision
from ..layer_types.base import Affine, LayerType, Shape
from .schedule import Step


def absorbed(steps: list[Step], kept: Collection[str], shapes: dict[str, Shape]) -> list[Step]:
    """The steps without those that products do in passing, as their `affines`.

    kept: the blobs that are read when all is done. In bfloat16 products do no more than their own
    work, for they would round at another place.
    """
    if current_precision() == "bf16":
        return steps
    readers = Counter(name for step in steps for name in step.bottoms)
    products: dict[str, Step] = {}  # by their tops, which one step alone reads
    left = []
    for step in steps:
        product = (
            products.get(step.bottoms[0]) if len(step.bottoms) == len(step.tops) == 1 else None
        )
        affine = product and _affine_behind(product, step.layer, shapes)
        if product and affine:
            product.affines.append(affine)
            product.tops, product.in_place = step.tops, step.in_place
            step = product
        else:
            left.append(step)
        while step.in_place and (affine := _affine_behind(step, step.in_place[0], shapes)):
            step.affines.append(affine)
            step.in_place = step.in_place[1:]
        if not step.in_place and readers[step.tops[0]] == 1 and step.tops[0] not in kept:
            products[step.tops[0]] = step
    return left


def _affine_behind(step: Step, layer: LayerType, shapes: dict[str, Shape]) -> Affine | None:
    """The layer as a scale and a shift of the step's top, if the step's product can do them."""
    axis = step.layer.output_axis(shapes[step.bottoms[0]])
    if axis is None or len(step.tops) > 1:
        return None
    affine = layer.affine(shapes[step.tops[0]])
    return affine if affine and affine.axis in (None, axis) else None
