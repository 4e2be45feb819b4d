"""FLOWriter of FlowNet: optical flow as a file."""

import struct
from pathlib import Path

import numpy as np

from ...core.blob import Blob
from ...core.files import replacing
from ..base import LayerType, Shape, layer_type

MAGIC = b"PIEH"  # of Middlebury's format


@layer_type("FLOWriter", "FlowNet")
class FLOWriter(LayerType):
    """Writes each item of a flow N x 2 x H x W as a .flo file (Baker et al. 2011).

    The file is `file`, or FOLDER/PREFIX, the number of the pass in 7 digits, of several items each
    one's number in 3 digits in parentheses, and SUFFIX.flo; the folder is made.
    """

    tops = (0, 0)
    written = 0  # passes

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(
            len(shape) == 4 and shape[1] == 2, f"needs N x 2 x H x W; found a bottom of {shape}"
        )
        return []

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        number, self.written = self.written, self.written + 1
        flows = bottom[0].data
        for item, flow in enumerate(flows):
            name = self._name(number, item if len(flows) > 1 else None)
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            with replacing(name) as file:
                file.write(MAGIC + struct.pack("<2i", flow.shape[2], flow.shape[1]))
                file.write(np.ascontiguousarray(flow.transpose(1, 2, 0), "<f4").tobytes())

    def _name(self, number: int, item: int | None) -> str:
        param = self.spec.writer_param
        if param.HasField("file"):
            return param.file
        of_item = "" if item is None else f"({item:03d})"
        return f"{param.folder or '.'}/{param.prefix}{number:07d}{of_item}{param.suffix}.flo"

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Nothing to do."""
