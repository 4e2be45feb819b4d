"""The Python layer: a class of the user's as a layer, and `caffe.Layer`, its base."""

import importlib

from ..core.blob import Blob, BlobVec
from ..core.errors import CaffeError, caffe_error
from .base import LayerType, layer_type


class Layer:
    """Base of Python layers, as in pycaffe: define setup, reshape, forward and backward.

    `bottom` and `top` are lists of blobs; `self.blobs` are parameters (`add_blob(*shape)`),
    `self.param_str` is the text of the prototxt, `self.phase` is caffe.TRAIN or caffe.TEST.
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

    def __init__(self, spec, phase) -> None:
        super().__init__(spec, phase)
        cls = self._class(spec.python_param.module, spec.python_param.layer)
        self.instance = cls.__new__(cls)
        self.instance.param_str = spec.python_param.param_str
        self.instance.phase = phase
        self.instance.blobs = self.blobs
        self.instance.__init__()

    def _class(self, module: str, name: str) -> type[Layer]:
        self.check(bool(module and name), "python_param needs a module and a layer (its class)")
        try:
            cls = getattr(importlib.import_module(module), name, None)
        except ModuleNotFoundError as error:
            if not f"{module}.".startswith(f"{error.name}."):
                raise
            raise self._error(
                ModuleNotFoundError,
                f"there is no module '{module}' to import; "
                "put its folder on PYTHONPATH or sys.path",
            ) from None
        if not (isinstance(cls, type) and issubclass(cls, Layer)):
            raise self._error(
                AttributeError if cls is None else TypeError,
                f"module '{module}' has no class '{name}' derived from caffe.Layer",
            )
        return cls

    def _error(self, kind: type[Exception], message: str) -> CaffeError:
        return caffe_error(kind, f"layer '{self.name}' ({self.type}): {message}")

    def setup_blobs(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.instance.setup(bottom, top)

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.instance.reshape(bottom, top)

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.instance.forward(bottom, top)

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        self.instance.backward(top, propagate_down, bottom)
