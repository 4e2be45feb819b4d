"""What a net with debug_info logs: mean absolute values, layer by layer (net.cpp)."""

import math

import torch

from ..core.log import LOGGER, info
from .build import Graph


def forward(graph: Graph, i: int) -> None:
    """ForwardDebugInfo: layer i's tops and parameters, after its forward pass."""
    layer = graph.layers[i]
    line = "    [Forward] Layer %s, %s blob %s data: %g"
    for name, blob in zip(graph.tops[i], graph.top(i), strict=True):
        shown = graph.shown(name)
        info("net.cpp:591", line, layer.name, "top", shown, _mean(blob.data_tensor()))
    for j, blob in enumerate(layer.blobs):
        name = layer.spec.param[j].name if j < len(layer.spec.param) else ""
        info("net.cpp:603", line, layer.name, "param", name or j, _mean(blob.data_tensor()))


def backward(graph: Graph, i: int) -> None:
    """BackwardDebugInfo: the diffs that layer i's backward pass has computed."""
    layer = graph.layers[i]
    line = "    [Backward] Layer %s, %s blob %s diff: %g"
    bottoms = zip(graph.bottoms[i], graph.bottom(i), layer.propagate_down, strict=True)
    for name, blob, wanted in bottoms:
        if wanted:
            info("net.cpp:619", line, layer.name, "bottom", name, _mean(blob.diff_tensor()))
    for j, (blob, wanted) in enumerate(zip(layer.blobs, layer.param_propagate_down, strict=True)):
        if wanted:
            info("net.cpp:630", line, layer.name, "param", j, _mean(blob.diff_tensor()))


def totals(graph: Graph) -> None:
    """The norms of all parameters and their diffs, after a whole backward pass (Net::Backward)."""
    data = [param.blob.data_tensor() for param in graph.params]
    diff = [param.blob.diff_tensor() for param in graph.params]
    LOGGER.error(
        "    [Backward] All net params (data, diff): L1 norm = (%g, %g); L2 norm = (%g, %g)",
        *(sum(map(_asum, tensors)) for tensors in (data, diff)),
        *(math.hypot(*map(_norm, tensors)) for tensors in (data, diff)),
        extra={"source": "net.cpp:718"},
    )


def _asum(tensor: torch.Tensor) -> float:
    return float(tensor.abs().sum(dtype=torch.float64))


def _norm(tensor: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor, dtype=torch.float64))


def _mean(tensor: torch.Tensor) -> float:
    return _asum(tensor) / tensor.numel() if tensor.numel() else math.nan
