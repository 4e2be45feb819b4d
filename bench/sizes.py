"""Time and memory of FCN-8s' forward pass against the size of the image: `python -m bench.sizes`.

One process goes through all sizes: the first pass of each, and later ones. Each size's memory is
that of a process that has seen no other. Prints a table, writes sizes.csv and draws sizes.png.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

import command_line
from caffe.core.files import write_text

from . import matrix, ours, plots
from .cases import OURS
from .measure import interleave
from .processes import Engine, in_process
from .result_tables import GB, LIMITS, PEAK, SECONDS, Row, Table, as_csv, markdown, over
from .work import WARM_UP, Work

SIZES = (
    (128, 128),
    (256, 256),
    (384, 384),
    (500, 500),
    (512, 1024),
    (768, 1280),
    (1024, 1536),
    (1024, 2048),
)
WARM_UP_SIZE = (96, 96)
LATER = 2  # passes of each size after the first

TITLE = "Cost against size"
PIXELS, FIRST = "megapixels", "s of the first pass"
STRAIGHT = "How straight"
DEVIATION = "farthest from the line, % of the largest"
SLOPE, AT_ZERO = "a megapixel", "at 0 pixels"
FIRST_OVER_LATER = "first pass / later, at most"
WORST = "\N{MULTIPLICATION SIGN} limit, worst / best"


def measure(work: Work) -> list[Table]:
    """The cost of each size, and how far it is from a straight line."""
    table = Table(TITLE, _rows(work))
    return [table, straightness(table)]


def _rows(work: Work) -> list[Row]:
    engine, product = Engine(OURS, ours.Forward), Engine("matrix", matrix.Product)
    passes = [size for size in SIZES for _ in range(1 + LATER)]
    swept = replace(work, sizes=(*[WARM_UP_SIZE] * WARM_UP, *passes))
    seconds = interleave([engine, product], swept, len(passes), TITLE).seconds
    limits = matrix.limits(ours.flop(work, passes), seconds[product.title])
    rows = []
    for i, (height, width) in enumerate(tqdm(SIZES, f"{TITLE}: memory", disable=None)):
        first = i * (1 + LATER)
        later = slice(first + 1, first + 1 + LATER)
        values = seconds[engine.title][later]
        alone = replace(work, sizes=((height, width),))
        peak = interleave([engine], alone, 0, f"{height} x {width}").peak[engine.title]
        figures: dict[str, Sequence[float]] = {
            PIXELS: [height * width / 1e6],
            SECONDS: values,
            FIRST: [seconds[engine.title][first]],
            LIMITS: over(values, limits[later]),
            PEAK: [peak / GB],
        }
        rows.append(Row(f"{height} x {width}", figures))
    return rows


def straightness(table: Table) -> Table:
    """The least-squares lines through seconds and memory; whether a new size costs anything."""
    rows = []
    for quantity in (SECONDS, PEAK):
        slope, at_zero, deviation = line(medians(table, PIXELS), medians(table, quantity))
        farthest = [100 * deviation]
        rows.append(Row(quantity, {SLOPE: [slope], AT_ZERO: [at_zero], DEVIATION: farthest}))
    limits = medians(table, LIMITS)
    first_over_later = over(medians(table, FIRST), medians(table, SECONDS))
    rows[0].figures[FIRST_OVER_LATER] = [max(first_over_later)]
    rows[0].figures[WORST] = [max(limits) / min(limits)]
    return Table(STRAIGHT, rows)


def medians(table: Table, quantity: str) -> list[float]:
    """The median of a quantity's values, for each row."""
    return [statistics.median(row.figures[quantity]) for row in table.rows]


def line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float]:
    """Slope and value at 0 of the least-squares line; the largest deviation over the largest y."""
    slope, at_zero = np.polyfit(x, y, 1)
    away = np.abs(np.polyval([slope, at_zero], x) - y).max()
    return float(slope), float(at_zero), float(away / max(y))


def write(tables: Sequence[Table], folder: Path) -> None:
    """Write sizes.csv and sizes.png."""
    write_text(folder / "sizes.csv", as_csv(tables))
    plots.lines(folder / "sizes.png", tables[0], PIXELS, (SECONDS, PEAK), line)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m bench.sizes", __doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="DIR")
    return command_line.run(_sizes, parser.parse_args(argv).out)


def _sizes(out: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="fcn-bench-") as folder:
        work = Work(Path(folder), sizes=(), threads=torch.get_num_threads())
        in_process(ours.prepare, work)
        tables = measure(work)
    for table in tables:
        print("\n".join([*markdown(table), ""]))
    write(tables, out)


if __name__ == "__main__":
    sys.exit(main())
