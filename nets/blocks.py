"""Layers that the nets share."""

from typing import Any

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.net_spec import Top
from caffe.proto import caffe_pb2

from .changes import FUSIONS

# Weights learn at the base rate, biases at twice that and without weight decay.
LEARNED = [dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)]

FC_CHANNELS = 4096  # of fc6 and fc7, in CaffeNet and in VGG


def channels(full: int, width: float, group: int = 1) -> int:
    """`full` channels scaled by `width`, at least one in each of `group` groups."""
    return max(1, round(full * width / group)) * group


def relu(n: NetSpec, name: str, top: Top) -> Top:
    """ReLU in place, defined under a name."""
    n[name] = L.ReLU(top, in_place=True)
    return n[name]


def dropout(n: NetSpec, name: str, top: Top, ratio: float = 0.5) -> Top:
    """Dropout in place, defined under a name."""
    n[name] = L.Dropout(top, dropout_ratio=ratio, in_place=True)
    return n[name]


def without_dropout(net: caffe_pb2.NetParameter) -> caffe_pb2.NetParameter:
    """A copy of a net without its Dropout layers, which are in place, as `dropout` makes them."""
    kept = caffe_pb2.NetParameter()
    kept.CopyFrom(net)
    del kept.layer[:]
    kept.layer.extend(layer for layer in net.layer if layer.type != "Dropout")
    return kept


def max_pool(bottom: Top, kernel_size: int, **more: Any) -> Top:
    """Max pooling, of stride 2 unless told otherwise."""
    return L.Pooling(bottom, pool=P.Pooling.MAX, kernel_size=kernel_size, **{"stride": 2} | more)


def normalise(bottom: Top) -> Top:
    """Local response normalisation with the parameters of CaffeNet and GoogLeNet."""
    return L.LRN(bottom, local_size=5, alpha=1e-4, beta=0.75)


def convolutional_fcs(
    n: NetSpec, bottom: Top, split: str, width: float, *, window: int, suffix: str = "", **more: Any
) -> Top:
    """fc6 and fc7 as convolutions (section 3.1); `window` is what fc6 sees of `bottom`."""
    top = bottom
    for number, kernel_size in (("6", window), ("7", 1)):
        name = f"{number}{suffix}"
        n[f"fc{name}"] = L.Convolution(
            top,
            num_output=channels(FC_CHANNELS, width),
            kernel_size=kernel_size,
            stride=1,
            pad=0,
            **more,
        )
        top = relu(n, f"relu{name}", n[f"fc{name}"])
        if split != "deploy":
            top = dropout(n, f"drop{name}", top)
    return top


def fully_connected_fcs(n: NetSpec, bottom: Top, classes: int, width: float) -> Top:
    """fc6, fc7 and fc8 of a classifier."""
    top = bottom
    for number in "67":
        n[f"fc{number}"] = inner_product(top, channels(FC_CHANNELS, width))
        top = dropout(n, f"drop{number}", relu(n, f"relu{number}", n[f"fc{number}"]))
    n.fc8 = inner_product(top, classes)
    return n.fc8


def inner_product(bottom: Top, num_output: int) -> Top:
    """A fully connected layer that learns as all layers do."""
    return L.InnerProduct(bottom, num_output=num_output, param=LEARNED)


def spread(n: NetSpec, name: str, vector: Top, like: Top) -> Top:
    """A value a channel (N x C x 1 x 1) at every pixel of `like`, which has as many channels."""
    n[f"{name}.flat"] = L.Flatten(vector)  # (N, C): what Bias adds to (N, C, H, W) from axis 0 on
    n[f"{name}.zero"] = L.Power(like, scale=0, propagate_down=[False])
    n[name] = L.Bias(n[f"{name}.zero"], n[f"{name}.flat"], axis=0)
    return n[name]


def score(bottom: Top, classes: int, std: float = 0) -> Top:
    """Scores of every class at every pixel of `bottom`.

    They start at zero, or normally distributed with this standard deviation.
    """
    filler = dict(weight_filler=dict(type="gaussian", std=std)) if std else {}
    return L.Convolution(bottom, num_output=classes, kernel_size=1, pad=0, param=LEARNED, **filler)


def upsample(
    bottom: Top,
    classes: int,
    factor: int,
    odd: bool = False,
    upsampling: str = "fixed",
    apart: bool = False,
) -> Top:
    """Upsampling by `factor`; `surgery.interp` gives it its weights, and nothing changes them.

    odd         the pixels of `bottom` lie on pixels of the result, not between them
    apart       it has no weights from one class to another, which are zero when it is bilinear
    upsampling  one of changes.UPSAMPLING: whether it learns, and from what
    """
    filler = dict(weight_filler=dict(type="msra")) if upsampling == "random" else {}
    return L.Deconvolution(
        bottom,
        convolution_param=dict(
            num_output=classes,
            kernel_size=2 * factor - odd,
            stride=factor,
            bias_term=False,
            **filler,
            **(dict(group=classes) if apart else {}),
        ),
        param=[dict(lr_mult=0 if upsampling == "fixed" else 1)],
    )


def normalised(
    n: NetSpec, name: str, top: Top, *, frozen: bool = False, shared: str | None = None
) -> Top:
    """BatchNorm and Scale in place, called `name` and NAME.scale.

    frozen  nothing learns, and the stored statistics count in training too
    shared  what Scale's parameters are called, where several layers have the same. BatchNorm's
            statistics stay each layer's own: BVLC takes three names on it for a net of old, and
            clears them
    """
    # As the moving averages of torch's BatchNorm2d: Caffe's 0.999 has not settled in short runs.
    statistics: dict[str, Any] = dict(moving_average_fraction=0.9)
    if frozen:
        statistics = dict(use_global_stats=True)
    n[name] = L.BatchNorm(top, batch_norm_param=statistics, in_place=True)
    params = [dict[str, Any](lr_mult=0 if frozen else 1, decay_mult=0) for _ in range(2)]
    if shared:
        params = [of | dict(name=f"{shared}.{i}") for i, of in enumerate(params)]
    n[f"{name}.scale"] = L.Scale(n[name], bias_term=True, param=params, in_place=True)
    return n[f"{name}.scale"]


def fuse(*bottoms: Top, fusion: str = "sum", **more: Any) -> Top:
    """The sum, or another of changes.FUSIONS, of several tops, with the options of Eltwise."""
    return L.Eltwise(*bottoms, operation=FUSIONS[fusion], **more)
