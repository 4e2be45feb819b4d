"""What whole images save: AlexNet on patches and on an image (section 3.1)."""

from typing import NamedTuple

import numpy as np

import caffe
import nets
from caffe.proto import caffe_pb2
from surgery.random_weights import draw
from tables.published import Column, Row, Table
from tables.render import Cell, Filled
from tables.times import device

from .report import Found
from .setting import Setting
from .timing import bars, seconds

MAP = 10  # patches on a side of an image, which are pixels of its fc6


class Case(NamedTuple):
    """What one pass is run on, and what the paper has of it: milliseconds of `shares` of the pass.

    name               in the table
    images             in the batch, of size x size pixels
    shares             parts of a pass that the times are of: each of the batch's patches is one
    forward, backward  the published milliseconds; None: not published
    """

    name: str
    images: int
    size: int
    shares: int
    forward: float
    backward: float | None


PATCH = Case("a patch, in a batch", images=10, size=227, shares=10, forward=1.2, backward=2.4)
ALONE = Case("a patch, alone", images=1, size=227, shares=1, forward=5.4, backward=None)
IMAGE = Case(f"an image: {MAP} x {MAP} patches", 1, size=500, shares=1, forward=22, backward=37)
CASES = (PATCH, ALONE, IMAGE)


def amortization(setting: Setting) -> Found:
    """AlexNet on a patch and on a whole image, as section 3.1 times it: forward and backward."""
    net = _alexnet(setting.width)
    measured = {
        case: [1000 * s / case.shares for s in _passes(net, case.images, case.size)]
        for case in CASES
    }
    kinds = ("forward, ms", "backward, ms")
    columns = (
        *(Column(f"{kind}, published") for kind in kinds),
        *(Column(k, "ours") for k in kinds),
    )
    printed = [[f"{ms:g}" if ms else "" for ms in (c.forward, c.backward)] for c in CASES]
    title = "Whole images amortize what patches have in common: AlexNet"
    filled = Filled(
        Table(
            title,
            columns,
            tuple(Row(c.name, (*p, None, None)) for c, p in zip(CASES, printed, strict=True)),
            "Long, Shelhamer, Darrell, CVPR 2015, section 3.1, on a GPU",
            (
                f"{PATCH.size} x {PATCH.size} and {IMAGE.size} x {IMAGE.size} pixels, width "
                f"{setting.width:g}.",
            ),
        ),
        tuple(
            (*map(Cell, p), *(Cell(ours=f"{ms:.3g}") for ms in measured[case]))
            for case, p in zip(CASES, printed, strict=True)
        ),
        (device(),) * len(CASES),
    )
    said = [
        _sentence("forward", (PATCH.forward, IMAGE.forward), measured, 0),
        _sentence("backward", (PATCH.backward or 0, IMAGE.backward or 0), measured, 1),
    ]
    a_patch = [measured[PATCH], measured[ALONE], [ms / MAP**2 for ms in measured[IMAGE]]]
    return Found([filled], said, bars(title, "ms a patch", [c.name for c in CASES], a_patch))


def _sentence(
    direction: str, published: tuple[float, float], measured: dict[Case, list[float]], kind: int
) -> str:
    """What was claimed, what was seen, whether it agrees; `published` of a patch and an image."""
    times = [MAP**2 * a / b for a, b in (published, (measured[PATCH][kind], measured[IMAGE][kind]))]
    return (
        f"Claimed (3.1): {direction}, an image is more than 5 times as fast as its {MAP**2} "
        f"patches ({times[0]:.1f} times by the published times). Seen: {times[1]:.1f} times; it "
        f"{'agrees' if times[1] > 5 else 'does not agree'}."
    )


def _alexnet(width: float) -> caffe.Net:
    """The convolutional CaffeNet without FCN's padding: fc6's map of 500 pixels is 10 x 10."""
    spec = nets.convolutional("caffenet", width=width)
    conv1 = next(layer for layer in spec.layer if layer.type == "Convolution")
    conv1.convolution_param.pad[:] = [0]
    spec.force_backward = True  # without a loss no layer has anything to do
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TRAIN))
    draw(net)
    return net


def _passes(net: caffe.Net, images: int, size: int) -> list[float]:
    """Seconds of a forward and of a backward pass."""
    (top,) = net.outputs
    net.blobs["data"].reshape(images, 3, size, size)
    net.blobs["data"].data[...] = np.random.default_rng(0).normal(0, 60, (images, 3, size, size))

    def backward() -> None:
        net.blobs[top].diff[...] = 1
        net.backward()

    return seconds(net.forward, backward)
