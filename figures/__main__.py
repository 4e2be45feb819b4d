"""Draw Figures 3 to 6 of the paper of our own nets: figure-3.png and so on.

    python -m figures [--weights FILE ...] [--data FOLDER]

3: the net's layers as grids, and its skips. 4: the labels from its coarsest scores to its finest.
5: the sampling study, as `make study-patches` has drawn it last. 6: what each of the weights says,
beside the truth. Without --data the photographs are samples, whose truth nobody has drawn.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import command_line
from caffe.core.files import replacing
from data.custom import NAME as MINE
from data.custom import custom
from data.datasets import DATASETS
from solvers.recipes import RUNS
from solvers.train_stage import dataset_at

from . import architecture, pictures

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "models" / "fcn-squeezenet-voc.caffemodel"
SAMPLES = ROOT / "page" / "static" / "samples"
PATCHES = "studies-*/patches.png"  # below the runs: of each dataset


def draw(weights: Sequence[Path], data: Path | None, out: Path) -> list[Path]:
    """Draw the figures to a folder; the files. Figure 5 only where its study was run.

    Raises ValueError for weights of different classes, and what reading them and the data raises.
    """
    nets = [pictures.load(path) for path in weights]
    for path, net in zip(weights, nets, strict=True):
        if net.meaning.classes != nets[0].meaning.classes:
            raise ValueError(
                f"{path}: its classes are {', '.join(net.meaning.classes)}, those of {weights[0]} "
                f"{', '.join(nets[0].meaning.classes)}: compare nets of the same classes"
            )
    last = nets[-1]
    drawn = [out / f"figure-{number}.png" for number in (3, 4, 6)]
    with replacing(drawn[0]) as file:
        figure = architecture.figure(last.predictor.param, last.name)
        figure.savefig(file, format="png", dpi=150, bbox_inches="tight")
    if data is None:
        shown = pictures.from_files(sorted(SAMPLES.glob("*.jpg")))
    else:
        name = last.meaning.dataset
        shown = pictures.from_dataset(
            custom(data) if name == MINE or name not in DATASETS else dataset_at(name, data)
        )
    pictures.refinement(last, shown, drawn[1])
    pictures.comparison(nets, shown, drawn[2])
    studies = sorted(RUNS.glob(PATCHES), key=lambda path: path.stat().st_mtime)
    if studies:
        shutil.copy(studies[-1], out / "figure-5.png")
        drawn.append(out / "figure-5.png")
    else:
        command_line.warn(f"no {RUNS}/{PATCHES}, so no Figure 5: `make study-patches` draws it")
    return sorted(drawn)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m figures", __doc__)
    parser.add_argument(
        "--weights",
        type=Path,
        action="append",
        help="caffemodel; several may be given, of the last Figures 3 and 4 are (the repository's)",
    )
    parser.add_argument("--data", type=Path, help="folder of the weights' dataset, for the truth")
    parser.add_argument("--out", type=Path, default=RUNS / "figures", help="(runs/figures)")
    args = parser.parse_args(argv)
    return command_line.run(_draw, args.weights or [WEIGHTS], args.data, args.out)


def _draw(weights: Sequence[Path], data: Path | None, out: Path) -> None:
    for path in draw(weights, data, out):
        print(path)


if __name__ == "__main__":
    sys.exit(main())
