"""What torch's published nets call their modules, and which layers of Caffe's these are.

A table is {module: layers}: one layer takes a module's weight and bias; two, a BatchNorm and a
Scale, a batch normalisation; none: the module is left out, and so are those below it.
"""

from __future__ import annotations

from nets.googlenet import INCEPTIONS
from nets.torchvision_classifiers import ALEXNET
from nets.vgg import DEPTHS

Names = dict[str, tuple[str, ...]]


def _vgg(net: str) -> Names:
    """torchvision's VGG: features.N counts convolutions, ReLUs and poolings."""
    names: Names = {}
    at = 0
    for group, depth in enumerate(DEPTHS[net], 1):
        for i in range(1, depth + 1):
            names[f"features.{at}"] = (f"conv{group}_{i}",)
            at += 2  # the convolution and its ReLU
        at += 1  # the pooling
    return names


def _same(*layers: str) -> Names:
    return {layer: (layer,) for layer in layers}


_FCN32S = (*(layer for (layer,) in _vgg("vgg16").values()), "fc6", "fc7", "score_fr")
_TORCHVISION = {"classifier.0": ("fc6",), "classifier.3": ("fc7",), "classifier.6": ("fc8",)}
# Before torchvision 0.2 a Dropout came first; jcjohnson's files are of that time.
_OLD = {"classifier.1": ("fc6",), "classifier.4": ("fc7",), "classifier.6": ("fc8",)}
_TIMM = {"pre_logits.fc1": ("fc6",), "pre_logits.fc2": ("fc7",), "head.fc": ("fc8",)}


def _googlenet() -> Names:
    """torchvision's GoogLeNet as nets.torchvision_classifier has it, without its other losses."""
    branches = ("branch1", "branch2.0", "branch2.1", "branch3.0", "branch3.1", "branch4.1")
    modules = ["conv1", "conv2", "conv3"]
    modules += [f"inception{name}.{branch}" for name in INCEPTIONS for branch in branches]
    names: Names = {"fc": ("fc",), "aux1": (), "aux2": ()}
    for module in modules:
        names[f"{module}.conv"] = (f"{module}.conv",)
        names[f"{module}.bn"] = (f"{module}.bn", f"{module}.bn.scale")
    return names


_ALEXNET = (*(f"features.{i}" for i in ALEXNET), "classifier.1", "classifier.4", "classifier.6")

TABLES: dict[str, Names] = {
    "alexnet of torchvision": _same(*_ALEXNET),
    "googlenet of torchvision": _googlenet(),
    **{
        f"{net} of {library}": {**_vgg(net), **tops}
        for net in DEPTHS
        for library, tops in (
            ("torchvision", _TORCHVISION),
            ("torchvision before 0.2", _OLD),
            ("timm", _TIMM),
        )
    },
    "fcn32s of pytorch-fcn": _same(*_FCN32S, "upscore"),
    "fcn16s of pytorch-fcn": _same(*_FCN32S, "score_pool4", "upscore2", "upscore16"),
    "fcn8s of pytorch-fcn": _same(
        *_FCN32S, "score_pool4", "score_pool3", "upscore2", "upscore_pool4", "upscore8"
    ),
}
