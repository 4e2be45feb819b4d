"""An ILSVRC classifier made fully convolutional: what every first stage starts from.

    python -m surgery.ilsvrc [CLASSIFIER] [DST]

CLASSIFIER is caffenet, vgg16 (default), vgg19 or googlenet, whose published caffemodel is fetched
where it is not there, or the caffemodel of such a net. Its fc6 and fc7 become convolutions, its
scores are dropped. DST is NET-fcn.caffemodel beside the caffemodel by default.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import caffe
import command_line
import nets
from caffe.proto import caffe_pb2
from caffe.storage.caffemodel import blob_shapes
from data.datasets import ILSVRC, ROOT
from data.download import download

from .transplant import Report, transplant


def converted(net: str) -> Path:
    """Where the published weights of a classifier, made fully convolutional, lie."""
    return _converted(ROOT / ILSVRC[net].path, net)


def convert(source: Path, target: Path | None = None) -> tuple[Path, Report]:
    """Write the fully convolutional caffemodel of the classifier `source`; its path, what was done.

    `target` is NET-fcn.caffemodel beside the source by default. The classifier may be of any width
    and number of classes. Raises FileNotFoundError if it is missing, ValueError if it is none of
    nets.CLASSIFIERS.
    """
    if not source.exists():
        urls = ", ".join(f"{net} {file.url}" for net, file in ILSVRC.items())
        raise FileNotFoundError(
            f"{source} is missing: it is to be a classifier trained on ILSVRC ({urls})"
        )
    try:
        net, classes, width = nets.classifier_of_shapes(blob_shapes(source))
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    old = _net(nets.classifier("deploy", net=net, classes=classes, width=width))
    old.copy_from(source)
    new = _net(nets.convolutional(net, width=width))
    report = transplant(new, old)
    target = target or _converted(source, net)
    new.save(target)
    return target, report


def _converted(source: Path, net: str) -> Path:
    return source.with_name(f"{net}-fcn.caffemodel")


def _net(spec: caffe_pb2.NetParameter) -> caffe.Net:
    return caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m surgery.ilsvrc", __doc__)
    parser.add_argument("classifier", nargs="?", default="vgg16", metavar="CLASSIFIER")
    parser.add_argument("target", nargs="?", type=Path, metavar="DST")
    args = parser.parse_args(argv)
    return command_line.run(_convert, args.classifier, args.target)


def _convert(classifier: str, target: Path | None) -> None:
    if classifier in ILSVRC:
        published = ILSVRC[classifier]
        source = ROOT / published.path
        download(published.url, source, published.digest)
    else:
        source = Path(classifier)
    target, report = convert(source, target)
    print(report)
    print(f"written: {target}")


if __name__ == "__main__":
    sys.exit(main())
