"""VGG16 and VGG19 (Simonyan & Zisserman, 2015): VGG16 is the backbone of most nets here."""

from caffe import NetSpec
from caffe import layers as L
from caffe.net_spec import Top

from .blocks import (
    LEARNED,
    channels,
    convolutional_fcs,
    fully_connected_fcs,
    max_pool,
    relu,
)

# Convolutions of each group, and their channels
DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)
KEPT = ("conv1_", "conv2_")  # a third of a training's time, for what is in any image


def backbone(
    n: NetSpec,
    bottom: Top,
    *,
    net: str = "vgg16",
    width: float = 1.0,
    pad: int = 1,
    suffix: str = "",
    first: str = "conv1_1",
    last_stride: int = 2,
) -> Top:
    """conv1_1 ... pool5 on `bottom`; gives pool5, whose pixels are 32 of `bottom` apart.

    `pad` is that of conv1_1, 1 in the classifier, 100 in FCN; `suffix` ends the names of all
    layers, as a net of two backbones needs; `first` is the name of conv1_1, where it cannot take
    the weights of VGG's. `last_stride` is that of pool5: with 1 its pixels are 16 apart.
    """
    top = bottom
    for group, (depth, full) in enumerate(zip(DEPTHS[net], CHANNELS, strict=True), 1):
        for i in range(1, depth + 1):
            number = f"{group}_{i}"
            name = (first if number == "1_1" else f"conv{number}") + suffix
            n[name] = L.Convolution(
                top,
                num_output=channels(full, width),
                kernel_size=3,
                stride=1,
                pad=pad if number == "1_1" else 1,
                param=LEARNED,
            )
            top = relu(n, f"relu{number}{suffix}", n[name])
        stride = last_stride if group == len(CHANNELS) else 2
        n[f"pool{group}{suffix}"] = top = max_pool(top, 2, stride=stride)
    return top


def features(
    n: NetSpec, bottom: Top, split: str, width: float, *, fine: bool = False, **names: str
) -> Top:
    """VGG16 up to fc7, fc6 and fc7 as convolutions; `names` are `backbone`'s suffix and first.

    `fine`: pool5 has stride 1, so that fc6 needs a window of 14 x 14 to see as much (section 4.2).
    """
    # 100 pixels of padding leave something for fc6's 7x7 window even of the smallest image; that of
    # 14x14 begins half a pixel of pool5 earlier.
    window, last_stride, pad = (14, 1, 108) if fine else (7, 2, 100)
    top = backbone(n, bottom, width=width, pad=pad, last_stride=last_stride, **names)
    suffix = names.get("suffix", "")
    return convolutional_fcs(n, top, split, width, window=window, suffix=suffix, param=LEARNED)


def scores(n: NetSpec, bottom: Top, net: str, classes: int, width: float) -> Top:
    """The scores, fc8, of the classifier `net`."""
    return fully_connected_fcs(n, backbone(n, bottom, net=net, width=width), classes, width)
