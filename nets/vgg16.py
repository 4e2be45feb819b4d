"""VGG16 (Simonyan & Zisserman, 2015): the trunk of every net here, and the ILSVRC classifier."""

from typing import Any

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.net_spec import Top
from caffe.proto import caffe_pb2

from .data import input_layers

# Weights learn at the base rate, biases at twice that and without weight decay.
LEARNED = [dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)]

# Convolutions of each group, and their channels
GROUPS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
FC_CHANNELS = 4096


def channels(full: int, width: float) -> int:
    """`full` channels scaled by `width`, at least one."""
    return max(1, round(full * width))


def relu(n: NetSpec, number: str, top: Top) -> Top:
    n[f"relu{number}"] = L.ReLU(top, in_place=True)
    return n[f"relu{number}"]


def dropout(n: NetSpec, number: str, top: Top) -> Top:
    n[f"drop{number}"] = L.Dropout(top, dropout_ratio=0.5, in_place=True)
    return n[f"drop{number}"]


def convolution(bottom: Top, num_output: int, kernel_size: int, pad: int) -> Top:
    return L.Convolution(
        bottom, num_output=num_output, kernel_size=kernel_size, stride=1, pad=pad, param=LEARNED
    )


def trunk(n: NetSpec, bottom: Top, *, width: float = 1.0, pad: int = 1) -> Top:
    """conv1_1 ... pool5 on `bottom`; gives pool5, whose pixels are 32 of `bottom` apart.

    `pad` is that of conv1_1: 1 in the classifier, 100 in FCN.
    """
    top = bottom
    for group, (depth, full) in enumerate(GROUPS, 1):
        for i in range(1, depth + 1):
            number = f"{group}_{i}"
            n[f"conv{number}"] = convolution(
                top, channels(full, width), 3, pad if number == "1_1" else 1
            )
            top = relu(n, number, n[f"conv{number}"])
        n[f"pool{group}"] = top = L.Pooling(top, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    return top


def classifier(
    split: str, *, classes: int, data: dict[str, Any] | None = None, width: float = 1.0
) -> caffe_pb2.NetParameter:
    """The ILSVRC classifier: 224x224 images to `classes` scores, fc8.

    `split` is "train" (loss), "val" (loss and accuracy) or "deploy" (probabilities); `data` gives
    the data layer of the first two, see `nets.data.input_layers`. Weights start by msra, so that
    it trains from scratch.
    """
    n = NetSpec()
    input_layers(n, split, data, size=224)
    top = trunk(n, n.data, width=width)
    for number in "67":
        n[f"fc{number}"] = _inner_product(top, channels(FC_CHANNELS, width))
        top = dropout(n, number, relu(n, number, n[f"fc{number}"]))
    n.fc8 = _inner_product(top, classes)
    if split == "deploy":
        n.prob = L.Softmax(n.fc8)
    else:
        n.loss = L.SoftmaxWithLoss(n.fc8, n.label)
    if split == "val":
        n.accuracy = L.Accuracy(n.fc8, n.label)
    net = n.to_proto()
    net.name = "vgg16"
    for layer in net.layer:
        if layer.type == "Convolution":
            layer.convolution_param.weight_filler.type = "msra"
    return net


def _inner_product(bottom: Top, num_output: int) -> Top:
    return L.InnerProduct(
        bottom, num_output=num_output, weight_filler=dict(type="msra"), param=LEARNED
    )
