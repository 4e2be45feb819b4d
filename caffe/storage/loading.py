"""How a net takes stored parameters, or another net's: layer by layer, by their names."""

from __future__ import annotations

from ..core.blob import Blob
from ..core.files import PathLike
from ..core.log import info
from ..graph.build import Graph
from ..layer_types import LayerType
from .content import StoredBlob, StoredLayers


def load(graph: Graph, stored: StoredLayers, path: PathLike) -> None:
    """Copy the stored parameters; layers that only one side has are left alone.

    Raises CaffeError, which names the file, where a shape does not fit; nothing is loaded then.
    """
    ours = _by_name(graph)
    owned = {id(param.blob) for param in graph.params}  # no other layer's that is shared
    pairs: list[tuple[Blob, StoredBlob | None]] = []
    for name, blobs in stored.items():
        if name not in ours:
            info("net.cpp:744", "Ignoring source layer %s", name)
            continue
        lacking = ours[name].blobs[len(blobs) :]
        if not any(id(blob) in owned for blob in lacking):  # HDF5 files leave out what is shared
            blobs = [*blobs, *(None for _ in lacking)]
        _check_fit(ours[name], blobs, owned, path)
        pairs.extend(zip(ours[name].blobs, blobs, strict=True))
    for blob, values in pairs:
        if values is not None:
            values.read_into(blob)


def share(graph: Graph, other: Graph) -> None:
    """Let the layers use the parameters of the other net's layers from now on.

    Raises CaffeError, and shares none, where those of a layer have other shapes.
    """
    ours = _by_name(graph)
    pairs: list[tuple[Blob, Blob]] = []
    for name, source in _by_name(other).items():
        if name not in ours:
            info("net.cpp:676", "Ignoring source layer %s", name)
            continue
        layer = ours[name]
        layer.check(
            [b.shape for b in layer.blobs] == [b.shape for b in source.blobs],
            f"cannot share parameters of shapes {[b.shape for b in source.blobs]} "
            f"as {[b.shape for b in layer.blobs]}",
        )
        pairs.extend(zip(layer.blobs, source.blobs, strict=True))
    for blob, from_blob in pairs:
        blob.share_data(from_blob)


def _by_name(graph: Graph) -> dict[str, LayerType]:
    """The layers, of several with one name the first."""
    return {layer.name: layer for layer in reversed(graph.layers)}


def _as_many(values: StoredBlob, blob: Blob) -> bool:
    return values.values.size == blob.count


def _check_fit(
    layer: LayerType, stored: list[StoredBlob | None], owned: set[int], path: PathLike
) -> None:
    if len(stored) != len(layer.blobs):
        layer.check(
            False,
            f"has {len(layer.blobs)} parameter blob(s), but {path} holds {len(stored)} for it",
        )
    for i, (blob, values) in enumerate(zip(layer.blobs, stored, strict=True)):
        if values is None:
            layer.check(id(blob) not in owned, f"parameter {i} is missing in {path}")
        elif not (values.fits(blob.shape) or (layer.loads_by_count and _as_many(values, blob))):
            layer.check(
                False,
                f"parameter {i} has shape {blob.shape}, but {path} holds shape "
                f"{values.shape} for it. To learn this layer from scratch, rename it; to "
                "reshape its weights, use surgery.transplant",
            )
