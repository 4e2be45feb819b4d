"""What a trained net's outputs mean: NET.json beside NET.caffemodel.

It holds the dataset's name, its classes in the order of the outputs, the mean (B, G, R) that is
subtracted from images, the palette, the colour (R, G, B) of each class in pictures, and a digest
of the caffemodel: beside other weights of that name it says nothing of them.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import command_line
from data.datasets import VOID, Dataset
from data.drawing import palette, palette_of


class Meaning(NamedTuple):
    """The meaning of a net's outputs; palette is a (256, 3) uint8 RGB colour map."""

    dataset: str
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    palette: np.ndarray
    weights: str | None  # their digest, where the file has one


PIECES, PIECE = 256, 4096  # bytes


def digest(weights: Path) -> str:
    """SHA-256, in hexadecimal, of a file's size and of 256 pieces all over it.

    Training changes all weights, so it shows in any piece; to read all of FCN-8s takes a second.
    """
    size = weights.stat().st_size
    found = hashlib.sha256(str(size).encode())
    with open(weights, "rb") as file:
        for at in range(0, size, max(PIECE, size // PIECES)):
            file.seek(at)
            found.update(file.read(PIECE))
    return found.hexdigest()


def write_meaning(path: Path, dataset: Dataset, weights: Path | None = None) -> None:
    """Write the NET.json of a net that is trained on a dataset, in its colours.

    weights: its caffemodel, once there is one.
    """
    from caffe.core.files import write_text  # here: caffe loads torch, which takes seconds

    meaning = {
        "dataset": dataset.name,
        "classes": dataset.classes,
        "mean": dataset.mean,
        "palette": palette_of(dataset)[: len(dataset.classes)].tolist(),
    }
    if weights:
        meaning["weights"] = digest(weights)
    text = ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in meaning.items())
    write_text(path, f"{{\n{text}\n}}\n")


def meaning_of(weights: Path) -> tuple[Path, Meaning] | None:
    """The NET.json of a caffemodel and what it says; None where there is none of these weights.

    It lies beside the caffemodel, by its name; a run's snapshots share the one that is a folder
    above. One that was written for other weights is warned of. ValueError for a file that says
    anything else.
    """
    path = weights.with_name(f"{weights.name.partition('.caffemodel')[0]}.json")
    if not path.exists() and weights.parent.name == "snapshot":
        of_run = list(weights.parent.parent.glob("*.json"))
        path = of_run[0] if len(of_run) == 1 else path
    if not path.exists():
        return None
    found = read_meaning(path)
    own = weights != path.with_suffix(".caffemodel") or found.weights in (None, digest(weights))
    if not own:
        command_line.warn(
            f"{path}: was written for other weights than {weights.name} is now, so its classes "
            'and mean are not taken; if they are its too, remove the line "weights"'
        )
    return (path, found) if own else None


def read_meaning(path: Path) -> Meaning:
    """What a NET.json says, whatever lies beside it; ValueError for a file of anything else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON ({error}): {_CURE}") from None
    keys = ("dataset", "classes", "mean", "palette")
    if not isinstance(found, dict) or not found.keys() >= {*keys}:
        held = ", ".join(found) if isinstance(found, dict) else type(found).__name__
        raise ValueError(f"{path}: holds {held}; expected {', '.join(keys)}: {_CURE}")
    classes, mean, colours = (found[key] for key in keys[1:])
    for key, fits, expected in (
        ("classes", _are_names(classes), f"1 to {VOID} names"),
        ("mean", _are_numbers(mean), "three numbers, (B, G, R)"),
        ("palette", _are_colours(colours, classes), "a colour (R, G, B), 0 to 255, of each class"),
    ):
        if not fits:
            raise ValueError(f"{path}: {key} is {found[key]!r}; expected {expected}: {_CURE}")
    table = palette()
    table[: len(classes)] = colours
    blue, green, red = map(float, mean)
    means = blue, green, red
    weights = found.get("weights")
    return Meaning(str(found["dataset"]), tuple(classes), means, table, weights)


_CURE = "correct it, or remove it and name the classes or the dataset on the command line"


def _are_names(value: Any) -> bool:
    is_list = isinstance(value, list) and all(
        isinstance(name, str) and name.strip() for name in value
    )
    return is_list and 1 <= len(value) <= VOID


def _are_numbers(value: Any) -> bool:
    is_list = isinstance(value, list) and all(type(v) in (int, float) for v in value)
    return is_list and len(value) == 3 and all(map(math.isfinite, value))


def _are_colours(value: Any, classes: Any) -> bool:
    return (
        isinstance(value, list)
        and isinstance(classes, list)
        and len(value) == len(classes)
        and all(
            isinstance(colour, list)
            and len(colour) == 3
            and all(type(v) is int and 0 <= v <= 255 for v in colour)
            for colour in value
        )
    )
