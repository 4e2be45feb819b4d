"""caffe._caffe: where BVLC's C++ half lies; scripts of its time import from it."""

from .core.blob import Blob, BlobVec, RawBlobVec
from .core.boost import BoolVec, DtypeVec, IntVec, LayerVec, NetVec, StringVec
from .core.device import set_device, set_mode_cpu, set_mode_gpu
from .core.log import init_log, log
from .core.rng import set_random_seed
from .core.timer import Timer
from .layer_types import layer_type_list
from .layer_types.layer import Layer
from .net import Net
from .parallel import (
    NCCL,
    has_nccl,
    set_multiprocess,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from .proto.caffe_pb2 import LayerParameter, SolverParameter
from .solver.solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    Solver,
    get_solver,
)

__version__ = "1.0.0"  # of the Caffe whose behaviour this follows

__all__ = [
    "NCCL",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "BlobVec",
    "BoolVec",
    "DtypeVec",
    "IntVec",
    "Layer",
    "LayerParameter",
    "LayerVec",
    "NesterovSolver",
    "Net",
    "NetVec",
    "RMSPropSolver",
    "RawBlobVec",
    "SGDSolver",
    "Solver",
    "SolverParameter",
    "StringVec",
    "Timer",
    "get_solver",
    "has_nccl",
    "init_log",
    "layer_type_list",
    "log",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
]
