"""What a layer type is: its parameters, its shape rule and its torch expression."""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from ..core import host_memory
from ..core.blob import Blob, BlobVec
from ..core.errors import CaffeError, error_context
from ..core.log import LOGGER
from ..core.strict import is_strict
from ..proto import caffe_pb2
from . import autograd, fillers
from .autocast import Tensors as Tensors
from .layer import Layer

Shape = tuple[int, ...]
Margins = tuple[tuple[int, int], tuple[int, int]]  # above and below, left and right
T = TypeVar("T")

REGISTRY: dict[str, type["LayerType"]] = {}
EXTENSIONS: dict[
    str, str
] = {}  # those of REGISTRY that Caffe 1.0 does not have, and whose they are


class Window(NamedTuple):
    """A window that moves over an axis: how far it reaches, its stride and its pad."""

    extent: int
    stride: int
    pad: int


def layer_type(name: str, source: str = "") -> Callable[[type["LayerType"]], type["LayerType"]]:
    """Register a class as the layer type that prototxt calls `name`.

    source: of a type that Caffe 1.0 does not have, which fork it is of.
    """

    def register(cls: type["LayerType"]) -> type["LayerType"]:
        REGISTRY[name] = cls
        if source:
            EXTENSIONS[name] = source
        return cls

    return register


class Affine(NamedTuple):
    """What scale * bottom + shift is in float64, for each channel of `axis` or (None) for all."""

    scale: torch.Tensor
    shift: torch.Tensor
    axis: int | None


def item_rows(x: torch.Tensor) -> torch.Tensor:
    """A row of values for each item (axis 0), which may be one value without an axis."""
    return x.reshape(x.shape[0], math.prod(x.shape[1:]))


class LayerType(Layer):
    """One layer of a net. A subclass gives `top_shapes`, `expression`, for parameters `setup_from`.

    Gradients are torch's, taken layer by layer (autograd.py). A type that works on blobs instead of
    tensors (Python, data layers) overrides `forward` and `backward` there. The facts below, each
    right for any type as it stands here, are all that others may ask a layer about its type.
    """

    bottoms: tuple[int, int | None] = (1, 1)  # least and most; None: no limit
    tops: tuple[int, int | None] = (1, 1)
    loss = False  # a loss layer's first top weighs 1 by default, and may be left unnamed
    pairs_tops = False  # a top is of the bottom of its place alone: what is learnt through that
    # Caffe gives the tops the bottom's own memory: of the data, in forward; and with shares_diff
    # data and diff, as soon as the top has its shape.
    shares_data = False
    shares_diff = False
    # Caffe's backward computes with the bottoms' data as it is then, not as forward left it.
    gradient_of_bottom = False
    diff_bottoms: Callable[[int], bool] = staticmethod(lambda index: True)  # have a gradient
    updates_params = False  # forward writes to the parameters
    reads_updates = True  # where it does, its tops depend on what it finds there
    constant = False  # no value of a bottom counts, and so nothing is learnt through any
    loads_by_count = False  # stored parameters of another shape fit if they have as many values
    optional_params: Sequence[int] = ()  # what is stored for them counts in their shape alone
    ranks_rows = False  # rows of the top are in the order of scores: rounding may change it
    is_input = False  # the script fills its tops, the net's inputs
    is_split = False  # its tops are the bottom under other names
    reads_values = True  # Python looks at the bottoms' values, as a CUDA graph would not
    reads_bottom: Callable[[int], bool] = staticmethod(lambda index: True)  # not its shape alone
    matrix_product = False  # of the bottoms and the weights: what bfloat16 makes faster
    pools = False  # one value for each window, without weights: little work beside a convolution
    transposed = False  # `windows` lie on the top, one for each position of the bottom

    @property
    def param_names(self) -> tuple[str, ...]:
        """What torch calls the parameters; for more of them than names they have numbers."""
        return ()

    @property
    def draws(self) -> bool:
        """Forward draws at random, so that it cannot be run again."""
        return False

    @property
    def is_relu(self) -> bool:
        """The top is max(x, 0)."""
        return False

    @property
    def keeps_gradient(self) -> bool:
        """In place, backward finds in the top what it needs of the bottom."""
        return False

    @property
    def passes_on(self) -> bool:
        """Each value of the tops is one of the bottoms', or 0: nothing is rounded."""
        return False

    @property
    def not_in_onnx(self) -> str:
        """Why no file of ONNX's standard operators can have the layer; "" where one can."""
        return "it draws at random" if self.draws else ""

    @property
    def pointwise(self) -> bool:
        """A position of the top is computed from that position of the bottoms."""
        return False

    def __init__(self, spec: caffe_pb2.LayerParameter, phase: int) -> None:
        self.spec = spec
        self.name = spec.name
        self.type = spec.type
        self.phase = phase
        self._blobs = BlobVec()
        self.param_shapes: list[Shape] = []  # of the parameters, as setup made them
        self.bottom_shapes: list[Shape] = []  # as the last reshape found them
        self.need_backward = False
        self.propagate_down: list[bool] = []  # for each bottom: does anyone want its diff?
        self.param_propagate_down: list[bool] = []
        self.record: autograd.Record | None = None  # what the last forward leaves for backward

    def setup_from(self, shapes: list[Shape]) -> None:
        """Check the parameters against the bottoms' shapes and create `self.blobs`."""

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """The shape rule; the default: every top is as bottom 0."""
        return [shapes[0]] * len(self.spec.top)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        """The tops as torch functions of bottoms and parameters."""
        raise NotImplementedError

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        """Values for a bottom that takes not any, to try the layer with; None where it takes any.

        shapes: of all bottoms. The values are as many as those of bottom `index`.
        """
        return None

    def stored_pieces(self, count: int) -> list[list[int]]:
        """Of each parameter the places of its pieces, behind each other along axis 0, in a file.

        count: how many parameters the file has for the layer. [] where it has them as they are.
        """
        return []

    def affine(self, shape: Shape) -> Affine | None:
        """The layer as a scale and a shift of a bottom of this shape; None where it is no such."""
        return None

    def output_axis(self, shape: Shape) -> int | None:
        """Of a product with weights and a bias: the axis of the top that has the outputs.

        shape: of the bottom. None where the layer is no such product. What is computed takes a
        second parameter as the bias, whether the prototxt has one or not.
        """
        return None

    def scaled_outputs(self, weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Parameter 0 of a layer with an output_axis, for outputs `scale` (C) times as large."""
        raise NotImplementedError

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        """Those of a forward pass on blobs of these shapes; 0 where it is no matrix product."""
        return 0

    def adds_weight_gradient(self, bottoms: list[Shape]) -> bool:
        """Whether `add_weight_gradient` adds the gradient of parameter 0 to another tensor."""
        return False

    def add_weight_gradient(
        self, to: torch.Tensor, x: torch.Tensor, diff: torch.Tensor, beta: float, alpha: float
    ) -> None:
        """to = beta * to + alpha * the gradient of parameter 0, which is not formed."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget what earlier passes left for the next one: it starts as the first did."""

    # A region of the top, of a layer with 4-d bottoms and one top.

    def windows(self, shapes: list[Shape]) -> tuple[Window, Window] | None:
        """The windows over height and width that bottoms of these shapes are seen through.

        A position of the top depends on what its window lies on, and on pad, which is 0. None where
        it may depend on all positions, and where the type has no `part` for its windows.
        """
        return (Window(1, 1, 0),) * 2 if self.pointwise else None

    def part(
        self, bottoms: list[torch.Tensor], params: list[torch.Tensor], margins: Margins
    ) -> torch.Tensor:
        """A region of the top, from the region of the bottoms that its windows lie on.

        margins: how many rows and columns of pad the windows lie on at each end. For transposed
        ones: how far they reach beyond the top's region.
        """
        top = self.expression(bottoms, params)
        return top if isinstance(top, torch.Tensor) else top[0]

    def arranged(self, params: list[torch.Tensor], shape: Shape) -> list[torch.Tensor]:
        """The parameters as `part` takes them, where it is to run many times.

        shape: of bottom 0, all of it.
        """
        return params

    # The same on blobs, as the net calls it.

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.setup_from([blob.shape for blob in bottom])

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.bottom_shapes = [b.shape for b in bottom]
        self.check_params()
        shapes = self.top_shapes(list(self.bottom_shapes))
        for name, blob, shape in zip(self.spec.top, top, shapes, strict=True):
            self.check(
                blob not in bottom or math.prod(shape) == blob.count,
                f"cannot run in place, for a bottom of shape {blob.shape} becomes a top of shape "
                f"{shape}; give the top another name than '{name}'",
            )
            with error_context(f"layer '{self.name}' ({self.type}): top '{name}'"):
                blob.reshape(*shape)
        if self.shares_diff:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def check_params(self) -> None:
        """Raise CaffeError where a script has given a parameter a shape of another count.

        Another shape of the same count is taken back: BVLC's layers read the values alone.
        """
        for i, (blob, shape) in enumerate(zip(self._blobs, self.param_shapes, strict=False)):
            if blob._shape == shape:
                continue
            self.check(
                blob.count == math.prod(shape),
                f"parameter {i} was reshaped to {blob.shape}, but the layer needs {shape}; for "
                "another number of outputs or inputs change the prototxt, and carry weights over "
                "by writing to .data[...]",
            )
            blob.reshape(*shape)

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

    def in_memory(self, do: Callable[..., T], *args: object) -> T:
        """do(self, *args), with a CaffeError that names the layer where memory ends.

        And where a bottom has no values, of which torch and numpy compute some things and not
        others, each with an error of its own.
        """
        try:
            return do(self, *args)
        except CaffeError:
            raise
        except (RuntimeError, MemoryError, ArithmeticError, LookupError, ValueError) as error:
            with host_memory.end_named(f"layer '{self.name}' ({self.type})"):
                for name, shape in zip(self.spec.bottom, self.bottom_shapes, strict=False):
                    self.check(
                        math.prod(shape) > 0,
                        f"does not compute with a bottom that has no values, as '{name}' {shape} "
                        f"here; give each of its axes a size ({type(error).__name__}: {error})",
                    )
                raise

    @property
    def rereads_bottoms(self) -> bool:
        """Whether backward computes with what the bottoms hold then: in place, that is the top."""
        return self.gradient_of_bottom and not set(self.spec.bottom) & set(self.spec.top)

    def check_fed(self, top: list[Blob]) -> None:
        """Raise CaffeError where a script is to fill the tops, and has not."""

    def set_input_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Read batches of these from now on, see Net.set_input_arrays."""
        self.check(
            False, "set_input_arrays may only be called if the first layer is a MemoryDataLayer"
        )

    # Helpers for subclasses.

    def check(self, condition: bool, message: str) -> None:
        """Raise CaffeError, naming this layer, where Caffe's CHECK would abort."""
        if not condition:
            module = self.spec.python_param.module
            stands_in = module and self.type != "Python"
            kind = f"{self.type} for {module}" if stands_in else self.type
            raise CaffeError(f"layer '{self.name}' ({kind}): {message}")

    def check_closed(self, count: int, goes: str) -> None:
        """Raise CaffeError where an export leaves open how many `expression` goes through."""
        self.check(
            not isinstance(count, torch.SymInt),
            f"{goes}: a file has one number of them; leave its first axis closed (no -batch)",
        )

    def check_position(self, position: object, names: Iterable[str]) -> None:
        """Raise CaffeError unless this is a place in the data: a count for each of the names."""
        self.check(
            isinstance(position, dict) and position.keys() == set(names),
            f"a position has {', '.join(names)}; found "
            + (", ".join(position) if isinstance(position, dict) else repr(position)),
        )
        self.check(
            isinstance(position, dict)
            and all(type(value) is int and 0 <= value < 2**63 for value in position.values()),
            f"a position's values are at least 0 and below 2**63; found {position}",
        )

    def add_param(self, shape: Sequence[int], filler: caffe_pb2.FillerParameter) -> Blob:
        """Append a parameter of the given shape, filled as the filler says."""
        with error_context(f"layer '{self.name}' ({self.type})"):
            blob = self.blobs.add_blob(*shape)
        self.fill(blob, filler)
        return blob

    def fill(self, blob: Blob, filler: caffe_pb2.FillerParameter) -> None:
        """Fill a blob as the filler says.

        In the phase TEST, where weights come from a caffemodel, one of a fork leaves zeros, and so
        does one whose file is not there.
        """
        absent = filler.type == "file" and not Path(filler.file).is_file()
        unknown = absent or filler.type not in fillers.FILLERS
        if unknown and not (self.phase == caffe_pb2.TRAIN or is_strict()):
            LOGGER.warning(
                "layer '%s': filler '%s' %s; weights that no caffemodel holds stay 0",
                *(self.name, filler.type),
                f"has no file '{filler.file}'" if absent else "is unknown",
            )
            return
        with error_context(f"layer '{self.name}' ({self.type})"):
            fillers.fill(blob, filler)

    def axis(self, axis: int, shape: Shape) -> int:
        """Caffe's CanonicalAxisIndex: -1 is the last axis."""
        self.check(
            -len(shape) <= axis < len(shape),
            f"axis {axis} is out of range for a bottom of shape {shape}",
        )
        return axis % len(shape)
