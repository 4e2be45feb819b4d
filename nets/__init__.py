"""Generators of the nets: `net_for` (any of the paper's, for its dataset), `fcn` (the nets
themselves), `classifier` (the ILSVRC nets they are made of), and their data layers."""

from .changes import RELEASED, Changes
from .classifiers import CLASSIFIERS, classifier, convolutional
from .experiments import file_names, net_for, nets_of
from .fcn import NETS, RGBD_NETS, fcn, modalities
from .identify import classifier_of_shapes, net_of_shapes, same_weights
from .inputs import seg_data
from .receptive_field import Facts, facts
from .torchvision_classifiers import TORCHVISION_CLASSIFIERS, torchvision_classifier

__all__ = [
    "CLASSIFIERS",
    "NETS",
    "RELEASED",
    "RGBD_NETS",
    "TORCHVISION_CLASSIFIERS",
    "Changes",
    "Facts",
    "classifier",
    "classifier_of_shapes",
    "convolutional",
    "facts",
    "fcn",
    "file_names",
    "modalities",
    "net_for",
    "net_of_shapes",
    "nets_of",
    "same_weights",
    "seg_data",
    "torchvision_classifier",
]
