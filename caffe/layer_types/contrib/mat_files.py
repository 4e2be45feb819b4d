"""MatWrite of DeepLab: blobs as Matlab's files."""

import numpy as np

from ...core.blob import Blob
from ...core.errors import CaffeError, error_context
from ...core.files import replacing
from ...core.log import info
from ...feeding.image_list import read_lines
from ..base import LayerType, Shape, layer_type


@layer_type("MatWrite", "DeepLab")
class MatWrite(LayerType):
    """Writes its bottoms, each pass's in files of its own, PREFIX + NAME + _blob_I.mat.

    NAME is the first word of the pass's line in `source`, without the last `strip` letters;
    without a source it is iter_ and the number of the pass. Of `period` passes the first is
    written. The file has the array `data`, single precision, width x height x channels x number.
    """

    bottoms = (1, None)
    tops = (0, 0)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.mat_write_param
        self.check(bool(param.prefix), "mat_write_param needs a prefix")
        self.check(param.period > 0, f"period is at least 1; found {param.period}")
        self.check(param.strip >= 0, f"strip is at least 0; found {param.strip}")
        self._passes = 0
        self._names: list[str] | None = None
        if param.HasField("source"):
            with error_context(f"layer '{self.name}' ({self.type})"):
                self._names = [
                    self._stripped(number, line) for number, line in read_lines(param.source)
                ]
            info("mat_write_layer.cpp:32", "MatWrite writes %d passes at most", len(self._names))

    def _stripped(self, number: int, line: str) -> str:
        param = self.spec.mat_write_param
        word = (line.split() or [""])[0]
        if len(word) <= param.strip:
            raise CaffeError(
                f"{param.source}:{number}: '{word}' is too short to lose {param.strip} letters"
            )
        return word[: len(word) - param.strip]

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            max(map(len, shapes)) <= 4, f"bottoms have at most 4 axes; found shapes {shapes}"
        )
        return []

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        param, at = self.spec.mat_write_param, self._passes
        self._passes += 1
        if at % param.period:
            return
        name = f"iter_{at}"
        if self._names is not None:
            self.check(
                at < len(self._names),
                f"pass {at + 1}, but {param.source} has {len(self._names)} lines",
            )
            name = self._names[at]
        for i, blob in enumerate(bottom):
            _write(f"{param.prefix}{name}_blob_{i}.mat", blob)

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Nothing to do."""


def _write(path: str, blob: Blob) -> None:
    """A blob as a .mat file, whole or not at all."""
    from scipy.io import savemat  # most nets write none, and it takes a while

    values = blob.data.reshape(blob.shape + (1,) * (4 - len(blob.shape)))
    with replacing(path) as file:
        savemat(file, {"data": np.asarray(values, np.float32).transpose(3, 2, 1, 0)})
