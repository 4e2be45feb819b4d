"""How a layer runs: torch records each layer by itself, so that every blob's diff can be read.

Gradients go from a layer's tops to its bottoms and parameters, and no further: the layers are
walked as Caffe walks them (engine/layerwise.py). That keeps partial passes, diffs that a script
writes in between, Python layers in the middle and in-place layers what they are in Caffe.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch.autograd.graph import GradientEdge, get_gradient_edge

from ..core.blob import Blob, BlobVec
from ..core.synced_memory import Memory, storage_address
from . import autocast


class Read(NamedTuple):
    """Where a forward pass found a blob's data, and when."""

    shape: tuple[int, ...]
    storage: int
    version: int


class Record(NamedTuple):
    """What one forward pass of one layer leaves for its backward pass."""

    differs: list[bool]  # for each top, whether it has a gradient
    end: GradientEdge | None  # where backward begins; None where no top has one
    diffs: list[torch.Tensor]  # those of such tops, while backward runs
    bottom_edges: dict[int, GradientEdge]
    params: dict[int, torch.Tensor]
    read: list[Read]  # of the bottoms, then of the parameters


class Recorded(autocast.Computes, Protocol):
    """What is asked here of a layer, a LayerType of base.py."""

    updates_params: bool
    need_backward: bool
    propagate_down: list[bool]
    param_propagate_down: list[bool]
    record: Record | None

    @property
    def blobs(self) -> BlobVec: ...

    @property
    def rereads_bottoms(self) -> bool: ...


class _Enter(torch.autograd.Function):
    """Lets torch's graph begin at x without keeping x alive, as a leaf tensor would."""

    @staticmethod
    def forward(ctx: object, anchor: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return x.view_as(x)


class End(torch.autograd.Function):
    """A scalar behind some tensors: its gradient is for each the diff that `diffs` holds then.

    Given to torch.autograd.grad as grad_outputs, the diffs would be compared with the tensors by
    torch.fx, and the first backward pass of a process would import sympy: 0.6 s.
    """

    @staticmethod
    def forward(ctx: Any, diffs: list[torch.Tensor], *tensors: torch.Tensor) -> torch.Tensor:
        ctx.diffs = diffs
        return tensors[0].new_empty(())

    @staticmethod
    def backward(ctx: Any, one: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        diffs = tuple(ctx.diffs)
        ctx.diffs.clear()
        return None, *diffs


def forward(layer: Recorded, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
    """Compute a layer's tops; record it if the net will want its gradients."""
    tops = _run(layer, bottom, overwritten=top)
    bottoms = {storage_address(blob.data_tensor()): blob for blob in bottom}
    for blob, tensor in zip(top, tops, strict=True):
        tensor = tensor.detach().contiguous()
        if bottoms.get(storage_address(tensor), blob) is not blob:
            tensor = tensor.clone()
        blob._data.assign(tensor)
    _note_read(layer, bottom)


def backward(
    layer: Recorded, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
) -> None:
    """From the tops' diffs, set the bottoms' diffs and add to the parameters' diffs."""
    if layer.record is None or _is_stale(layer, bottom):
        _run(layer, bottom)
        _note_read(layer, bottom)
    assert layer.record is not None
    differs, end, diffs, bottom_edges, params, _ = layer.record
    params = {i: leaf for i, leaf in params.items() if layer.param_propagate_down[i]}
    wanted = [i for i in bottom_edges if propagate_down[i]]
    # Any: torch's types know tensors or edges, not both in one list.
    inputs: list[Any] = [*(bottom_edges[i] for i in wanted), *params.values()]
    grads: Sequence[torch.Tensor | None] = [None] * len(inputs)
    given = [blob.diff_tensor() for blob, d in zip(top, differs, strict=True) if d]
    if end and inputs:
        diffs[:] = given
        grads = torch.autograd.grad([end], inputs, retain_graph=True, allow_unused=True)
    taken = {storage_address(diff) for diff in given}  # autograd may hand one tensor to several

    def own(grad: torch.Tensor) -> torch.Tensor:
        grad = grad.clone() if storage_address(grad) in taken else grad
        taken.add(storage_address(grad))
        return grad

    for i, grad in zip(wanted, grads, strict=False):
        if grad is None:
            bottom[i]._diff.clear(bottom[i].count)
        else:
            bottom[i]._diff.assign(own(grad))
    for i, grad in zip(params, grads[len(wanted) :], strict=True):
        if grad is not None:
            layer.blobs[i]._diff.accumulate(own(grad))


def _run(
    layer: Recorded, bottom: Sequence[Blob], overwritten: Sequence[Blob] = ()
) -> Sequence[torch.Tensor]:
    """The tops, recorded; `overwritten` are the blobs that will take them."""
    xs = autocast.bottoms(layer, bottom)
    if layer.need_backward:
        # A numpy view of an in-place blob will show the top: backward needs the bottom.
        xs = [
            x.clone() if blob in overwritten and blob._data.held is not None else x
            for x, blob in zip(xs, bottom, strict=True)
        ]
    return recorded(layer, xs, [])


def _note_read(layer: Recorded, bottom: Sequence[Blob]) -> None:
    if layer.record:
        layer.record = layer.record._replace(read=_read(layer, bottom))


def recorded(layer: Recorded, xs: list[torch.Tensor], read: list[Read]) -> Sequence[torch.Tensor]:
    """The tops of a layer's bottoms `xs`, as the layer takes them, recorded for its backward.

    read: where they and the parameters were found.
    """
    values = Memory.own if layer.updates_params else Memory.tensor
    params = [values(blob._data, blob.shape) for blob in layer.blobs]
    edges: dict[int, GradientEdge] = {}
    leaves: dict[int, torch.Tensor] = {}
    with torch.set_grad_enabled(layer.need_backward):
        if layer.need_backward:
            xs = list(xs)
            anchor = torch.empty(0, requires_grad=True)
            for i, needed in enumerate(layer.propagate_down):
                if needed:
                    xs[i] = _Enter.apply(anchor, xs[i])
                    edges[i] = get_gradient_edge(xs[i])
            for i, needed in enumerate(layer.param_propagate_down):
                if needed:
                    leaves[i] = params[i] = params[i].detach().requires_grad_()
        tops = autocast.tops(layer, xs, params)
        if layer.need_backward:
            differs = [top.requires_grad for top in tops]
            end, diffs = None, list[torch.Tensor]()
            if any(differs):
                end = get_gradient_edge(End.apply(diffs, *itertools.compress(tops, differs)))
            layer.record = Record(differs, end, diffs, edges, leaves, read)
    return tops


def _read(layer: Recorded, bottom: Sequence[Blob]) -> list[Read]:
    return [
        Read(blob.shape, storage_address(blob.data_tensor()), blob._data.version)
        for blob in (*bottom, *layer.blobs)
    ]


def _is_stale(layer: Recorded, bottom: Sequence[Blob]) -> bool:
    """Whether backward must not go by what the record has read.

    In another shape it cannot; and with `rereads_bottoms` it takes the bottoms as they are now.
    """
    assert layer.record is not None
    then = layer.record.read
    if [read.shape for read in then] != [blob.shape for blob in (*bottom, *layer.blobs)]:
        return not layer.updates_params
    if not layer.rereads_bottoms:
        return False
    now = _read(layer, bottom)
    if autocast.keeps_bottoms(layer):  # what is written there, the record finds
        return [read.storage for read in then] != [read.storage for read in now]
    return then != now or any(blob._data.held is not None for blob in (*bottom, *layer.blobs))
