"""Every dataset's stages in small, each on its synthetic twin; `python -m tables` shows the scores.

    python -m solvers.twins [--out runs]

VOC's twin is the demo's. Here are the others: images in runs/twins, the stages in
runs/synthetic-DATASET-NET, at the width of the demo and from its classifier. A second run goes on
where an interrupted one stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import caffe
import nets
from data import synthetic
from data.datasets import DATASETS, passes

from . import demo, prototxt, score
from .device import choose_device
from .metrics import Scores
from .stage import Stage, train
from .stages import BEFORE

TRAIN, VAL = 100, 20
ITERATIONS = 150
BASE_LR = 3e-8
NAMES = tuple(name for name in DATASETS if name.startswith("synthetic-"))


def run(out: Path) -> dict[str, Scores]:
    """Run all stages below `out`; returns the scores of each by the folder of its run."""
    classifier = demo.pretrained(out / "demo")
    results = {}
    for name in NAMES:
        # One folder serves all sizes and tasks of a dataset.
        home = out / "twins" / DATASETS[name].home.name.removeprefix("synthetic-")
        if not home.exists():
            synthetic.generate(home, train=TRAIN, val=VAL, seed=demo.SEED, dataset=home.name)
        dataset = dataclasses.replace(DATASETS[name], home=home)
        for net in nets.nets_of(dataset):
            images = passes(dataset, dataset.val_split)
            solver = prototxt.solver(dataset, net, test_iter=images)
            solver.max_iter = solver.snapshot = ITERATIONS
            solver.base_lr = BASE_LR
            weights = tuple(
                classifier
                if before in nets.CLASSIFIERS
                else out / f"{name}-{before}" / f"{before}.caffemodel"
                for before in BEFORE[net]
            )
            folder = out / f"{name}-{net}"
            stage = Stage(net, dataset, folder, weights, solver, width=demo.WIDTH, seed=demo.SEED)
            results[folder.name] = train(stage).scores
    return results


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m solvers.twins",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder (runs)")
    parser.add_argument("--gpu", help="number of the GPU, or cpu (the GPU if there is one)")
    args = parser.parse_args(argv)
    try:
        choose_device(args.gpu)
        results = run(args.out)
    except (ValueError, OSError, caffe.CaffeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(score.table(results))
    print(f"the paper's tables with these beside: python -m tables --runs {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
