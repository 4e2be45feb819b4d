"""Layers that read and write HDF5 files: HDF5Data, HDF5Output."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ..core.blob import Blob
from ..core.device import current_device
from ..core.digest import digest
from ..core.errors import CaffeError, anew, error_context
from ..core.files import cannot_be_read, replacing
from ..core.log import info
from ..core.ranks import Share, solver_count, training_share
from ..core.rng import draw_seed
from ..feeding.transform import random_words
from ..formats import hdf5
from ..proto import caffe_pb2
from .base import LayerType, Shape, layer_type
from .reader import Reader

FILES, ROWS = 1, 2  # streams of a layer's random numbers


@layer_type("HDF5Data")
class HDF5Data(Reader):
    """Rows of HDF5 files, from the dataset that has the top's name (hdf5_data_layer.cpp).

    `source` lists the files. One is in memory at a time. With shuffle the files, and the rows
    of each, come in another order each time: functions of the seed in `state_dict`.
    """

    tops = (1, None)

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        param = self.spec.hdf5_data_param
        self.check(not self.spec.HasField("transform_param"), "HDF5Data does not transform data.")
        self.check(param.batch_size > 0, "batch_size is at least 1; found 0")
        info("hdf5_data_layer.cpp:79", "Loading list of HDF5 filenames from: %s", param.source)
        with error_context(f"layer '{self.name}' ({self.type})"):
            self._files = _listed(param.source)
        self.check(
            bool(self._files), f"Must have at least 1 HDF5 filename listed in {param.source}"
        )
        info("hdf5_data_layer.cpp:93", "Number of HDF5 files: %d", len(self._files))
        # Seed of all draws, files passed so far, row
        self._position = {"seed": draw_seed(), "file": 0, "row": 0}
        self._loaded: tuple[str, list[np.ndarray]] | None = None
        self._ordered: tuple[tuple[int, int], np.ndarray] | None = None
        self._rows = [rows.shape[1:] for rows in self._load(0)]
        self._share = Share()
        if self.phase == caffe_pb2.TRAIN:
            with error_context(f"layer '{self.name}' ({self.type})"):
                self._share = training_share(range(self._items()), param.source)
        for blob, shape in zip(top, self._rows, strict=True):
            blob.reshape(param.batch_size, *shape)

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        size = self.spec.hdf5_data_param.batch_size
        batch = [torch.empty((size, *shape)) for shape in self._rows]
        wanted = np.array(self._share.offsets(size))  # places in the round of all ranks
        filled = passed = 0
        for values, rows in self._walk(self._share.ranks * size):
            here = wanted[(wanted >= passed) & (wanted < passed + len(rows))] - passed
            for part, given in zip(batch, values, strict=True):
                part.numpy()[filled : filled + len(here)] = given[rows[here]]
            filled, passed = filled + len(here), passed + len(rows)
        for blob, tensor in zip(top, batch, strict=True):
            blob.reshape(*tensor.shape)
            blob._data.assign(tensor.to(current_device()))

    def take_turns(self, rank: int, count: int) -> None:
        """Of each `count` passes from here on, read the one that is number `rank`."""
        self._share = Share(rank, count, by_pass=True)

    def skip(self, passes: int) -> None:
        """Go on with the pass that comes so many later."""
        for _ in self._walk(passes * self.spec.hdf5_data_param.batch_size):
            pass

    def contents(self) -> str:
        """What tells this layer's data from other data."""
        sizes = [os.path.getsize(path) for path in self._files]
        return f"{len(sizes)} files of {sum(sizes)} bytes, digest {digest(repr(sizes).encode())}"

    def _items(self) -> int:
        """How many rows there are; the number of files where that is enough, for each has one."""
        files = len(self._files)
        if files >= solver_count():
            return files
        return sum(len(self._load(i)[0]) for i in range(files))

    def _walk(self, count: int) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
        """Go on by so many rows: the arrays of each file on the way, and the rows taken of it."""
        file, row = self._position["file"], self._position["row"]
        while count:
            values = self._load(file)
            rows = self._row_order(file, len(values[0]))[row : row + count]
            yield values, rows
            count, row = count - len(rows), row + len(rows)
            if row >= len(values[0]):
                file, row = file + 1, 0
        self._position |= {"file": file, "row": row}

    def _order(self, stream: int, item: int, count: int) -> np.ndarray:
        if not self.spec.hdf5_data_param.shuffle:
            return np.arange(count)
        words = random_words(self._position["seed"], stream, item << 64, count)
        return np.argsort(words, kind="stable")

    def _row_order(self, file: int, count: int) -> np.ndarray:
        """The order of a file's rows, kept for the batches to come: of many rows it takes long."""
        key = self._position["seed"], file
        if self._ordered is None or self._ordered[0] != key:
            self._ordered = key, self._order(ROWS, file, count)
        return self._ordered[1]

    def _load(self, file: int) -> list[np.ndarray]:
        """The arrays (rows, ...) of the tops, of the file that is number `file` to be read."""
        epoch, index = divmod(file, len(self._files))
        path = self._files[self._order(FILES, epoch, len(self._files))[index]]
        if self._loaded is None or self._loaded[0] != path:
            known = self._loaded is not None
            self._loaded = None  # before the next one takes its memory
            self._loaded = path, self._read(path, self._rows if known else None)
        return self._loaded[1]

    def _read(self, path: str, expected: list[Shape] | None) -> list[np.ndarray]:
        source = self.spec.hdf5_data_param.source
        try:
            with hdf5.reading(path, "HDF5Data") as file:
                arrays = [hdf5.array(file, name).astype(np.float32) for name in self.spec.top]
        except CaffeError as error:
            listed = ""
            if _is_text(path):
                listed = f". It is a text file: what it lists belongs into {source} itself"
            raise anew(error, f"layer '{self.name}' ({self.type}): {error}{listed}") from None
        shapes = {name: a.shape for name, a in zip(self.spec.top, arrays, strict=True)}
        self.check(
            all(shapes.values()) and len({shape[0] for shape in shapes.values()}) == 1,
            f"{path}: datasets must have at least 1 axis, and the same number of rows: {shapes}",
        )
        self.check(all(a.size for a in arrays), f"{path}: there are no values; shapes: {shapes}")
        rows = [a.shape[1:] for a in arrays]
        self.check(
            expected in (None, rows), f"{path}: rows of shapes {rows}; the first file's: {expected}"
        )
        return arrays


def _listed(source: str) -> list[str]:
    """The files that a list names. Raises OSError where it cannot be read, or is no list."""
    try:
        data = Path(source).read_bytes()
    except (OSError, ValueError) as error:
        failure = cannot_be_read(source, error)
        raise anew(failure, f"Failed to open source file: {failure}") from None
    if data.startswith(hdf5.SIGNATURE):
        raise CaffeError(
            f"{source}: is an HDF5 file; source is a text file that lists HDF5 files, a line each: "
            f"echo {source} > list.txt, and give that"
        )
    return data.decode("utf-8-sig", "surrogateescape").split()


def _is_text(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            head = file.read(1024)
    except (OSError, ValueError):
        return False
    return bool(head) and b"\0" not in head and not head.startswith(hdf5.SIGNATURE[:1])


@layer_type("HDF5Output")
class HDF5Output(LayerType):
    """Writes its bottoms as `data` and `label`, of four axes each (hdf5_output_layer.cpp).

    The file is whole after the forward; until then, an older one of the name stays. As in
    Caffe, there is no second forward: its batch has no place in the file.
    """

    bottoms = (2, 2)
    tops = (0, 0)
    saved = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return []

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        import h5py

        path = self.spec.hdf5_output_param.file_name
        shapes = [blob.shape for blob in bottom]
        self.check(bool(path), "file_name is missing")
        self.check(
            not self.saved, f"{path} holds a batch already; HDF5Output saves one forward pass"
        )
        self.check(
            max(map(len, shapes)) <= 4, f"bottoms have at most 4 axes; found shapes {shapes}"
        )
        full = [shape + (1,) * (4 - len(shape)) for shape in shapes]
        self.check(
            full[0][0] == full[1][0],
            f"data blob and label blob must have the same batch size; found shapes {shapes}",
        )
        info("hdf5_output_layer.cpp:31", "Saving HDF5 file %s", path)
        with replacing(path) as target, h5py.File(target, "w") as file:
            for name, blob, shape in zip(("data", "label"), bottom, full, strict=True):
                file[name] = blob.data.reshape(shape)
        self.saved = True
        info("hdf5_output_layer.cpp:37", "Successfully saved %d rows", full[0][0])

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Nothing to do."""
