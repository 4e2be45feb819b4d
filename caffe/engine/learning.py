"""The parameters of layers that run as one graph of torch's, and the way back to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch

from ..core import host_memory, spinning
from ..core.blob import Blob
from ..layer_types import LayerType
from ..layer_types.autograd import End
from .schedule import Tensors


class Learning:
    """What is called with each parameter of some layers, once its diff is complete: `learn`.

    The leaves refer to this and this to none of them, so that a solver that is dropped is gone at
    once.
    """

    def __init__(self, layers: Sequence[LayerType], learn: Callable[[Blob], None]) -> None:
        self._learn = learn
        self._waiting = [blob for layer in layers for blob in layer.blobs]
        self.named = f"layers '{layers[0].name}' to '{layers[-1].name}'"

    def leaves(self, layer: LayerType) -> list[torch.Tensor]:
        """The parameters of one of the layers, where torch's graph begins."""
        leaves = []
        pairs = zip(layer.blobs, layer.param_propagate_down, strict=True)
        for i, (blob, learns) in enumerate(pairs):
            # Statistics are written where they are
            memory, shape = blob._data, blob.shape
            leaf = memory.own(shape) if layer.updates_params else memory.tensor(shape).detach()
            # A product's weights have a gradient of their own; of others, as of what is added, it
            # may be the very diff that goes on to the layers below
            alone = layer.matrix_product and i == 0
            if layer.need_backward and learns:
                leaf.requires_grad_()
                leaf.register_post_accumulate_grad_hook(partial(self._arrived, blob, alone))
            leaves.append(leaf)
        return leaves

    def backward(self, outputs: Tensors, diffs: Tensors) -> None:
        """From the diffs of some of the graph's outputs, add to the parameters' diffs; once."""
        found = {name: x for name, x in outputs.items() if name in diffs and x.requires_grad}
        if found:
            clones = [diffs[name].clone() for name in found]
            with host_memory.end_named(self.named):
                End.apply(clones, *found.values()).backward()
        for blob in self._waiting:
            self._learn(blob)

    def _arrived(self, blob: Blob, alone: bool, leaf: torch.Tensor) -> None:
        spinning.look()
        gradient, leaf.grad = leaf.grad, None
        assert gradient is not None
        blob._diff.accumulate(gradient if alone else gradient.clone())
        self._waiting.remove(blob)
        self._learn(blob)
