"""How a net takes stored parameters, or another net's: layer by layer, by their names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ..core.blob import Blob
from ..core.errors import CaffeError
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
    owned = _owned(graph)
    pairs: list[tuple[Blob, StoredBlob | None]] = []
    for name, blobs in stored.items():
        if name not in ours:
            info("net.cpp:744", "Ignoring source layer %s", name)
            continue
        pairs.extend(_pairs(ours[name], blobs, owned, path))
    for blob, values in pairs:
        if values is not None:
            values.read_into(blob)


class Fit(NamedTuple):
    """Which layers of a net a file has parameters for."""

    fitting: list[str]
    misfits: dict[str, str]  # and what is wrong with them
    absent: list[str]  # layers with parameters that the file does not have
    left_over: list[str]  # what only the file has


def fit(graph: Graph, stored: StoredLayers, path: PathLike) -> Fit:
    """What `load` would do, layer by layer; nothing is loaded."""
    ours, owned = _by_name(graph), _owned(graph)
    found = Fit([], {}, [], [name for name, blobs in stored.items() if blobs and name not in ours])
    for name, layer in ours.items():
        if name not in stored:
            found.absent.extend([name] if layer.blobs else [])
            continue
        try:
            _pairs(layer, stored[name], owned, path)
        except CaffeError as error:
            found.misfits[name] = str(error)
        else:
            found.fitting.extend([name] if layer.blobs else [])
    return found


def _owned(graph: Graph) -> set[int]:
    """The parameters that are no other layer's that is shared."""
    return {id(param.blob) for param in graph.params}


def _pairs(
    layer: LayerType, stored: list[StoredBlob | None], owned: set[int], path: PathLike
) -> list[tuple[Blob, StoredBlob | None]]:
    """A layer's parameters, each with what is stored for it. Raises CaffeError for a misfit."""
    pieces = [[stored[i] for i in each] for each in layer.stored_pieces(len(stored))]
    if all(map(_are_alike, pieces)):
        stored = [*map(_joined, pieces)] or stored
    lacking = range(len(stored), len(layer.blobs))
    # HDF5 files leave out what is shared.
    if not any(id(layer.blobs[i]) in owned and i not in layer.optional_params for i in lacking):
        stored = [*stored, *(None for _ in lacking)]
    if len(stored) == len(layer.blobs):
        stored = list(stored)
        for i in layer.optional_params:
            values = stored[i]
            stored[i] = values if values and values.fits(layer.blobs[i].shape) else None
    _check_fit(layer, stored, owned, path)
    return list(zip(layer.blobs, stored, strict=True))


def _are_alike(pieces: list[StoredBlob | None]) -> bool:
    """Whether one parameter's pieces may be behind each other along axis 0."""
    shapes = {piece.shape for piece in pieces if piece is not None}
    return len(pieces) == 1 or (len(shapes) < 2 and () not in shapes)


def _joined(pieces: list[StoredBlob | None]) -> StoredBlob | None:
    """One parameter of pieces, behind each other along axis 0; None where one is missing."""
    found = [piece for piece in pieces if piece is not None]
    if len(found) < len(pieces):
        return None
    if len(found) == 1:
        return found[0]
    shape = (sum(piece.shape[0] for piece in found), *found[0].shape[1:])
    diffs = [piece.diff for piece in found if piece.diff is not None]
    return StoredBlob(
        shape,
        found[0].legacy,
        np.concatenate([piece.values for piece in found]),
        diff=np.concatenate(diffs) if len(diffs) == len(found) else None,
    )


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


def _shapes(blobs: Iterable[Blob | StoredBlob | None]) -> str:
    """Of some blobs, as an error says them behind their number."""
    shapes = ", ".join("shared" if blob is None else str(blob.shape) for blob in blobs)
    return f" of shapes {shapes}" if shapes else ""


def _check_fit(
    layer: LayerType, stored: list[StoredBlob | None], owned: set[int], path: PathLike
) -> None:
    if len(stored) != len(layer.blobs):
        layer.check(
            False,
            f"has {len(layer.blobs)} parameter blob(s){_shapes(layer.blobs)}, but {path} holds "
            f"{len(stored)} for it{_shapes(stored)}. Give the layer the settings that the file's "
            "had, such as bias_term; or, to learn it from scratch, rename it",
        )
    for i, (blob, values) in enumerate(zip(layer.blobs, stored, strict=True)):
        if values is None:
            left = id(blob) not in owned or i in layer.optional_params
            layer.check(left, f"parameter {i} is missing in {path}")
        elif not (values.fits(blob.shape) or (layer.loads_by_count and _as_many(values, blob))):
            layer.check(
                False,
                f"parameter {i} has shape {blob.shape}, but {path} holds shape "
                f"{values.shape} for it. To learn this layer from scratch, rename it; to "
                "reshape its weights, use surgery.transplant",
            )
