"""The mean average precision of a test net's DetectionEvaluate, as SSD's solver has it."""

import math
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from ..core.errors import CaffeError

IMAGE, LABEL, VALUE, RIGHT, WRONG = range(5)  # columns of DetectionEvaluate's top


def average_precisions(rows: np.ndarray, version: str) -> dict[int, float]:
    """Of each class, from the rows (R, 5) of all passes.

    version: "11point" (VOC 2007), "101point" (COCO), "MaxIntegral" (VOC 2012) or "Integral". A
    class without objects, or without detections, has 0. Raises CaffeError for another version.
    """
    if version not in VERSIONS:
        raise CaffeError(f"ap_version '{version}'; expected {', '.join(VERSIONS)}")
    counts: dict[int, float] = {}
    for row in rows[rows[:, IMAGE] == -1]:
        counts[int(row[LABEL])] = counts.get(int(row[LABEL]), 0) + float(row[VALUE])
    found = rows[(rows[:, IMAGE] != -1) & (rows[:, RIGHT] + rows[:, WRONG] > 0)]
    return {
        label: _of_class(found[found[:, LABEL] == label], count, version)
        for label, count in counts.items()
    }


def _of_class(found: np.ndarray, count: float, version: str) -> float:
    if not count or not len(found):
        return 0.0
    found = found[np.argsort(-found[:, VALUE], kind="stable")]
    right, wrong = found[:, RIGHT].cumsum(), found[:, WRONG].cumsum()
    return VERSIONS[version](right / count, right / (right + wrong))


def _points(parts: int, recall: np.ndarray, precision: np.ndarray) -> float:
    """The mean of the best precisions at a recall of 0, 1 / parts, ..., 1 at least."""
    best = [precision[recall >= at / parts].max(initial=0) for at in range(parts + 1)]
    return float(np.mean(best))


def _integral(recall: np.ndarray, precision: np.ndarray) -> float:
    return float((np.diff(recall, prepend=0) * precision).sum())


def _max_integral(recall: np.ndarray, precision: np.ndarray) -> float:
    """The integral over the best precision of each recall or a higher one."""
    return _integral(recall, np.maximum.accumulate(precision[::-1])[::-1])


VERSIONS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "11point": partial(_points, 10),
    "101point": partial(_points, 100),
    "MaxIntegral": _max_integral,
    "Integral": _integral,
}


def mean(values: Iterable[float]) -> float:
    """Of the classes; nan of none."""
    values = list(values)
    return sum(values) / len(values) if values else math.nan
