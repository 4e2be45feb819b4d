"""How a whole forward pass runs where nobody looks in between: the fast path of nets that test.

A plan knows which region of each blob later layers need, and when they are done with it. It runs a
convolution and its in-place ReLU as one, and only where the image reaches: around that, activations
depend on the weights alone. They are those around a small blank image (border.py). The values are
those of the layers run one by one, to rounding (tests/engine/test_plan.py).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache

import torch

from ..core import spinning
from ..core.synced_memory import storage_address
from ..graph.build import Graph
from ..layer_types.base import Shape
from ..layer_types.scaled import scaled
from ..proto import caffe_pb2
from .absorbed import absorbed
from .border import Blank, smallest_blank, surrounded, windows_on_images
from .bounds import Bounds, find_bounds, reached_regions
from .cuda_graph import Forward, can_capture, captured
from .kernels import Run, Tile, runner
from .regions import Region, common, input_region, whole
from .schedule import (
    Evaluate,
    Step,
    Tensors,
    evaluator,
    is_function,
    leaves_what_backward_needs,
    params_of,
    source_layers,
    steps_behind,
    through,
)
from .threads import PASS, is_small, of_pass

PASSES_BEFORE_CAPTURE = 2  # the first one finds what surrounds the image

BLANKS = 8  # sizes whose surroundings are kept; FCN-8s' take 15 MB each
# What blank images' blobs are, by the images' shapes and the blobs' names; last used last
Blanks = dict[tuple[object, ...], Tensors]

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
        and (leaves_what_backward_needs(layer) or not layer.need_backward)
        and not (set(layer.spec.bottom) & set(layer.spec.top) & others)
        for layer in behind
    )


@dataclass
class Planned(Step):
    """A step and how it runs."""

    evaluate: Evaluate | None = None  # its expression, on all of its bottoms
    run: Run | None = None  # instead of that: a region of its top
    behind: list[Evaluate] = field(default_factory=list)  # of those in place, the ones not in run
    done: list[str] = field(default_factory=list)  # the blobs that no later step needs

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
    blanks: what plans for other shapes have found around blank images, by the same parameters.
    """

    def __init__(
        self, graph: Graph, sources: list[int], kept: set[str], blanks: Blanks | None = None
    ) -> None:
        shapes = {name: blob.shape for name, blob in graph.blobs.items()}
        self.kept = kept
        self._whole = {name: whole(shape) for name, shape in shapes.items()}
        behind = absorbed(steps_behind(graph, sources), kept, shapes)
        self._is_small = is_small(graph, PASS)
        with of_pass(self._is_small):  # what is laid out for so many is slow for another number
            steps = [_planned(step, shapes[step.bottoms[0]]) for step in behind]
        windows = windows_on_images(steps, shapes)
        reached = reached_regions(windows, self._whole)
        self._bounds = find_bounds(steps, kept, self._whole, reached)
        chains = _in_chains(steps, kept, self._bounds, self._whole, shapes)
        self._steps = [step for step in chains if self._bounds.keys() & step.tops]
        last = {name: step for step in self._steps for name in step.bottoms if name not in kept}
        for name, step in last.items():
            step.done.append(name)
        bounds = self._bounds.items()
        self._bordered = {name: of for name, of in bounds if of.computed != of.required}
        self._blanks = blanks
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
        if self._captured:
            return self._captured(sources)
        with of_pass(self._is_small):
            return self._run(sources)

    def _run(self, sources: Tensors) -> Tensors:
        if self._around is None:
            self._around = self._surroundings(sources)
        around = self._around
        tiles = {name: Tile(x, self._whole[name]) for name, x in sources.items()}
        for step in self._steps:
            spinning.look()
            for name, tile in zip(step.tops, self._computed(step, tiles), strict=True):
                if name in around:
                    around[name].part(tile.region).copy_(tile.values)
                    tile = around[name]
                tiles[name] = tile
            for name in step.done:
                tiles.pop(name, None)  # of a bottom whose shape alone counts there are no values
        values = {name: tiles[name].values for name in self.kept}
        if not around:
            return values
        stays = {storage_address(x.values) for x in around.values()}
        return {name: x.clone() if storage_address(x) in stays else x for name, x in values.items()}

    def _surroundings(self, sources: Tensors) -> dict[str, Tile]:
        """What is required of the bordered blobs, a blank image's values around the image's."""
        blank = self._blank
        if not blank:
            return {}
        key = (*(blank.shapes[name] for name in blank.sources), *self._bordered)
        blanks = {} if self._blanks is None else self._blanks
        values = blanks.pop(key, None) or blank_values(blank, sources, self._bordered)
        blanks[key] = values
        if len(blanks) > BLANKS:
            del blanks[next(iter(blanks))]
        return around_blank(blank, values, self._bordered)

    def _computed(self, step: Planned, tiles: dict[str, Tile]) -> list[Tile]:
        """What a step computes of each of its tops."""
        if step.run:
            (name,) = step.tops
            return [step.compute(tiles, self._bounds[name].computed, self._whole)]
        assert step.evaluate
        tops = step.evaluate([tiles[name].part(self._whole[name]) for name in step.bottoms])
        return [
            Tile(through(step.behind, x), self._whole[name])
            for name, x in zip(step.tops, tops, strict=True)
        ]


def _planned(step: Step, shape: Shape) -> Planned:
    """The step, ready to run; shape: of its first bottom."""
    planned = Planned(step.layer, step.bottoms, step.tops, step.in_place, step.affines, step.rules)
    behind = step.in_place
    params = params_of(step.layer)
    if step.affines:
        params = scaled(step.layer, shape, params, step.affines)
    if step.rules:
        relu = step.layer.matrix_product and any(layer.is_relu for layer in behind[:1])
        planned.run = runner(step.layer, params, step.rules, relu, shape)
        behind = behind[int(relu) :]
    else:
        planned.evaluate = evaluator(step.layer, params)
    planned.behind = [evaluator(layer, params_of(layer)) for layer in behind]
    return planned


def around_blank(
    blank: Blank[Planned], values: Tensors, bounds: dict[str, Bounds]
) -> dict[str, Tile]:
    """What is required of these blobs, with the blank image's values around what is computed."""
    return {
        name: surrounded(of, values[name], blank.places[name], blank.shapes[name][0])
        for name, of in bounds.items()
        if name in values
    }


def blank_values(blank: Blank[Planned], sources: Tensors, wanted: Collection[str]) -> Tensors:
    """The wanted blobs of a blank image.

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
        if name in wanted:
            found[name] = tiles[name].values
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
            step = Planned(step.layer, chain[0].bottoms, step.tops, rules=step.rules, run=run)
        chained.append(step)
    return chained


def _in_bands(chain: list[Planned], everything: dict[str, Region], shapes: dict[str, Shape]) -> Run:
    """A region of the chain's top, some rows at a time: a cache holds what is in between."""

    bottoms = [everything[step.bottoms[0]] for step in chain]

    @cache
    def bands(region: Region) -> list[list[Region]]:
        """For each band the region of each step's top."""
        (first, last), columns = region
        width = columns[1] - columns[0]
        row = max(math.prod(shapes[step.tops[0]][:2]) for step in chain[:-1]) * width
        rules = chain[-1].rules
        assert rules  # as all in a chain have, and so `run`
        strides = math.prod(rule.window.stride for rule in rules)
        rows = max(1, BAND // (row * strides))
        return [needed(((y, min(y + rows, last)), columns)) for y in range(first, last, rows)]

    def needed(region: Region) -> list[Region]:
        regions = [region]
        for step, bottom in zip(chain[:0:-1], bottoms[:0:-1], strict=True):
            assert step.rules
            regions.insert(0, common(input_region(step.rules, regions[0]), bottom) or bottom)
        return regions

    def band(tiles: list[Tile], regions: list[Region]) -> torch.Tensor:
        for step, region, bottom in zip(chain, regions, bottoms, strict=True):
            assert step.run
            tiles = [Tile(through(step.behind, step.run(tiles, region, bottom)), region)]
        return tiles[0].values

    def run(tiles: list[Tile], region: Region, bottom: Region) -> torch.Tensor:
        parts = [band(tiles, regions) for regions in bands(region)]
        return torch.cat(parts, 2) if len(parts) > 1 else parts[0]

    return run
