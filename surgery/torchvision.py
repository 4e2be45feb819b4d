"""torchvision's segmentation nets with its weights, as caffemodels.

    python -m surgery.torchvision NET FILE [DST]

NET is deeplabv3-resnet101, fcn-resnet50 or fcn-resnet101; FILE its state_dict, as torchvision
downloads it (deeplabv3_resnet101_coco-586e9e4e.pth and so on). DST is
data/torchvision-nets/NET.caffemodel by default. Its first convolution takes what Caffe's data
layers give: blue, green, red, 0 to 255, less nets.BGR_MEAN.
"""

import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

import caffe
import command_line
import nets
from caffe.proto import caffe_pb2
from data.datasets import ROOT

from .state_dict import Names, load_state_dict

# What torchvision divides RGB of 0 to 1 by, less its mean
DEVIATION = (0.229, 0.224, 0.225)
FIRST = "backbone.conv1"


def names_of(net: caffe.Net) -> Names:
    """The table of a net of nets.TORCHVISION: its layers are called as torchvision's modules are.

    The head that serves training alone is left out.
    """
    names: dict[str, tuple[str, ...]] = {"aux_classifier": ()}
    for layer in net.params:
        if ".upscore" in layer:  # bilinear, as torch's interpolation, which has no weights
            continue
        module = layer.removesuffix(".scale")
        names[module] = (*names.get(module, ()), layer)
    return names


def fill(net: caffe.Net, state: dict[str, torch.Tensor], *, source: object) -> None:
    """Give a net of nets.TORCHVISION a state_dict of torchvision's, for images less nets.BGR_MEAN.

    That is exact with padding too: of both kinds of images the mean is 0. Raises what
    `load_state_dict` raises.
    """
    load_state_dict(net, state, names_of(net), source=source)
    weights = net.params[FIRST][0].data
    weights[...] = (weights / (255 * np.array(DEVIATION)[:, None, None]))[:, ::-1]


def converted(net: str) -> Path:
    """Where the caffemodel of a net of nets.TORCHVISION lies."""
    return ROOT / "torchvision-nets" / f"{net}.caffemodel"


def convert(name: str, source: Path, target: Path | None = None) -> Path:
    """Write the caffemodel of torchvision's weights; its path.

    Raises ValueError for a file without the net's state_dict, OSError for one that can't be read.
    """
    state = _read(source)
    classes = state["classifier.4.bias"].shape[0] if "classifier.4.bias" in state else 21
    net = caffe.Net.from_proto(
        nets.torchvision(name, classes=classes), caffe_pb2.NetState(phase=caffe.TEST)
    )
    fill(net, state, source=source)
    target = target or converted(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    net.save(target)
    return target


def _read(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a state_dict; no code in the file is run."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(
            f"{path}: no state_dict of tensors alone ({str(error).splitlines()[0]}); expected the "
            ".pth that torchvision downloads"
        ) from None
    if not isinstance(state, dict) or not all(map(torch.is_tensor, state.values())):
        raise ValueError(f"{path}: holds other things than tensors by name; save the state_dict")
    return state


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
