"""Every image and label of a dataset, read as training reads them: checks, counts, mean pixel."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from tqdm import tqdm

from data.datasets import VOID, Dataset, data_layer, ids
from data.drawing import palette_of
from data.duplicates import Fingerprint, fingerprint
from data.palettes import Renumbered, renumbered, used_colours
from photograph import is_ambiguous

if TYPE_CHECKING:
    from seg_data_layer import SegDataLayer

Size = tuple[int, int]  # height and width
COLOUR = ("data", "color")  # tops that hold the photograph


@dataclass(frozen=True)
class Survey:
    """What a split holds: images by size (h, w), mean pixel BGR, and for each label top its pixels
    of each class (void last) and how many images have any.

    `prints` are the photographs' fingerprints by id. `turned` are the images that EXIF turns, but
    not to another size, so that nothing tells whether their labels are turned too. `renumbered` are
    the label maps in the colours of other classes.
    """

    images: int
    sizes: Counter[Size]
    mean: np.ndarray
    pixels: dict[str, np.ndarray]
    occurrences: dict[str, np.ndarray]
    turned: tuple[str, ...]
    prints: dict[str, Fingerprint]
    renumbered: tuple[Renumbered, ...]


def reader(dataset: Dataset, split: str, tops: Sequence[str] = ()) -> SegDataLayer:
    """The split's data layer outside of a net: `indices`, and `load(id)` gives an array a top.

    Without `tops` NYUDv2's gives all of its own, a split without labels the image alone.
    """
    spec = data_layer(dataset, split)
    kind = getattr(importlib.import_module(spec["module"]), spec["layer"])
    params = spec["param_str"]
    if "tops" in params:
        params["tops"] = list(tops or kind.paths)
    layer = kind.__new__(kind)
    layer.param_str = repr(params)
    if tops or not dataset.splits[split].labelled:
        layer.tops = tuple(tops) or COLOUR[:1]
    layer.open()
    return layer


def label_counts(dataset: Dataset, split: str, *, whole: bool = False) -> dict[str, np.ndarray]:
    """For each label top its pixels of each class, void last, in as much of a split as it takes.

    Reading ends once every class was seen, unless the `whole` split is to be counted. Raises what
    `survey` raises of labels.
    """
    layer = reader(dataset, split, tuple(dataset.labels))
    counts = {top: np.zeros(len(names) + 1, np.int64) for top, names in dataset.labels.items()}
    for name in tqdm(layer.indices, desc=f"labels of {split}", unit="image", leave=False):
        for top, names in dataset.labels.items():
            counts[top] += _counts(getattr(layer, f"load_{top}")(layer.path(top, name)), len(names))
        if not whole and all(of[:-1].all() for of in counts.values()):
            break
    return counts


def _counts(label: np.ndarray, classes: int) -> np.ndarray:
    """Pixels of each class and of void in a label."""
    counts = np.bincount(label.ravel(), minlength=VOID + 1)
    return np.append(counts[:classes], counts[VOID])


def photograph(layer: SegDataLayer, arrays: list[np.ndarray]) -> np.ndarray:
    """(H, W, 3) float32 BGR of what a layer's `load` gave."""
    (top,) = (top for top in layer.tops if top in COLOUR)
    return arrays[layer.tops.index(top)].transpose(1, 2, 0) + np.asarray(layer.mean, np.float32)


def as_rgb(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB of what `photograph` gives."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)[..., ::-1]


def survey(dataset: Dataset, split: str) -> Survey:
    """Read a whole split; the errors of the data layers for what is missing, damaged or wrong."""
    layer = reader(dataset, split)
    heads = {top: names for top, names in dataset.labels.items() if top in layer.tops}
    pixels = {top: np.zeros(len(names) + 1, np.int64) for top, names in heads.items()}
    occurrences = {top: np.zeros(len(names) + 1, np.int64) for top, names in heads.items()}
    sizes: Counter[Size] = Counter()
    total, turned = np.zeros(3), []
    prints, used = {}, {}
    for name in tqdm(layer.indices, desc=f"reading {dataset.name} {split}", unit="image"):
        arrays = layer.load(name)
        image = photograph(layer, arrays)
        prints[name] = fingerprint(as_rgb(image))
        with Image.open(layer.path(layer.tops[0], name)) as header:
            turned += [name] * is_ambiguous(header)
        height, width = image.shape[:2]
        sizes[height, width] += 1
        total += image.sum((0, 1), dtype=np.float64)
        for top, classes in heads.items():
            label = arrays[layer.tops.index(top)]
            counts = _counts(label, len(classes))
            pixels[top] += counts
            occurrences[top] += counts > 0
            path = Path(layer.path(top, name))
            if path.suffix == ".png":
                used[name] = used_colours(path)
    area = sum(h * w * count for (h, w), count in sizes.items())
    mean = total / area
    others = tuple(renumbered(used, palette_of(dataset), len(dataset.classes)))
    told = tuple(turned), prints, others
    return Survey(len(layer.indices), sizes, mean, pixels, occurrences, *told)


def verify(dataset: Dataset) -> dict[str, Survey]:
    """Check that the splits have nothing in common with training's, and read all of them."""
    trained = set(ids(dataset, dataset.train_split))
    for split in dataset.splits:
        common = [name for name in ids(dataset, split) if name in trained]
        if split != dataset.train_split and common:
            path = dataset.home / dataset.splits[split].file(split)
            raise ValueError(
                f"{path}: lists {len(common)} images of {dataset.train_split} too "
                f"({', '.join(common[:3])}); expected none: a score on what was trained on says "
                "nothing, so take them off one of the lists"
            )
    return {split: survey(dataset, split) for split in dataset.splits}
