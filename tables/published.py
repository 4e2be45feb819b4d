"""What was published, from published.json: the tables, their columns and rows, their source."""

import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("published.json")


@dataclass(frozen=True)
class Column:
    """A column of a table; `ours` names our value, in metrics.csv or in our_values.Ours.value."""

    title: str
    ours: str | None = None
    percent: bool = False  # published in percent; ours is a fraction


@dataclass(frozen=True)
class Row:
    """A row of a table: its name and the published texts, one a column; None where nothing was.

    `run` is the run on `dataset`, in the folder runs/DATASET-RUN: its net, or what else it is
    called; without a dataset, the folder. `net` is the net whose time and facts count, `classifier`
    the ILSVRC net that it was, `factor` that of Appendix A.
    """

    name: str
    published: tuple[str | None, ...]
    dataset: str | None = None
    run: str | None = None
    net: str | None = None
    classifier: str | None = None
    factor: int | None = None


@dataclass(frozen=True)
class Memory:
    """Guist's Table 2: memory in MB, as printed, against the size of the images.

    megabytes  by task ("training", "evaluation") and the factor by which images were downscaled
    base       of his model of training, which is `base` + `per_pixel` x pixels
    full_size  what he estimates for images that were not downscaled
    """

    megabytes: dict[str, dict[int, str]]
    base: int
    per_pixel: float
    full_size: str
    source: str

    def model(self, pixels: int) -> float:
        """MB of a training step with an image of so many pixels."""
        return self.base + self.per_pixel * pixels


@dataclass(frozen=True)
class Table:
    """A table: its columns and rows, where it was published, and what stands below it."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    source: str | None = None
    notes: tuple[str, ...] = ()


def load(source: str | None = None) -> list[Table]:
    """The tables in the order of the file: all, or those of one source, by its key."""
    contents = json.loads(FILE.read_text(encoding="utf-8"))
    columns = {title: Column(title, **rest) for title, rest in contents["columns"].items()}
    return [
        Table(
            title=table["title"],
            columns=tuple(columns[title] for title in table["columns"]),
            rows=tuple(_row(row, len(table["columns"])) for row in table["rows"]),
            source=contents["sources"].get(table["source"]),
            notes=tuple(table.get("notes", ())),
        )
        for table in contents["tables"]
        if source in (None, table["source"])
    ]


def load_memory() -> Memory:
    """The published memory against image size."""
    contents = json.loads(FILE.read_text(encoding="utf-8"))
    memory = contents["memory"]
    tasks = memory["megabytes"].items()
    megabytes = {task: {int(f): text for f, text in by.items()} for task, by in tasks}
    source = contents["sources"][memory["source"]]
    return Memory(**{**memory, "megabytes": megabytes, "source": f"{source}, Table 2"})


def _row(row: dict, columns: int) -> Row:
    return Row(**{**row, "published": tuple(row.get("published", [None] * columns))})


def number(text: str | None) -> float | None:
    """The number that a published text stands for ("~50,000" too); None if it is none."""
    try:
        return float((text or "").replace(",", "").lstrip("~"))
    except ValueError:
        return None
