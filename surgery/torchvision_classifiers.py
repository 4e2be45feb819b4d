"""torchvision's AlexNet and GoogLeNet, with its weights, in Caffe.

    python -m surgery.torchvision_classifiers NET [DST] [--source SOURCE] [--file FILE]

NET is alexnet or googlenet. Writes DST, data/ilsvrc-nets/torchvision-NET.caffemodel by default, and
beside it the deploy prototxt. The net sees blue, green, red from 0 to 255, less the mean that is
printed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import command_line
import nets
from caffe.core.files import write_text
from caffe.proto.text import prototxt
from data.weight_sources import TORCHVISION_CLASSIFIERS, Input, Triple

from .compare_layers import filled
from .ilsvrc import FOLDER
from .sources import add_source_options, from_first, read_for_caffe

SCORES = {"alexnet": "classifier.6", "googlenet": "fc"}


def convert(
    net: str, target: Path, path: Path, given: Input | None, *, width: float = 1.0
) -> Triple | None:
    """Write the caffemodel and prototxt of a file of torchvision's weights; the mean it wants off.

    given is what `sources.read_for_caffe` takes. Raises ValueError where the file does not hold the
    net.
    """
    layers, seen = read_for_caffe(path, given)
    classes = len(layers[SCORES[net]][0]) if SCORES[net] in layers else 1000
    spec = nets.torchvision_classifier(net, classes=classes, width=width)
    converted = filled(spec, layers, f"{path}: not torchvision's {net}")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_text(target.with_suffix(".prototxt"), prototxt(spec))
    converted.save(target)
    return seen.mean


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m surgery.torchvision_classifiers", __doc__)
    parser.add_argument("net", choices=nets.TORCHVISION_CLASSIFIERS, metavar="NET")
    parser.add_argument("target", nargs="?", type=Path, metavar="DST")
    add_source_options(parser)
    args = parser.parse_args(argv)
    return command_line.run(_convert, args.net, args.target, args.source, args.file)


def _convert(net: str, target: Path | None, source: str | None, file: Path | None) -> None:
    target = target or FOLDER / f"torchvision-{net}.caffemodel"
    sources = TORCHVISION_CLASSIFIERS[net]
    use = partial(convert, net, target)
    command = f"make torchvision-{net}"
    mean = from_first(net, sources, FOLDER, use, command=command, source=source, file=file)
    print(f"written: {target}, for images less {mean} (blue, green, red)")


if __name__ == "__main__":
    sys.exit(main())
