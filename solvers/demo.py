"""The main job in small: pretrain, transplant, train FCN-32s, 16s, 8s, score, draw.

    python -m solvers.demo [--out runs/demo]

Everything is made here: textured shapes of the 20 VOC classes in exactly VOC's and SBD's layouts,
a VGG16 with an eighth of the channels, pretrained to classify single classes, and the three
stages, each from the last one's weights. A second run goes on where an interrupted one stopped.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

import caffe
import command_line
from data import picture_grid, synthetic
from data.datasets import DATASETS, Dataset, ids
from data.drawing import colours, legend
from infer import Predictor, load_image
from surgery.ilsvrc import convert

from . import score, solver_prototxt
from .choose_device import choose_device
from .metrics import Scores
from .pretrain import pretrain
from .progress import logging_to
from .recipes import DEMO_DATASET, Stage
from .train_stage import train

SEED = 1337
WIDTH = 0.125
TRAIN, VAL = 300, 40
PRETRAINING = 350  # iterations
# net: iterations, base learning rate. A small net from a short pretraining needs other rates than
# the published ones; they fall to zero, and momentum is lower, for there is little time to settle.
STAGES = {"fcn32s": (500, 5e-8), "fcn16s": (500, 4e-8), "fcn8s": (700, 4e-8)}
MOMENTUM = 0.9
PICTURES = 5


def pretrained(out: Path) -> Path:
    """Train the small classifier in folder `out`, if it is not there; its convolutional weights."""
    classifier = out / "classifier" / "vgg16.caffemodel"
    if not classifier.exists():
        caffe.set_random_seed(SEED)
        classifier.parent.mkdir(parents=True, exist_ok=True)
        with logging_to(classifier.parent / "log.txt"):
            pretrain(classifier.parent, width=WIDTH, iterations=PRETRAINING, seed=SEED)
    weights, report = convert(classifier, out / "vgg16-fcn.caffemodel")
    print(report)
    return weights


def run(out: Path) -> dict[str, Scores]:
    """Run the demo in folder `out`; returns the scores of each stage on the held-out images."""
    dataset = dataclasses.replace(DATASETS[DEMO_DATASET], home=out / "data")
    if not dataset.home.exists():
        synthetic.generate(dataset.home, train=TRAIN, val=VAL, seed=SEED)
    weights = pretrained(out)
    results = {}
    for net, (iterations, rate) in STAGES.items():
        solver = solver_prototxt.solver(dataset, net, test_iter=VAL)
        solver.max_iter = solver.snapshot = iterations
        solver.base_lr, solver.momentum = rate, MOMENTUM
        solver.lr_policy, solver.power = "poly", 1
        folder = out / net
        stage = Stage(net, dataset, folder, (weights,), solver, width=WIDTH, seed=SEED)
        results[net] = train(stage).scores
        weights = folder / f"{net}.caffemodel"
    draw(out, dataset)
    return results


def draw(out: Path, dataset: Dataset) -> None:
    """Write comparison.png: held-out images, their truth, and what each stage makes of them."""
    voc = dataset.home / dataset.splits["val"].folder
    names = ids(dataset, "val")[:PICTURES]
    predictors = [
        Predictor(net, out / net / f"{net}.caffemodel", mean=dataset.mean, classes=dataset.classes)
        for net in STAGES
    ]
    rows, labels = [], []
    for name in names:
        image = load_image(voc / "JPEGImages" / f"{name}.jpg")
        maps = [np.array(Image.open(voc / "SegmentationClass" / f"{name}.png"))]
        maps += [predictor(image) for predictor in predictors]
        rows.append([image, *map(colours, maps)])
        labels.extend(maps)
    columns = ("image", "truth", *STAGES)
    entries = legend(np.stack(labels), dataset.classes)
    picture_grid.grid(rows, columns, out / "comparison.png", entries)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m solvers.demo", __doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder (runs/demo)")
    parser.add_argument("--gpu", help="number of the GPU, or cpu (the GPU if there is one)")
    args = parser.parse_args(argv)
    return command_line.run(_demonstrate, args.out, args.gpu)


def _demonstrate(out: Path, gpu: str | None) -> None:
    started = time.monotonic()
    choose_device(gpu)
    results = run(out)
    minutes = (time.monotonic() - started) / 60
    print(f"\n{VAL} held-out images, {len(DATASETS[DEMO_DATASET].classes)} classes, in percent:\n")
    print(score.table(results))
    print(f"\n{minutes:.1f} minutes. Pictures: {out}/comparison.png, {out}/*/grid.png")
    print("Segment an image of your own: .venv/bin/python infer.py photo.jpg")


if __name__ == "__main__":
    sys.exit(main())
