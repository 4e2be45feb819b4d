"""The Python layer: a class of the user's as a layer."""

import importlib
from contextlib import AbstractContextManager
from typing import Any

from ..core.blob import Blob, RawBlobVec
from ..core.boost import BoolVec
from ..core.errors import CaffeError, caffe_error, noting
from ..proto import caffe_pb2
from .base import LayerType, layer_type
from .layer import Layer
from .stand_ins.projects import project_of


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
        self.instance.param_str_ = spec.python_param.param_str
        self.instance.phase = phase
        self.instance._blobs = self.blobs
        with self._noting():
            cls.__init__(self.instance)

    def _class(self, module: str, name: str) -> type[Layer]:
        self.check(bool(module and name), "python_param needs a module and a layer (its class)")
        try:
            with self._noting():
                cls: Any = getattr(importlib.import_module(module), name, None)
        except ModuleNotFoundError as error:
            if not f"{module}.".startswith(f"{error.name}."):
                raise
            raise self._error(
                ModuleNotFoundError,
                f"there is no module '{module}' to import; "
                + (f"{project} has one; " if (project := project_of(module)) else "")
                + "put its folder on PYTHONPATH or sys.path",
            ) from None
        if not (isinstance(cls, type) and issubclass(cls, Layer)):
            raise self._error(
                AttributeError if cls is None else TypeError,
                f"module '{module}' has no class '{name}' derived from caffe.Layer",
            )
        return cls

    def _noting(self) -> AbstractContextManager[None]:
        param = self.spec.python_param
        return noting(f"layer '{self.name}' (Python: {param.module}.{param.layer})")

    def _error(self, kind: type[Exception], message: str) -> CaffeError:
        return caffe_error(kind, f"layer '{self.name}' ({self.type}): {message}")

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        with self._noting():
            self.instance.setup(RawBlobVec(bottom), RawBlobVec(top))

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        with self._noting():
            self.instance.reshape(RawBlobVec(bottom), RawBlobVec(top))

    def check_params(self) -> None:
        """Nothing to do: the class may reshape its parameters."""

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        with self._noting():
            self.instance.forward(RawBlobVec(bottom), RawBlobVec(top))

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        down = BoolVec(propagate_down)
        with self._noting():
            self.instance.backward(RawBlobVec(top), down, RawBlobVec(bottom))
