"""What a pass costs: the multiply-adds of each layer, and the rate of the machine's own product.

Only layers that are matrix products are counted (LayerType.multiply_adds). A product with what
padding adds counts too: it is part of the fixed work of a net at a size.
"""

import torch

from ..core.blob import Blob
from ..core.device import current_device
from ..core.timer import now
from ..layer_types import LayerType
from .build import Graph

SIDE = 4096  # of the square matrices


def multiply_adds(graph: Graph) -> dict[str, int]:
    """The multiply-adds of each layer's forward pass, at the shapes that the blobs have now.

    Layers that are no matrix product are left out. After another input shape call net.reshape().
    """
    counts: dict[str, int] = {}
    for i, layer in enumerate(graph.layers):
        if count := forward_multiply_adds(layer, graph.bottom(i), graph.top(i)):
            counts[layer.name] = counts.get(layer.name, 0) + count
    return counts


def forward_multiply_adds(layer: LayerType, bottom: list[Blob], top: list[Blob]) -> int:
    """The multiply-adds of one layer's forward pass between these blobs; 0 without a product."""
    return layer.multiply_adds([blob.shape for blob in bottom], [blob.shape for blob in top])


def backward_multiply_adds(layer: LayerType, bottom: list[Blob], top: list[Blob]) -> int:
    """Those of its backward pass: as many for the weights' diff and for the bottoms', if wanted."""
    forward = forward_multiply_adds(layer, bottom, top)
    if not (forward and layer.need_backward):
        return 0
    weights = forward * layer.param_propagate_down[0]
    return weights + forward * sum(layer.propagate_down) // len(bottom)  # all of one shape


def matrix_rate(rounds: int = 3) -> float:
    """Floating-point operations a second of a 4096 x 4096 x 4096 float32 product, as torch does it.

    On the current device and as its mode computes float32; the fastest of `rounds` products after
    one to warm up. A multiply-add is two operations.
    """
    a, b = (torch.rand(SIDE, SIDE, device=current_device()) for _ in range(2))
    product = a @ b
    taken = []
    for _ in range(rounds):
        start = now()
        torch.mm(a, b, out=product)
        taken.append(now() - start)
    return 2 * SIDE**3 / (min(taken) / 1000)
