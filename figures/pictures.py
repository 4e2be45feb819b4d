"""Figures 4 and 6: photographs, what each stage or net makes of them, and the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data import picture_grid
from data.datasets import Dataset, require
from data.drawing import colours, legend
from data.meaning import Meaning, meaning_of
from data.statistics import as_rgb, photograph, reader
from infer import Predictor, load_image
from infer.stages import stage_scores, stages

SHOWN = 4  # photographs, spread over a split


class Net(NamedTuple):
    """A caffemodel with what its outputs mean."""

    name: str
    predictor: Predictor
    meaning: Meaning


class Photograph(NamedTuple):
    """An (H, W, 3) uint8 RGB image and its (H, W) uint8 truth; None: nobody knows it."""

    image: np.ndarray
    truth: np.ndarray | None


def load(weights: Path) -> Net:
    """The net of a caffemodel; ValueError where no JSON file says what its outputs mean."""
    found = meaning_of(weights)
    if found is None:
        raise ValueError(
            f"{weights}: no {weights.stem}.json beside it says what its classes are; figures are "
            "drawn of weights that have one, as those that were trained here"
        )
    meaning = found[1]
    predictor = Predictor(None, weights, mean=meaning.mean, classes=meaning.classes)
    return Net(weights.stem, predictor, meaning)


def from_files(paths: Sequence[Path]) -> list[Photograph]:
    """Photographs without their truth."""
    return [Photograph(load_image(path), None) for path in paths]


def from_dataset(dataset: Dataset) -> list[Photograph]:
    """SHOWN photographs, spread over the validation split, with their truth."""
    require(dataset)
    return list(_spread(dataset))


def _spread(dataset: Dataset) -> Iterator[Photograph]:
    layer = reader(dataset, dataset.val_split)
    count = min(SHOWN, len(layer.indices))
    for number in range(count):
        arrays = layer.load(layer.indices[number * len(layer.indices) // count])
        truth = arrays[layer.tops.index(next(iter(dataset.labels)))][0]
        yield Photograph(as_rgb(photograph(layer, arrays)), truth.astype(np.uint8))


def refinement(net: Net, shown: Sequence[Photograph], png: Path) -> None:
    """Figure 4: the photograph, what the scores of each stage say of it, and the truth."""
    found = stages(net.predictor.param)
    rows = []
    for image, truth in shown:
        net.predictor.scores(image)
        maps = [
            stage_scores(net.predictor.net, stage, *image.shape[:2]).argmax(0).astype(np.uint8)
            for stage in found
        ]
        rows.append([image, *maps, *([] if truth is None else [truth])])
    _draw(rows, ["image", *(stage.name for stage in found)], net.meaning, png)


def comparison(nets: Sequence[Net], shown: Sequence[Photograph], png: Path) -> None:
    """Figure 6: what each net says, the truth, and the photograph."""
    rows = []
    for image, truth in shown:
        maps = [net.predictor(image) for net in nets]
        rows.append([image, *maps, *([] if truth is None else [truth])])
    _draw(rows, ["image", *(net.name for net in nets)], nets[0].meaning, png)


def _draw(rows: list[list[np.ndarray]], columns: list[str], meaning: Meaning, png: Path) -> None:
    """The grid of images and label maps: where there is one column more, it is the truth."""
    if len(rows[0]) > len(columns):
        columns = [*columns, "truth"]
    labels = np.concatenate([array.ravel() for _, *maps in rows for array in maps])
    pictures = [
        [image, *(colours(array, meaning.palette) for array in maps)] for image, *maps in rows
    ]
    picture_grid.grid(pictures, columns, png, legend(labels, meaning.classes, meaning.palette))
