"""caffe.pycaffe: where BVLC's Python half lies; scripts of its time import from it.

Its functions are what Net's methods and attributes are; some scripts call or replace them.
"""

from collections import OrderedDict  # noqa: F401

import numpy as np  # noqa: F401

from . import io  # noqa: F401
from ._caffe import *  # noqa: F403
from .net import Net

_Net_blobs = Net.blobs
_Net_blob_loss_weights = Net.blob_loss_weights
_Net_layer_dict = Net.layer_dict
_Net_params = Net.params
_Net_forward = Net.forward
_Net_backward = Net.backward
_Net_forward_all = Net.forward_all
_Net_forward_backward_all = Net.forward_backward_all
_Net_set_input_arrays = Net.set_input_arrays
_Net_batch = Net._batch
_Net_inputs = Net.inputs
_Net_outputs = Net.outputs
