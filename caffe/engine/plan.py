"""How a whole forward pass runs where nobody looks in between: the fast path of nets that test.

A plan knows which region of each blob later layers need, and when they are done with it. It runs a
convolution and its in-place ReLU as one, and only where the image reaches: around that, activations
depend on the weights alone. They are those around a small blank image (border.py). The values are
those of the layers run one by one, to rounding (tests/engine/test_plan.py).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from ..core.synced_memory import storage_address
from ..graph.build import Graph
from ..layer_types.base import LayerType, Shape
from ..proto import caffe_pb2
from .border import Blank, smallest_blank, surrounded, windows_on_images
from .bounds import Bounds, find_bounds, reached_regions
from .cuda_graph import Forward, can_capture, captured
from .kernels import Run, Tile, runner
from .regions import Region, common, input_region, whole
from .schedule import (
    Step,
    Tensors,
    evaluate,
    is_function,
    leaves_what_backward_needs,
    source_layers,
    steps_behind,
    through,
)

PASSES_BEFORE_CAPTURE = 2  # the first one finds what surrounds the image

BAND = 1 << 22  # values of a blob between convolutions and pooling that are there at once


def can_plan(graph: Graph) -> bool:
    """Whether all layers are functions of their bottoms, but for the sources.

    TEST only: what TRAIN computes is wanted again by backward.
    """
    sources = source_layers(graph)
    behind = [layer for i, layer in enumerate(graph.layers) if i not in sources]
    # Memory that has other names too, or is the script's: nothing may replace what is there
    others = {name for i in sources for name in graph.tops[i]}
    others |= {name for layer in behind if layer.shares_data for name in layer.spec.top}
    return graph.spec.state.phase == caffe_pb2.TEST and all(
        is_function(layer)
        and not layer.draws
        and leaves_what_backward_needs(layer)
        and not (set(layer.spec.bottom) & set(layer.spec.top) & others)
        for layer in behind
    )


@dataclass
class Planned(Step):
    """A step and how it runs."""

    run: Run | None = None  # a region of its top; None: its expression, on all of its bottoms
    behind: list[LayerType] = field(default_factory=list)  # of those in place, the ones not in run

    def compute(
        self, tiles: dict[str, Tile], region: Region, everything: dict[str, Region]
    ) -> Tile:
        """A region of its top, if it has `run`."""
        bottoms, bottom = [tiles[name] for name in self.read], everything[self.bottoms[0]]
        run = self.run
        assert run
        x = self.layer.in_memory(lambda _: run(bottoms, region, bottom))
        return Tile(through(self.behind, x), region)


class Plan:
    """The forward pass of a net, for the present shapes of its blobs and values of its params.

    sources: the layers that have run before. kept: the blobs that `run` gives, no tops of a Split.
    """

    def __init__(self, graph: Graph, sources: list[int], kept: set[str]) -> None:
        shapes = {name: blob.shape for name, blob in graph.blobs.items()}
        self.kept = kept
        self._whole = {name: whole(shape) for name, shape in shapes.items()}
        steps = [_planned(step) for step in steps_behind(graph, sources)]
        windows = windows_on_images(steps, shapes)
        reached = reached_regions(windows, self._whole)
        self._bounds = find_bounds(steps, kept, self._whole, reached)
        self._steps = _in_chains(steps, kept, self._bounds, self._whole, shapes)
        self._last_use = {name: i for i, step in enumerate(self._steps) for name in step.bottoms}
        self._last_use.update(dict.fromkeys(kept, len(self._steps)))
        bounds = self._bounds.items()
        self._bordered = {name: of for name, of in bounds if of.computed != of.required}
        self._blank = smallest_blank(windows, shapes, self._bordered)
        self._around: dict[str, Tile] | None = None  # of these, from the first run on
        self._layers = [layer for step in steps for layer in (step.layer, *step.in_place)]
        self._runs = 0
        self._captured: Forward | None = None

    def run(self, sources: Tensors) -> Tensors:
        """The kept blobs, from the tops of the source layers."""
        if self._runs == PASSES_BEFORE_CAPTURE and can_capture(self._layers, sources):
            self._captured = captured(self._run, sources)
        self._runs += 1
        return self._captured(sources) if self._captured else self._run(sources)

    def _run(self, sources: Tensors) -> Tensors:
        if self._around is None:
            blank = self._blank
            self._around = around_blank(blank, sources, self._bordered) if blank else {}
        around = self._around
        tiles = {name: Tile(x, self._whole[name]) for name, x in sources.items()}
        for i, step in enumerate(self._steps):
            for name, tile in self._computed(step, tiles):
                if name in around:
                    around[name].part(tile.region).copy_(tile.values)
                    tile = around[name]
                tiles[name] = tile
            for name in step.bottoms:
                if self._last_use[name] == i:
                    tiles.pop(name, None)
        stays = {storage_address(x.values) for x in around.values()}
        values = {name: tiles[name].values for name in self.kept}
        return {name: x.clone() if storage_address(x) in stays else x for name, x in values.items()}

    def _computed(self, step: Planned, tiles: dict[str, Tile]) -> Iterator[tuple[str, Tile]]:
        """What a step computes of each of its tops; nothing if nobody needs them."""
        if not any(name in self._bounds for name in step.tops):
            return
        if step.run:
            (name,) = step.tops
            yield name, step.compute(tiles, self._bounds[name].computed, self._whole)
            return
        xs = [tiles[name].part(self._whole[name]) for name in step.bottoms]
        tops = evaluate(step.layer, xs)
        for name, x in zip(step.tops, tops, strict=True):
            yield name, Tile(through(step.behind, x), self._whole[name])


def _planned(step: Step) -> Planned:
    planned = Planned(**vars(step), behind=step.in_place)
    if step.rules:
        relu = step.layer.matrix_product and any(layer.is_relu for layer in step.in_place[:1])
        planned.run = runner(step.layer, step.rules, relu)
        planned.behind = step.in_place[int(relu) :]
    return planned


def around_blank(
    blank: Blank[Planned], sources: Tensors, bounds: dict[str, Bounds]
) -> dict[str, Tile]:
    """What is required of these blobs, with the blank image's values around what is computed of it.

    The steps of the blank image are planned. sources: those of the net, of its dtype and device.
    """
    image = next(iter(sources.values()))
    everything = {name: whole(shape) for name, shape in blank.shapes.items()}
    tiles = {
        name: Tile(image.new_zeros(1, *blank.shapes[name][1:]), everything[name])
        for name in blank.sources
    }
    last_use = {name: step for step in blank.steps for name in step.bottoms}
    found = {}
    for step in blank.steps:
        (bottom,), (name,) = step.bottoms, step.tops
        tiles[name] = step.compute(tiles, everything[name], everything)
        if name in bounds:
            batch = blank.shapes[name][0]
            found[name] = surrounded(bounds[name], tiles[name].values, blank.places[name], batch)
        if last_use[bottom] is step:
            del tiles[bottom]
    return found


# Convolutions and the pooling behind them: the blobs in between never exist as a whole.


def _in_chains(
    steps: list[Planned],
    kept: set[str],
    bounds: dict[str, Bounds],
    everything: dict[str, Region],
    shapes: dict[str, Shape],
) -> list[Planned]:
    """The steps, a pooling and the convolutions before it that only it needs as one."""
    readers = Counter(name for step in steps for name in step.bottoms)
    maker = {name: step for step in steps for name in step.tops}

    def only_inside(name: str) -> bool:
        step, of = maker.get(name), bounds.get(name)
        return bool(
            step
            and step.run
            and step.layer.matrix_product
            and readers[name] == 1
            and name not in kept
            and of
            and of.computed == of.required
        )

    chained: list[Planned] = []
    for step in steps:
        chain = [step]
        while step.run and step.layer.pools and only_inside(chain[0].bottoms[0]):
            chain.insert(0, maker[chain[0].bottoms[0]])
            chained.remove(chain[0])
        if len(chain) > 1:
            run = _in_bands(chain, everything, shapes)
            step = Planned(step.layer, chain[0].bottoms, step.tops, [], step.rules, run)
        chained.append(step)
    return chained


def _in_bands(chain: list[Planned], everything: dict[str, Region], shapes: dict[str, Shape]) -> Run:
    """A region of the chain's top, some rows at a time: a cache holds what is in between."""

    def compute(steps: list[Planned], tiles: list[Tile], region: Region) -> torch.Tensor:
        *before, step = steps
        assert step.run  # as of all in a chain, and so are the rules
        assert step.rules
        bottom = everything[step.bottoms[0]]
        if before:
            inside = common(input_region(step.rules, region), bottom) or bottom
            tiles = [Tile(compute(before, tiles, inside), inside)]
        return through(step.behind, step.run(tiles, region, bottom))

    def run(tiles: list[Tile], region: Region, bottom: Region) -> torch.Tensor:
        (first, last), columns = region
        width = columns[1] - columns[0]
        row = max(math.prod(shapes[step.tops[0]][:2]) for step in chain[:-1]) * width
        rules = chain[-1].rules
        assert rules
        strides = math.prod(rule.window.stride for rule in rules)
        rows = max(1, BAND // (row * strides))
        bands = range(first, last, rows)
        parts = [compute(chain, tiles, ((y, min(y + rows, last)), columns)) for y in bands]
        return torch.cat(parts, 2) if len(parts) > 1 else parts[0]

    return run
