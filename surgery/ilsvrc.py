"""An ILSVRC classifier made fully convolutional: what every first stage starts from.

    python -m surgery.ilsvrc [CLASSIFIER] [DST]

CLASSIFIER is caffenet, vgg16 (default), vgg19 or googlenet, whose published caffemodel is fetched
where it is not there, or the caffemodel of such a net. Its fc6 and fc7 become convolutions, its
scores are dropped. DST is NET-fcn.caffemodel beside the caffemodel by default.
"""

import argparse
import sys
from pathlib import Path

import caffe
import nets
from caffe.proto import caffe_pb2
from caffe.storage.caffemodel import blob_shapes
from data.datasets import ILSVRC, ROOT
from data.download import download

from .transplant import Report, transplant


def converted(net: str) -> Path:
    """Where the published weights of a classifier, made fully convolutional, lie."""
    return (ROOT / ILSVRC[net].path).with_name(f"{net}-fcn.caffemodel")


def convert(source: Path, target: Path) -> Report:
    """Write `target`, the fully convolutional caffemodel of the classifier `source`.

    The classifier may be of any width and number of classes. Raises FileNotFoundError if it is
    missing, ValueError if it is none of nets.CLASSIFIERS.
    """
    net, classes, width = recognise(source)
    old = _net(nets.classifier("deploy", net=net, classes=classes, width=width))
    old.copy_from(source)
    new = _net(nets.convolutional(net, width=width))
    report = transplant(new, old)
    new.save(target)
    return report


def recognise(source: Path) -> tuple[str, int, float]:
    """(net, classes, width) of a classifier's caffemodel, as `nets.classifier` takes them.

    The file may have further layers, as GoogLeNet's other losses. Raises as `convert` does.
    """
    if not source.exists():
        urls = ", ".join(f"{net} {file.url}" for net, file in ILSVRC.items())
        raise FileNotFoundError(
            f"{source} is missing: it is to be a classifier trained on ILSVRC ({urls})"
        )
    # Biases are the last axis also in files of the time when every blob had four.
    found = {name: blobs[1][-1] for name, blobs in blob_shapes(source).items() if len(blobs) > 1}
    layers = {net: set(_outputs(net, 1, 1)) for net in nets.CLASSIFIERS}
    net = max(
        layers, key=lambda net: (layers[net] <= found.keys(), len(layers[net] & found.keys()))
    )
    if missing := layers[net] - found.keys():
        raise ValueError(
            f"{source}: no layer {', '.join(sorted(missing))}; expected the caffemodel of a "
            f"classifier ({', '.join(layers)}), found layers {', '.join(found) or 'of none'}"
        )
    classes = found[list(_outputs(net, 1, 1))[-1]]
    width = nets.width_of(found, _outputs(net, classes, 1), _outputs(net, classes, 0))
    if width is None:
        raise ValueError(f"{source}: the layers of {net}, but not its channels, nor a part of them")
    return net, classes, width


def _outputs(net: str, classes: int, width: float) -> dict[str, int]:
    """Output channels of a classifier's layers with parameters, from the image on."""
    outputs = {}
    for layer in nets.classifier("deploy", net=net, classes=classes, width=width).layer:
        if layer.type == "Convolution":
            outputs[layer.name] = layer.convolution_param.num_output
        elif layer.type == "InnerProduct":
            outputs[layer.name] = layer.inner_product_param.num_output
    return outputs


def _net(spec: caffe_pb2.NetParameter) -> caffe.Net:
    return caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m surgery.ilsvrc",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("classifier", nargs="?", default="vgg16", metavar="CLASSIFIER")
    parser.add_argument("target", nargs="?", type=Path, metavar="DST")
    args = parser.parse_args(argv)
    try:
        if args.classifier in ILSVRC:
            published = ILSVRC[args.classifier]
            source = ROOT / published.path
            download(published.url, source, published.digest)
        else:
            source = Path(args.classifier)
        target = args.target or source.with_name(f"{recognise(source)[0]}-fcn.caffemodel")
        print(convert(source, target))
    except (ValueError, OSError, caffe.CaffeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"written: {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
