"""Appendix A: upper bounds on mean IU, from labels alone.

    python -m tables.upper_bounds [--data FOLDER] [--split NAME] [--reading NAME]

Each label map is downsampled by a factor, upsampled again, and scored as if a net had predicted it:
the best that a prediction at that stride can do. How both are done the paper doesn't say; of the
readings in tables/resampling.py the default one is nearest to its figures. FOLDER is in VOC layout.
Prints the bounds and writes upper_bounds.csv, which `python -m tables` reads.
"""

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

import command_line
from data.custom import label_paths
from data.datasets import DATASETS, ids_in
from seg_data_layer import read_indices
from solvers.metrics import confusion, scores

from .our_values import UPPER_BOUNDS
from .output import OUT, publish
from .resampling import READINGS, resampled

FACTORS = (128, 64, 32, 16, 8, 4)
LABELS = 256  # of a label map's 8 bits; those without a pixel take no part in the mean
READING = next(iter(READINGS))
COLUMNS = ("data", "split", "images", "reading", "factor", "mean_iu")


def upper_bounds(
    labels: Iterable[np.ndarray], factors: Sequence[int] = FACTORS, reading: str = READING
) -> list[float]:
    """Mean IU of downsampled label maps, for each factor, over the classes that are there.

    Void pixels are not scored. Labelled pixels that become void are wrong: a prediction has to name
    a class, and this one knows none.
    """
    hists = {factor: np.zeros((LABELS, LABELS), np.int64) for factor in factors}
    for label in labels:
        for factor in factors:
            predicted = resampled(label, factor, reading)
            hists[factor] += confusion(label, predicted, LABELS)
    return [scores(hist).mean_iu_present for hist in hists.values()]


def label_maps(data: Path, split: str) -> list[Path]:
    """The label maps of a split of a folder in VOC layout, all there."""
    lists = data / "ImageSets" / "Segmentation"
    path = lists / f"{split}.txt"
    if not path.is_file():
        found = ", ".join(sorted(p.stem for p in lists.glob("*.txt"))) or "none"
        raise FileNotFoundError(
            f"{path}: no such split; there are: {found}. The folder must be in VOC layout: "
            "ImageSets/Segmentation/*.txt and SegmentationClass/*.png"
        )
    paths = label_paths(data, ids_in(path))
    if not paths:
        raise ValueError(f"{path}: the split is empty; expected one image id a line")
    if missing := [path for path in paths if not path.is_file()]:
        raise FileNotFoundError(f"{missing[0]}: no such label map, but {path} lists it")
    return paths


def as_csv(data: Path, split: str, images: int, reading: str, bounds: Sequence[float]) -> str:
    """The lines of upper_bounds.csv."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    write(COLUMNS)
    for factor, bound in zip(FACTORS, bounds, strict=True):
        write([data, split, images, reading, factor, f"{bound:.6f}"])
    return text.getvalue()


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m tables.upper_bounds", __doc__)
    parser.add_argument(
        "--data", type=Path, help="folder in VOC layout (PASCAL VOC 2011, as `make data-voc` puts)"
    )
    parser.add_argument("--split", help="its list of images (val; of VOC 2011 seg11valid)")
    parser.add_argument(
        "--reading",
        choices=READINGS,
        default=READING,
        help=f"how to down- and upsample ({READING})",
    )
    parser.add_argument("--out", type=Path, default=OUT, help=f"({OUT})")
    return command_line.run(_upper_bounds, parser.parse_args(argv))


def _upper_bounds(args: argparse.Namespace) -> None:
    voc = DATASETS["voc"]
    data = args.data or voc.home / voc.splits[voc.val_split].folder
    split = args.split or ("val" if args.data else voc.val_split)
    paths = label_maps(data, split)
    labels = map(read_indices, tqdm(paths, unit="label map", disable=None))
    bounds = upper_bounds(labels, reading=args.reading)
    lines = [f"{split} of {data}, {len(paths)} label maps, {args.reading}:", "factor  mean IU"]
    lines += [
        f"{factor:6}{100 * bound:9.1f}" for factor, bound in zip(FACTORS, bounds, strict=True)
    ]
    written = as_csv(data, split, len(paths), args.reading, bounds)
    publish("\n".join(lines), args.out, {UPPER_BOUNDS: written})


if __name__ == "__main__":
    sys.exit(main())
