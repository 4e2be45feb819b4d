"""Run the paper's studies: each trains its arms, and writes a table, a figure and what is seen.

    python -m studies NAME [NAME ...] [--dataset NAME --data DIR --weights FILE] ...

Without a dataset they run on synthetic images, from the demo's classifier, in small. Arms that are
trained lie in arms/ of the folder --out and are never trained again; one that was broken off goes
on where it was. NAME.md, NAME.csv and NAME.png are written as soon as a study has ended.
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import command_line
from data import synthetic
from data.custom import NAMES as DATASET_NAMES
from data.datasets import DATASETS, Dataset, require
from solvers import demo
from solvers.choose_device import choose_device
from solvers.recipes import DEMO_DATASET, RUNS, SHORT, default_weights, require_weights
from solvers.train_stage import dataset_at

from . import report
from .amortization import amortization
from .catalogue import STUDIES
from .finer_scores import finer_scores
from .setting import STAGES, Setting
from .training import train_arm

MEASURED = {"amortization": amortization, "shift-and-stitch": finer_scores}
NAMES = (*STUDIES, *MEASURED)
RATE = SHORT.base_lr
# Of the synthetic images
TRAIN, VAL = 100, 20
ITERATIONS = 100


def run(name: str, setting: Setting) -> report.Found:
    """Run one of NAMES; what it found."""
    if name in MEASURED:
        return MEASURED[name](setting)
    study = STUDIES[name]
    arms = [arm for arm in study.arms if setting.family in (arm.families or STAGES)]
    outcomes = {arm.name: [train_arm(setting, arm, seed) for seed in setting.seeds] for arm in arms}
    return report.Found(
        [report.table(study, outcomes, setting)],
        report.sentences(study, outcomes),
        report.figure(study, outcomes),
    )


def _dataset(args: argparse.Namespace) -> Dataset:
    """The dataset that was asked for; the synthetic one is made where it is missing."""
    if args.dataset == DEMO_DATASET and args.data is None:
        home = args.out / "data"
        if not home.exists():
            synthetic.generate(home, train=TRAIN, val=VAL, seed=demo.SEED)
        return dataclasses.replace(DATASETS[DEMO_DATASET], home=home)
    dataset = dataset_at(args.dataset, args.data)
    require(dataset)
    return dataset


def _weights(args: argparse.Namespace) -> tuple[Path, float]:
    """The classifier that all start from, given, the demo's or the published one; its width."""
    net = STAGES[args.family][0]
    if args.weights is None and args.dataset == DEMO_DATASET and args.family == "vgg16":
        return demo.pretrained(RUNS / "demo"), demo.WIDTH
    (path,) = default_weights(args.dataset, net) if args.weights is None else [args.weights]
    require_weights(args.dataset, net, [path], given=args.weights is not None)
    return path, args.width


def main(argv: Sequence[str] | None = None) -> int:
    positive = command_line.positive
    parser = command_line.parser("python -m studies", __doc__)
    parser.add_argument("names", nargs="+", choices=(*NAMES, "all"), metavar="NAME")
    parser.add_argument("--dataset", choices=DATASET_NAMES, default=DEMO_DATASET, metavar="NAME")
    parser.add_argument("--data", type=Path, help="the dataset's folder, if it is elsewhere")
    parser.add_argument("--family", choices=STAGES, default="vgg16", help="of the nets (vgg16)")
    parser.add_argument("--weights", type=Path, help="caffemodel of the family's classifier")
    parser.add_argument(
        "--width", type=positive(float), default=1.0, help="of the classifier that is given (1)"
    )
    parser.add_argument("--lr", type=positive(float), default=RATE, help=f"base rate ({RATE:g})")
    parser.add_argument("--iters", type=positive(int), default=ITERATIONS, help=f"({ITERATIONS})")
    parser.add_argument("--seeds", type=positive(int), default=3, help="runs of each arm (3)")
    parser.add_argument("--downscale", type=positive(int), default=2, help="of the images (2)")
    parser.add_argument("--out", type=Path, help="folder (runs/studies-DATASET)")
    parser.add_argument("--gpu", help="number of the GPU, or cpu (the GPU if there is one)")
    args = parser.parse_args(argv)
    args.out = args.out or RUNS / f"studies-{args.dataset}"
    return command_line.run(_run_all, args, sys.argv[1:] if argv is None else argv)


def _run_all(args: argparse.Namespace, argv: Sequence[str]) -> None:
    choose_device(args.gpu)
    weights, width = _weights(args)
    setting = Setting(
        dataset=_dataset(args),
        family=args.family,
        weights=weights,
        width=width,
        rate=args.lr,
        iterations=args.iters,
        seeds=tuple(range(1, args.seeds + 1)),
        out=args.out,
        downscale=args.downscale,
    )
    for name in NAMES if "all" in args.names else args.names:
        report.write(name, run(name, setting), setting.out, ["python", "-m", "studies", *argv])


if __name__ == "__main__":
    sys.exit(main())
