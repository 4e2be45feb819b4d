"""What a layer type is: its parameters, its shape rule and its torch expression."""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from ..core import host_memory
from ..core.blob import Blob, BlobVec
from ..core.errors import CaffeError, within
from ..proto import caffe_pb2
from . import autograd, fillers

Shape = tuple[int, ...]
Tensors = torch.Tensor | Sequence[torch.Tensor]
T = TypeVar("T")

REGISTRY: dict[str, type["LayerType"]] = {}


def layer_type(name: str) -> Callable[[type["LayerType"]], type["LayerType"]]:
    """Register a class as the layer type that prototxt calls `name`."""

    def register(cls: type["LayerType"]) -> type["LayerType"]:
        REGISTRY[name] = cls
        return cls

    return register


class LayerType:
    """One layer of a net. A subclass gives `top_shapes` and `expression`; `setup` makes parameters.

    Gradients are torch's, taken layer by layer (run.py). A type that works on blobs instead of
    tensors (Python, data layers) overrides `forward` and `backward` there.
    """

    bottoms: tuple[int, int | None] = (1, 1)  # least and most; None: no limit
    tops: tuple[int, int | None] = (1, 1)
    loss = False  # a loss layer's first top weighs 1 by default, and may be left unnamed
    # Caffe gives the tops the bottom's own memory: of the data, in forward; and with shares_diff
    # data and diff, as soon as the top has its shape.
    shares_data = False
    shares_diff = False
    # Caffe's backward computes with the bottoms' data as it is then, not as forward left it.
    gradient_of_bottom = False
    diff_bottoms: Callable[[int], bool] = staticmethod(lambda index: True)  # have a gradient
    updates_params = False  # forward writes to the parameters

    def __init__(self, spec: caffe_pb2.LayerParameter, phase: int) -> None:
        self.spec = spec
        self.name = spec.name
        self.type = spec.type
        self.phase = phase
        self.blobs = BlobVec()
        self.need_backward = False
        self.propagate_down: list[bool] = []  # for each bottom: does anyone want its diff?
        self.param_propagate_down: list[bool] = []
        self.record: autograd.Record | None = None  # what the last forward leaves for backward

    def setup(self, shapes: list[Shape]) -> None:
        """Check the parameters against the bottoms' shapes and create `self.blobs`."""

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """The shape rule; the default: every top is as bottom 0."""
        return [shapes[0]] * len(self.spec.top)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        """The tops as torch functions of bottoms and parameters."""
        raise NotImplementedError

    # The same on blobs, as the net calls it.

    def setup_blobs(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.setup([blob.shape for blob in bottom])

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        shapes = self.top_shapes([b.shape for b in bottom])
        for name, blob, shape in zip(self.spec.top, top, shapes, strict=True):
            self.check(
                blob not in bottom or math.prod(shape) == blob.count,
                f"cannot run in place, for a bottom of shape {blob.shape} becomes a top of shape "
                f"{shape}; give the top another name than '{name}'",
            )
            with within(f"layer '{self.name}' ({self.type}): top '{name}'"):
                blob.reshape(*shape)
        if self.shares_diff:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        if not self.shares_data:
            self.in_memory(autograd.forward, bottom, top)
            return
        for blob in top:
            blob.share_data(bottom[0])

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        if self.shares_diff:
            return
        for i, down in enumerate(propagate_down):
            self.check(
                not down or self.diff_bottoms(i),
                f"has no gradient for bottom {i}, but something below it is learnable; "
                "set propagate_down: false for it",
            )
        self.in_memory(autograd.backward, top, propagate_down, bottom)

    def in_memory(self, do: Callable[..., T], *args) -> T:
        """do(self, *args), with a CaffeError that names the layer where memory ends."""
        try:
            return do(self, *args)
        except (RuntimeError, MemoryError) as error:
            if not host_memory.exhausted(error):
                raise
            reason = str(error).partition(". ")[0]
            raise CaffeError(
                f"layer '{self.name}' ({self.type}): out of memory ({reason}); "
                "make the batch or the images smaller"
            ) from None

    @property
    def reads_bottom(self) -> bool:
        """Whether backward computes with what the bottoms hold then: in place, that is the top."""
        return self.gradient_of_bottom and not set(self.spec.bottom) & set(self.spec.top)

    # Helpers for subclasses.

    def check(self, condition: bool, message: str) -> None:
        """Raise CaffeError, naming this layer, where Caffe's CHECK would abort."""
        if not condition:
            raise CaffeError(f"layer '{self.name}' ({self.type}): {message}")

    def add_param(self, shape: Sequence[int], filler: caffe_pb2.FillerParameter) -> Blob:
        """Append a parameter of the given shape, filled as the filler says."""
        with within(f"layer '{self.name}' ({self.type})"):
            blob = self.blobs.add_blob(*shape)
        self.fill(blob, filler)
        return blob

    def fill(self, blob: Blob, filler: caffe_pb2.FillerParameter) -> None:
        """Fill a blob as the filler says."""
        with within(f"layer '{self.name}' ({self.type})"):
            fillers.fill(blob, filler)

    def axis(self, axis: int, shape: Shape) -> int:
        """Caffe's CanonicalAxisIndex: -1 is the last axis."""
        self.check(
            -len(shape) <= axis < len(shape),
            f"axis {axis} is out of range for a bottom of shape {shape}",
        )
        return axis % len(shape)
