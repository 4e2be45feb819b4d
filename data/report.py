"""Check a whole dataset and write a page about it: sizes, classes, duplicates, samples.

    python -m data.report NAME_OR_FOLDER [--out DIR]

NAME is a dataset of data/datasets.py, FOLDER one of your own in VOC layout (see data/custom.py).
The page is runs/data-NAME/report.html, beside classes.csv, its table, and its pictures.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import command_line
from caffe.core.files import replacing, write_text
from data.custom import custom, find
from data.datasets import DATASETS, VOID, Dataset, ids
from data.drawing import colours, legend, overlay, palette_of
from data.duplicates import BITS, Pair, pairs
from data.fonts import set_name, written
from data.html_page import SHARED, picture, write_page
from data.label_check import check_labels
from data.picture_grid import grid, visible
from data.statistics import Survey, as_rgb, photograph, reader, verify

SAMPLES = 6
SHOWN_PAIRS = 12
TEMPLATE = SHARED / "data_report.html"


def report(dataset: Dataset, out: Path | None = None) -> Path:
    """Verify the dataset, write its page to a folder (runs/data-NAME), return the page's path."""
    out = out or Path("runs") / f"data-{dataset.name}"
    surveys = verify(dataset)
    warnings = check_labels(dataset, {split: of.pixels for split, of in surveys.items()})
    warnings += [*_turned(surveys), *_listed_twice(dataset), *_renumbered(dataset, surveys)]
    found = duplicates(dataset, surveys)
    warnings += [_shared(dataset, split, alike) for split, alike in found.items()]
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
    write_page(page, TEMPLATE, **_values(dataset, surveys, rows, warnings, found))
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
        image = as_rgb(photograph(layer, arrays))
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


def duplicates(dataset: Dataset, surveys: dict[str, Survey]) -> dict[str, list[Pair]]:
    """By split the images that training has too, under another name; only splits with such."""
    train = surveys[dataset.train_split].prints
    found = {
        split: pairs(of.prints, train)
        for split, of in surveys.items()
        if split != dataset.train_split
    }
    return {split: alike for split, alike in found.items() if alike}


def _shared(dataset: Dataset, split: str, alike: list[Pair]) -> str:
    named = ", ".join(f"{pair.name} and {pair.other}" for pair in alike[:3])
    same = sum(pair.distance < 0 for pair in alike)
    return (
        f"{dataset.home / dataset.splits[split].file(split)}: {len(alike)} images are in "
        f"{dataset.train_split} too, {same} of them pixel by pixel ({named}); scores on them "
        "flatter: look at the pairs, and take those that are one picture off one of the lists"
    )


def _renumbered(dataset: Dataset, surveys: dict[str, Survey]) -> list[str]:
    """A warning for each split with label maps whose colours are those of other classes."""
    names = next(iter(dataset.labels.values()))
    warnings = []
    for split, of in surveys.items():
        if of.renumbered:
            image, value, meant = of.renumbered[0]
            name = "void" if meant == VOID else names[meant]
            warnings.append(
                f"{split}: {len(of.renumbered)} label maps hold indices in the colours of other "
                f"classes ({image}: {value} in that of {name}, {meant}): an editor has numbered "
                "the colours anew, it seems; make indices of the colours, or save them without "
                "their palette if they are right"
            )
    return warnings


def _values(
    dataset: Dataset,
    surveys: dict[str, Survey],
    rows: list[dict],
    warnings: list[str],
    found: dict[str, list[Pair]],
) -> dict[str, Any]:
    """What the page's template shows."""
    splits = [
        {
            "name": name,
            "images": of.images,
            "sizes": _sizes(of),
            "mean": ", ".join(f"{value:.3f}" for value in of.mean),
        }
        for name, of in surveys.items()
    ]
    own = {top: [row for row in rows if row["head"] == top] for top in dataset.labels}
    heads = [
        {
            "top": top,
            "rows": [{k: v for k, v in row.items() if k != "head"} for row in of],
            "absent": _absent(of, surveys),
        }
        for top, of in own.items()
    ]
    return {
        "title": dataset.title,
        "splits": splits,
        "mean": dataset.mean,
        "warnings": warnings,
        "duplicates": [_pictured(dataset, split, alike) for split, alike in found.items()],
        "bits": BITS,
        "val_split": dataset.val_split,
        "heads": heads,
        "colours": [f"#{bytes(colour).hex()}" for colour in palette_of(dataset)],
    }


def _pictured(dataset: Dataset, split: str, alike: list[Pair]) -> dict[str, Any]:
    """The first pairs with their photographs beside each other."""
    layers = [reader(dataset, name) for name in (split, dataset.train_split)]

    def beside(pair: Pair) -> str:
        names = (pair.name, pair.other)
        images = [
            as_rgb(photograph(layer, layer.load(name)))
            for layer, name in zip(layers, names, strict=True)
        ]
        small = [
            np.asarray(Image.fromarray(image).resize((240, 180), Image.Resampling.BILINEAR))
            for image in images
        ]
        return picture(np.concatenate(small, axis=1))

    return {
        "split": split,
        "other": dataset.train_split,
        "pairs": [pair._asdict() | {"picture": beside(pair)} for pair in alike[:SHOWN_PAIRS]],
        "more": max(0, len(alike) - SHOWN_PAIRS),
    }


def _sizes(of: Survey) -> str:
    (height, width), count = of.sizes.most_common(1)[0]
    others = len(of.sizes) - 1
    return f"{height} x {width}" + (f" ({count}), {others} others" if others else "")


def _absent(rows: list[dict], surveys: dict[str, Survey]) -> dict[str, list[str]]:
    """By split the classes that it lacks; only splits that lack any."""
    absent = {
        split: [
            row["class"]
            for row in rows
            if row.get(f"{split} images") == 0 and row["class"] != "void"
        ]
        for split in surveys
    }
    return {split: names for split, names in absent.items() if names}


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
