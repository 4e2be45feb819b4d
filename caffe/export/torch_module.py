"""A net as a torch.nn.Module: the same expressions, the same names, parameters of its own."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Collection

import torch

from ..core import spinning
from ..core.blob import Blob
from ..core.errors import CaffeError
from ..graph.build import Graph
from ..layer_types import LayerType, exporting
from ..layer_types.autocast import Tensors, in_type
from ..layer_types.base import Shape

OF_VALUES = (".numpy()", "data-dependent")  # in what torch says where an export has none
NOT_JIT = "Take torch.export.export, or `caffe export` to a .pt2 or .onnx file"


class NetModule(torch.nn.Module):
    """What Net.to_torch() gives.

    `module(*inputs)` takes a tensor for each of `inputs` and returns the output, or a tuple of
    them in the order of `outputs`. state_dict keys are LAYER.weight and LAYER.bias, or
    LAYER.INDEX as in net.params for types without such names; what follows a dot in a layer's name
    is a module inside, and a name that a module has for something else gets a "_" behind. A
    parameter with lr_mult 0 does not require grad. The phase (dropout, batch statistics) is the
    net's: train() and eval() change nothing. It computes in the type of the first input, but where
    that is bfloat16 or float16 only products of matrices do, all else in float32, as set_precision
    has it: so may be the outputs. Parameters of the blobs in `half` are stored as float16.
    """

    def __init__(self, graph: Graph, half: Collection[Blob] = ()) -> None:
        super().__init__()
        halves = {id(blob._data) for blob in half}
        self.inputs, self.outputs = list(graph.inputs), list(graph.outputs)
        self._steps: list[tuple[LayerType, list[str], list[str], list[Shape]]] = []
        self._params: list[torch.nn.Module] = []
        params = {
            id(p.blob._data): torch.nn.Parameter(
                p.blob.data_tensor().to(
                    torch.float16 if id(p.blob._data) in halves else torch.float32, copy=True
                ),
                p.lr_mult != 0,
            )
            for p in graph.params
        }
        for layer, bottoms, tops in zip(graph.layers, graph.bottoms, graph.tops, strict=True):
            if layer.is_input:
                continue
            layer.check(
                type(layer).expression is not LayerType.expression,
                "is no function of its bottoms that torch could take over; use a deploy prototxt, "
                "whose data comes from an Input layer",
            )
            holder = torch.nn.Module()
            for name, blob in zip(_param_names(layer), layer.blobs, strict=True):
                holder.register_parameter(name, params[id(blob._data)])
            self._steps.append((_bare(layer), bottoms, tops, [b.shape for b in layer.blobs]))
            self._params.append(holder)
        named = [
            (layer.name, holder)
            for (layer, *_), holder in zip(self._steps, self._params, strict=True)
            if len(holder._parameters)
        ]
        for name, holder in sorted(named, key=lambda of: of[0].count(".")):
            self._register(name, holder)

    def _register(self, name: str, holder: torch.nn.Module) -> None:
        *outer, last = name.split(".")
        parent: torch.nn.Module = self
        for part in outer:
            while part not in parent._modules and _is_taken(parent, part):
                part += "_"
            if part not in parent._modules:
                parent.add_module(part, torch.nn.Module())
            parent = parent.get_submodule(part)
        while _is_taken(parent, last):
            last += "_"
        parent.add_module(last, holder)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """The net's outputs, differentiable."""
        if not torch.compiler.is_compiling():
            spinning.look()
        blobs = dict(zip(self.inputs, inputs, strict=True))
        kind = inputs[0].dtype if inputs else torch.float32
        for (layer, bottoms, tops, shapes), holder in zip(self._steps, self._params, strict=True):
            # A shared parameter may have another shape in each layer (share_mode PERMISSIVE).
            params = [
                p if p.shape == s else p.view(s)
                for p, s in zip(holder.parameters(recurse=False), shapes, strict=True)
            ]
            xs = [blobs[name] for name in bottoms]
            out = _computed(layer, *in_type(layer, xs, params, kind))
            blobs.update(zip(tops, [out] if isinstance(out, torch.Tensor) else out, strict=True))
        outputs = tuple(blobs[name] for name in self.outputs)
        return outputs[0] if len(outputs) == 1 else outputs


def _is_taken(module: torch.nn.Module, name: str) -> bool:
    return not name or hasattr(module, name)


def _computed(layer: LayerType, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
    """The tops; an error of torch's names the layer while torch follows it for an export."""
    try:
        if exporting.is_jit_traced():
            return _traced(layer, bottoms, params)
        return layer.expression(bottoms, params)
    except CaffeError:
        raise
    except Exception as error:  # of many kinds
        if not (exporting.is_traced() or exporting.is_jit_traced()):
            raise
        reason = str(error).strip().split("\n")[0].rstrip(".")
        if exporting.is_jit_traced():
            cure = f". {NOT_JIT}"
        else:
            looks = any(words in reason for words in OF_VALUES)
            cure = ". It looks at values; end the net before it" if looks else ""
        layer.check(False, f"torch cannot export it: {type(error).__name__}: {reason}{cure}")
        raise


def _traced(layer: LayerType, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
    """The tops while torch.jit.trace follows, which takes what numpy computes for constants."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        tops = layer.expression(bottoms, params)
    layer.check(
        not any("NumPy array" in str(each.message) for each in said),
        f"looks at values, and torch.jit.trace would keep those of this input. {NOT_JIT}",
    )
    for each in said:
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return tops


def _param_names(layer: LayerType) -> list[str]:
    names, count = layer.param_names, len(layer.blobs)
    return list(names[:count]) if count <= len(names) else [str(i) for i in range(count)]


def _bare(layer: LayerType) -> LayerType:
    """The layer without what it keeps of its net."""
    bare = copy.copy(layer)
    del bare._blobs  # a module can be copied and pickled, a BlobVec cannot
    bare.record = None
    bare.reset()
    return bare
