"""A drop-in pycaffe: Caffe's nets, layers, solvers and files, computed by PyTorch."""

from . import coord_map
from .blob import Blob
from .errors import CaffeError
from .layer_types import layer_type_list
from .layer_types.python import Layer
from .mode import set_device, set_mode_cpu, set_mode_gpu, set_random_seed
from .net import Net
from .net_spec import NetSpec, layers, params, to_proto
from .proto.caffe_pb2 import TEST, TRAIN
from .solver import SGDSolver, get_solver

__version__ = "1.0.0"  # of the Caffe whose behaviour this follows

__all__ = [
    "TEST",
    "TRAIN",
    "Blob",
    "CaffeError",
    "Layer",
    "Net",
    "NetSpec",
    "SGDSolver",
    "coord_map",
    "get_solver",
    "layer_type_list",
    "layers",
    "params",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_random_seed",
    "to_proto",
]
