"""Caffe's own passes over a graph: layer by layer, with hooks and debug info in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from ..core import spinning
from ..core.errors import CaffeError
from ..graph import debug_info
from ..graph.build import Graph, set_loss_diffs
from ..layer_types.base import LayerType
from .threads import STEP, is_small, of_pass

Hook = Callable[[int], object]


class Layerwise:
    """The passes as Net::ForwardFromTo and Net::BackwardFromTo walk the layers.

    Hooks are called with the layer's place in the graph.
    """

    def __init__(self, graph: Graph, debug_info: bool) -> None:
        self.graph = graph
        self.debug_info = debug_info  # log mean absolute values of every layer
        has_bottoms = (i for i, names in enumerate(graph.bottoms) if names)
        self.sources = next(has_bottoms, len(graph.layers))  # so many layers give the data
        self._shapes: list[tuple[int, ...]] | None = None  # of the sources' tops
        self._is_small = False  # at these shapes
        self.before_forward: list[Hook] = []
        self.after_forward: list[Hook] = []
        self.before_backward: list[Hook] = []
        self.after_backward: list[Hook] = []

    def threads(self) -> AbstractContextManager[None]:
        """As many as a solver's iteration takes, whose sources have given their shapes.

        It follows from these alone: sums are rounded as in any other iteration of such shapes. The
        layers behind get their shapes here, which in other passes a script could see.
        """
        graph = self.graph
        shapes = [graph.blobs[name].shape for i in range(self.sources) for name in graph.tops[i]]
        if self._shapes != shapes:
            self._shapes, self._is_small = shapes, self._may_be_small()
        return of_pass(self._is_small)

    def _may_be_small(self) -> bool:
        for layer in self.graph.layers[self.sources :]:
            if type(layer).reshape is not LayerType.reshape and not layer.shares_data:
                return False  # a script's: it is called as often as Caffe calls it
        return self.shapes_follow(self.sources) and is_small(self.graph, STEP)

    def shapes_follow(self, first: int) -> bool:
        """Bring the blobs' shapes in step from this layer on.

        False where a layer does not take them: it raises that again when those before it have run.
        """
        graph = self.graph
        try:
            for i in range(first, len(graph.layers)):
                graph.layers[i].reshape(graph.bottom(i), graph.top(i))
        except CaffeError:
            return False
        return True

    def is_watched(self) -> bool:
        """Whether someone looks at the blobs between the layers of a pass."""
        hooks = (self.before_forward, self.after_forward, self.before_backward, self.after_backward)
        return self.debug_info or any(hooks)

    def reshape(self) -> None:
        """Bring all blobs' shapes in step with the inputs'."""
        for i, layer in enumerate(self.graph.layers):
            layer.reshape(self.graph.bottom(i), self.graph.top(i))
        set_loss_diffs(self.graph)

    def forward(self, layers: Iterable[int]) -> float:
        """Run these layers in order; returns the weighted sum of their losses."""
        return sum(map(self.forward_layer, layers))

    def forward_layer(self, i: int) -> float:
        """Run layer i; returns what it adds to the loss."""
        spinning.look()
        for hook in self.before_forward:
            hook(i)
        bottom, top = self.graph.bottom(i), self.graph.top(i)
        layer = self.graph.layers[i]
        layer.reshape(bottom, top)
        layer.forward(bottom, top)
        loss = self.loss(i)
        if self.debug_info:
            debug_info.forward(self.graph, i)
        for hook in self.after_forward:
            hook(i)
        return loss

    def loss(self, i: int) -> float:
        """What layer i adds to the loss, by the present data of its tops."""
        loss = 0.0
        if not any(self.graph.loss_weights[i]):
            return loss
        for blob, weight in zip(self.graph.top(i), self.graph.loss_weights[i], strict=True):
            if weight:
                loss += weight * float(blob.data_tensor().float().sum())
                if blob._diff.untouched:  # reshaped since: its diff is the weight again
                    blob._diff.own(blob.shape).fill_(weight)
        return loss

    def backward(self, layers: Iterable[int]) -> None:
        """Run these layers backward, in the order given: from the last one down."""
        for i in layers:
            self.backward_layer(i)

    def backward_layer(self, i: int) -> None:
        """Run layer i backward, if it leads from something to learn to a loss."""
        spinning.look()
        for hook in self.before_backward:
            hook(i)
        layer = self.graph.layers[i]
        if layer.need_backward:
            layer.backward(self.graph.top(i), layer.propagate_down, self.graph.bottom(i))
            if self.debug_info:
                debug_info.backward(self.graph, i)
        for hook in self.after_backward:
            hook(i)

    def log_totals(self) -> None:
        """With debug info: the norms of all parameters and diffs, after both passes."""
        if self.debug_info:
            debug_info.totals(self.graph)
