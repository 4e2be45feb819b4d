"""Memory against image size: FCN-32s, 16s and 8s on Cityscapes, trained and evaluated.

    python -m tables.memory [--gpu N] [--width W] [--out DIR]

Every figure is of a fresh process: a net, then two training steps of one image, or two forward
passes. Prints peak memory beside Guist's, and the seconds of the second pass, which tell what the
recomputation of activations costs. Writes memory.md, memory.csv and memory.png.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

import command_line
from bench.processes import Failed, in_process
from solvers.choose_device import choose_device

from .footprint import Case, bare, measure
from .memory_report import FACTORS, NETS, SETTINGS, Measured, Point, as_csv, as_png, size, tables_of
from .output import OUT, publish
from .published import load_memory
from .render import markdown
from .times import device


def measure_all(width: float, gpu: str | None) -> Measured:
    """Every net in every setting and size, the smallest images first."""
    points = [Point(n, s, f) for f in FACTORS for s in SETTINGS for n in NETS]
    measured: Measured = {}
    for point in tqdm(points, desc="measuring", unit="process", disable=None):
        net, setting, factor = point
        case = Case(net, size(factor), setting.training, setting.recompute, width, gpu)
        try:
            measured[point] = in_process(measure, case)
        except Failed as error:
            measured[point] = str(error)
    return measured


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m tables.memory", __doc__)
    parser.add_argument("--gpu", help="number of the GPU, or cpu (the GPU if there is one)")
    parser.add_argument("--width", type=float, default=1.0, help="scales the nets' channels (1)")
    parser.add_argument("--out", type=Path, default=OUT, help=f"({OUT})")
    args = parser.parse_args(argv)
    if args.width <= 0:
        parser.error("--width must be positive")
    return command_line.run(_memory, args.width, args.gpu, args.out)


def _memory(width: float, gpu: str | None, out: Path) -> None:
    os.environ.setdefault("GLOG_minloglevel", "1")  # the solvers' log is no part of the table
    choose_device(gpu)
    published, machine = load_memory(), device()
    imported = in_process(bare, gpu)
    measured = measure_all(width, gpu)
    text = markdown(tables_of(measured, imported, published, machine))
    files = {"memory.md": text, "memory.csv": as_csv(measured, imported, machine)}
    publish(text, out, files | {"memory.png": as_png(measured, published)})


if __name__ == "__main__":
    sys.exit(main())
