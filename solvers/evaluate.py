"""Score the weights of a net on a dataset's validation set, without training.

    python -m solvers.evaluate fcn8s --dataset voc --weights fcn8s-heavy-pascal.caffemodel \\
        --out runs/voc-fcn8s

For released models, and for a net trained on another form of the dataset. Writes val.prototxt and
metrics.csv (iteration 0) to a new folder, where `python -m tables` finds them.
"""

import argparse
import csv
import io
import sys
from pathlib import Path

import caffe
import nets
from caffe.files import prototxt, write_text
from data.datasets import DATASETS, Dataset, passes, require
from data.mine import find

from . import score
from .device import choose_device


def evaluate(net: str, dataset: Dataset, weights: Path, out: Path, *, width: float = 1.0):
    """Score `weights` and write the folder `out`; returns solvers.score.Evaluation.

    Raises FileExistsError for a folder that holds scores already, and ValueError for weights that
    lack some of the net's layers.
    """
    metrics = out / "metrics.csv"
    if metrics.exists():
        raise FileExistsError(f"{metrics} is there already: choose another folder (--out)")
    stored = caffe.storage.blob_shapes(weights)
    spec = nets.net_for(dataset, net, "val", width=width, home=dataset.home)
    write_text(out / "val.prototxt", prototxt(spec))
    loaded = caffe.Net(str(out / "val.prototxt"), caffe.TEST, weights=str(weights))
    if missing := [layer for layer in loaded.params if layer not in stored]:
        raise ValueError(f"{weights}: has no weights for {', '.join(missing)} of {net}")
    evaluation = score.evaluate(loaded, passes(dataset, dataset.val_split))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(score.header(dataset.classes, evaluation.others))
    writer.writerow(score.row(0, float("nan"), evaluation))
    write_text(metrics, text.getvalue())
    return evaluation


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m solvers.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("net", choices=(*nets.NETS, *nets.RGBD_NETS))
    parser.add_argument("--dataset", default="voc", help=f"{', '.join(DATASETS)}, mine (voc)")
    parser.add_argument("--data", type=Path, help="the dataset's folder, if it is elsewhere")
    parser.add_argument("--weights", type=Path, required=True, help="caffemodel to score")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--width", type=float, default=1.0, help="of the net (1)")
    parser.add_argument("--gpu", help="number of the GPU, or cpu (the GPU if there is one)")
    args = parser.parse_args(argv)
    try:
        choose_device(args.gpu)
        dataset = find(args.dataset, args.data)
        require(dataset)
        result = evaluate(args.net, dataset, args.weights, args.out, width=args.width)
    except (ValueError, OSError, caffe.CaffeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(score.table({args.net: result.scores, **result.others}))
    print(f"scores are in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
