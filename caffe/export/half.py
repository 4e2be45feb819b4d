"""Weights stored as float16 in an exported net: those of matrix products, where the bytes are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..core.blob import Blob
from ..graph.build import Graph


def halved(graph: Graph) -> list[Blob]:
    """The blobs that are stored as float16: the weights of matrix products, but for those with
    values that float16 has not.
    """
    weights = [layer.blobs[0] for layer in graph.layers if layer.matrix_product and layer.blobs]
    return [blob for blob in weights if bool(blob.data_tensor().half().isfinite().all())]


@contextmanager
def rounded(graph: Graph) -> Iterator[None]:
    """Inside, the weights are what float16 makes of them; afterwards what they were."""
    before = [(blob, blob.data.copy()) for blob in halved(graph)]
    for blob, values in before:
        blob.data[...] = torch.from_numpy(values).half().float().numpy()
    try:
        yield
    finally:
        for blob, values in before:
            blob.data[...] = values
