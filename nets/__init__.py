"""Generators of the nets: `fcn` (FCN-32s to 8s), `classifier` (VGG16), and their data layers."""

from .data import seg_data
from .fcn import NETS, fcn, net_of_weights
from .vgg16 import classifier

__all__ = ["NETS", "classifier", "fcn", "net_of_weights", "seg_data"]
