"""Indian Driving Dataset: lists of its splits, and label maps of its polygons.

As the public tools do (AutoNUE/public-code, preperation/createLabels.py --id-type level3Id): the
polygons of *_gtFine_polygons.json are filled one over another, in the order of the file, with the
class at level 3, on unlabelled; the map is *_gtFine_labellevel3Ids.png.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from data.datasets import VOID, Dataset
from data.idd_labels import LABELS, label_of
from data.preparation_steps import convert, list_images
from seg_labels import IDD_IMAGE, IDD_LABEL, IDD_POLYGONS

IDS = "_gtFine_labelids.png"  # a map of ids, as the public tools write with --id-type id
MOST = 1 << 27  # pixels of an image
LEVEL3 = np.full(256, VOID, np.uint8)  # of each id
for _label in LABELS.values():
    LEVEL3[_label.id] = _label.level3


def derive_splits(dataset: Dataset) -> None:
    """Write train.txt and val.txt, where they are not there, of all images there are."""
    for name, split in dataset.splits.items():
        folder = dataset.home / split.folder / "leftImg8bit" / name
        target = dataset.home / split.file(name)
        list_images(target, folder, f"{IDD_IMAGE}.*", folder, dataset.hint)


def draw_labels(dataset: Dataset) -> None:
    """Write the label maps that are not there, of polygons or, where there are none, of ids."""
    todo: dict[Path, Path] = {}
    for name, split in dataset.splits.items():
        folder = dataset.home / split.folder / "gtFine" / name
        for suffix in (IDS, IDD_POLYGONS):  # the last one counts
            for path in folder.glob(f"*/*{suffix}"):
                target = path.with_name(path.name.removesuffix(suffix) + IDD_LABEL)
                todo = {s: t for s, t in todo.items() if t != target} | {path: target}
    convert("drawing labels", dict(sorted(todo.items())), draw_label)


def draw_label(source: Path, target: Path) -> None:
    """Write the label map of one file of polygons, or of ids."""
    from caffe.core.files import replacing  # here: caffe loads torch, which takes seconds

    label = filled(source) if source.suffix == ".json" else _of_ids(source)
    with replacing(target) as file:
        Image.fromarray(label).save(file, format="PNG")


def filled(path: Path) -> np.ndarray:
    """(H, W) uint8 classes at level 3 of a file of polygons, 255 where there is none.

    Raises ValueError, with the file, for what is no such file, and for an unknown class.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON ({error}); get the file again") from None
    width, height = (_side(path, found, key) for key in ("imgWidth", "imgHeight"))
    if width * height > MOST:
        raise ValueError(f"{path}: {width} x {height} pixels; expected at most {MOST}")
    label = Image.new("L", (width, height), VOID)
    pen = ImageDraw.Draw(label)
    for number, each in enumerate(_objects(path, found)):
        if each.get("deleted"):
            continue
        try:
            of = label_of(str(each.get("label")))
            pen.polygon(_points(each.get("polygon")), fill=of.level3)
        except ValueError as error:
            raise ValueError(
                f"{path}: object {number}: {error}: correct it, or get the file again"
            ) from None
    return np.asarray(label)


def _side(path: Path, found: Any, key: str) -> int:
    value = found.get(key) if isinstance(found, dict) else None
    if type(value) is not int or value < 1:
        raise ValueError(
            f"{path}: {key} is {value!r}; expected a whole number of pixels: get the file again"
        )
    return value


def _objects(path: Path, found: dict[str, Any]) -> list[dict[str, Any]]:
    objects = found.get("objects")
    if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        raise ValueError(f"{path}: has no list of objects; get the file again")
    return objects


def _points(polygon: Any) -> list[tuple[float, float]]:
    """The corners (x, y) of a polygon."""
    is_list = isinstance(polygon, list) and all(
        isinstance(point, list)
        and len(point) == 2
        and all(type(v) in (int, float) and math.isfinite(v) and abs(v) < 1e6 for v in point)
        for point in polygon
    )
    if not is_list or len(polygon) < 2:
        raise ValueError(f"polygon {str(polygon)[:60]}; expected two corners [x, y] or more")
    return [(x, y) for x, y in polygon]


def _of_ids(path: Path) -> np.ndarray:
    """The label map of an image of ids."""
    from seg_data_layer import read_indices  # here, for it needs caffe, which takes seconds

    ids = read_indices(path)
    wrong = np.unique(ids[(ids >= len(LABELS)) & (ids != VOID)])
    if wrong.size:
        raise ValueError(
            f"{path}: ids {wrong.tolist()}; expected 0 to {len(LABELS) - 1} or {VOID}, as the "
            "public tools write them with --id-type id: get the file again"
        )
    return LEVEL3[ids]
