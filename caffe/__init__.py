"""A drop-in pycaffe: Caffe's nets, layers, solvers and files, computed by PyTorch."""

from . import coord_map, io
from .blob import Blob
from .classifier import Classifier
from .detector import Detector
from .errors import CaffeError
from .layer_types import layer_type_list
from .layer_types.python import Layer
from .log import init_log, log
from .mode import (
    set_device,
    set_mode_cpu,
    set_mode_gpu,
    set_precision,
    set_random_seed,
    set_recompute,
)
from .net import Net
from .net_spec import NetSpec, layers, params, to_proto
from .parallel import (
    NCCL,
    has_nccl,
    set_multiprocess,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from .proto.caffe_pb2 import TEST, TRAIN
from .solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    get_solver,
)
from .timer import Timer

__version__ = "1.0.0"  # of the Caffe whose behaviour this follows

__all__ = [
    "NCCL",
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "CaffeError",
    "Classifier",
    "Detector",
    "Layer",
    "NesterovSolver",
    "Net",
    "NetSpec",
    "RMSPropSolver",
    "SGDSolver",
    "Timer",
    "coord_map",
    "get_solver",
    "has_nccl",
    "init_log",
    "io",
    "layer_type_list",
    "layers",
    "log",
    "params",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_precision",
    "set_random_seed",
    "set_recompute",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
    "to_proto",
]
