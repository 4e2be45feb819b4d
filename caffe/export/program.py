"""A net as torch.export's program: what the files of all formats are made of."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from ..core.errors import CaffeError
from ..graph.build import Graph
from ..layer_types import LayerType
from ..layer_types.autocast import Tensors
from .half import halved
from .sizes import OpenAxes, Shapes, own_shapes, sizes_to_try
from .torch_module import NetModule

if TYPE_CHECKING:
    from ..net import Net


def capture(net: Net, open_axes: OpenAxes, half: bool = False) -> torch.export.ExportedProgram:
    """Follow the net's expressions, for inputs of any size along the open axes.

    half: the weights of matrix products are float16, and computed with as float32. Raises
    CaffeError that names the layer which cannot be followed, or an axis that cannot be open.
    """
    module = NetModule(net._graph, halved(net._graph) if half else ()).cpu()
    try:
        program = _followed(module, own_shapes(net), open_axes)
    except CaffeError:
        raise
    except Exception as error:  # of torch's many kinds
        reason = " ".join(str(error).split())
        raise CaffeError(f"net '{net.name}': torch cannot export it: {reason}") from None
    for name, axis in _fixed(program, open_axes):
        raise CaffeError(
            f"net '{net.name}': the {open_axes[name][axis]} of '{name}' cannot be left open: a "
            f"layer computes with the number itself, {net.blobs[name].shape[axis]}"
        )
    return program


def _followed(
    module: NetModule, shapes: Shapes, open_axes: OpenAxes
) -> torch.export.ExportedProgram:
    """The program, followed with inputs of a size at which nothing is the same by chance."""
    axes = tuple(dict.fromkeys(open_axes[name], torch.export.Dim.AUTO) for name in shapes)
    inputs = tuple(torch.zeros(shape) for shape in sizes_to_try(shapes, open_axes)[-1].values())
    # It traces back each inequality between sizes that it could not simplify.
    with silent("torch.fx.experimental.symbolic_shapes"), torch.no_grad():
        return torch.export.export(module, inputs, dynamic_shapes={"inputs": axes}, strict=False)


@contextmanager
def silent(logger: str) -> Iterator[None]:
    """Inside, there are no warnings, neither Python's nor of this one of torch's loggers."""
    chatty = logging.getLogger(logger)
    level = chatty.level
    chatty.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        chatty.setLevel(level)


def _fixed(program: torch.export.ExportedProgram, open_axes: OpenAxes) -> list[tuple[str, int]]:
    """Those of the axes that are not open after all."""
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    inputs = [nodes[str(name)].meta["val"] for name in program.graph_signature.user_inputs]
    return [
        (name, axis)
        for (name, axes), value in zip(open_axes.items(), inputs, strict=True)
        for axis in axes
        if _is_one_number(value.shape[axis])
    ]


def _is_one_number(size: int | torch.SymInt) -> bool:
    """A size is one too where Python has asked for it, by len or range, after it was made."""
    return isinstance(size, int) or size.node.maybe_as_int() is not None


def each_alone(graph: Graph) -> Iterator[tuple[LayerType, torch.export.ExportedProgram]]:
    """Each layer of a net and a program of it alone, at its own size, to find one that fails."""
    for i, layer in enumerate(graph.layers):
        if not layer.is_input:
            bottoms = [blob.data_tensor().cpu() for blob in graph.bottom(i)]
            params = [blob.data_tensor().cpu() for blob in layer.blobs]
            with torch.no_grad():
                yield layer, torch.export.export(_Alone(layer), (bottoms, params), strict=False)


class _Alone(torch.nn.Module):
    """One layer as a module."""

    def __init__(self, layer: LayerType) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        return self.layer.expression(bottoms, params)
