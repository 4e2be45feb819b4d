"""Layers whose tops the script or a filler gives: Input, DummyData, MemoryData."""

from collections.abc import Sequence

import numpy as np
import torch

from ..core.blob import Blob, checked_shape
from ..core.errors import error_context
from ..core.log import LOGGER
from ..feeding.transform import Transformer
from ..proto import caffe_pb2
from .base import LayerType, Shape, layer_type


@layer_type("Input")
class Input(LayerType):
    """Tops that the script fills; a shape for each, or one for all."""

    bottoms = (0, 0)
    tops: tuple[int, int | None] = (1, None)
    is_input = True

    def setup_from(self, shapes: list[Shape]) -> None:
        given = [checked_shape(s.dim) for s in self.spec.input_param.shape]
        tops = len(self.spec.top)
        self.check(
            len(given) in (0, 1, tops),
            f"{tops} tops need 0, 1 or {tops} shapes; found {len(given)}",
        )
        self.given = given * tops if len(given) == 1 else given

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Once: from then on the script decides (net.blobs[name].reshape)."""
        for blob, shape in zip(top, self.given, strict=False):
            blob.reshape(*shape)
        self.given = []

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Nothing to do: the tops are the script's."""

    def check_fed(self, top: list[Blob]) -> None:
        """Raise CaffeError where it stands in for a layer that reads data, and there are none.

        An Input of the prototxt's own may be left at zeros, as in Caffe.
        """
        python = self.spec.python_param
        for name, blob in zip(self.spec.top, top, strict=True):
            self.check(
                not (python.module and blob._data.untouched),
                f"there is no module '{python.module}' to import, and nobody has filled '{name}' "
                f"in place of its {python.layer}: write to net.blobs['{name}'].data in a script, "
                "or put the module's folder on PYTHONPATH",
            )

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Nothing to do."""


@layer_type("DummyData")
class DummyData(LayerType):
    """Tops filled by data_filler; constants once, everything else anew on each forward."""

    bottoms = (0, 0)
    tops: tuple[int, int | None] = (1, None)

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Give the tops their shapes, once, and fill those that are constant."""
        dummy = self.spec.dummy_data_param
        tops = len(top)
        self.check(
            len(dummy.data_filler) in (0, 1, tops),
            f"{tops} tops need 0, 1 or {tops} data_fillers; found {len(dummy.data_filler)}",
        )
        legacy = {name: getattr(dummy, name) for name in ("num", "channels", "height", "width")}
        if any(map(len, legacy.values())):
            self.check(not dummy.shape, "either shape or num, channels, height, width")
            dims = (self._for_tops(values, name) for name, values in legacy.items())
            given: Sequence[Sequence[int]] = list(zip(*dims, strict=True))
        else:
            given = self._for_tops([s.dim for s in dummy.shape], "shape")
        for blob, shape in zip(top, given, strict=True):
            blob.reshape(*shape)
        zero = caffe_pb2.FillerParameter(type="constant", value=0)
        data_fillers = list(dummy.data_filler) or [zero]
        self.fillers = data_fillers * tops if len(data_fillers) == 1 else data_fillers
        self._fill(top, constant=True)

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Nothing to do: from setup on the script decides."""

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        self._fill(top, constant=False)

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Nothing to do."""

    def _for_tops(self, values: Sequence, name: str) -> Sequence:
        """A value for each top."""
        tops = len(self.spec.top)
        self.check(
            len(values) in (1, tops), f"{tops} tops need 1 or {tops} of {name}; found {len(values)}"
        )
        return values if len(values) == tops else list(values) * tops

    def _fill(self, top: list[Blob], constant: bool) -> None:
        for blob, filler in zip(top, self.fillers, strict=True):
            if (filler.type == "constant") == constant:
                self.fill(blob, filler)


@layer_type("MemoryData")
class MemoryData(LayerType):
    """Batches of the arrays that the script gives (net.set_input_arrays; memory_data_layer.cpp).

    To another layer than the net's first one it gives them by net.layers[i].set_input_arrays. With
    dim (naibaf7's Caffe), a value for each axis, there may be more axes than four.
    """

    bottoms = (0, 0)
    tops = (2, 2)

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        param = self.spec.memory_data_param
        given = param.dim or (param.batch_size, param.channels, param.height, param.width)
        self.shape = checked_shape(given)
        self.check(
            len(self.shape) >= 4 and min(self.shape) > 0,
            "batch_size, channels, height, and width must be specified and positive in "
            f"memory_data_param; found {self.shape}",
        )
        with error_context(f"layer '{self.name}' ({self.type})"):
            Transformer(self.spec.transform_param, self.phase)  # reads mean_file, as in BVLC's
        top[0].reshape(*self.shape)
        top[1].reshape(self.shape[0])
        self.arrays: list[np.ndarray] = []
        self._at = 0

    def set_input_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Take data (n, C, H, W) and labels (n, 1, 1, 1), float32; not copied, read by forward."""
        for array, what, shape in (
            (data, "data array", self.shape[1:]),
            (labels, "labels array", (1, 1, 1)),
        ):
            axes = len(shape) + 1
            self.check(array.flags.c_contiguous, f"{what} must be C contiguous")
            self.check(array.ndim == axes, f"{what} must be {axes}-d; found shape {array.shape}")
            self.check(array.dtype == np.float32, f"{what} must be float32; found {array.dtype}")
            self.check(
                array.shape[1:] == shape,
                f"{what} has the wrong number of channels, height or width: found "
                f"{array.shape[1:]}, expected {shape}",
            )
        batch = self.shape[0]
        self.check(
            len(data) == len(labels),
            f"data and labels must have the same first dimension; found {len(data)}, {len(labels)}",
        )
        self.check(
            len(data) > 0 and len(data) % batch == 0,
            f"first dimensions of input arrays must be a multiple of batch size {batch}; "
            f"found {len(data)}",
        )
        if self.spec.HasField("transform_param"):
            LOGGER.warning("%s does not transform array data on Reset()", self.type)
        self.arrays, self._at = [data, labels], 0

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Nothing to do: the shape is the prototxt's."""

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.check(bool(self.arrays), "has no data yet; call net.set_input_arrays(data, labels)")
        items, batch = len(self.arrays[0]), self.shape[0]
        start = self._at % items // batch * batch  # a position may be of other arrays or batches
        for blob, array in zip(top, self.arrays, strict=True):
            part = array[start : start + batch]
            blob.reshape(*part.shape)
            blob._data.assign(torch.from_numpy(part), borrowed=True)
        self._at = (start + batch) % items

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Nothing to do."""

    def state_dict(self) -> dict[str, int]:
        """Number of the item that the next forward begins with."""
        return {"item": self._at}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on there; CaffeError for anything but what `state_dict` gave."""
        self.check_position(state, ("item",))
        self._at = state["item"]
