"""Generators of the nets: `net_for` (any of the paper's, for its dataset), `fcn` (the nets
themselves), `classifier` (the ILSVRC nets they are made of), and their data layers."""

from .data import seg_data
from .facts import Facts, facts
from .fcn import NETS, RGBD_NETS, fcn, modalities
from .ilsvrc import CLASSIFIERS, classifier, convolutional
from .recognise import net_of_weights, same_weights, width_of
from .table import file_names, net_for, nets_of

__all__ = [
    "CLASSIFIERS",
    "NETS",
    "RGBD_NETS",
    "Facts",
    "classifier",
    "convolutional",
    "facts",
    "fcn",
    "file_names",
    "modalities",
    "net_for",
    "net_of_weights",
    "nets_of",
    "same_weights",
    "seg_data",
    "width_of",
]
