"""What the readers of Caffe's files give: blobs as they are stored, whatever the format."""

import mmap
from dataclasses import dataclass, field

import numpy as np
import torch

from .blob import Blob

CHUNK = 1 << 24  # values that are copied at once


@dataclass(frozen=True)
class StoredBlob:
    """A blob inside a file: its shape, and its values, read when asked for.

    Old files give num, channels, height and width: `legacy` then, and the shape has four axes.
    """

    shape: tuple[int, ...]
    legacy: bool
    values: np.ndarray  # flat floats, of a binary file a view
    file: mmap.mmap | None = None  # what `values` is a view of
    diff: np.ndarray | None = None  # as values, where the file holds diffs

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Blob::ShapeEquals: equal shapes; against a legacy one, leading axes of 1 are free."""
        if self.legacy and len(shape) <= 4:
            return (1,) * (4 - len(shape)) + shape == self.shape
        return shape == self.shape

    def read_into(self, blob: Blob) -> None:
        """Copy the values to blob.data, whose count must be equal, and stored diffs to its diff."""
        self._copy(self.values, blob._data.own(blob.shape))
        if self.diff is not None:
            self._copy(self.diff, blob._diff.own(blob.shape))

    def _copy(self, values: np.ndarray, target: torch.Tensor) -> None:
        flat = target.view(-1)
        for at in range(0, len(flat), CHUNK):
            flat[at : at + CHUNK].copy_(torch.from_numpy(values[at : at + CHUNK]))
            if self.file:
                self.file.madvise(mmap.MADV_DONTNEED)  # what is copied need not stay in memory


# By layer name. None stands for a parameter that an HDF5 file leaves out because it is shared.
StoredLayers = dict[str, list[StoredBlob | None]]


@dataclass(frozen=True)
class StoredState:
    """A solverstate: the iteration, the caffemodel it belongs to, and the history blobs.

    run_state is what only our solverstates hold, see snapshot.py; empty in BVLC's.
    """

    iter: int
    learned_net: str
    current_step: int
    history: list[StoredBlob] = field(default_factory=list)
    run_state: str = ""
