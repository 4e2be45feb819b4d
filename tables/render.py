"""Tables of published values, ours and their differences, as Markdown, CSV and HTML."""

import csv
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

from .our_values import Ours
from .published import Column, Row, Table, number

DASH = "–"  # noqa: RUF001


@dataclass(frozen=True)
class Cell:
    """Texts; empty where there is no value."""

    published: str = ""
    ours: str = ""
    difference: str = ""


@dataclass(frozen=True)
class Filled:
    """A table with our values: for each row a cell a column, and where ours come from."""

    table: Table
    cells: tuple[tuple[Cell, ...], ...]
    sources: tuple[str, ...]


def fill(table: Table, ours: Ours) -> Filled:
    """Put our values into a table, with as many decimals as the column has in print."""
    decimals = [_decimals(table, index) for index in range(len(table.columns))]
    return Filled(
        table,
        tuple(
            tuple(
                _cell(row, column, text, ours, digits)
                for column, text, digits in zip(table.columns, row.published, decimals, strict=True)
            )
            for row in table.rows
        ),
        tuple(ours.source(row) for row in table.rows),
    )


def _cell(row: Row, column: Column, text: str | None, ours: Ours, decimals: int) -> Cell:
    value, published = ours.value(row, column), number(text)
    if value is None:
        return Cell(text or "")
    shown = round(100 * value.number if column.percent else value.number, decimals)
    difference = ""
    if published is not None and value.comparable:
        difference = f"{shown - published:+.{decimals}f}"
    return Cell(text or "", f"{shown:.{decimals}f}", difference)


def _decimals(table: Table, index: int) -> int:
    """Decimals of a column's published numbers; if there are none, 1 for a share and 0 else."""
    published = (row.published[index] for row in table.rows)
    texts = [text for text in published if text and number(text) is not None]
    if not texts:
        return 1 if table.columns[index].percent else 0
    return max(len(text.partition(".")[2]) for text in texts)


def markdown(tables: Sequence[Filled]) -> str:
    """Markdown, its columns aligned so that it can be read as it is."""
    return "\n".join(f"## {filled.table.title}\n\n{_grid(filled)}" for filled in tables)


def _grid(filled: Filled) -> str:
    table = filled.table
    titles = [title for i in range(len(table.columns)) for title in _titles(table, i)]
    lines = [["", *titles, "ours from"], *_lines(filled)]
    lines = [[text.replace("|", "\\|") for text in line] for line in lines]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rules = ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:-1]), "-" * widths[-1]]
    text = ""
    for first, *numbers, last in (lines[0], rules, *lines[1:]):
        middle = map(str.rjust, numbers, widths[1:-1])
        cells = [first.ljust(widths[0]), *middle, last.ljust(widths[-1])]
        text += f"| {' | '.join(cells)} |\n"
    return "\n".join([text, *(f"{note}\n" for note in _notes(table))])


def _kinds(table: Table, index: int) -> list[str]:
    """Which of a Cell's texts a column shows."""
    printed, ours = _printed(table, index), table.columns[index].ours is not None
    shown = {"published": printed, "ours": ours, "difference": printed and ours}
    return [kind for kind, is_shown in shown.items() if is_shown]


def _printed(table: Table, index: int) -> bool:
    return any(row.published[index] for row in table.rows)


def _titles(table: Table, index: int) -> list[str]:
    title = table.columns[index].title
    ours = "ours" if _printed(table, index) else f"{title}, ours"
    names = {"published": title, "ours": ours, "difference": "diff."}
    return [names[kind] for kind in _kinds(table, index)]


def _lines(filled: Filled) -> list[list[str]]:
    """The texts of each row; a dash where there is none."""
    lines = []
    for row, cells, source in zip(filled.table.rows, filled.cells, filled.sources, strict=True):
        kinds = (_kinds(filled.table, i) for i in range(len(cells)))
        texts = [getattr(cell, k) for cell, of in zip(cells, kinds, strict=True) for k in of]
        lines.append([row.name, *(text or DASH for text in (*texts, source))])
    return lines


def _notes(table: Table) -> list[str]:
    return [*([f"Published: {table.source}."] if table.source else []), *table.notes]


def as_csv(tables: Sequence[Filled]) -> str:
    """A line for each value, of all tables; empty cells where there is none."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    write(["table", "row", "column", "published", "ours", "difference", "ours_from", "source"])
    for filled in tables:
        table = filled.table
        for row, cells, source in zip(table.rows, filled.cells, filled.sources, strict=True):
            for column, cell in zip(table.columns, cells, strict=True):
                values = [cell.published, cell.ours, cell.difference]
                origin = source if cell.ours else ""
                write([table.title, row.name, column.title, *values, origin, table.source or ""])
    return text.getvalue()


STYLE = """
body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 100em; padding: 0 1em }
table { border-collapse: collapse }
th, td { padding: .2em .7em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child, td:last-child { text-align: left }
th { border-left: 1px solid #ddd }
td:last-child, p { color: #555 }
"""


def as_html(tables: Sequence[Filled]) -> str:
    """One page that needs nothing else."""
    body = "\n".join(_section(filled) for filled in tables)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>Published and ours</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Published and ours</h1>\n{body}\n</body>\n</html>\n"
    )


def _section(filled: Filled) -> str:
    table = filled.table
    kinds = [_kinds(table, i) for i in range(len(table.columns))]
    groups = "".join(
        f'<th colspan="{len(of)}">{html.escape(column.title)}</th>'
        for column, of in zip(table.columns, kinds, strict=True)
    )
    names = "".join(f"<th>{kind}</th>" for of in kinds for kind in of)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in line) + "</tr>"
        for line in _lines(filled)
    )
    notes = "".join(f"<p>{html.escape(note)}</p>\n" for note in _notes(table))
    return (
        f"<h2>{html.escape(table.title)}</h2>\n<table>\n<thead>\n"
        f'<tr><th></th>{groups}<th rowspan="2">ours from</th></tr>\n<tr><th></th>{names}</tr>\n'
        f"</thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n{notes}"
    )
