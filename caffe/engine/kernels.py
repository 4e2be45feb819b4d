"""How a plan computes a region of a layer's top, in the fastest way that torch offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch

from ..layer_types import autocast
from ..layer_types.base import LayerType, Margins, Shape
from .regions import Region, Rules, Span, common, covered, input_region


@dataclass
class Tile:
    """The values of a region of a blob."""

    values: torch.Tensor
    region: Region

    def part(self, region: Region) -> torch.Tensor:
        """The values of a region inside."""
        x = self.values
        if region == self.region:
            return x
        for axis, (span, ours) in enumerate(zip(region, self.region, strict=True), 2):
            x = x if span == ours else x.narrow(axis, span[0] - ours[0], span[1] - span[0])
        return x


# A region of a layer's top, from tiles of the bottoms that it reads; last comes all of bottom 0
Run = Callable[[list[Tile], Region, Region], torch.Tensor]


def runner(
    layer: LayerType, params: list[torch.Tensor], rules: Rules, relu: bool, shape: Shape
) -> Run:
    """How to compute a region of the top of a layer that has rules.

    The parameters are rounded and laid out once. relu: whether a ReLU follows the layer, a product
    of matrices, and is computed with it. shape: of bottom 0, all of it.
    """
    params = layer.arranged(autocast.multiplied(layer, params), shape)

    @cache
    def place(region: Region, bottom: Region) -> tuple[Region, Margins, bool]:
        needs = input_region(rules, region)
        inside = common(needs, bottom)
        return inside or needs, _margins(rules, inside or needs, region), inside is None

    def run(tiles: list[Tile], region: Region, bottom: Region) -> torch.Tensor:
        inside, margins, is_pad = place(region, bottom)
        if is_pad:  # windows on nothing but pad: no kernel takes an empty bottom
            tiles = [_zeros(tile, inside) for tile in tiles]
        xs = autocast.taken(layer, [tile.part(inside) for tile in tiles])
        top = layer.part(autocast.multiplied(layer, xs), params, margins)
        (top,) = autocast.given(layer, [top])
        return top.relu_() if relu else top

    return run


def _zeros(like: Tile, region: Region) -> Tile:
    sizes = [end - start for start, end in region]
    return Tile(like.values.new_zeros(*like.values.shape[:2], *sizes), region)


def _margins(rules: Rules, inside: Region, region: Region) -> Margins:
    """How far the windows of a region reach beyond the tile, transposed ones beyond the region."""
    height, width = (
        _beyond(span, covered(rule.window, tile))
        if rule.transposed
        else _beyond(tile, rule.needs(span))
        for rule, tile, span in zip(rules, inside, region, strict=True)
    )
    return height, width


def _beyond(inner: Span, outer: Span) -> tuple[int, int]:
    return inner[0] - outer[0], outer[1] - inner[1]
