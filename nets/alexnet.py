"""CaffeNet: AlexNet (Krizhevsky, Sutskever & Hinton, 2012), pooling before it normalises."""

from caffe import NetSpec
from caffe import layers as L
from caffe.net_spec import Top

from .blocks import channels, convolutional_fcs, fully_connected_fcs, max_pool, normalise, relu


def backbone(n: NetSpec, bottom: Top, *, width: float = 1.0, pad: int = 0) -> Top:
    """conv1 ... pool5 on `bottom`; `pad` is that of conv1: 0 in the classifier, 100 in FCN."""

    def convolution(
        number: int,
        top: Top,
        full: int,
        kernel_size: int,
        pad: int,
        stride: int = 1,
        group: int = 1,
    ) -> Top:
        n[f"conv{number}"] = L.Convolution(
            top,
            # conv1 to conv4 feed two groups, or are two.
            num_output=channels(full, width, group=2),
            kernel_size=kernel_size,
            stride=stride,
            pad=pad,
            group=group,
        )
        return relu(n, f"relu{number}", n[f"conv{number}"])

    n.pool1 = max_pool(convolution(1, bottom, 96, 11, pad, stride=4), 3)
    n.norm1 = normalise(n.pool1)
    n.pool2 = max_pool(convolution(2, n.norm1, 256, 5, 2, group=2), 3)
    n.norm2 = normalise(n.pool2)
    top = convolution(3, n.norm2, 384, 3, 1)
    top = convolution(4, top, 384, 3, 1, group=2)
    n.pool5 = max_pool(convolution(5, top, 256, 3, 1, group=2), 3)
    return n.pool5


def features(n: NetSpec, bottom: Top, split: str, width: float) -> Top:
    """CaffeNet up to fc7, its fc6 and fc7 as convolutions."""
    top = backbone(n, bottom, width=width, pad=100)
    return convolutional_fcs(n, top, split, width, window=6, group=1)


def scores(n: NetSpec, bottom: Top, net: str, classes: int, width: float) -> Top:
    """The scores, fc8, of the classifier CaffeNet."""
    return fully_connected_fcs(n, backbone(n, bottom, width=width), classes, width)
