"""FCN-32s, 16s, 8s and 8s-at-once (Shelhamer, Long & Darrell, 2017), as released for VOC."""

from typing import Any

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.coord_map import crop
from caffe.net_spec import Top
from caffe.proto import caffe_pb2
from data.datasets import VOID

from .data import input_layers
from .vgg16 import FC_CHANNELS, LEARNED, channels, convolution, dropout, relu, trunk

# Pooling layers whose scores each net adds, deepest first, and the factor that their features are
# scaled by. At once: so that all streams learn at one rate although their features differ in size.
SKIPS = {
    "fcn32s": (),
    "fcn16s": (("pool4", None),),
    "fcn8s": (("pool4", None), ("pool3", None)),
    "fcn8s-atonce": (("pool4", 0.01), ("pool3", 0.0001)),
}
NETS = tuple(SKIPS)


def fcn(
    net: str,
    split: str,
    *,
    classes: int,
    data: dict[str, Any] | None,
    width: float = 1.0,
) -> caffe_pb2.NetParameter:
    """The net `net` (one of NETS) for "train", "val" or "deploy".

    classes  number of classes: channels of the blob `score`
    data     module, layer and param_str of the data layer; a deploy net has an Input instead
    width    scales the channels of the trunk and of fc6 and fc7

    Raises ValueError for a net or split that there is none of, or for missing `data`.
    """
    if net not in SKIPS:
        raise ValueError(f"there is no net {net!r}; choose from {', '.join(NETS)}")
    n = NetSpec()
    input_layers(n, split, data, size=500)
    n.score_fr = score(features(n, split, width), classes)
    n.score = crop(upscore(n, n.score_fr, SKIPS[net], classes), n.data)
    if split != "deploy":
        n.loss = L.SoftmaxWithLoss(
            n.score, n.label, loss_param=dict(normalize=False, ignore_label=VOID)
        )
    proto = n.to_proto()
    proto.name = net
    return proto


def features(n: NetSpec, split: str, width: float) -> Top:
    """VGG16 up to fc7, its fc6 and fc7 as convolutions (section 3.1), on `n.data`."""
    # 100 pixels of padding leave something for fc6's 7x7 window even of the smallest image.
    top = trunk(n, n.data, width=width, pad=100)
    for number, kernel_size in (("6", 7), ("7", 1)):
        n[f"fc{number}"] = convolution(top, channels(FC_CHANNELS, width), kernel_size, pad=0)
        top = relu(n, number, n[f"fc{number}"])
        if split != "deploy":
            top = dropout(n, number, top)
    return top


def upscore(n: NetSpec, scores: Top, skips: tuple, classes: int) -> Top:
    """Scores of stride 32, fused with those of each skip, upsampled to the image (section 4)."""
    name = "upscore2"
    for pool, scale in skips:
        n[name] = upsample(scores, classes, 2)
        scores = fuse(n, n[name], pool, scale, classes)
        name = f"upscore_{pool}"
    stride = 32 >> len(skips)
    name = f"upscore{stride}" if skips else "upscore"
    n[name] = upsample(scores, classes, stride)
    return n[name]


def fuse(n: NetSpec, coarse: Top, pool: str, scale: float | None, classes: int) -> Top:
    """Sum of `coarse` and the scores of the features `pool`, cropped to it."""
    top = n[pool]
    if scale is not None:
        n[f"scale_{pool}"] = top = L.Scale(
            top, filler=dict(type="constant", value=scale), param=[dict(lr_mult=0)]
        )
    n[f"score_{pool}"] = score(top, classes)
    n[f"score_{pool}c"] = crop(n[f"score_{pool}"], coarse)
    n[f"fuse_{pool}"] = L.Eltwise(coarse, n[f"score_{pool}c"], operation=P.Eltwise.SUM)
    return n[f"fuse_{pool}"]


def score(bottom: Top, classes: int) -> Top:
    """Scores of every class at every pixel of `bottom`. They start at zero."""
    return L.Convolution(bottom, num_output=classes, kernel_size=1, pad=0, param=LEARNED)


def upsample(bottom: Top, classes: int, factor: int) -> Top:
    """Upsampling by `factor`; `surgery.interp` gives it its weights, and nothing changes them."""
    return L.Deconvolution(
        bottom,
        convolution_param=dict(
            num_output=classes, kernel_size=2 * factor, stride=factor, bias_term=False
        ),
        param=[dict(lr_mult=0)],
    )


def net_of_weights(path: str) -> tuple[str, int, float]:
    """(net, number of classes, width) of a caffemodel of one of NETS.

    Told by the names and output channels of its layers; raises ValueError if they are of no net.
    """
    from caffe.storage import blob_shapes  # here: BVLC's pycaffe, which generates too, has none

    found = {name: shapes[0][0] for name, shapes in blob_shapes(path).items()}
    classes = found.get("score_fr", 1)
    width = found.get("fc7", FC_CHANNELS) / FC_CHANNELS
    for net in NETS:
        layers = fcn(net, "deploy", classes=classes, data=None, width=width).layer
        expected = {
            layer.name: layer.convolution_param.num_output
            for layer in layers
            if layer.type in ("Convolution", "Deconvolution")
        }
        scales = {layer.name for layer in layers if layer.type == "Scale"}
        if found.keys() == expected.keys() | scales and expected.items() <= found.items():
            return net, classes, width
    raise ValueError(
        f"{path}: its layers ({', '.join(found) or 'none with parameters'}) are not those of "
        f"{', '.join(NETS)}; give the deploy prototxt that belongs to it"
    )
