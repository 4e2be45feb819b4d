"""Figure 3: a net's poolings and predictions as grids, as coarse as they are, and what is fused."""

from __future__ import annotations

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from caffe.proto import caffe_pb2
from infer.stages import Stage, stages
from nets.receptive_field import Window, windows

CELLS = 32  # of the image's grid on a side, a pixel of stride 32 being one
SIDE, GAP = 1.0, 0.5
LINES = 0.09  # between two convolutions


class Level(NamedTuple):
    """The layers of one stride on the way from the image to the coarsest scores.

    blob         the first of them: a pooling's, mostly
    convolutions how many there are, those that are beside each other counted once
    """

    blob: str
    stride: int
    convolutions: int


def levels(net: caffe_pb2.NetParameter) -> list[Level]:
    """The levels of a deploy net, the image's first; scores and what follows them are none."""
    seen, coarsest = windows(net), stages(net)[0].blob
    depth: dict[str, int] = {}
    found: dict[int, Level] = {}
    before: dict[int, int] = {}  # convolutions in front of a level
    for layer in net.layer:
        top = layer.top[0]
        if top == coarsest:
            break
        below = max((depth[name] for name in layer.bottom), default=0)
        depth[top] = below + (layer.type == "Convolution")
        if top not in seen:  # a value of the whole image, on no grid
            continue
        stride = round(seen[top].stride)
        kept = found.setdefault(stride, Level(top, stride, 0))
        count = depth[top] - before.setdefault(stride, below)
        found[stride] = kept._replace(convolutions=max(kept.convolutions, count))
    return [found[stride] for stride in sorted(found)]


def figure(net: caffe_pb2.NetParameter, title: str) -> Figure:
    """Figure 3 of a deploy net: its levels from left to right, a row for each stage."""
    shown, found = levels(net), stages(net)
    grids, ends, x = {}, {}, 0.0  # the middle of a blob's grid; by stride the last convolution
    drawn = Figure(figsize=(13, 1.2 + 1.6 * len(found)), layout="constrained")
    axes = drawn.add_subplot()
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_title(title, pad=20)  # above the names of the grids
    for level in shown:
        _grid(axes, x, 0, level.stride, level.blob, f"stride {level.stride}")
        grids[level.blob] = ends[level.stride] = x + SIDE / 2
        x += SIDE + GAP
        if level.convolutions:
            middle = x + (level.convolutions - 1) * LINES / 2
            above = f"{level.convolutions} conv"
            axes.text(middle, SIDE + 0.06, above, fontsize=8, ha="center", va="bottom")
            for number in range(level.convolutions):
                ends[level.stride] = x + number * LINES
                axes.plot([ends[level.stride]] * 2, [0, SIDE], color="0.4", linewidth=1.5)
            x += level.convolutions * LINES + GAP
    for row, stage in enumerate(found):
        y = -1.75 * row
        stride = round(stage.window.stride)
        _grid(axes, x, y, stride, f"{stage.name}", f"{stride}x upsampled prediction")
        if row:
            start = grids.get(stage.adds, ends[_stride_of(windows(net), stage)])
            for points in (
                ([start, start], [-0.4 if stage.adds in grids else -0.08, y + SIDE / 2]),
                ([start, x], [y + SIDE / 2] * 2),
            ):
                axes.plot(*points, color="C0", linewidth=1)
            above = f"+ scores of {stage.adds}"
            axes.text((start + x) / 2, y + SIDE / 2 + 0.06, above, fontsize=8, ha="center")
            down = FancyArrowPatch(
                (x + SIDE / 2, y + 1.75 - 0.38),
                (x + SIDE / 2, y + SIDE + 0.2),
                arrowstyle="->",
                mutation_scale=10,
                color="C0",
            )
            axes.add_patch(down)
            axes.text(x + SIDE / 2 + 0.08, y + SIDE + 0.2, "2x", fontsize=8)
    axes.autoscale_view()
    return drawn


def _stride_of(seen: dict[str, Window], stage: Stage) -> int:
    return round(seen[stage.adds].stride)


def _grid(axes: Axes, x: float, y: float, stride: int, above: str, below: str) -> None:
    """A square of as many cells as there are pixels of that stride, at most CELLS on a side."""
    cells = max(1, CELLS // stride)
    for number in range(cells + 1):
        at = number * SIDE / cells
        width = 0.25 if cells > 16 else 0.8
        axes.plot([x + at, x + at], [y, y + SIDE], color="C1", linewidth=width)
        axes.plot([x, x + SIDE], [y + at, y + at], color="C1", linewidth=width)
    axes.text(x + SIDE / 2, y + SIDE + 0.06, above, fontsize=8, ha="center", va="bottom")
    axes.text(x + SIDE / 2, y - 0.08, below, fontsize=7, ha="center", va="top")
