"""The picture of docs/architecture.md, from the imports as they are.

PYTHONPATH=tests python -m support.draw_floors docs/architecture.png
"""

import sys
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from test_floors import ARROWS, FLOORS, LEVEL, room

from .imports import Arrows, reached

# What the rooms of each floor are for, in the few words that fit beside it.
PURPOSES = (
    "errors, log, files, device, precision, draws, memory, Blob",
    "caffe.proto as messages; prototxt; upgrades of old nets",
    "LMDB, LevelDB, HDF5: readers that trust no file",
    "from a file or record to the batch of a data layer",
    "images as arrays; nets as Python; nets as pictures",
    "a class for each layer type; how blobs lie on each other",
    "a NetParameter becomes layers and blobs, wired",
    "caffemodels and solverstates, binary and HDF5",
    "the passes over a graph; a net as a torch module",
    "Net as scripts see it: it chooses a pass",
    "Classifier; a net for other runtimes",
    "Detector; what ranks exchange",
    "the training loop, updates, rates, snapshots",
    "a solver among several; the commands of `caffe`",
    "what `import caffe` shows",
    "what commands share; Python data layers",
    "facts of each dataset; fetch, check, draw, synthesise",
    "generators of prototxt",
    "weights from net to net",
    "any image in, its labels out",
    "a page in the browser, and its HTTP interface",
    "the command; stages, scores, the demo, submissions",
    "this engine beside others; the paper's figures of our nets",
    "the published figures and ours",
    "the paper's claims beside what is seen",
)
# Where a room stands beside the middle, so that few arrows cross others' boxes.
COLUMNS = {
    "caffe.feeding": -1,
    "caffe.io": -1,
    "caffe.net_spec": 2,
    "caffe.draw": 3,
    "caffe.coord_map": 2,
    "caffe.storage": 1,
    "caffe.export.torch_module": -1,
    "caffe.classifier": -1,
    "caffe.detector": -2,
    "caffe.solver": 2,
    "caffe.parallel": -2,
    "caffe.distributed": 3,
    "layers": 1,
    "infer.py": -1,
    "infer": -1,
    "page": -1,
    "figures": -1,
    "bench": 1,
}
BASE = "caffe.core"  # all rooms import it: these arrows are left out
WIDTH, HEIGHT, GAP = 2.1, 0.62, 0.25  # of a box, and between two boxes of a floor
COLOURS = {True: "#dce9f5", False: "#f5ead6"}  # of caffe's rooms, of the others


def between_rooms(arrows: Arrows) -> Arrows:
    """Which room imports which, without those that it reaches by way of another."""
    rooms: Arrows = {name: set() for name in LEVEL}
    for module, others in arrows.items():
        rooms[room(module)] |= {room(other) for other in others} - {room(module)}
    return {
        name: {o for o in others if not any(o in reached(rooms, p) for p in others - {o})}
        for name, others in rooms.items()
    }


def draw(path: Path) -> None:
    """Write the picture as a PNG."""
    at = {name: (COLUMNS.get(name, 0) * (WIDTH + GAP), LEVEL[name]) for name in LEVEL}
    figure = Figure(figsize=(15, 12.5))
    axes = figure.add_axes((0, 0, 1, 1))
    for name, others in between_rooms(ARROWS).items():
        for other in sorted(others - {BASE}):  # so that the same house gives the same file
            _arrow(axes, at[name], at[other])
    for name, (x, y) in at.items():
        style = "round,pad=0,rounding_size=0.1"
        colour = COLOURS[name.partition(".")[0] == "caffe"]
        corner = x - WIDTH / 2, y - HEIGHT / 2
        axes.add_patch(
            FancyBboxPatch(corner, WIDTH, HEIGHT, boxstyle=style, fc=colour, ec="#555555")
        )
        title = "caffe/__init__" if name == "caffe" else name.removeprefix("caffe.")
        size = 12 if len(title) < 12 else 10.5 if len(title) < 15 else 8.5
        axes.text(x, y, title, ha="center", va="center", fontsize=size, weight="bold")
    for level, (_, words) in enumerate(zip(FLOORS, PURPOSES, strict=True)):
        axes.text(8.6, level, words, va="center", fontsize=12)
        axes.text(-6.1, level, str(level), va="center", fontsize=11, color="#888888")
    axes.set_xlim(-6.3, 17.8)
    axes.set_ylim(-0.6, len(FLOORS) - 0.4)
    axes.axis("off")
    FigureCanvasAgg(figure).print_png(path)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From the lower edge of one box to the upper edge of another, behind those in between."""
    lower, upper = (start[0], start[1] - HEIGHT / 2), (end[0], end[1] + HEIGHT / 2)
    style = dict(arrowstyle="-|>", color="#777777", lw=1.3, shrinkA=0, shrinkB=0)
    axes.annotate("", xy=upper, xytext=lower, arrowprops=style, zorder=0)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
