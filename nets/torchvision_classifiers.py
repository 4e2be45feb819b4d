"""AlexNet and GoogLeNet as torchvision has them, which are not quite the ones of Caffe.

Layers are called as torchvision's modules, NAME.scale being the other half of its batch
normalisation NAME.
"""

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.net_spec import Top
from caffe.proto import caffe_pb2

from .blocks import channels, dropout, inner_product, max_pool, relu
from .googlenet import INCEPTIONS
from .inputs import input_layers

# Number in `features`: channels, window, stride and padding of each convolution
ALEXNET = {
    0: (64, 11, 4, 2),
    3: (192, 5, 1, 2),
    6: (384, 3, 1, 1),
    8: (256, 3, 1, 1),
    10: (256, 3, 1, 1),
}
POOLED = (0, 3, 10)  # those that pooling follows
EPSILON = 0.001  # what GoogLeNet's batch normalisations add to the variance


def torchvision_classifier(
    net: str, *, classes: int = 1000, width: float = 1.0
) -> caffe_pb2.NetParameter:
    """The deploy net of torchvision's "alexnet" or "googlenet": 224x224 images to `classes` scores.

    `width` scales the channels. Raises ValueError for another net.
    """
    if net not in TORCHVISION_CLASSIFIERS:
        raise ValueError(
            f"there is no net {net!r} of torchvision's; choose from "
            f"{', '.join(TORCHVISION_CLASSIFIERS)}"
        )
    n = NetSpec()
    input_layers(n, "deploy", None, size=224)
    TORCHVISION_CLASSIFIERS[net](n, n.data, classes, width)
    proto = n.to_proto()
    proto.name = f"torchvision-{net}"
    return proto


def _alexnet(n: NetSpec, image: Top, classes: int, width: float) -> None:
    top = image
    for number, (full, kernel_size, stride, pad) in ALEXNET.items():
        n[f"features.{number}"] = top = L.Convolution(
            top,
            num_output=channels(full, width),
            kernel_size=kernel_size,
            stride=stride,
            pad=pad,
        )
        top = relu(n, f"features.{number + 1}", top)
        if number in POOLED:
            n[f"features.{number + 2}"] = top = max_pool(top, 3)
    for number in (1, 4):
        top = dropout(n, f"classifier.{number - 1}", top)
        n[f"classifier.{number}"] = top = inner_product(top, channels(4096, width))
        top = relu(n, f"classifier.{number + 1}", top)
    n["classifier.6"] = inner_product(top, classes)


def _googlenet(n: NetSpec, image: Top, classes: int, width: float) -> None:
    top = _convolution(n, "conv1", image, channels(64, width), 7, stride=2)
    n.maxpool1 = top = max_pool(top, 3)
    top = _convolution(n, "conv2", top, channels(64, width), 1)
    top = _convolution(n, "conv3", top, channels(192, width), 3)
    n.maxpool2 = top = max_pool(top, 3)
    for name, branches in INCEPTIONS.items():
        top = _inception(n, f"inception{name}", top, branches, width)
        if name in ("3b", "4e"):
            n[f"maxpool{name[0]}"] = top = max_pool(top, 3 if name == "3b" else 2)
    n["avgpool"] = top = L.Pooling(top, pool=P.Pooling.AVE, global_pooling=True)
    n.fc = inner_product(dropout(n, "dropout", top, 0.2), classes)


def _inception(n: NetSpec, module: str, bottom: Top, branches: tuple, width: float) -> Top:
    """The module of Caffe's GoogLeNet, but its windows of 5 are of 3."""
    single, *reduced, projected = branches
    tops = [_convolution(n, f"{module}.branch1", bottom, channels(single, width), 1)]
    for number, (few, many) in enumerate(reduced, 2):
        name = f"{module}.branch{number}"
        top = _convolution(n, f"{name}.0", bottom, channels(few, width), 1)
        tops.append(_convolution(n, f"{name}.1", top, channels(many, width), 3))
    n[f"{module}.branch4.0"] = top = max_pool(bottom, 3, stride=1, pad=1)
    tops.append(_convolution(n, f"{module}.branch4.1", top, channels(projected, width), 1))
    n[module] = L.Concat(*tops)
    return n[module]


def _convolution(
    n: NetSpec, name: str, bottom: Top, num_output: int, kernel_size: int, stride: int = 1
) -> Top:
    """A convolution without bias that keeps the size, but for its stride; normalised."""
    n[f"{name}.conv"] = top = L.Convolution(
        bottom,
        num_output=num_output,
        kernel_size=kernel_size,
        stride=stride,
        pad=kernel_size // 2,
        bias_term=False,
    )
    n[f"{name}.bn"] = L.BatchNorm(top, eps=EPSILON, in_place=True)
    n[f"{name}.bn.scale"] = L.Scale(n[f"{name}.bn"], bias_term=True, in_place=True)
    return relu(n, f"{name}.relu", n[f"{name}.bn.scale"])


TORCHVISION_CLASSIFIERS = {"alexnet": _alexnet, "googlenet": _googlenet}
