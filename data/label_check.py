"""Whether anything can be learned from a dataset's labels, told by how often each class occurs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from data.datasets import VOID, Dataset

Counts = Mapping[str, np.ndarray]  # by label top: pixels of each class, those of void last
MUCH_VOID = 0.9
NAMED = 8  # classes that a message names
MASKS = (
    f"class indices are 0, 1, 2, ..., and {VOID} is void, which is neither learned nor scored; in "
    f"masks of 0 and {VOID} write 1 for {VOID}"
)


def check_labels(dataset: Dataset, splits: Mapping[str, Counts]) -> list[str]:
    """What is suspicious in the labels of these splits, a sentence each, which names the cure.

    Raises ValueError for what makes training or scoring meaningless: a split without any pixel of a
    class, and a training split with pixels of one class only.
    """
    return [
        warning
        for split, counts in splits.items()
        for top, pixels in counts.items()
        for warning in _check(dataset, split, top, pixels)
    ]


def named(classes: tuple[str, ...], which: np.ndarray) -> str:
    """The classes that `which`, a flag each, says: names and indices, the first of them if many."""
    indices = np.flatnonzero(which).tolist()
    text = ", ".join(f"{classes[index]} ({index})" for index in indices[:NAMED])
    return text if len(indices) <= NAMED else f"{text} and {len(indices) - NAMED} others"


def _check(dataset: Dataset, split: str, top: str, pixels: np.ndarray) -> list[str]:
    classes, occurs, void = dataset.labels[top], pixels[:-1] > 0, pixels[-1] / pixels.sum()
    of = f"{top} of {split}, {dataset.home / dataset.splits[split].file(split)}"
    if not occurs.any():
        raise ValueError(f"{of}: every pixel is void ({VOID}); expected classes: {MASKS}")
    if occurs.sum() == 1:
        only = f"{of}: no class but {named(classes, occurs)}" + (f" and {VOID}" if void else "")
        if split == dataset.train_split:
            raise ValueError(
                f"{only}; expected {len(classes)} classes, for of one a net learns nothing: {MASKS}"
            )
        return [f"{only}; a score on one class says nothing: {MASKS}"]
    warnings = []
    if not occurs.all() and split == dataset.train_split:
        warnings.append(
            f"{of}: no pixel of {named(classes, ~occurs)}; what is not there is not learned: list "
            "images that show it, or take it off the classes"
        )
    elif not occurs.all():
        warnings.append(
            f"{of}: no pixel of {named(classes, ~occurs)}; what is not there is not scored, and "
            "the means are over the others: list images that show it"
        )
    if void > MUCH_VOID:
        warnings.append(f"{of}: {100 * void:.1f}% of the pixels are void ({VOID}): {MASKS}")
    return warnings
