"""A net filled with the weights of a file: what is missing, left over or misfits is said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

import caffe
from caffe.proto import caffe_pb2

from .from_torch import first
from .layout import Layers
from .upsample import interp


def fill(net: caffe.Net, layers: Layers) -> None:
    """Give a net the weights of a file.

    What FCNs do not learn (upscore..., bilinear; scale_..., which has its filler) may be missing.
    Raises ValueError that names the first five layers missing, left over, and of
    another shape.
    """
    absent = [name for name in net.params if name not in layers]
    missing = [name for name in absent if not name.startswith(("upscore", "scale_"))]
    surplus = [name for name in layers if name not in net.params]
    misfits = [
        f"{name} {_shapes(layers[name])} for {_shapes(blob.data for blob in blobs)}"
        for name, blobs in net.params.items()
        if name in layers and not _fit(layers[name], blobs)
    ]
    if missing or surplus or misfits:
        raise ValueError(
            f"layers missing: {first(missing)}; left over: {first(surplus)}; of another shape: "
            f"{first(misfits)}"
        )
    for name, blobs in net.params.items():
        for blob, array in zip(blobs, layers.get(name, ()), strict=False):
            blob.data[...] = array.reshape(blob.data.shape)
    interp(net, [name for name in absent if name.startswith("upscore")])


def filled(spec: caffe_pb2.NetParameter, layers: Layers, otherwise: str) -> caffe.Net:
    """A deploy net with the weights of a file; where they misfit, `fill`'s ValueError, which begins
    with `otherwise`: what the file is not."""
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    try:
        fill(net, layers)
    except ValueError as error:
        raise ValueError(f"{otherwise}: {error}") from None
    return net


def _fit(arrays: Sequence[np.ndarray], blobs: Sequence[caffe.Blob]) -> bool:
    """Whether values and outputs are as many: of a fully connected layer (out, in) fits (out, in,
    1, 1), and a file of the time when every blob had four axes begins with axes of 1."""
    return len(arrays) == len(blobs) and all(
        array.size == blob.data.size and _outputs(array.shape) == _outputs(blob.data.shape)
        for array, blob in zip(arrays, blobs, strict=True)
    )


def _outputs(shape: tuple[int, ...]) -> int:
    return next((n for n in shape if n != 1), 1)


def _shapes(arrays: Iterable[np.ndarray]) -> str:
    return " ".join("x".join(map(str, array.shape)) or "1" for array in arrays)
