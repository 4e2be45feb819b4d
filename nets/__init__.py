"""Generators of the nets: `net_for` (any of the experiments', for its dataset), `fcn` (the paper's
nets themselves), `zoo` (those of the report on driving scenes), `torchvision` (its segmentation
nets), `classifier` (the ILSVRC nets FCNs are made of), and their data layers."""

from .changes import RELEASED, Changes
from .classifiers import CLASSIFIERS, classifier, convolutional
from .experiments import file_names, modalities, net_for, nets_of
from .fcn import NETS, RGBD_NETS, fcn
from .identify import classifier_of_shapes, net_of_shapes, same_weights
from .inputs import seg_data
from .receptive_field import Facts, facts
from .torchvision_classifiers import TORCHVISION_CLASSIFIERS, torchvision_classifier
from .zoo import BGR_MEAN, TORCHVISION, ZOO, experiment, torchvision, zoo

__all__ = [
    "BGR_MEAN",
    "CLASSIFIERS",
    "NETS",
    "RELEASED",
    "RGBD_NETS",
    "TORCHVISION",
    "TORCHVISION_CLASSIFIERS",
    "ZOO",
    "Changes",
    "Facts",
    "classifier",
    "classifier_of_shapes",
    "convolutional",
    "experiment",
    "facts",
    "fcn",
    "file_names",
    "modalities",
    "net_for",
    "net_of_shapes",
    "nets_of",
    "same_weights",
    "seg_data",
    "torchvision",
    "torchvision_classifier",
    "zoo",
]
