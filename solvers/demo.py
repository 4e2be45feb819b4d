"""The main job in small: pretrain, transplant, train FCN-32s, 16s, 8s, score, draw.

    python -m solvers.demo [--out runs/demo] [--seeds 1]

Everything is made here: textured shapes of the 20 VOC classes in exactly VOC's and SBD's layouts,
a VGG16 with an eighth of the channels, pretrained to classify single classes, and the three
stages, each from the last one's weights, in the short regime. Several seeds share the data; the
first one's runs lie in the folder itself, the others' in seed-1338 and so on below it. A second run
goes on where an interrupted one stopped.
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
STAGES = {"fcn32s": 1400, "fcn16s": 400, "fcn8s": 400}  # iterations of each net
REGIME = "short"
PICTURES = 5


def pretrained(out: Path, seed: int = SEED) -> Path:
    """Train the small classifier in folder `out`, if it is not there; its convolutional weights."""
    classifier = out / "classifier" / "vgg16.caffemodel"
    if not classifier.exists():
        caffe.set_random_seed(seed)
        classifier.parent.mkdir(parents=True, exist_ok=True)
        with logging_to(classifier.parent / "log.txt"):
            pretrain(classifier.parent, width=WIDTH, iterations=PRETRAINING, seed=seed)
    weights, report = convert(classifier, out / "vgg16-fcn.caffemodel")
    print(report)
    return weights


def run(out: Path, seeds: int = 1) -> list[dict[str, Scores]]:
    """Run the demo in folder `out`; by seed the scores of each stage on the held-out images."""
    dataset = dataclasses.replace(DATASETS[DEMO_DATASET], home=out / "data")
    if not dataset.home.exists():
        synthetic.generate(dataset.home, train=TRAIN, val=VAL, seed=SEED)
    folders = [out, *(out / f"seed-{SEED + i}" for i in range(1, seeds))]
    results = [staged(folder, dataset, SEED + i) for i, folder in enumerate(folders)]
    draw(out, dataset)
    return results


def staged(out: Path, dataset: Dataset, seed: int) -> dict[str, Scores]:
    """Pretrain and train every stage in folder `out`; the scores of each stage."""
    weights = pretrained(out, seed)
    results = {}
    for net, iterations in STAGES.items():
        solver = solver_prototxt.solver(dataset, net, test_iter=VAL, regime=REGIME, width=WIDTH)
        solver.max_iter = solver.snapshot = iterations
        folder = out / net
        stage = Stage(
            *(net, dataset, folder, (weights,), solver, REGIME),
            width=WIDTH,
            seed=seed,
            data=dict(zoom=(1, 1)),  # the shapes are drawn at all sizes
        )
        results[net] = train(stage).scores
        weights = folder / f"{net}.caffemodel"
    return results


def spread(results: Sequence[dict[str, Scores]]) -> str:
    """The mean IU of every stage over several seeds, in percent: mean, lowest, highest."""
    lines = [f"{'mean IU':14}{'mean':>12}{'lowest':>12}{'highest':>12}"]
    for net in STAGES:
        found = [100 * scores[net].mean_iu for scores in results]
        lines.append(f"{net:14}{np.mean(found):12.1f}{min(found):12.1f}{max(found):12.1f}")
    return "\n".join(lines)


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
    parser.add_argument("--seeds", type=int, default=1, help="how often it trains (1)")
    parser.add_argument("--gpu", help="number of the GPU, or cpu (the GPU if there is one)")
    args = parser.parse_args(argv)
    return command_line.run(_demonstrate, args.out, args.seeds, args.gpu)


def _demonstrate(out: Path, seeds: int, gpu: str | None) -> None:
    started = time.monotonic()
    choose_device(gpu)
    results = run(out, seeds)
    minutes = (time.monotonic() - started) / 60
    print(f"\n{VAL} held-out images, {len(DATASETS[DEMO_DATASET].classes)} classes, in percent:\n")
    print(score.table(results[0]))
    if seeds > 1:
        print(f"\nover {seeds} seeds:\n\n{spread(results)}")
    print(f"\n{minutes:.1f} minutes. Pictures: {out}/comparison.png, {out}/*/grid.png")
    print("Segment an image of your own: .venv/bin/python infer.py photo.jpg")


if __name__ == "__main__":
    sys.exit(main())
