"""Readers of files of weights: each gives {layer: its arrays}, as Caffe names and lays them out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

from caffe import CaffeError

from ..layout import Layers
from .caffe_file import read_caffemodel
from .deep_compression import read_compressed_squeezenet
from .hdf5_file import read_hdf5
from .matconvnet import read_matconvnet
from .numpy_file import read_numpy
from .torch_file import read_torch

__all__ = ["READERS", "Layers", "read_layers", "reading"]

# By how a file's name ends
READERS: dict[str, Callable[[str | os.PathLike], Layers]] = {
    ".caffemodel": read_caffemodel,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".pth": read_torch,
    ".pt": read_torch,
    ".safetensors": read_torch,
    ".mat": read_matconvnet,
    ".npy": read_numpy,
    ".npz": read_numpy,
    ".net": read_compressed_squeezenet,
}


def read_layers(path: str | os.PathLike) -> Layers:
    """The weights in a file of any of the kinds in READERS: {layer: [weights, biases, ...]}.

    Raises ValueError or caffe.CaffeError for a file of no such kind or with other contents, OSError
    where it can't be opened.
    """
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in READERS:
        raise ValueError(
            f"{path}: the name ends in {suffix or 'nothing'}, which says no kind of weights; "
            f"expected {', '.join(READERS)}: rename it by what it is"
        )
    with reading(path):
        return READERS[suffix](path)


@contextlib.contextmanager
def reading(path: str | os.PathLike) -> Iterator[None]:
    """Whatever a library raises of the file that is read becomes a ValueError that names it.

    caffe.CaffeError, which does, and OSError for a file that can't be opened stay as they are.
    """
    try:
        yield
    except CaffeError:
        raise
    except Exception as error:  # each library has its own for damaged files
        if isinstance(error, OSError) and error.filename:  # it cannot be opened
            raise
        said = str(error)
        if not isinstance(error, ValueError):
            said = f"damaged, or another kind of file ({type(error).__name__}: {error})"
        raise ValueError(f"{path}: {said}") from None
