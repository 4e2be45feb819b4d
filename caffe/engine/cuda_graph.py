"""A pass of a plan (plan.py) as one CUDA graph.

A kernel takes a GPU less time than torch takes to ask for it; a graph is asked for once. What it
reads and writes stays in place, for as long as there is the graph, and Python runs in its capture
only: no layer that looks at values.
"""

from collections.abc import Callable, Iterable

import torch

from ..core.errors import CaffeError
from ..layer_types.base import LayerType
from .schedule import Tensors

Forward = Callable[[Tensors], Tensors]


def can_capture(layers: Iterable[LayerType], sources: Tensors) -> bool:
    """Whether a pass of these layers on these blobs is the same kernels for all values."""
    on_gpu = all(x.is_cuda for x in sources.values())
    return on_gpu and not any(layer.reads_values for layer in layers)


def captured(run: Forward, sources: Tensors) -> Forward | None:
    """The same pass, for sources of these shapes, as a graph: it gives the same tensors each time.

    It has run before: libraries that choose an algorithm or take memory at first have done so. None
    where there is no memory for what the graph keeps.
    """
    graph = torch.cuda.CUDAGraph()
    try:
        there = {name: x.clone() for name, x in sources.items()}
        # Threads of data layers may use the GPU in the meantime.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            found = run(there)
    except (CaffeError, torch.OutOfMemoryError):
        return None

    def replay(sources: Tensors) -> Tensors:
        for name, x in sources.items():
            there[name].copy_(x)
        graph.replay()
        return found

    return replay
