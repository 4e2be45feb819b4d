"""Score the weights of a net on a dataset's validation set, without training.

    python -m solvers.evaluate fcn8s --dataset voc --weights fcn8s-heavy-pascal.caffemodel \\
        --out runs/voc-fcn8s

For released models, and for a net trained on another form of the dataset. Writes val.prototxt and
metrics.csv (iteration 0) to a new folder, where `python -m tables` finds them. Several GPUs
(--gpus), or processes on the CPU (--nproc 2), share the images; the numbers are those of one. With
--compare-precision it writes precision.csv instead: how the scores and the mean IU in --precision
differ from those in fp32; with --compare-onnx, those of the net as an ONNX file, of 8-bit integers
say.
"""

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import caffe
import command_line
import nets
from caffe.core.files import write_text
from caffe.core.ranks import is_root
from caffe.distributed.group import Group
from caffe.proto.text import prototxt
from data.custom import NAMES, find
from data.datasets import Dataset, passes, require
from data.meaning import meaning_of

from . import compare_precision, score
from .initialise import check_shapes
from .recipes import as_seen
from .run_on_ranks import add_rank_options, run_on_ranks


def evaluate(
    net: str,
    dataset: Dataset,
    weights: Path,
    out: Path,
    *,
    width: float = 1.0,
    group: Group | None = None,
) -> score.Evaluation:
    """Score `weights` and write the folder `out`; returns the scores.

    group: the ranks that share the images, each calling this; rank 0 writes the scores. Raises
    FileExistsError for a folder that holds scores already, and ValueError for weights that lack
    some of the net's layers.
    """
    metrics = _new(out / "metrics.csv")
    loaded = _val_net(net, dataset, weights, out, width)
    evaluation = score.evaluate(loaded, passes(dataset, dataset.val_split), group=group)
    if not is_root():
        return evaluation
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(score.header(dataset.classes, evaluation.others))
    writer.writerow(score.row(0, float("nan"), evaluation))
    write_text(metrics, text.getvalue())
    return evaluation


def evaluate_precision(
    net: str,
    dataset: Dataset,
    weights: Path,
    out: Path,
    other: compare_precision.Other,
    name: str,
    *,
    width: float = 1.0,
) -> dict[str, compare_precision.Comparison]:
    """Write precision.csv to the folder `out`: what another precision changes against fp32.

    Raises what `evaluate` and `other` raise.
    """
    path = _new(out / "precision.csv")
    loaded = _val_net(net, dataset, weights, out, width)
    heads = compare_precision.compare(loaded, passes(dataset, dataset.val_split), other)
    write_text(path, compare_precision.as_csv(heads, name))
    return heads


def _new(path: Path) -> Path:
    if path.exists():
        raise FileExistsError(f"{path} is there already: choose another folder (--out)")
    return path


def _val_net(net: str, dataset: Dataset, weights: Path, out: Path, width: float) -> caffe.Net:
    """The val net with these weights, its prototxt written to `out`."""
    stored = caffe.storage.caffemodel.blob_shapes(weights)
    found = meaning_of(weights)
    if found and found[1].classes != dataset.classes:
        raise ValueError(
            f"{weights}: was trained on {found[1].dataset}, with the classes "
            f"{', '.join(found[1].classes)} ({found[0]}); {dataset.title} has "
            f"{', '.join(dataset.classes)}: give its own dataset (--dataset, --data), or, if the "
            f"names alone differ, remove {found[0].name}"
        )
    spec = nets.net_for(dataset, net, "val", width=width, home=dataset.home)
    write_text(out / "val.prototxt", prototxt(spec))  # each rank the same, whole
    loaded = caffe.Net(str(out / "val.prototxt"), caffe.TEST)
    if missing := [layer for layer in loaded.params if layer not in stored]:
        raise ValueError(f"{weights}: has no weights for {', '.join(missing)} of {net}")
    check_shapes(weights, stored, loaded, net, width)
    loaded.copy_from(str(weights))
    return loaded


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    parser = command_line.parser("python -m solvers.evaluate", __doc__)
    parser.add_argument("net", choices=(*nets.NETS, *nets.RGBD_NETS, *nets.ZOO))
    parser.add_argument(
        "--dataset", help=f"{', '.join(NAMES)} (that which the weights were trained on)"
    )
    parser.add_argument("--data", type=Path, help="the dataset's folder, if it is elsewhere")
    parser.add_argument("--weights", type=Path, required=True, help="caffemodel to score")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--width", type=float, default=1.0, help="of the net (1)")
    add_rank_options(parser)
    parser.add_argument("--precision", default="fp32", help="fp32, tf32 or bf16 (fp32)")
    parser.add_argument(
        "--compare-precision", action="store_true", help="hold --precision against fp32, see above"
    )
    parser.add_argument(
        "--compare-onnx", type=Path, metavar="FILE", help="hold an ONNX file against the net, too"
    )
    args = parser.parse_args(words)
    return command_line.run(run_on_ranks, "solvers.evaluate", words, args, _evaluate)


def _evaluate(args: argparse.Namespace, group: Group | None) -> None:
    caffe.set_precision(args.precision)
    dataset = as_seen(find(args.dataset or _trained_on(args.weights), args.data), args.net)
    require(dataset)
    given = (args.net, dataset, args.weights, args.out)
    if args.compare_precision or args.compare_onnx:
        if group:
            raise ValueError("--compare-... is one process's: leave out --gpus and --nproc")
        other, name = _other(args)
        heads = evaluate_precision(*given, other, name, width=args.width)
        print(compare_precision.table(heads, name))
        return
    result = evaluate(*given, width=args.width, group=group)
    if not is_root():
        return
    print(score.table({args.net: result.scores, **result.others}))
    for warning in score.warnings(dataset, result):
        command_line.warn(warning)
    print(f"scores are in {args.out}")


def _other(args: argparse.Namespace) -> tuple[compare_precision.Other, str]:
    """What is held against fp32, and its name."""
    if args.compare_onnx:
        return compare_precision.in_onnx(args.compare_onnx), str(args.compare_onnx)
    if args.precision == "fp32":
        raise ValueError("--compare-precision holds --precision against fp32: give bf16 or tf32")
    return compare_precision.in_precision(args.precision), args.precision


def _trained_on(weights: Path) -> str:
    found = meaning_of(weights)
    if found is None:
        raise ValueError(
            f"{weights}: no {weights.stem}.json beside it says what it was trained on: name the "
            "dataset (--dataset)"
        )
    return found[1].dataset


if __name__ == "__main__":
    sys.exit(main())
