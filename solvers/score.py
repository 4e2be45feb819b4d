"""Scoring a net over a validation set: one confusion matrix a head, and the mean loss."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

import caffe
from caffe.core.ranks import is_root
from caffe.distributed.group import Group
from caffe.solver.turns import turns
from data.datasets import VOID, Dataset
from data.label_check import MASKS, named

from .metrics import Scores, confusion, scores

# Columns of metrics.csv; the IU of each class follows, then the scores of further heads.
COLUMNS = (
    *("iteration", "loss", "val_loss", "overall_accuracy", "mean_accuracy", "mean_iu", "fw_iu"),
    *("mean_iu_present", "accuracy_with_void"),
)
HEAD_COLUMNS = COLUMNS[3:7]  # of each further head

# Label blob of each head and the scores that belong to it. A net's first head is its main one.
HEADS = {"label": "score", "sem": "score_sem", "geo": "score_geo"}


class Evaluation(NamedTuple):
    """What scoring a net over a split gives."""

    scores: Scores  # of the main head
    loss: float  # mean of the blob `loss`
    others: dict[str, Scores]  # of the further heads, by label blob: SIFT Flow's "geo"
    hists: dict[str, np.ndarray]  # the confusion matrix of each head, by label blob


def heads_of(net: caffe.Net) -> dict[str, str]:
    """The pairs of HEADS that a net has."""
    return {label: score for label, score in HEADS.items() if label in net.blobs}


def evaluate(
    net: caffe.Net,
    images: int,
    *,
    watch: Callable[[int, np.ndarray, dict[str, tuple[np.ndarray, np.ndarray]]], None]
    | None = None,
    group: Group | None = None,
) -> Evaluation:
    """Run `images` forward passes of a val net and score each pair of HEADS that it has.

    group: the ranks that share the passes: each watches its own, and returns the scores of all.
    `watch(i, data, maps)` sees the first image of each pass: (C, H, W) float32 as the net got it
    (of color and depth or HHA: the color), and by label blob its truth and prediction, (H, W) class
    indices.
    """
    heads = heads_of(net)
    main = next(iter(heads))
    pictured = "color" if "color" in net.blobs else "data"
    classes = {name: net.blobs[score].data.shape[1] for name, score in heads.items()}
    hists = {name: np.zeros((n, n), np.int64) for name, n in classes.items()}
    voids = dict.fromkeys(heads, 0)
    losses: dict[int, float] = {}
    with _share(net, images, group) as mine:
        for i in tqdm(mine, desc="scoring", unit="image", leave=False, disable=not is_root()):
            net.forward()
            predictions = {name: net.blobs[score].data.argmax(1) for name, score in heads.items()}
            for name, prediction in predictions.items():
                label = net.blobs[name].data[:, 0]
                hists[name] += confusion(label, prediction, classes[name])
                voids[name] += int((label == VOID).sum())
            losses[i] = float(net.blobs["loss"].data) / images
            if watch:
                maps = {name: (net.blobs[name].data[0, 0], predictions[name][0]) for name in heads}
                watch(i, net.blobs[pictured].data[0], maps)
            if group:
                group.watch.move()
    if group:
        of_all = group.gather((hists, voids, losses))
        hists = {name: np.sum([found[0][name] for found in of_all], axis=0) for name in heads}
        voids = {name: sum(found[1][name] for found in of_all) for name in heads}
        losses = {i: loss for found in of_all for i, loss in found[2].items()}
    loss = sum(losses[i] for i in sorted(losses))  # in one order, whoever ran what
    results = {name: scores(hists[name], voids[name]) for name in heads}
    return Evaluation(results.pop(main), loss, results, hists)


@contextmanager
def _share(net: caffe.Net, images: int, group: Group | None) -> Iterator[range]:
    """The passes that this rank runs; afterwards the data is where it is after all of them."""
    if group is None:
        yield range(images)
        return
    with turns(net, group.rank, group.count, images):
        yield range(group.rank, images, group.count)


def header(classes: Sequence[str], others: dict[str, Scores]) -> list[str]:
    """The names of the columns of metrics.csv, its first line."""
    more = [f"{name}_{column}" for name in others for column in HEAD_COLUMNS]
    return [*COLUMNS, *(f"iu_{name}" for name in classes), *more]


def row(iteration: int, loss: float, evaluation: Evaluation) -> list[str]:
    """A line of metrics.csv, as `header` names its values; empty: there was nothing to score."""
    result = evaluation.scores
    values = [loss, evaluation.loss, *result[:4], result.mean_iu_present, result.accuracy_with_void]
    values += result.per_class_iu.tolist()
    for other in evaluation.others.values():
        values += other[:4]
    return [str(iteration), *("" if math.isnan(v) else f"{v:.6g}" for v in values)]


def table(rows: dict[str, Scores]) -> str:
    """The scores of several nets, in percent, as the paper's Table 2 has them."""
    wide = max(14, 1 + max(map(len, rows)))
    lines = [f"{'':{wide}}{'pixel acc.':>12}{'mean acc.':>12}{'mean IU':>12}{'f.w. IU':>12}"]
    for name, result in rows.items():
        lines.append(f"{name:{wide}}" + "".join(f"{100 * v:12.1f}" for v in result[:4]))
    return "\n".join(lines)


def warnings(dataset: Dataset, evaluation: Evaluation) -> list[str]:
    """What makes the scores of a net on a dataset say little: a sentence each, with the cure."""
    found = []
    for head, hist in evaluation.hists.items():
        where, classes = f"{head} of {dataset.val_split}", dataset.labels[head]
        present, predicted = hist.sum(1) > 0, hist.sum(0) > 0
        if not present.any():
            found.append(f"{where}: every pixel is void ({VOID}), nothing was scored: {MASKS}")
        elif present.sum() == 1:
            found.append(
                f"{where}: no class but {named(classes, present)} was there to score, so these "
                f"scores say nothing: {MASKS}"
            )
        elif predicted.sum() == 1:
            found.append(
                f"{where}: the net says {named(classes, predicted)} everywhere; it has learned too "
                "little: train it longer (ITERS=, --iters) or at another rate (LR=, --lr)"
            )
    return found
