"""DeepLab's layer types for Matlab's files: MatWrite, MatRead."""

import numpy as np
import torch

from ...core.blob import Blob
from ...core.device import current_device
from ...core.errors import CaffeError
from ...core.files import cannot_be_read, replacing
from ...feeding.image_list import read_lines
from ..base import LayerType, Shape, layer_type
from ..reader import Reader


def _names(source: str, strip: int) -> list[str]:
    """The first word of each line, without its last `strip` characters."""
    words = [(number, line.split()[0]) for number, line in read_lines(source)]
    for number, word in words:
        if not 0 <= strip < len(word):
            raise CaffeError(f"{source}:{number}: cannot strip {strip} characters off {word!r}")
    return [word[: len(word) - strip] for _, word in words]


@layer_type("MatWrite", "DeepLab")
class MatWrite(LayerType):
    """Writes bottom i of every `period`th pass to PREFIX NAME _blob_i.mat, its variable `data`.

    NAME is the pass's line of `source`, or iter_ and the number of the pass. The axes are
    Matlab's: W x H x C x N.
    """

    bottoms = (1, None)
    tops = (0, 0)
    written = 0  # passes

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.mat_write_param
        self.check(param.period > 0, "period must be positive; found 0")
        self.names = _names(param.source, param.strip) if param.source else None

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(max(map(len, shapes)) <= 4, f"bottoms have at most 4 axes; found {shapes}")
        return []

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        from scipy.io import savemat

        param = self.spec.mat_write_param
        number, self.written = self.written, self.written + 1
        if number % param.period:
            return
        self.check(
            self.names is None or number < len(self.names),
            f"{param.source} has no more than {number} lines, and this is pass {number + 1}",
        )
        name = f"iter_{number}" if self.names is None else self.names[number]
        for i, blob in enumerate(bottom):
            values = blob.data.reshape(blob.shape + (1,) * (4 - len(blob.shape)))
            with replacing(f"{param.prefix}{name}_blob_{i}.mat") as file:
                savemat(file, {"data": values.transpose()})

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Nothing to do."""


@layer_type("MatRead", "DeepLab")
class MatRead(Reader):
    """Tops from what MatWrite writes: top i from PREFIX NAME _blob_i.mat, one item of each file.

    NAME is the next line of `source`, from its first one again after the last, or iter_ and a
    number from 0.
    """

    tops = (1, None)

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        param = self.spec.mat_read_param
        self.check(param.batch_size > 0, "batch_size must be positive; found 0")
        self.names = _names(param.source, param.strip) if param.source else None
        self.check(self.names != [], f"{param.source} lists no files")
        self._position = {"file": 0}
        for i, blob in enumerate(top):
            blob.reshape(param.batch_size, *self._item(0, i).shape)

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        first, size = self._position["file"], self.spec.mat_read_param.batch_size
        for i, blob in enumerate(top):
            items = [self._item(number, i) for number in range(first, first + size)]
            shapes = {item.shape for item in items}
            self.check(len(shapes) == 1, f"items of a batch have one shape; found {shapes}")
            blob.reshape(size, *items[0].shape)
            blob._data.assign(torch.from_numpy(np.stack(items)).to(current_device()))
        self._position["file"] = first + size

    def _item(self, number: int, i: int) -> np.ndarray:
        """C x H x W."""
        from scipy.io import loadmat

        name = f"iter_{number}" if self.names is None else self.names[number % len(self.names)]
        path = f"{self.spec.mat_read_param.prefix}{name}_blob_{i}.mat"
        try:
            data = loadmat(path, variable_names=["data"])["data"].transpose()
            item = np.ascontiguousarray(data, np.float32)
        except NotImplementedError:
            self.check(False, f"{path} is of Matlab's version 7.3: save it with -v7")
        except (TypeError, KeyError) as error:
            self.check(False, f"{path} holds no array 'data': {error!r}")
        except (OSError, ValueError) as error:
            raise cannot_be_read(path, error) from None
        item = item.reshape((1,) * (4 - item.ndim) + item.shape)
        self.check(
            item.ndim == 4 and len(item) == 1,
            f"{path}: holds W x H x C x 1 values; found {data.shape[::-1]}",
        )
        return item[0]
