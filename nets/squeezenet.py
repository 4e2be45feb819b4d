"""SqueezeNet v1.0 (Iandola et al., 2016), of AlexNet's accuracy with a fiftieth of its weights."""

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.net_spec import Top

from .blocks import LEARNED, channels, dropout, max_pool, relu, spread

# Channels of each fire module: those it is squeezed to, and those of each of its two halves
FIRES = {
    2: (16, 64),
    3: (16, 64),
    4: (32, 128),
    5: (32, 128),
    6: (48, 192),
    7: (48, 192),
    8: (64, 256),
    9: (64, 256),
}
POOLED = (4, 8)  # fire modules that pooling follows

# On a few hundred images these learn more of the images than of what is in them.
KEPT = ("conv1", "fire2/", "fire3/", "fire4/")

RATE = 0.1  # of the others, which would follow them into it

# Of the features that scores are taken from, whose standard deviations are 183, 37 and 32 with the
# published weights: a rate that suits the trunk would throw the scores about.
SCALES = {"fire4": 0.005, "fire8": 0.03, "fire9": 0.03}

# Of fire9's means over 5x5 pixels and over the image, whose deviations are a half and a quarter of
# its own.
AROUND, IMAGE = 2, 3

# Of FCN's conv1. The classifier has none there: the first pixel of fire9 lies on pixel 17 of what
# conv1 sees; so much padding puts it on the first pixel, and the last one within 1 of the last.
# FCN's 100 are for fc6, whose window is larger than any here.
PAD = 17


def backbone(n: NetSpec, bottom: Top, *, width: float = 1.0, pad: int = 0) -> Top:
    """conv1 ... fire9 on `bottom`, whose pixels are 16 of `bottom` apart; `pad` is conv1's."""
    top = _convolution(
        n, "conv1", "relu_conv1", bottom, 96, width, kernel_size=7, stride=2, pad=pad
    )
    n.pool1 = top = max_pool(top, 3)
    for number, branches in FIRES.items():
        top = _fire(n, f"fire{number}", top, *branches, width)
        if number in POOLED:
            n[f"pool{number}"] = top = max_pool(top, 3)
    return top


def _fire(n: NetSpec, module: str, bottom: Top, squeezed: int, half: int, width: float) -> Top:
    """A layer of few channels, and two on it, 1x1 and 3x3, beside each other."""

    def convolution(name: str, top: Top, full: int, **window: int) -> Top:
        return _convolution(
            n, f"{module}/{name}", f"{module}/relu_{name}", top, full, width, **window
        )

    few = convolution("conv1x1_1", bottom, squeezed, kernel_size=1)
    points = convolution("conv1x1_2", few, half, kernel_size=1)
    windows = convolution("conv3x3_2", few, half, kernel_size=3, pad=1)
    n[f"{module}/concat"] = L.Concat(points, windows)
    return n[f"{module}/concat"]


def _convolution(
    n: NetSpec, name: str, relu_name: str, bottom: Top, full: int, width: float, **window: int
) -> Top:
    n[name] = L.Convolution(bottom, num_output=channels(full, width), param=LEARNED, **window)
    return relu(n, relu_name, n[name])


def features(n: NetSpec, bottom: Top, split: str, width: float) -> Top:
    """SqueezeNet up to fire9, its last module, on the image at half its size, and its means.

    The classifier learned from images of 227 pixels, of which a pixel of fire9 sees 155; of a
    photograph of 500 pixels it would see parts of things alone. Each pixel has the means of fire9
    around it and over the image beside it (ParseNet: Liu, Rabinovich & Berg, 2015): the classifier
    too tells things by a mean.
    """
    n["pool0"] = L.Pooling(bottom, pool=P.Pooling.AVE, kernel_size=2, stride=2)
    top = backbone(n, n["pool0"], width=width, pad=PAD)
    if split != "deploy":
        top = dropout(n, "drop9", top)
    return _with_means(n, top)


def _with_means(n: NetSpec, top: Top) -> Top:
    """`top`, its means over 5x5 pixels and its mean over the image, at each of its pixels."""
    n["pool9"] = L.Pooling(top, pool=P.Pooling.AVE, kernel_size=5, stride=1, pad=2)
    n["around9"] = L.Power(n["pool9"], scale=AROUND)
    n["pool_image"] = L.Pooling(top, pool=P.Pooling.AVE, global_pooling=True)
    n["image9"] = L.Power(n["pool_image"], scale=IMAGE)
    n["context"] = L.Concat(top, n["around9"], spread(n, "spread9", n["image9"], top))
    return n["context"]


def scores(n: NetSpec, bottom: Top, net: str, classes: int, width: float) -> Top:
    """The classifier's scores: those of conv_final, averaged over the image."""
    top = dropout(n, "drop9", backbone(n, bottom, width=width))
    n["conv_final"] = L.Convolution(top, num_output=classes, kernel_size=1, pad=1, param=LEARNED)
    top = relu(n, "relu_conv_final", n["conv_final"])
    n["pool_final"] = L.Pooling(top, pool=P.Pooling.AVE, global_pooling=True)
    return n["pool_final"]
