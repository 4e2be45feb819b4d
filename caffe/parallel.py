"""pycaffe's training on several devices: the settings, and NCCL, as BVLC's train.py uses them."""

from __future__ import annotations

import torch
import torch.distributed as dist

from .core.ranks import (
    set_multiprocess,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from .distributed import rendezvous
from .distributed.group import Group
from .solver.data_parallel import DataParallel
from .solver.solver import Solver

__all__ = [
    "NCCL",
    "has_nccl",
    "set_multiprocess",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
]


def has_nccl() -> bool:
    """Whether the GPUs' gradients travel by NCCL; on the CPU they travel by Gloo."""
    return torch.cuda.is_available() and dist.is_nccl_available()


class NCCL:
    """Connects a solver with those of the other processes (parallel.hpp).

    It is a callback of the solver's, `solver.add_callback(nccl)`, that averages all gradients
    before the update, and with layer_wise_reduce one of the net's, `net.after_backward(nccl)`,
    that averages each layer's once it is there. Gloo does the work in CPU mode.
    """

    def __init__(self, solver: Solver, uid: str = "") -> None:
        """uid: of `new_uid`, the same in all processes, which set_solver_rank tells apart.

        Raises CaffeError where the others have not arrived after a while.
        """
        place = rendezvous.of_uid(uid, solver_rank(), solver_count())
        self._solver = solver
        self._ranks = DataParallel(Group(place), solver.net._graph.params)
        self._passes = [0] * len(solver.net.layers)  # backward, of each layer in this iteration

    @staticmethod
    def new_uid() -> str:
        """A name for a run of several processes on this machine."""
        return rendezvous.new_uid()

    def bcast(self) -> None:
        """Give all solvers rank 0's weights, and its place in the data, which they share."""
        self._ranks.copy_weights()
        self._ranks.copy_places([self._solver.net])

    def on_start(self) -> None:
        """An iteration begins."""
        self._passes = [0] * len(self._passes)
        self._ranks.begin()

    def __call__(self, layer: int) -> None:
        """A layer's backward pass is done: with the last of iter_size its gradients travel."""
        self._passes[layer] += 1
        if self._passes[layer] == self._solver.param.iter_size:
            self._ranks.layer_done(self._solver.net, layer)

    def on_gradients_ready(self) -> None:
        """All gradients are there: what has not travelled yet does, and all are awaited."""
        self._ranks.finish()
