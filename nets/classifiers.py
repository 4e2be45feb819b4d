"""The classification nets that FCNs are made of, for ILSVRC or any other classes."""

import functools
from collections.abc import Callable
from typing import Any

from caffe import NetSpec
from caffe import layers as L
from caffe.net_spec import Top
from caffe.proto import caffe_pb2

from . import alexnet, googlenet, squeezenet, vgg
from .inputs import input_layers

# Size of the images, and the functions that give the scores and, convolutionally, the features
_NETS: dict[str, tuple[int, Callable[..., Top], Callable[..., Top]]] = {
    "caffenet": (227, alexnet.scores, alexnet.features),
    "vgg16": (224, vgg.scores, vgg.features),
    "vgg19": (224, vgg.scores, functools.partial(vgg.features, net="vgg19")),
    "googlenet": (224, googlenet.scores, googlenet.features),
    "squeezenet": (227, squeezenet.scores, squeezenet.features),
}
CLASSIFIERS = tuple(_NETS)
_FILLED = {"Convolution": "convolution_param", "InnerProduct": "inner_product_param"}


def classifier(
    split: str,
    *,
    classes: int,
    net: str = "vgg16",
    data: dict[str, Any] | None = None,
    width: float = 1.0,
) -> caffe_pb2.NetParameter:
    """A classifier, one of CLASSIFIERS: 224x224 or 227x227 images to `classes` scores.

    `split` is "train" (loss), "val" (loss and accuracy) or "deploy" (probabilities); `data` gives
    the data layer of the first two, see `nets.inputs.input_layers`. Layers are named as in the
    published caffemodels. Weights start by msra, so that it trains from scratch. Raises ValueError
    for a net or split that there is none of.
    """
    if net not in _NETS:
        raise ValueError(f"there is no classifier {net!r}; choose from {', '.join(CLASSIFIERS)}")
    size, scores_of, _ = _NETS[net]
    n = NetSpec()
    input_layers(n, split, data, size=size)
    scores = scores_of(n, n.data, net, classes, width)
    if split == "deploy":
        n.prob = L.Softmax(scores)
    else:
        n.loss = L.SoftmaxWithLoss(scores, n.label)
    if split == "val":
        n.accuracy = L.Accuracy(scores, n.label)
    proto = n.to_proto()
    proto.name = net
    for layer in proto.layer:
        if layer.type in _FILLED:
            getattr(layer, _FILLED[layer.type]).weight_filler.type = "msra"
    return proto


def convolutional(net: str, *, width: float = 1.0) -> caffe_pb2.NetParameter:
    """What is left of a classifier in an FCN, as a deploy net: all but its scores."""
    n = NetSpec()
    input_layers(n, "deploy", None, size=500)
    _NETS[net][2](n, n.data, "deploy", width)
    proto = n.to_proto()
    proto.name = f"{net}-fcn"
    return proto
