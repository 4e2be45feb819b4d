"""Every dataset's stages in small, each on its synthetic twin; `python -m tables` shows the scores.

    python -m solvers.twins [--out runs]

VOC's twin is the demo's. Here are the others: images in runs/twins, the stages in
runs/synthetic-DATASET-NET, at the width of the demo and from its classifier, the driving-scene
zoo's from nothing. A second run goes on where an interrupted one stopped.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import command_line
import nets
from data import synthetic
from data.datasets import DATASETS, passes

from . import demo, score, solver_prototxt
from .choose_device import choose_device
from .crops import crop_for
from .metrics import Scores
from .recipes import BEFORE, DEMO_DATASET, Stage
from .train_stage import train

TRAIN, VAL = 100, 20
ITERATIONS = 150
BASE_LR = 3e-8
NAMES = tuple(d.name for d in DATASETS.values() if d.twin_of and d.name != DEMO_DATASET)


def run(out: Path) -> dict[str, Scores]:
    """Run all stages below `out`; returns the scores of each by the folder of its run."""
    classifier = demo.pretrained(out / "demo")
    results = {}
    for name in NAMES:
        # One folder serves all sizes and tasks of a dataset.
        layout = DATASETS[name].layout
        home = out / "twins" / layout
        if not home.exists():
            synthetic.generate(home, train=TRAIN, val=VAL, seed=demo.SEED, dataset=layout)
        dataset = dataclasses.replace(DATASETS[name], home=home)
        for net in nets.nets_of(dataset):
            if {*BEFORE[net]} & {*nets.TORCHVISION}:
                continue  # what is frozen must have seen photographs
            images = passes(dataset, dataset.val_split)
            if net in nets.ZOO:
                solver = solver_prototxt.of_zoo(dataset, net, test_iter=images)
            else:
                solver = solver_prototxt.solver(dataset, net, test_iter=images)
                solver.base_lr = BASE_LR
            solver.max_iter = solver.snapshot = ITERATIONS
            weights = tuple(
                classifier
                if before in nets.CLASSIFIERS
                else out / f"{name}-{before}" / f"{before}.caffemodel"
                for before in BEFORE[net]
            )
            folder = out / f"{name}-{net}"
            stage = Stage(
                *(net, dataset, folder, weights, solver),
                width=demo.WIDTH,
                seed=demo.SEED,
                data=crop_for(dataset, net),
            )
            results[folder.name] = train(stage).scores
    return results


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m solvers.twins", __doc__)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder (runs)")
    parser.add_argument("--gpu", help="number of the GPU, or cpu (the GPU if there is one)")
    args = parser.parse_args(argv)
    return command_line.run(_train_all, args.out, args.gpu)


def _train_all(out: Path, gpu: str | None) -> None:
    choose_device(gpu)
    print(score.table(run(out)))
    print(f"the paper's tables with these beside: python -m tables --runs {out}")


if __name__ == "__main__":
    sys.exit(main())
