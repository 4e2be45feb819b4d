"""torchvision's segmentation nets with its weights, as caffemodels.

    python -m surgery.torchvision NET FILE [DST]

NET is deeplabv3-resnet101, fcn-resnet50 or fcn-resnet101; FILE its state_dict, as torchvision
downloads it (deeplabv3_resnet101_coco-586e9e4e.pth and so on). DST is
data/torchvision-nets/NET.caffemodel by default. Its first convolution takes what Caffe's data
layers give: blue, green, red, 0 to 255, less nets.BGR_MEAN.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

import caffe
import command_line
import nets
from caffe.proto import caffe_pb2
from data.datasets import ROOT
from data.weight_sources import TORCHVISION

from . import compare_layers
from .first_filters import fold
from .from_torch import from_torch
from .readers import reading
from .readers.torch_file import read_state_dict
from .torch_names import Names

FIRST = "backbone.conv1"


def names_of(net: caffe.Net) -> Names:
    """The table of a net of nets.TORCHVISION: its layers are called as torchvision's modules are.

    The head that serves training alone is left out.
    """
    names: Names = {"aux_classifier": ()}
    for layer in net.params:
        if layer in _upsampling(net):
            continue
        module = layer.removesuffix(".scale")
        names[module] = (*names.get(module, ()), layer)
    return names


def fill(net: caffe.Net, state: Mapping[str, torch.Tensor]) -> None:
    """Give a net of nets.TORCHVISION a state_dict of torchvision's, for images less nets.BGR_MEAN.

    All of its layers or none: raises what `from_torch` and `compare_layers.fill` raise.
    """
    layers = from_torch(state, names_of(net))
    layers |= {name: [blob.data for blob in net.params[name]] for name in _upsampling(net)}
    compare_layers.fill(net, layers)
    filters = net.params[FIRST][0].data
    filters[...] = fold(filters, TORCHVISION)


def _upsampling(net: caffe.Net) -> set[str]:
    """The layers that are bilinear, as torch's interpolation, which has no weights."""
    return {layer for layer in net.params if ".upscore" in layer}


def converted(net: str) -> Path:
    """Where the caffemodel of a net of nets.TORCHVISION lies."""
    return ROOT / "torchvision-nets" / f"{net}.caffemodel"


def convert(name: str, source: Path, target: Path | None = None) -> Path:
    """Write the caffemodel of torchvision's weights; its path.

    Raises ValueError for a file without the net's state_dict, OSError for one that can't be read.
    """
    with reading(source):
        state = read_state_dict(source)
    classes = state["classifier.4.bias"].shape[0] if "classifier.4.bias" in state else 21
    net = caffe.Net.from_proto(
        nets.torchvision(name, classes=classes), caffe_pb2.NetState(phase=caffe.TEST)
    )
    try:
        fill(net, state)
    except ValueError as error:
        raise ValueError(f"{source}: not torchvision's {name}: {error}") from None
    target = target or converted(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    net.save(target)
    return target


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m surgery.torchvision", __doc__)
    parser.add_argument("net", choices=nets.TORCHVISION, metavar="NET")
    parser.add_argument("source", type=Path, metavar="FILE")
    parser.add_argument("target", nargs="?", type=Path, metavar="DST")
    args = parser.parse_args(argv)
    return command_line.run(_convert, args.net, args.source, args.target)


def _convert(net: str, source: Path, target: Path | None) -> None:
    print(f"written: {convert(net, source, target)}")


if __name__ == "__main__":
    sys.exit(main())
