"""The classifier VGG16 made fully convolutional: what every first stage starts from.

    python -m surgery.ilsvrc [SRC] [DST]

fc6 and fc7 become convolutions, fc8 is dropped. By default SRC is the published caffemodel and DST
vgg16-fcn.caffemodel beside it.
"""

import argparse
import sys
from pathlib import Path

import caffe
import nets
from caffe.proto import caffe_pb2
from caffe.storage import blob_shapes
from data.datasets import ROOT, VGG16
from nets.data import input_layers
from nets.fcn import features
from nets.parts import FC_CHANNELS

from .transplant import Report, transplant

SOURCE = ROOT / VGG16.path
FULLY_CONVOLUTIONAL = SOURCE.with_name("vgg16-fcn.caffemodel")


def convert(source: Path, target: Path) -> Report:
    """Write `target`, the fully convolutional caffemodel of the VGG16 classifier `source`.

    The classifier may be of any width and number of classes. Raises FileNotFoundError if it is
    missing, ValueError if it is no VGG16.
    """
    if not source.exists():
        raise FileNotFoundError(
            f"{source} is missing: it is VGG16 trained on ILSVRC. Get {VGG16.url} and put it there"
        )
    shapes = blob_shapes(source)
    classifier = nets.classifier("deploy", classes=1)
    if missing := _with_parameters(classifier) - shapes.keys():
        raise ValueError(
            f"{source}: no layer {', '.join(sorted(missing))}; expected the caffemodel of a VGG16 "
            f"classifier, found layers {', '.join(shapes)}"
        )
    # Biases are the last axis also in files of the time when every blob had four.
    classes, width = shapes["fc8"][1][-1], shapes["fc7"][1][-1] / FC_CHANNELS
    old = _net(nets.classifier("deploy", classes=classes, width=width))
    old.copy_from(source)
    n = caffe.NetSpec()
    input_layers(n, "deploy", None, size=500)
    features(n, "deploy", width)
    new = _net(n.to_proto())
    report = transplant(new, old)
    new.save(target)
    return report


def _with_parameters(net: caffe_pb2.NetParameter) -> set[str]:
    return {layer.name for layer in net.layer if layer.type in ("Convolution", "InnerProduct")}


def _net(spec: caffe_pb2.NetParameter) -> caffe.Net:
    return caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m surgery.ilsvrc",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", nargs="?", type=Path, default=SOURCE, metavar="SRC")
    parser.add_argument("target", nargs="?", type=Path, default=FULLY_CONVOLUTIONAL, metavar="DST")
    args = parser.parse_args(argv)
    try:
        print(convert(args.source, args.target))
    except (ValueError, OSError, caffe.CaffeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"written: {args.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
