"""An ILSVRC classifier made fully convolutional: what every first stage starts from.

    python -m surgery.ilsvrc [CLASSIFIER] [DST] [--source SOURCE] [--file FILE]

CLASSIFIER is caffenet, vgg16 (default), vgg19 or googlenet, whose published weights are fetched
from the first source that has them (--source names the only one; --file is a local copy), or a file
of such a net's weights. Its fc6 and fc7 become convolutions, its scores are dropped. DST is
data/ilsvrc-nets/NET-fcn.caffemodel by default, or NET-fcn.caffemodel beside the file.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import caffe
import command_line
import nets
from caffe.proto import caffe_pb2
from data.datasets import MEAN, ROOT
from data.weight_sources import ILSVRC, Input

from .compare_layers import fill
from .sources import add_source_options, from_first, read_for_caffe
from .transplant import Report, transplant

FOLDER = ROOT / "ilsvrc-nets"
FAR = 2  # gray levels by which the mean of a classifier may differ from the one that is subtracted


def converted(net: str) -> Path:
    """Where the published weights of a classifier, made fully convolutional, lie."""
    return FOLDER / f"{net}-fcn.caffemodel"


def convert(
    source: Path,
    target: Path | None = None,
    given: Input | None = None,
    *,
    expected: str | None = None,
) -> tuple[Path, Report]:
    """Write the fully convolutional caffemodel of the classifier `source`; its path, what was done.

    `target` is NET-fcn.caffemodel beside the source by default; `given` what
    `sources.read_for_caffe` takes; `expected` the only net it may be. The classifier may be of any
    width and number of classes. Raises FileNotFoundError if it is missing, ValueError if it is none
    of nets.CLASSIFIERS, not the expected one, or was trained with a mean too far from ILSVRC's.
    """
    if not source.exists():
        urls = ", ".join(f"{net} {sources[0].urls[0]}" for net, sources in ILSVRC.items())
        raise FileNotFoundError(
            f"{source} is missing: it is to be a classifier trained on ILSVRC ({urls})"
        )
    layers, seen = read_for_caffe(source, given)
    _check_mean(source, seen)
    shapes = {name: [array.shape for array in arrays] for name, arrays in layers.items()}
    try:
        net, classes, width = nets.classifier_of_shapes(shapes)
        if expected not in (None, net):
            raise ValueError(f"the weights of {net}, expected those of {expected}")
        old = _net(nets.classifier("deploy", net=net, classes=classes, width=width))
        fill(old, {name: arrays for name, arrays in layers.items() if name in old.params})
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    new = _net(nets.convolutional(net, width=width))
    report = transplant(new, old)
    target = target or source.with_name(f"{net}-fcn.caffemodel")
    target.parent.mkdir(parents=True, exist_ok=True)
    new.save(target)
    return target, report


def _check_mean(source: Path, seen: Input) -> None:
    off = max(abs(a - b) for a, b in zip(seen.mean or MEAN, MEAN, strict=True))
    if off > FAR:
        raise ValueError(
            f"{source}: trained on images less {seen.mean}, {off:.1f} gray levels from ILSVRC's "
            f"mean {MEAN}, about which the stages' images lie. The first convolution pads with "
            "zeros, so that another mean cannot be folded into it exactly; take another source"
        )


def _net(spec: caffe_pb2.NetParameter) -> caffe.Net:
    return caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m surgery.ilsvrc", __doc__)
    parser.add_argument("classifier", nargs="?", default="vgg16", metavar="CLASSIFIER")
    parser.add_argument("target", nargs="?", type=Path, metavar="DST")
    add_source_options(parser)
    args = parser.parse_args(argv)
    return command_line.run(_convert, args.classifier, args.target, args.source, args.file)


def _convert(classifier: str, target: Path | None, source: str | None, file: Path | None) -> None:
    if classifier in ILSVRC:

        def use(path: Path, given: Input | None) -> tuple[Path, Report]:
            return convert(path, target or converted(classifier), given, expected=classifier)

        sources = ILSVRC[classifier]
        command = f"make {classifier}-fcn"
        written, report = from_first(
            classifier, sources, FOLDER, use, command=command, source=source, file=file
        )
    else:
        written, report = convert(Path(classifier), target)
    print(report)
    print(f"written: {written}")


if __name__ == "__main__":
    sys.exit(main())
