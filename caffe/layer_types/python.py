"""The Python layer: a class of the user's as a layer, and `caffe.Layer`, its base."""

import importlib
from typing import Any

from ..core.blob import Blob, BlobVec
from ..proto import caffe_pb2
from .base import LayerType, layer_type


class Layer:
    """Base of Python layers, as in pycaffe: define setup, reshape, forward and backward.

    `bottom` and `top` are lists of blobs; `self.blobs` are parameters (`add_blob(*shape)`),
    `self.param_str` is the text of the prototxt, `self.phase` is caffe.TRAIN or caffe.TEST.

    A layer that has a place in its data may define `state_dict()`, which gives it as what JSON can
    hold (dicts, lists, strings, numbers, None; numpy's arrays become lists), and
    `load_state_dict(state)`, which goes on there and raises an error for what it cannot be: what
    the net has consumed counts, not what was read ahead. Solverstates keep it then, and a run that
    is resumed reads on where it was. BVLC's Caffe calls neither.
    """

    param_str: str
    phase: int
    blobs: BlobVec
    type = "Python"

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Read param_str; called once."""

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Give the tops their shapes; called before every forward."""
        raise NotImplementedError(f"{type(self).__name__} must define reshape(self, bottom, top)")

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Write the tops' data."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, bottom, top)")

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Write the bottoms' diff where propagate_down says so."""
        raise NotImplementedError(
            f"{type(self).__name__} must define backward(self, top, propagate_down, bottom)"
        )


@layer_type("Python")
class PythonLayer(LayerType):
    """Runs a `Layer` named by python_param.module and python_param.layer."""

    bottoms = (0, None)
    tops = (0, None)

    def __init__(self, spec: caffe_pb2.LayerParameter, phase: int) -> None:
        super().__init__(spec, phase)
        cls = self._class(spec.python_param.module, spec.python_param.layer)
        self.instance = cls.__new__(cls)
        self.instance.param_str = spec.python_param.param_str
        self.instance.phase = phase
        self.instance.blobs = self.blobs
        cls.__init__(self.instance)

    def _class(self, module: str, name: str) -> type[Layer]:
        self.check(bool(module and name), "python_param needs a module and a layer (its class)")
        try:
            cls: Any = getattr(importlib.import_module(module), name, None)
        except ModuleNotFoundError as error:
            if f"{module}.".startswith(f"{error.name}."):
                self.check(
                    False,
                    f"there is no module '{module}' to import; "
                    "put its folder on PYTHONPATH or sys.path",
                )
            raise
        self.check(
            isinstance(cls, type) and issubclass(cls, Layer),
            f"module '{module}' has no class '{name}' derived from caffe.Layer",
        )
        return cls

    def setup_blobs(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.instance.setup(bottom, top)

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.instance.reshape(bottom, top)

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.instance.forward(bottom, top)

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        self.instance.backward(top, propagate_down, bottom)
