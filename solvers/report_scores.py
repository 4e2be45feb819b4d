"""What a run leaves behind of its scores: metrics.csv, the curve, the pictures, the report."""

import csv
import logging
from collections.abc import Sequence
from functools import partial

import numpy as np

import nets
from caffe.core.ranks import is_root
from caffe.solver.solver import Solver
from data import picture_grid
from data.datasets import ids
from data.drawing import colours, legend, palette_of

from . import score
from .curve import curve
from .recipes import Stage
from .run_events import write_events
from .run_examples import Extremes, write_examples
from .run_report import METRICS, write_confusion, write_report
from .score import Evaluation

log = logging.getLogger("solvers")

# By head, an image's truth and prediction: (H, W) class indices
Maps = dict[str, tuple[np.ndarray, np.ndarray]]

PICTURES = 4  # validation images shown in grid.png


def report_scores(stage: Stage, solver: Solver, loss: float | None) -> Evaluation:
    """Score the validation set, add a line to metrics.csv and draw the run's pictures.

    loss: the training loss, None if nothing was trained: then only the score is new.
    """
    net = solver.test_nets[0]
    net.share_with(solver.net)
    images = stage.solver.test_iter[0]
    # Spread over the set: neighbours in a list may be neighbours in a film.
    pictured = {images * k // PICTURES for k in range(PICTURES)}
    seen: dict[int, tuple[np.ndarray, Maps]] = {}
    main = next(iter(stage.dataset.labels))
    extremes = Extremes(len(stage.dataset.labels[main]), partial(_picture, stage))

    def watch(i: int, data: np.ndarray, of: Maps) -> None:
        if i in pictured:  # copies: the next pass overwrites the blobs
            maps = {h: (t.astype(np.uint8), found.astype(np.uint8)) for h, (t, found) in of.items()}
            seen[i] = _picture(stage, data), maps
        extremes.see(i, data, *of[main])

    group = solver.ranks.group if solver.ranks else None
    evaluation = score.evaluate(net, images, watch=watch, group=group)
    if group:
        of_ranks = group.gather((seen, (extremes.best, extremes.worst)))
        seen = {i: pair for found, _ in of_ranks for i, pair in found.items()}
        extremes.take([found for _, found in of_ranks])
    if is_root() and loss is not None:
        _write(stage, solver.iter, loss, evaluation, [seen[i] for i in sorted(seen)])
        _write_report(stage, solver.iter, loss, evaluation, extremes)
    return evaluation


def _write(
    stage: Stage,
    iteration: int,
    loss: float,
    evaluation: Evaluation,
    seen: Sequence[tuple[np.ndarray, Maps]],
) -> None:
    """Add a line to metrics.csv, and draw the curve and the pictures; seen: images, their maps."""
    log.info(
        "Iteration %d: loss %.4g, val loss %.4g, overall accuracy %.4f, mean accuracy %.4f, "
        "mean IU %.4f, f.w. IU %.4f",
        iteration,
        loss,
        evaluation.loss,
        *evaluation.scores[:4],
    )
    metrics = stage.folder / "metrics.csv"
    with open(metrics, "a", newline="") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(score.header(stage.dataset.classes, evaluation.others))
        writer.writerow(score.row(iteration, loss, evaluation))
    curve(metrics, stage.folder / "curve.png")
    table = palette_of(stage.dataset)
    for head, names in stage.dataset.labels.items():
        more = f"-{head}" if head in evaluation.others else ""
        pairs = [maps[head] for _, maps in seen]
        rows = [
            [image, *(colours(array, table) for array in pair)]
            for (image, _), pair in zip(seen, pairs, strict=True)
        ]
        labels = np.concatenate([array.ravel() for pair in pairs for array in pair])
        columns = ("image", "truth", stage.net)
        entries = legend(labels, names, table)
        picture_grid.grid(rows, columns, stage.folder / f"grid{more}.png", entries)


def _write_report(
    stage: Stage, iteration: int, loss: float, evaluation: Evaluation, extremes: Extremes
) -> None:
    """Write the best and worst images, the confusion matrix, the report and the events."""
    images = stage.solver.test_iter[0]
    listed = ids(stage.dataset, stage.dataset.val_split)
    names = [name for name in listed for _ in range(images // len(listed))]  # a pass for each cut
    write_examples(stage.folder, extremes, names, palette_of(stage.dataset))
    write_confusion(stage.folder, stage.dataset.labels, evaluation.hists)
    write_report(stage.folder)
    values = {"loss/training": loss, "loss/validation": evaluation.loss}
    for metric, value in zip(METRICS, evaluation.scores[:4], strict=True):
        values[f"score/{metric}"] = float(value)
    write_events(stage.folder, iteration, values)


def _picture(stage: Stage, data: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB of what the net saw; of depth or HHA alone, channels made visible."""
    if nets.modalities(stage.net)[:1] in (("depth",), ("hha",)):
        return picture_grid.visible(data)
    mean = np.array(stage.dataset.mean, np.float32)[:, None, None]
    return np.clip(np.rint(data + mean), 0, 255).astype(np.uint8)[::-1].transpose(1, 2, 0)
