"""Scoring a net over a validation set: one confusion matrix, and the mean loss."""

import math
from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from .metrics import Scores, confusion, scores

# Columns of metrics.csv; the IU of each class follows.
COLUMNS = ("iteration", "loss", "val_loss", "overall_accuracy", "mean_accuracy", "mean_iu", "fw_iu")


def evaluate(
    net,
    images: int,
    *,
    score: str = "score",
    watch: Callable[[int, np.ndarray, np.ndarray, np.ndarray], None] | None = None,
) -> tuple[Scores, float]:
    """Run `images` forward passes of a val net; returns the scores and the mean of blob `loss`.

    `watch(i, data, label, prediction)` sees each image: (3, H, W) float32 as the net got it, and
    (H, W) class indices.
    """
    hist, loss = 0, 0.0
    for i in tqdm(range(images), desc="scoring", unit="image", leave=False):
        net.forward()
        label = net.blobs["label"].data[0, 0]
        prediction = net.blobs[score].data[0].argmax(0)
        hist = hist + confusion(label, prediction, net.blobs[score].data.shape[1])
        loss += float(net.blobs["loss"].data) / images
        if watch:
            watch(i, net.blobs["data"].data[0], label, prediction)
    return scores(hist), loss


def row(iteration: int, loss: float, val_loss: float, result: Scores) -> list[str]:
    """A line of metrics.csv: COLUMNS, then the IU of each class (empty: nothing to score)."""
    values = [loss, val_loss, *result[:4], *result.per_class_iu]
    return [str(iteration), *("" if math.isnan(v) else f"{v:.6g}" for v in values)]


def table(rows: dict[str, Scores]) -> str:
    """The scores of several nets, in percent, as the paper's Table 2 has them."""
    lines = [f"{'':14}{'pixel acc.':>12}{'mean acc.':>12}{'mean IU':>12}{'f.w. IU':>12}"]
    for name, result in rows.items():
        lines.append(f"{name:14}" + "".join(f"{100 * v:12.1f}" for v in result[:4]))
    return "\n".join(lines)
