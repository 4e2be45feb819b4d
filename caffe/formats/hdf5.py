"""Reading HDF5 files that may be damaged, or of anyone's making (util/hdf5.cpp).

What is read goes through `array`, for a shape only claims: where a chunked dataset's values are
not in the file, libhdf5 takes gigabytes and seconds by the claim (one of 20,000 damaged files);
and links and virtual datasets make it open other files. With these checks 40,000 damaged files
gave neither a crash nor a hang, so h5py may read; pyfive, in pure Python, is not for Python 3.10.

h5py is imported in the functions, here and wherever it is used: `import caffe` would take a quarter
longer with it, and most nets never see an HDF5 file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import CaffeError, anew, caffe_error
from ..core.files import PathLike, path_cure, refuse_stand_in, shown_path

if TYPE_CHECKING:
    import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_RATIO = 1100  # of compressed values: gzip's best, and a margin


@contextmanager
def reading(path: PathLike, kind: str) -> Iterator[h5py.File]:
    """An HDF5 file; what goes wrong inside is one CaffeError that names it and the kind expected.

    For its contents use `group`, `array`, `integer` and `text` on what they return.
    """
    import h5py

    try:
        with open(path, "rb") as source:
            refuse_stand_in(path, source.peek(512))
            with h5py.File(source, "r") as file:
                yield file
    except CaffeError as error:
        if str(error).startswith(shown_path(path)):  # there is no HDF5 in it
            raise
        raise anew(error, f"{path}: {error}; expected an HDF5 file of {kind}") from None
    except Exception as error:  # what h5py raises for a damaged file depends on the damage
        reason = getattr(error, "strerror", None) or error or type(error).__name__
        raise caffe_error(
            type(error) if isinstance(error, OSError) else OSError,
            f"{path}: cannot be read as an HDF5 file of {kind} ({reason}). It may be missing, "
            f"truncated or another kind of file: copy or download it again{path_cure(path)}",
        ) from None


def group(parent: h5py.Group, name: str) -> h5py.Group:
    """A group inside of a file or group."""
    import h5py

    found = _node(parent, name)
    check(isinstance(found, h5py.Group), f"{parent.name} has no group '{name}'")
    return found


def array(parent: h5py.Group, name: str, kinds: str = "fiu") -> np.ndarray:
    """A dataset's values, if they are of one of these numpy kinds and really in the file."""
    import h5py

    dataset = _node(parent, name)
    check(
        isinstance(dataset, h5py.Dataset) and dataset.shape is not None,
        f"{parent.name} has no dataset '{name}'; it holds {list(parent)[:20]}",
    )
    check(dataset.dtype.kind in kinds, f"{dataset.name} holds values of type {dataset.dtype}")
    check(not dataset.is_virtual and not dataset.external, f"{dataset.name} lies in other files")
    held = min(dataset.id.get_storage_size(), dataset.file.id.get_filesize())
    chunk = dataset.chunks or dataset.shape  # what is stored, and packed, as one piece
    sizes = zip(dataset.shape, chunk, strict=True)
    pieces = math.prod(-(-size // max(part, 1)) for size, part in sizes)
    ratio = MAX_RATIO if dataset.id.get_create_plist().get_nfilters() else 1
    needed = max(math.prod(dataset.shape), math.prod(chunk)) * dataset.dtype.itemsize
    check(
        pieces <= held and needed <= ratio * held,
        f"{dataset.name} lacks values: its shape is {dataset.shape}",
    )
    return np.asarray(dataset[()])


def integer(parent: h5py.Group, name: str) -> int:
    """A dataset of one integer."""
    return int(_single(parent, name, "iu"))


def text(parent: h5py.Group, name: str) -> str:
    """A dataset of one string of fixed length, up to its first zero."""
    return bytes(_single(parent, name, "S")).split(b"\0")[0].decode()


def check(condition: bool, message: str) -> None:
    """Raise CaffeError without the condition; `reading` puts the file's name in front."""
    if not condition:
        raise CaffeError(message)


def _single(parent: h5py.Group, name: str, kinds: str) -> int | bytes:
    values = array(parent, name, kinds)
    path = f"{parent.name.rstrip('/')}/{name}"
    check(values.size == 1, f"{path} is not one value; its shape is {values.shape}")
    return values.item()


def _node(parent: h5py.Group, name: str) -> Any:
    """A group, a dataset, another kind of node, or None where there is no such name."""
    import h5py

    link = parent.get(name, getlink=True)
    check(not isinstance(link, h5py.ExternalLink), f"{parent.name}/{name} lies in another file")
    return parent.get(name)
