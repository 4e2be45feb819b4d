"""One stage of training: emit the nets, start from the last stage's weights, train, score, resume.

    python -m solvers.train_stage fcn32s [--dataset voc] [--data DIR] [--weights FILE] ...

A stage lives in one folder, runs/DATASET-NET by default: train.prototxt, val.prototxt (where the
splits are called trainval and test, so are these), deploy.prototxt, solver.prototxt, snapshot/,
log.txt, metrics.csv, curve.png, grid.png (a further head's: grid-geo.png), report.html (all of it,
written as it trains) and what that is made of in report/, NET.json (what the net's outputs mean)
and, once it has trained to the end, NET.caffemodel, which the next stage starts from.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from tqdm import tqdm

import caffe
import command_line
import nets
from caffe.core.files import write_text
from caffe.core.ranks import is_root, solver_rank
from caffe.distributed.group import Group
from caffe.distributed.launch import PREEMPTED
from caffe.distributed.reducer import TRAVEL_AS
from caffe.proto import caffe_pb2
from caffe.proto.text import prototxt
from caffe.solver.resume import restore_newest
from caffe.solver.snapshot_files import solverstates
from caffe.solver.solver import Solver
from data.custom import NAMES, find, own_options
from data.datasets import DATASETS, LAYERS, Dataset, Split, passes, require
from data.label_check import check_labels
from data.meaning import read_meaning, write_meaning
from data.statistics import label_counts
from nets.zoo import LOSS_WEIGHTS
from seg_labels import VOC_FILES

from . import loss_weights, run_facts, run_progress, run_report, score, solver_prototxt
from .crops import crop_for
from .curve import series
from .initialise import start_from
from .keep import keep_best_and_last
from .progress import Stopping, logging_to, stopping
from .recipes import (
    REGIMES,
    RUNS,
    Stage,
    as_seen,
    copies_alone,
    default_weights,
    regime_of,
    require_weights,
)
from .report_scores import report_scores
from .run_on_ranks import add_rank_options, run_on_ranks
from .score import Evaluation

log = logging.getLogger("solvers")

RANK_SEEDS = 1 << 32  # between two ranks' seeds: more than there are iterations


class Diverged(ValueError):
    """A loss that is no number: nothing of this iteration is worth a snapshot."""


def train(
    stage: Stage,
    *,
    resume: bool = True,
    keep: int | None = None,
    group: Group | None = None,
    gradients: str = "fp32",
) -> Evaluation:
    """Train a stage to max_iter and return the scores of its last iteration.

    Continues from the newest whole snapshot; if `resume` is False, what an older run left, weights,
    snapshots and metrics, is moved aside first. Ctrl-C, SIGTERM and errors of the data write a
    snapshot. keep: the number of snapshots that stay, beside the best one; None: all.
    group: the ranks that train together, each calling this, in one folder; gradients: how these
    travel between them, fp32 or bf16.
    Raises ValueError for weights that are not those of the stage before, for a folder where another
    net or dataset trained, and for labels that nothing can be learned from.
    """
    stage.folder.mkdir(parents=True, exist_ok=True)
    with logging_to(stage.folder / "log.txt") if is_root() else nullcontext():
        snapshots = _snapshots(stage) if resume else []
        if group:
            snapshots = group.of_root(snapshots)
        if is_root():
            _write_prototxt(stage, continues=bool(snapshots))
        if group:
            group.of_root(None)  # what rank 0 has written is there
        solver = caffe.get_solver(str(stage.folder / "solver.prototxt"))
        if not snapshots and is_root():
            start_from(
                *(solver.net, stage.net, stage.dataset, stage.weights, stage.width),
                nets_before=stage.before,
            )
        if group:
            solver.join(group, gradients)
        if snapshots:
            _same_classes(stage)
            _resume(stage, solver, snapshots)
        if is_root():
            _begin_folder(stage, resume, continues=bool(snapshots))
        return _run(stage, solver, keep)


def _begin_folder(stage: Stage, resume: bool, continues: bool) -> None:
    """Check the labels; move an older run's results aside, and say what the net's outputs mean."""
    splits = (stage.dataset.train_split, stage.dataset.val_split)
    counts = {split: label_counts(stage.dataset, split) for split in splits}
    for warning in check_labels(stage.dataset, counts):
        log.warning("Warning: %s", warning)
    if not resume:
        # The next stage must not start from the old run's weights
        old = ("metrics.csv", run_facts.PARTS, f"{stage.net}.caffemodel", f"{stage.net}.json")
        for name in old:
            _move_aside(stage.folder / name)
        if _snapshots(stage):
            _move_aside(stage.folder / "snapshot")
            (stage.folder / "snapshot").mkdir()
    if not (continues and _meaning_file(stage).exists()):
        write_meaning(_meaning_file(stage), stage.dataset)
    run_facts.write_facts(stage, counts)


def net_of(stage: Stage, split: str) -> caffe_pb2.NetParameter:
    """What a stage trains ("train") or scores ("val")."""
    options: dict[str, Any] = {}
    if stage.net not in nets.ZOO:
        regime = REGIMES[stage.regime or regime_of(stage.dataset, stage.net)]
        options = {
            "normalize": regime.normalize,
            "score_rate": regime.score_rate,
            "keep": regime.keep if stage.keep is None else stage.keep,
            "dropout": regime.dropout,
        }
        if split == "train" and regime.mirror:
            options["mirror"] = True
        if split == "train" and regime.zoom:
            options["zoom"] = regime.zoom
    if split == "train":
        options |= stage.data
    changes = stage.changes
    if matrix := _own_weights(stage):
        changes = changes._replace(class_weights=matrix)
    return nets.net_for(
        stage.dataset,
        stage.net,
        split,
        width=stage.width,
        seed=stage.seed,
        changes=changes,
        **options,
    )


def _own_weights(stage: Stage) -> Path | None:
    """The matrix of a weighted net's loss, in the stage's folder; None for any other net."""
    weighted = stage.net in nets.ZOO and nets.experiment(stage.net).weighted
    return stage.folder / LOSS_WEIGHTS if weighted else None


def _write_prototxt(stage: Stage, continues: bool) -> None:
    """Write the prototxt of a stage's nets and of its solver.

    Raises ValueError where a run continues, but with other nets than it began with.
    """
    if (matrix := _own_weights(stage)) and not (continues and matrix.exists()):
        loss_weights.write_loss_weights(stage.dataset, matrix)
    names = nets.file_names(stage.dataset)
    for split, name in names.items():
        path, text = stage.folder / name, prototxt(net_of(stage, split))
        if continues and path.exists() and path.read_text() != text:
            raise ValueError(
                f"{path} is of another net, dataset or regime than this command asks for, and "
                f"{stage.folder} holds its snapshots: choose another folder (--out), or start "
                "again there (RESUME=0, --restart)"
            )
        write_text(path, text)
    param = caffe_pb2.SolverParameter()
    param.CopyFrom(stage.solver)
    param.train_net = str(stage.folder / names["train"])
    param.test_net[:] = [str(stage.folder / names["val"])]
    param.snapshot_prefix = str(_prefix(stage))
    param.random_seed = stage.seed
    write_text(stage.folder / "solver.prototxt", prototxt(param))
    (stage.folder / "snapshot").mkdir(exist_ok=True)


def _prefix(stage: Stage) -> Path:
    return stage.folder / "snapshot" / "train"


def _snapshots(stage: Stage) -> list[Path]:
    """The run's solverstates, the newest first."""
    return solverstates(_prefix(stage))


def _resume(stage: Stage, solver: Solver, snapshots: list[Path]) -> None:
    """Continue from the first snapshot that is whole; CaffeError if none is."""
    path = restore_newest(solver, snapshots)
    if path is None:
        raise caffe.CaffeError(
            f"{stage.folder}/snapshot: no snapshot can be read; start again with RESUME=0 "
            "(--restart)"
        )
    log.info("Resuming from %s", path)


def _same_classes(stage: Stage) -> None:
    """ValueError where the run that is continued began with other names of classes."""
    path = _meaning_file(stage)
    if path.exists() and (classes := read_meaning(path).classes) != stage.dataset.classes:
        raise ValueError(
            f"{path}: the run that is continued has the classes {', '.join(classes)}; "
            f"{stage.dataset.title} has {', '.join(stage.dataset.classes)}: start again there "
            f"(RESUME=0, --restart), choose another folder (--out), or, if the names alone "
            f"differ, remove {path.name} and metrics.csv, whose columns they name"
        )


def _move_aside(path: Path) -> None:
    """Rename what is at path to path.1, path.2, ...: the first that is free."""
    if path.exists():
        number = 1
        while (aside := path.with_name(f"{path.name}.{number}")).exists():
            number += 1
        path.rename(aside)
        log.info("%s is now %s", path, aside)


def _run(stage: Stage, solver: Solver, keep: int | None) -> Evaluation:
    param = stage.solver
    every = param.snapshot
    result = None
    bar = tqdm(
        total=param.max_iter,
        initial=solver.iter,
        desc=stage.net,
        unit="iter",
        disable=not is_root(),
    )
    with bar, stopping() as signals:
        record = _recorder(stage, solver)
        reported = time.monotonic()

        def after_iteration() -> str | None:
            nonlocal reported
            loss = solver.smoothed_loss
            if not np.isfinite(loss):
                raise Diverged(
                    f"{stage.net}: the loss is {loss} at iteration {solver.iter}: training "
                    f"has diverged; lower base_lr ({param.base_lr:g}, --lr) and start again from a "
                    "snapshot before that, or with RESUME=0"
                )
            bar.update()
            bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
            if record and record() and time.monotonic() - reported > run_report.EVERY:
                run_report.write_report(stage.folder)
                reported = time.monotonic()
            return "stop" if signals.came else None

        solver.set_action_function(after_iteration)
        try:
            if _owes_scores(stage, solver):
                result = report_scores(stage, solver, solver.smoothed_loss)
            while solver.iter < param.max_iter:
                # Dropout draws anew from here, so that resuming here changes nothing.
                caffe.set_random_seed(stage.seed + solver.iter + RANK_SEEDS * solver_rank())
                solver.step(min(every - solver.iter % every, param.max_iter - solver.iter))
                if solver.requested_early_exit:
                    _leave(solver, signals)
                result = report_scores(stage, solver, solver.smoothed_loss)
                record = _recorder(stage, solver)  # the score's time is none of training's
                if keep and is_root():
                    keep_best_and_last(_prefix(stage), stage.folder / "metrics.csv", keep)
        except Diverged:
            raise
        except (ValueError, OSError, caffe.CaffeError):
            if not solver.ranks:  # whose others have to be there for a snapshot
                log.info("An error stops the run; %s is written", solver.snapshot())
            raise
    weights = stage.folder / f"{stage.net}.caffemodel"
    is_new = result is not None
    if result is None:
        log.info(
            "Already trained to iteration %d (%d asked for); scoring", solver.iter, param.max_iter
        )
        result = report_scores(stage, solver, None)
    elif param.max_iter % param.snapshot:
        solver.snapshot()
    if is_root() and (is_new or not weights.exists()):  # of a run that was killed before this
        solver.net.save(weights)
        write_meaning(_meaning_file(stage), stage.dataset, weights)
    return result


def _owes_scores(stage: Stage, solver: Solver) -> bool:
    """Whether a run was killed between this snapshot and its line in metrics.csv; all ranks ask."""
    metrics = stage.folder / "metrics.csv"
    due = solver.iter % stage.solver.snapshot == 0 or solver.iter == stage.solver.max_iter
    scored = series(metrics, "mean_iu")[0] if metrics.exists() else []
    owes = solver.iter > 0 and due and solver.iter not in scored
    return solver.ranks.group.of_root(owes) if solver.ranks else owes


def _recorder(stage: Stage, solver: Solver) -> Callable[[], bool] | None:
    return run_progress.recorder(stage.folder, solver) if is_root() else None


def _leave(solver: Solver, signals: Stopping) -> NoReturn:
    """Write a snapshot and end the process, as one or all of the ranks were told to."""
    state = solver.snapshot()
    said = f"interrupted at iteration {solver.iter}; {state} is written, "
    said += "and the same command continues from it"
    group = solver.ranks.group if solver.ranks else None
    if any(group.gather(signals.terminated)) if group else signals.terminated:
        log.info("%s", said)
        raise SystemExit(PREEMPTED)
    raise SystemExit(said if is_root() else 1)


def _meaning_file(stage: Stage) -> Path:
    return stage.folder / f"{stage.net}.json"


def dataset_at(name: str, data: Path | None) -> Dataset:
    """A dataset by name, its files in `data` if that is given.

    For a dataset in VOC layout `data` is any folder of that layout, with splits train and val.
    """
    if data is None or name not in DATASETS or not _in_voc_layout(DATASETS[name]):
        return find(name, data)
    return dataclasses.replace(
        DATASETS[name],
        home=data.resolve(),
        title=f"{data.resolve().name}, {len(DATASETS[name].classes)} classes",
        splits={split: Split("VOCSegDataLayer", ".") for split in ("train", "val")},
        train_split="train",
        val_split="val",
        sources=(),
        options=DATASETS[name].options | own_options(DATASETS[name], data),
        hint="the folder given as data must be in VOC layout: JPEGImages, SegmentationClass, "
        "ImageSets/Segmentation/train.txt and val.txt",
    )


def _in_voc_layout(dataset: Dataset) -> bool:
    """Whether files lie as VOC's do: not where the dataset's own options say otherwise."""
    layers = {LAYERS[split.layer].module for split in dataset.splits.values()}
    return layers == {"voc_layers"} and not dataset.options.keys() & VOC_FILES.keys()


def _paths(text: str) -> list[Path]:
    return [Path(path) for path in text.split(",")]


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    args = _parser().parse_args(words)
    return command_line.run(run_on_ranks, "solvers.train_stage", words, args, _train)


def _parser() -> argparse.ArgumentParser:
    parser = command_line.parser("python -m solvers.train_stage", __doc__)
    parser.add_argument("net", choices=(*nets.NETS, *nets.RGBD_NETS, *nets.ZOO), metavar="NET")
    parser.add_argument(
        "--dataset",
        choices=NAMES,
        default="voc",
        metavar="NAME",
        help=f"{', '.join(NAMES)} (voc)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="the dataset's folder; for voc, camvid, synthetic and mine any in VOC layout",
    )
    parser.add_argument(
        "--weights",
        type=_paths,
        metavar="FILE[,FILE]",
        help="caffemodel to start from; color-hha: that of color, and that of hha",
    )
    parser.add_argument("--out", type=Path, help="folder of the run (runs/DATASET-NET)")
    parser.add_argument(
        "--regime", choices=REGIMES, help="of the gradients and the loss (as published)"
    )
    parser.add_argument(
        "--iters", type=command_line.positive(int), help="iterations (as published)"
    )
    parser.add_argument(
        "--epochs",
        type=command_line.positive(int),
        help="of a net of the driving-scene zoo, in place of --iters",
    )
    parser.add_argument(
        "--lr", type=command_line.positive(float), help="base learning rate (as published)"
    )
    parser.add_argument(
        "--snapshot",
        type=command_line.positive(int),
        help="iterations between snapshots and scores",
    )
    parser.add_argument(
        "--width", type=command_line.positive(float), default=1.0, help="scales the channels (1)"
    )
    add_rank_options(parser)
    parser.add_argument(
        "--keep",
        type=command_line.positive(int),
        metavar="N",
        help="snapshots that stay, the last ones and the best by mean IU (all)",
    )
    parser.add_argument("--precision", default="fp32", help="fp32, tf32 or bf16 (fp32)")
    parser.add_argument(
        "--gradients",
        choices=tuple(TRAVEL_AS),
        default="fp32",
        help="how they travel between processes; bf16: in half the bytes (fp32)",
    )
    parser.add_argument(
        "--recompute", action="store_true", help="less memory: compute activations twice"
    )
    parser.add_argument("--restart", action="store_true", help="do not resume from a snapshot")
    return parser


def _train(args: argparse.Namespace, group: Group | None) -> None:
    caffe.set_precision(args.precision)
    caffe.set_recompute(args.recompute)
    dataset = as_seen(dataset_at(args.dataset, args.data), args.net)
    require(dataset)
    given = args.weights is not None
    weights = args.weights if given else default_weights(args.dataset, args.net)
    require_weights(args.dataset, args.net, weights, given=given)
    solver = _published_solver(args, dataset)
    solver.max_iter = args.iters or solver.max_iter
    solver.base_lr = args.lr or solver.base_lr
    solver.snapshot = min(args.snapshot or solver.snapshot, solver.max_iter)
    stage = Stage(
        net=args.net,
        dataset=dataset,
        folder=args.out or RUNS / f"{args.dataset}-{args.net}",
        weights=tuple(weights),
        solver=solver,
        data=crop_for(dataset, args.net),
        regime=args.regime,
        width=args.width,
    )
    if warning := copies_alone(args.net):
        command_line.warn(warning)
    restart = args.restart and not (group and group.attempt)
    result = train(stage, resume=not restart, keep=args.keep, group=group, gradients=args.gradients)
    if not is_root():
        return
    print(score.table({args.net: result.scores, **result.others}))
    for warning in score.warnings(dataset, result):
        command_line.warn(warning)
    print(f"weights, log, metrics and pictures are in {stage.folder}")


def _published_solver(args: argparse.Namespace, dataset: Dataset) -> caffe_pb2.SolverParameter:
    images = passes(dataset, dataset.val_split)
    if args.net in nets.ZOO:
        if args.regime:
            raise ValueError(f"{args.net} is trained by Adam or SGD: leave out --regime (REGIME=)")
        return solver_prototxt.of_zoo(dataset, args.net, test_iter=images, epochs=args.epochs)
    if args.epochs:
        raise ValueError(f"{args.net} is trained by iterations: give --iters (ITERS=)")
    return solver_prototxt.solver(
        dataset, args.net, test_iter=images, regime=args.regime, width=args.width
    )


if __name__ == "__main__":
    sys.exit(main())
