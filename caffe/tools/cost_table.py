"""Where a pass spends its time: a line for each layer, against the rate of a matrix product."""

from collections.abc import Sequence
from dataclasses import dataclass

HEADS = ("layer", "type", "top shape", "ms", "share", "GFLOP", "GFLOP/s", "x limit")


@dataclass(frozen=True)
class Line:
    """milliseconds: of one pass; multiply_adds: 0 where the layer is no matrix product."""

    name: str
    type: str
    shape: str
    milliseconds: float
    multiply_adds: int


def cost_table(lines: Sequence[Line], rate: float) -> str:
    """Aligned text with a total. rate: floating-point operations a second that are the limit."""
    total = Line(
        "total",
        "",
        "",
        sum(line.milliseconds for line in lines),
        sum(line.multiply_adds for line in lines),
    )
    rows = [HEADS]
    for line in (*lines, total):
        share = line.milliseconds / total.milliseconds if total.milliseconds else 0
        spent = against_limit(line.milliseconds, line.multiply_adds, rate)
        rows.append(
            (line.name, line.type, line.shape, f"{line.milliseconds:.3f}", f"{share:.1%}", *spent)
        )
    return aligned(rows, HEADS.index("ms"))


def against_limit(milliseconds: float, multiply_adds: int, rate: float) -> tuple[str, str, str]:
    """GFLOP, GFLOP/s, and the time over that of the same work at `rate`; "" where there is none."""
    if not multiply_adds:
        return "", "", ""
    operations = 2 * multiply_adds
    achieved = operations / (milliseconds / 1000)
    return f"{operations / 1e9:.3f}", f"{achieved / 1e9:.1f}", f"{rate / achieved:.2f}"


def aligned(rows: Sequence[Sequence[str]], words: int) -> str:
    """Rows of cells in columns: the first `words` of them to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(width) if i < words else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
