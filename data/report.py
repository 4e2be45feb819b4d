"""Check a whole dataset and write a page about it: sizes, mean pixel, class frequencies, samples.

    python -m data.report NAME_OR_FOLDER [--out DIR]

NAME is a dataset of data/datasets.py, FOLDER one of your own in VOC layout (see data/custom.py).
The page is runs/data-NAME/report.html, beside classes.csv, its table, and its pictures.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import command_line
from caffe.core.files import replacing, write_text
from data.custom import custom, find
from data.datasets import DATASETS, Dataset, ids
from data.drawing import colours, legend, overlay, palette_of
from data.fonts import set_name, written
from data.label_check import check_labels
from data.picture_grid import grid, visible
from data.statistics import Survey, photograph, reader, verify

SAMPLES = 6
STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
td, th { padding: 0.15em 0.8em; text-align: right; border-bottom: 1px solid #ddd; }
td.name, th.name { text-align: left; }
img { max-width: 100%; }
"""


def report(dataset: Dataset, out: Path | None = None) -> Path:
    """Verify the dataset, write its page to a folder (runs/data-NAME), return the page's path."""
    out = out or Path("runs") / f"data-{dataset.name}"
    surveys = verify(dataset)
    warnings = check_labels(dataset, {split: of.pixels for split, of in surveys.items()})
    warnings += [*_turned(surveys), *_listed_twice(dataset)]
    rows = [
        row
        for top, names in dataset.labels.items()
        for row in class_rows(top, names, {s: v for s, v in surveys.items() if top in v.pixels})
    ]
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(out / "classes.csv", table.getvalue())
    for top, names in dataset.labels.items():
        _draw_classes(top, names, surveys, out / f"classes-{top}.png")
    _draw_samples(dataset, out / "samples.png")
    page = out / "report.html"
    write_text(page, _html(dataset, surveys, rows, warnings))
    mean = ", ".join(f"{value:.3f}" for value in surveys[dataset.train_split].mean)
    print(f"mean pixel (B, G, R) of {dataset.train_split}: {mean}; subtracted: {dataset.mean}")
    print(f"{dataset.title}: all of it can be read; see {page}")
    for warning in warnings:
        command_line.warn(warning)
    return page


def class_rows(top: str, names: tuple[str, ...], surveys: dict[str, Survey]) -> list[dict]:
    """A row for each class and void: for each split its share of the pixels, and its images."""
    rows = []
    for index, name in enumerate((*names, "void")):
        row = {"head": top, "index": index if index < len(names) else 255, "class": name}
        for split, of in surveys.items():
            row[f"{split} share"] = f"{of.pixels[top][index] / of.pixels[top].sum():.6f}"
            row[f"{split} images"] = int(of.occurrences[top][index])
        rows.append(row)
    return rows


def _draw_classes(top: str, names: tuple[str, ...], surveys: dict[str, Survey], path: Path) -> None:
    figure = Figure(figsize=(max(6, 0.3 * len(names) + 2), 4.5), layout="constrained")
    axes = figure.add_subplot()
    labelled = {split: of.pixels[top] for split, of in surveys.items() if top in of.pixels}
    width = 0.8 / len(labelled)
    for number, (split, pixels) in enumerate(labelled.items()):
        places = np.arange(len(names) + 1) + (number - (len(labelled) - 1) / 2) * width
        axes.bar(places, 100 * pixels / pixels.sum(), width, label=split)
    shown = [written(name, index) for index, name in enumerate((*names, "void"))]
    axes.set_xticks(range(len(shown)), [name.text for name in shown], rotation=90)
    for label, name in zip(axes.get_xticklabels(), shown, strict=True):
        set_name(label, name)
    axes.set_yscale("symlog", linthresh=0.01)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("percent of the pixels")
    figure.legend(loc="outside upper right", ncols=len(labelled))  # beside the bars, not on them
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=100)


def _draw_samples(dataset: Dataset, path: Path) -> None:
    """Photographs of the validation split, what else the net may see, labels, overlays."""
    layer = reader(dataset, dataset.val_split)
    count = min(SAMPLES, len(layer.indices))
    shown, labels, columns = [], [], []
    table = palette_of(dataset)
    for number in range(count):
        arrays = layer.load(layer.indices[number * len(layer.indices) // count])
        of = dict(zip(layer.tops, arrays, strict=True))
        image = np.clip(np.rint(photograph(layer, arrays)), 0, 255).astype(np.uint8)[..., ::-1]
        pictures = {"image": image}
        for top, array in of.items():
            if top in dataset.labels:
                pictures[top] = colours(array[0], table)
                pictures[f"image and {top}"] = overlay(image, array[0], table=table)
            elif top in ("depth", "hha"):
                pictures[top] = visible(array)
        shown.append(list(pictures.values()))
        labels.append(of[next(iter(dataset.labels))].ravel())
        columns = list(pictures)
    grid(shown, columns, path, legend(np.concatenate(labels), dataset.classes, table))


def _turned(surveys: dict[str, Survey]) -> list[str]:
    """A warning for each split with images that EXIF turns to the same size."""
    return [
        f"{split}: EXIF turns {len(of.turned)} images ({', '.join(of.turned[:3])}) to the same "
        "size; their labels are taken to be turned already: look at samples, or save the images "
        "as they are to be seen, without EXIF"
        for split, of in surveys.items()
        if of.turned and of.pixels
    ]


def _listed_twice(dataset: Dataset) -> list[str]:
    """A warning for each split that lists images more than once."""
    return [
        f"{dataset.home / dataset.splits[split].file(split)}: lists {len(twice)} images more than "
        f"once ({', '.join(twice[:3])}), which count as often in training and in scores: take "
        "them off the list"
        for split in dataset.splits
        if (twice := [name for name, count in Counter(ids(dataset, split)).items() if count > 1])
    ]


def _html(
    dataset: Dataset, surveys: dict[str, Survey], rows: list[dict], warnings: list[str]
) -> str:
    splits = [
        {
            "split": name,
            "images": of.images,
            "sizes (h x w)": _sizes(of),
            "mean pixel (B, G, R)": ", ".join(f"{value:.3f}" for value in of.mean),
        }
        for name, of in surveys.items()
    ]
    table = palette_of(dataset)
    parts = [
        f"<h1>{escape(dataset.title)}</h1>",
        _table(splits, ("split",), table),
        f"<p>The nets subtract {dataset.mean} (B, G, R).</p>",
        *(f"<p><strong>Warning:</strong> {escape(warning)}</p>" for warning in warnings),
        "<h2>Samples</h2>",
        f'<img src="samples.png" alt="samples of {escape(dataset.val_split)}">',
    ]
    for top in dataset.labels:
        own = [row for row in rows if row["head"] == top]
        parts += [
            f"<h2>Classes of {escape(top)}</h2>",
            f'<img src="classes-{top}.png" alt="shares of the pixels">',
            *_absent(own, surveys),
            _table(
                [{k: v for k, v in row.items() if k != "head"} for row in own], ("class",), table
            ),
        ]
    title = f"<title>{escape(dataset.title)}</title>"
    head = f'<!doctype html>\n<html lang="en"><meta charset="utf-8">{title}<style>{STYLE}</style>'
    return "\n".join([head, *parts, "</html>", ""])


def _sizes(of: Survey) -> str:
    (height, width), count = of.sizes.most_common(1)[0]
    others = len(of.sizes) - 1
    return f"{height} x {width}" + (f" ({count}), {others} others" if others else "")


def _absent(rows: list[dict], surveys: dict[str, Survey]) -> list[str]:
    """A line for each split that lacks classes."""
    lines = []
    for split in surveys:
        key = f"{split} images"
        names = [row["class"] for row in rows if row.get(key) == 0 and row["class"] != "void"]
        if names:
            lines.append(f"<p>Absent from {escape(split)}: {escape(', '.join(names))}.</p>")
    return lines


def _table(rows: list[dict], left: tuple[str, ...], colours_of: np.ndarray) -> str:
    def attributes(key: str, value: object) -> str:
        if key == "index" and isinstance(value, int):  # the class's colour in the pictures
            return f' style="border-left: 1.5em solid rgb{tuple(colours_of[value].tolist())}"'
        return ' class="name"' if key in left else ""

    def line(cell: str, values: Iterable[tuple[str, object]]) -> str:
        cells = (f"<{cell}{attributes(k, v)}>{escape(str(v))}</{cell}>" for k, v in values)
        return f"<tr>{''.join(cells)}</tr>"

    head = line("th", ((key, key) for key in rows[0]))
    return "\n".join(["<table>", head, *(line("td", row.items()) for row in rows), "</table>"])


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m data.report", __doc__)
    parser.add_argument("dataset", metavar="NAME_OR_FOLDER", help=", ".join(DATASETS))
    parser.add_argument("--data", type=Path, help="folder with NAME's files (data/)")
    parser.add_argument("--out", type=Path, help="folder to write to (runs/data-NAME)")
    args = parser.parse_args(argv)
    return command_line.run(_report, args.dataset, args.data, args.out)


def _report(name_or_folder: str, data: Path | None, out: Path | None) -> None:
    own = data is None and name_or_folder not in DATASETS and Path(name_or_folder).is_dir()
    report(custom(Path(name_or_folder)) if own else find(name_or_folder, data), out)


if __name__ == "__main__":
    sys.exit(main())
