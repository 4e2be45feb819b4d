"""Segmentation metrics (paper, section 5) from one confusion matrix over a whole set."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from data.datasets import VOID


class Scores(NamedTuple):
    """Fractions in [0, 1]; nan where nothing was there to score."""

    overall_accuracy: float
    mean_accuracy: float
    mean_iu: float  # over the classes present or predicted
    fw_iu: float
    per_class_iu: np.ndarray
    mean_iu_present: float  # over the classes present
    accuracy_with_void: float  # pixel accuracy where void pixels count, as wrong


def confusion(label: np.ndarray, pred: np.ndarray, n: int) -> np.ndarray:
    """(n, n) int64 pixel counts: row = true class, column = predicted class.

    `label` and `pred` are class indices of the same shape, in any dtype (a blob's float32 too).
    Void pixels (label 255) count nowhere. Matrices of several images add up.
    Raises ValueError for shapes that differ and for values that are neither a class nor void.
    """
    label, pred = np.asarray(label), np.asarray(pred)
    if label.shape != pred.shape:
        raise ValueError(
            f"label has shape {label.shape}, prediction {pred.shape}: both must be one image's"
        )
    scored = label != VOID
    rows = _indices("label", label[scored], n, f", or {VOID} for void")
    columns = _indices("prediction", pred[scored], n, "")
    return np.bincount(rows * n + columns, minlength=n * n).reshape(n, n)


def scores(hist: np.ndarray, void: int = 0) -> Scores:
    """Scores of a confusion matrix (rows = truth), counts n_ij as in the paper's section 5.

    `void` is the number of void pixels, of which the matrix knows nothing. Means run over the
    classes for which the score is defined: a class without a true pixel has no accuracy, one
    without a true or predicted pixel no IU (nan). Such is `mean_iu`, as in the authors' score.py;
    `mean_iu_present` leaves out the classes that are only predicted too (they have IU 0), as the
    paper's footnote 10 does for SIFT Flow, of whose classes three are not in the test set.
    """
    hist = np.asarray(hist, np.float64)
    right, truth, predicted = np.diag(hist), hist.sum(1), hist.sum(0)
    iu = _ratio(right, truth + predicted - right)
    return Scores(
        overall_accuracy=float(_ratio(right.sum(), truth.sum())),
        mean_accuracy=_mean(_ratio(right, truth)),
        mean_iu=_mean(iu),
        fw_iu=float(_ratio(np.dot(truth[truth > 0], iu[truth > 0]), truth.sum())),
        per_class_iu=iu,
        mean_iu_present=_mean(iu[truth > 0]),
        accuracy_with_void=float(_ratio(right.sum(), truth.sum() + void)),
    )


def _indices(what: str, values: np.ndarray, n: int, also: str) -> np.ndarray:
    good = (values >= 0) & (values < n) & (values == np.floor(values))
    if not good.all():
        raise ValueError(
            f"{what} holds the value {values[~good][0]}: expected a class from 0 to {n - 1}{also}"
        )
    return values.astype(np.int64)


def _ratio(part: ArrayLike, whole: ArrayLike) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.divide(part, whole)  # 0 / 0 = nan: nothing to score


def _mean(values: np.ndarray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
