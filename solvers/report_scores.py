"""What a run leaves behind of its scores: metrics.csv, the curve, the pictures, the report."""

import csv
import logging
from functools import partial

import numpy as np

import nets
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
    pictures: list[np.ndarray] = []
    main = next(iter(stage.dataset.labels))
    extremes = Extremes(len(stage.dataset.labels[main]), partial(_picture, stage))
    maps: dict[str, list[list[np.ndarray]]] = {head: [] for head in stage.dataset.labels}

    def watch(i: int, data: np.ndarray, of: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
        if i in pictured:
            pictures.append(_picture(stage, data))
            for head, pair in of.items():  # copies: the next pass overwrites the blobs
                maps[head].append([array.astype(np.uint8) for array in pair])
        extremes.see(i, data, *of[main])

    evaluation = score.evaluate(net, images, watch=watch)
    if loss is None:
        return evaluation
    log.info(
        "Iteration %d: loss %.4g, val loss %.4g, overall accuracy %.4f, mean accuracy %.4f, "
        "mean IU %.4f, f.w. IU %.4f",
        solver.iter,
        loss,
        evaluation.loss,
        *evaluation.scores[:4],
    )
    metrics = stage.folder / "metrics.csv"
    with open(metrics, "a", newline="") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(score.header(stage.dataset.classes, evaluation.others))
        writer.writerow(score.row(solver.iter, loss, evaluation))
    curve(metrics, stage.folder / "curve.png")
    table = palette_of(stage.dataset)
    for head, names in stage.dataset.labels.items():
        more = f"-{head}" if head in evaluation.others else ""
        rows = [
            [image, *(colours(array, table) for array in pair)]
            for image, pair in zip(pictures, maps[head], strict=True)
        ]
        labels = np.concatenate([array.ravel() for pair in maps[head] for array in pair])
        columns = ("image", "truth", stage.net)
        entries = legend(labels, names, table)
        picture_grid.grid(rows, columns, stage.folder / f"grid{more}.png", entries)
    listed = ids(stage.dataset, stage.dataset.val_split)
    seen = [name for name in listed for _ in range(images // len(listed))]  # a pass for each cut
    write_examples(stage.folder, extremes, seen, table)
    write_confusion(stage.folder, stage.dataset.labels, evaluation.hists)
    write_report(stage.folder)
    values = {"loss/training": loss, "loss/validation": evaluation.loss}
    for metric, value in zip(METRICS, evaluation.scores[:4], strict=True):
        values[f"score/{metric}"] = float(value)
    write_events(stage.folder, solver.iter, values)
    return evaluation


def _picture(stage: Stage, data: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB of what the net saw; of depth or HHA alone, channels made visible."""
    if nets.modalities(stage.net)[:1] in (("depth",), ("hha",)):
        return picture_grid.visible(data)
    mean = np.array(stage.dataset.mean, np.float32)[:, None, None]
    return np.clip(np.rint(data + mean), 0, 255).astype(np.uint8)[::-1].transpose(1, 2, 0)
