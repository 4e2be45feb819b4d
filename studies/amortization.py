"""What whole images save: AlexNet on patches and on an image (section 3.1)."""

import numpy as np

import caffe
import nets
from caffe.proto import caffe_pb2
from surgery.random_weights import draw
from tables.published import Column, Row, Table, number
from tables.render import Cell, Filled
from tables.times import device

from .report import Found
from .setting import Setting
from .timing import bars, seconds

PATCH, IMAGE, MAP = 227, 500, 10  # pixels of AlexNet's input and of an image; patches on a side
PATCHES = 10  # in a batch


def amortization(setting: Setting) -> Found:
    """AlexNet on a patch and on a whole image, as section 3.1 times it: forward and backward."""
    # (name, patches that it is, images, their size, published ms forward and backward)
    cases = (
        ("a patch, in a batch", PATCHES, PATCHES, PATCH, ("1.2", "2.4")),
        ("a patch, alone", 1, 1, PATCH, ("5.4", None)),
        (f"an image, {MAP} x {MAP} patches", 1, 1, IMAGE, ("22", "37")),
    )
    net = _alexnet(setting.width)
    measured = [
        [1000 * s / share for s in _passes(net, images, size)]
        for _, share, images, size, _ in cases
    ]
    kinds = ("forward, ms", "backward, ms")
    columns = (*(Column(f"{k}, published") for k in kinds), *(Column(k, "ours") for k in kinds))
    filled = Filled(
        Table(
            "Whole images amortize what patches have in common: AlexNet",
            columns,
            tuple(Row(name, (*published, None, None)) for name, *_, published in cases),
            "Long, Shelhamer, Darrell, CVPR 2015, section 3.1, on a GPU",
            (f"{PATCH} x {PATCH} and {IMAGE} x {IMAGE} pixels, width {setting.width:g}.",),
        ),
        tuple(
            (*(Cell(text or "") for text in published), *(Cell(ours=f"{ms:.3g}") for ms in ours))
            for (*_, published), ours in zip(cases, measured, strict=True)
        ),
        (device(),) * len(cases),
    )
    said = []
    for i, direction in enumerate(("forward", "backward")):
        published = MAP**2 * _ms(cases[0][-1][i]) / _ms(cases[2][-1][i])
        ours = MAP**2 * measured[0][i] / measured[2][i]
        verdict = "it agrees" if ours > 5 else "it does not agree"
        said.append(
            f"Claimed (3.1): {direction}, an image is more than 5 times as fast as its "
            f"{MAP**2} patches ({published:.1f} times by the published times). Seen: {ours:.1f} "
            f"times; {verdict}."
        )
    names = [name for name, *_ in cases]
    per_patch = [[*pair] for pair in measured]
    per_patch[2] = [ms / MAP**2 for ms in measured[2]]
    return Found([filled], said, bars(filled.table.title, "ms a patch", names, per_patch))


def _ms(text: str | None) -> float:
    value = number(text)
    assert value is not None
    return value


def _alexnet(width: float) -> caffe.Net:
    """The convolutional CaffeNet without FCN's padding: fc6's map of 500 pixels is 10 x 10."""
    spec = nets.convolutional("caffenet", width=width)
    conv1 = next(layer for layer in spec.layer if layer.type == "Convolution")
    conv1.convolution_param.pad[:] = [0]
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
