"""A drop-in pycaffe: Caffe's nets, layers, solvers and files, computed by PyTorch."""

import os

# OpenMP's threads spin while they wait, which a small net does often, and to wake one that sleeps
# takes as long as a layer. GNU's spin a fifth of a millisecond, but not beside other work, where
# they would take the time of those that they wait for: core/spinning.py has them sleep then, as
# other libraries' do. Read once, when torch loads the library.
if os.environ.keys().isdisjoint({"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}):
    os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "10000"}

from . import _caffe as _caffe
from . import coord_map, io, pycaffe
from ._caffe import __version__ as __version__
from .classifier import Classifier
from .core.blob import Blob
from .core.device import set_device, set_mode_cpu, set_mode_gpu
from .core.errors import CaffeError
from .core.log import init_log, log
from .core.precision import has_fast_bf16, set_precision
from .core.rng import set_random_seed
from .core.strict import set_strict
from .core.timer import Timer
from .detector import Detector
from .engine.remat import set_recompute
from .layer_types import contrib_layer_types, layer_type_list, register_layer
from .layer_types.layer import Layer
from .layer_types.winograd import set_winograd
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
from .solver.solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    get_solver,
)

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
    "contrib_layer_types",
    "coord_map",
    "get_solver",
    "has_fast_bf16",
    "has_nccl",
    "init_log",
    "io",
    "layer_type_list",
    "layers",
    "log",
    "params",
    "pycaffe",
    "register_layer",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_precision",
    "set_random_seed",
    "set_recompute",
    "set_solver_count",
    "set_solver_rank",
    "set_strict",
    "set_winograd",
    "solver_count",
    "solver_rank",
    "to_proto",
]
