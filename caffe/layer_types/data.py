"""Layers that make blobs from nothing: Input, DummyData."""

from ..blob import Blob, checked_shape
from ..proto import caffe_pb2
from .base import LayerType, Shape, layer_type


@layer_type("Input")
class Input(LayerType):
    """Tops that the script fills; a shape for each, or one for all."""

    bottoms = (0, 0)
    tops = (1, None)

    def setup(self, shapes: list[Shape]) -> None:
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

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Nothing to do."""


@layer_type("DummyData")
class DummyData(LayerType):
    """Tops filled by data_filler; constants once, everything else anew on each forward."""

    bottoms = (0, 0)
    tops = (1, None)

    def setup_blobs(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Give the tops their shapes, once, and fill those that are constant."""
        dummy = self.spec.dummy_data_param
        tops = len(top)
        self.check(
            len(dummy.data_filler) in (0, 1, tops),
            f"{tops} tops need 0, 1 or {tops} data_fillers; found {len(dummy.data_filler)}",
        )
        legacy = [dummy.num, dummy.channels, dummy.height, dummy.width]
        if dummy.shape:
            self.check(not any(map(len, legacy)), "either shape or num, channels, height, width")
            given = [checked_shape(s.dim) for s in dummy.shape]
        else:
            self.check(
                len({len(dims) for dims in legacy}) == 1,
                "num, channels, height and width need the same number of values",
            )
            given = [checked_shape(dims) for dims in zip(*legacy, strict=True)]
        self.check(
            len(given) in (1, tops), f"{tops} tops need 1 or {tops} shapes; found {len(given)}"
        )
        for blob, shape in zip(top, given * tops if len(given) == 1 else given, strict=True):
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

    def _fill(self, top: list[Blob], constant: bool) -> None:
        for blob, filler in zip(top, self.fillers, strict=True):
            if (filler.type == "constant") == constant:
                self.fill(blob, filler)
