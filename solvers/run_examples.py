"""The validation images that a net labels best and worst, as pictures in a run's folder."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from caffe.core.files import replacing, write_text
from data.datasets import VOID
from data.drawing import overlay

from .metrics import confusion, scores
from .run_facts import PARTS

SHOWN = 3  # best, and as many worst
WIDTH = 300  # pixels of one picture
WRONG, UNSCORED = (220, 30, 30), (128, 128, 128)


class Example(NamedTuple):
    """An image of the validation split, scored by itself.

    image is (H, W, 3) uint8 RGB, truth and prediction are (H, W) uint8 classes.
    """

    mean_iu: float
    number: int
    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray


class Extremes:
    """Keeps the images that a net labels best and worst while it is scored."""

    def __init__(self, classes: int, picture: Callable[[np.ndarray], np.ndarray]) -> None:
        self.classes, self.picture = classes, picture
        self.best: list[Example] = []
        self.worst: list[Example] = []

    def see(self, number: int, data: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Scores an image; those without anything to score are passed over."""
        value = scores(confusion(truth, prediction, self.classes)).mean_iu
        if math.isnan(value):
            return
        for kept, sign in ((self.best, -1), (self.worst, 1)):
            if len(kept) == SHOWN and sign * value >= sign * kept[-1].mean_iu:
                continue
            pair = (array.astype(np.uint8) for array in (truth, prediction))
            kept.append(Example(value, number, self.picture(data), *pair))
            kept.sort(key=lambda example: sign * example.mean_iu)
            del kept[SHOWN:]

    def take(self, of_ranks: Sequence[tuple[list[Example], list[Example]]]) -> None:
        """Keeps the best and the worst of the best and worst of each rank, of images of its own."""
        for kept, place, sign in ((self.best, 0, -1), (self.worst, 1, 1)):
            found = [example for lists in of_ranks for example in lists[place]]
            kept[:] = sorted(found, key=lambda e: (sign * e.mean_iu, e.number))[:SHOWN]


def write_examples(folder: Path, extremes: Extremes, names: list[str], table: np.ndarray) -> None:
    """Write a WebP strip of each image and examples.json, which names them; older ones go.

    names: of the validation images, in their order. table: (256, 3) uint8 RGB colour map.
    """
    listed = []
    for kind, examples in (("best", extremes.best), ("worst", extremes.worst)):
        for place, example in enumerate(examples, 1):
            file = f"{kind}-{place}.webp"
            with replacing(folder / PARTS / file) as output:
                output.write(_webp(strip(example, table)))
            listed.append(
                {
                    "kind": kind,
                    "file": file,
                    "image": names[example.number] if example.number < len(names) else "",
                    "mean_iu": example.mean_iu,
                }
            )
    write_text(folder / PARTS / "examples.json", json.dumps(listed, indent=1))


def read_examples(folder: Path) -> list[dict]:
    """What examples.json lists and is there; nothing where there is none."""
    try:
        listed = json.loads((folder / PARTS / "examples.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [entry for entry in listed if (folder / PARTS / entry["file"]).is_file()]


def strip(example: Example, table: np.ndarray) -> np.ndarray:
    """Image, truth, prediction and errors side by side: (H, W, 3) uint8 RGB."""
    image, truth, prediction = example.image, example.truth, example.prediction
    parts = [
        image,
        overlay(image, truth, table=table),
        overlay(image, prediction, table=table),
        errors(image, truth, prediction),
    ]
    return np.concatenate([*_narrow(parts)], axis=1)


def errors(image: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB: the image pale, red where the net is wrong, grey where nobody scores."""
    pale = np.rint(0.35 * image + 0.65 * 255).astype(np.uint8)
    pale[truth == VOID] = UNSCORED
    pale[(truth != VOID) & (truth != prediction)] = WRONG
    return pale


def _narrow(pictures: Iterable[np.ndarray]) -> Iterable[np.ndarray]:
    for picture in pictures:
        height, width = picture.shape[:2]
        size = WIDTH, max(1, round(height * WIDTH / width))
        yield np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def _webp(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", quality=75)
    return file.getvalue()
