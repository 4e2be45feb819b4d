"""The short regime beside the heavy one: mean IU of FCN-32s against the time that it has trained.

    python -m solvers.compare_regimes --camvid FOLDER [--demo runs/demo] [--out runs/regimes]

Both start from the demo's classifier, on the demo's images and on CamVid, and see equally many. The
heavy regime has the rates that were found for it here, for the published one is a full VGG16's.
Time is the processors', so that other work on the machine changes little. Writes regimes.png.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

import command_line
from caffe.core.files import replacing
from data.datasets import DATASETS, Dataset, passes, require

from . import demo, solver_prototxt
from .choose_device import choose_device
from .curve import series
from .recipes import DEMO_DATASET, Stage
from .train_stage import dataset_at, train

NET = "fcn32s"
ITERATIONS, SCORED = 600, 100  # of each training, and between two scores
HEAVY_LR = {DEMO_DATASET: 5e-9, "camvid": 4e-9}


class Run(NamedTuple):
    """One training: its regime, minutes of the processors, and mean IU in percent at each score."""

    regime: str
    minutes: list[float]
    mean_iu: list[float]


def trained(dataset: Dataset, regime: str, classifier: Path, out: Path) -> Run:
    """Train NET on a dataset in folder `out`, in one regime."""
    images = passes(dataset, dataset.val_split)
    solver = solver_prototxt.solver(dataset, NET, test_iter=images, regime=regime, width=demo.WIDTH)
    solver.max_iter, solver.snapshot = ITERATIONS, SCORED
    if regime == "heavy":
        solver.base_lr = HEAVY_LR[dataset.name]
    folder = out / f"{dataset.name}-{regime}"
    stage = Stage(NET, dataset, folder, (classifier,), solver, regime, width=demo.WIDTH)
    began = time.process_time()
    train(stage, resume=False)
    share = (time.process_time() - began) / 60 / ITERATIONS
    iterations, mean_iu = series(folder / "metrics.csv", "mean_iu")
    return Run(regime, [share * i for i in iterations], [100 * value for value in mean_iu])


def draw(runs: dict[str, list[Run]], png: Path) -> None:
    """A panel for each title of `runs`, a line for each of its trainings."""
    figure = Figure(figsize=(5 * len(runs), 3.6), layout="constrained")
    for axes, (title, of) in zip(figure.subplots(1, len(runs)), runs.items(), strict=True):
        for run in of:
            axes.plot(run.minutes, run.mean_iu, marker="o", markersize=4, label=run.regime)
        axes.set_title(title)
        axes.set_xlabel("minutes of processor time")
        axes.set_ylabel("mean IU, percent")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
    with replacing(png) as file:
        figure.savefig(file, format="png", dpi=120)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m solvers.compare_regimes", __doc__)
    parser.add_argument("--camvid", type=Path, required=True, help="CamVid in VOC layout")
    parser.add_argument("--demo", type=Path, default=Path("runs/demo"), help="the demo's folder")
    parser.add_argument("--out", type=Path, default=Path("runs/regimes"), help="folder of the runs")
    args = parser.parse_args(argv)
    return command_line.run(_compare, args.demo, args.camvid, args.out)


def _compare(demo_folder: Path, camvid: Path, out: Path) -> None:
    choose_device("cpu")
    synthetic = dataclasses.replace(DATASETS[DEMO_DATASET], home=demo_folder / "data")
    datasets = {"the demo's images": synthetic, "CamVid": dataset_at("camvid", camvid)}
    for dataset in datasets.values():
        require(dataset)
    classifier = demo.pretrained(demo_folder)
    runs = {
        title: [trained(dataset, regime, classifier, out) for regime in ("short", "heavy")]
        for title, dataset in datasets.items()
    }
    draw(runs, out / "regimes.png")
    for title, of in runs.items():
        for run in of:
            print(f"{title}, {run.regime}: {run.mean_iu[-1]:.1f} after {run.minutes[-1]:.1f} min")
    print(f"the figure is {out / 'regimes.png'}")


if __name__ == "__main__":
    sys.exit(main())
