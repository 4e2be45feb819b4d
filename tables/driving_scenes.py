"""Table 1 of the report on driving scenes, published and ours, and one image by every net.

    python -m tables.driving_scenes [--runs DIR] [--image N]

Ours are the last scores of runs/DATASET-NET, DATASET being idd (else its synthetic twin), idd-lite
and camvid. Writes driving_scenes.md and .csv, and for each dataset that has runs a picture: image N
of its validation split, its truth, and what every net makes of it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import caffe
import command_line
import nets
from data.datasets import VOID
from data.drawing import legend, overlay
from data.meaning import meaning_of
from data.picture_grid import gallery

from . import published, render
from .our_values import Ours, collect
from .output import OUT, publish

SOURCE = "zoo"
COLUMNS = 3  # of the pictures


class Finding(NamedTuple):
    """What the report says of the mean IU of two of its rows: that of `better` is higher."""

    text: str
    worse: str
    better: str


FINDINGS = (
    Finding("Rotated copies help (published: by 5 %)", "baseline", "rotation"),
    Finding("Mirrored copies hurt", "flip", "baseline"),
    Finding("Mirrored images in place of the originals hurt", "flip-alone", "baseline"),
    Finding("A weighted loss helps a little", "baseline", "weighted"),
    Finding("Transfer is better than the baseline", "baseline", "transfer"),
    Finding("RRCNN is worse than the baseline", "rrcnn", "baseline"),
    Finding("U-Net is worse than the baseline", "unet", "baseline"),
)


# The longest first: of flip-alone flip is the beginning
NETS = sorted(nets.ZOO, key=len, reverse=True)


def runs_of(table: published.Table, ours: Ours) -> dict[str, str]:
    """{net: folder of its run below that of the runs}, in the table's order."""
    found = {}
    for row in table.rows:
        if folder := ours.run(row):
            of = f"{row.dataset}-" if row.dataset else ""
            net = next(net for net in NETS if f"{of}{row.run}".endswith(f"-{net}"))
            found[net] = folder
    return found


def findings(runs: dict[str, str], ours: Ours) -> list[str]:
    """A line for each finding whose two nets have runs: what ours are, and whether it holds."""
    iu = {
        net: ours.runs[run]["mean_iu"] for net, run in runs.items() if "mean_iu" in ours.runs[run]
    }
    lines = []
    for text, worse, better in FINDINGS:
        if {worse, better} <= iu.keys():
            change = 100 * (iu[better] / iu[worse] - 1) if iu[worse] else float("inf")
            verdict = "holds" if iu[better] > iu[worse] else "does not hold"
            lines.append(
                f"- {text}: {worse} {100 * iu[worse]:.2f}, {better} {100 * iu[better]:.2f} "
                f"({change:+.1f} %): {verdict}"
            )
    return lines


def picture(folder: Path, runs: dict[str, str], image: int, png: Path) -> None:
    """Draw an image of the validation split, its truth and each net's labels over it.

    Nets whose weights are not there (a run that has not ended) are left out. Raises ValueError
    where the split has no such image.
    """
    pictures: dict[str, np.ndarray] = {}
    labels: list[np.ndarray] = []
    names: tuple[str, ...] = ()
    table = None
    for net, run in runs.items():
        weights = folder / run / f"{net}.caffemodel"
        found = meaning_of(weights) if weights.is_file() else None
        if found is None:
            continue
        names, mean, table = found[1][1:4]
        data, truth, predicted = _labelled(weights, image)
        rgb = np.clip(np.rint(data + np.reshape(mean, (3, 1, 1))), 0, 255)
        rgb = rgb.astype(np.uint8)[::-1].transpose(1, 2, 0)
        if not pictures:
            pictures = {"image": rgb, "truth": overlay(rgb, truth, table=table, background=VOID)}
            labels.append(truth)
        pictures[net] = overlay(rgb, predicted, table=table, background=VOID)
        labels.append(predicted)
    if pictures:
        entries = legend(np.concatenate([of.ravel() for of in labels]), names, table)
        gallery(pictures, COLUMNS, png, entries)


def _labelled(weights: Path, image: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Data (3, H, W), truth and prediction (H, W) uint8 of an image of a run's val net."""
    net = caffe.Net(str(weights.with_name("val.prototxt")), caffe.TEST, weights=str(weights))
    layer = net.layers[0]
    if not 0 <= image < layer.entries:
        raise ValueError(f"image {image}: the split has {layer.entries}, counted from 0 (--image)")
    layer.skip(image)
    net.forward()
    data, label, score = (net.blobs[name].data[0] for name in ("data", "label", "score"))
    return data, label[0].astype(np.uint8), score.argmax(0).astype(np.uint8)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m tables.driving_scenes", __doc__)
    parser.add_argument(
        "--runs", type=Path, default=OUT.parent, help=f"their folder ({OUT.parent})"
    )
    parser.add_argument("--out", type=Path, help=f"({OUT.name}/ below the runs')")
    parser.add_argument("--image", type=int, default=0, help="the image that is drawn (0)")
    return command_line.run(_tables, parser.parse_args(argv))


def _tables(args: argparse.Namespace) -> None:
    out = args.out or args.runs / OUT.name
    ours = collect(args.runs, out)
    filled = [render.fill(table, ours) for table in published.load(SOURCE)]
    text = render.markdown(filled)
    for each in filled:
        runs = runs_of(each.table, ours)
        if lines := findings(runs, ours):
            text += f"\n## {each.table.title}: what the report found\n\n" + "\n".join(lines) + "\n"
        first = next(iter(runs.values()), None)
        if first:
            dataset = first.removesuffix(f"-{next(iter(runs))}")
            picture(args.runs, runs, args.image, out / f"driving_scenes-{dataset}.png")
    publish(text, out, {"driving_scenes.md": text, "driving_scenes.csv": render.as_csv(filled)})


if __name__ == "__main__":
    sys.exit(main())
