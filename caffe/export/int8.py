"""A net as an ONNX file that multiplies integers of 8 bits, with ranges taken from images."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..core.files import PathLike, replacing
from . import onnx
from .agreement import Arrays, outputs, ranked_outputs

if TYPE_CHECKING:
    from ..net import Net

# What takes and gives integers: products, and what stands between them in a net. A net's last
# layers (upsampling, Softmax) stay float32: they cost little, and their rounding is seen.
QUANTIZED = ("Conv", "Gemm", "MatMul", "MaxPool", "Concat", "Add")


class Quantized(NamedTuple):
    """How a file of integers differs from its net on the images that its ranges are of.

    apart: of each output the mean difference over the mean absolute value. relabelled: of each
    output of several channels (axis 1) the share of places whose highest channel is another one.
    rows: the outputs that neither is known of, for other scores give other rows, or other ones
    first. size: bytes of the file, and of the one of float32.
    """

    apart: dict[str, float]
    relabelled: dict[str, float]
    rows: list[str]
    size: tuple[int, int]

    def report(self) -> list[str]:
        """What was found, in lines for a reader."""
        lines = [f"{name}: has rows by their scores, which are not compared" for name in self.rows]
        for name, apart in self.apart.items():
            line = f"{name}: differs from the net's by {100 * apart:.2g}% of its mean size"
            if name in self.relabelled:
                line += f"; {100 * self.relabelled[name]:.2f}% have another highest channel"
            lines.append(line)
        small, large = (count / 1e6 for count in self.size)
        return [*lines, f"{small:.1f} MB, in float32 {large:.1f} MB"]


def quantize(net: Net, batches: Callable[[], Iterator[Arrays]], path: PathLike) -> Quantized:
    """Write the net as ONNX of 8-bit products: onnxruntime's static quantisation.

    batches: gives the net's inputs, at its own shapes, twice. Weights have a scale for each
    output, blobs one between their least and largest value in the batches. Both are unsigned: of
    signed weights, processors without VNNI add two products in 16 bits, which may be too few.
    Nodes are QuantizeLinear and DequantizeLinear of ONNX's standard, around the operators of the
    float32 file. Raises CaffeError for what `onnx.export` refuses.
    """
    with tempfile.TemporaryDirectory() as folder:
        exact, small = Path(folder) / "net.onnx", Path(folder) / "int8.onnx"
        onnx.export(net, exact)
        _quantized(exact, batches(), small)
        content = small.read_bytes()
        size = len(content), exact.stat().st_size
    apart, relabelled, rows = _differences(net, content, batches())
    with replacing(path) as file:
        file.write(content)
    return Quantized(apart, relabelled, rows, size)


def _quantized(exact: Path, batches: Iterator[Arrays], small: Path) -> None:
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def get_next(self) -> Arrays | None:
            return next(batches, None)

    prepared = exact.with_name("prepared.onnx")
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it says on the root logger what it always says
    try:
        quant_pre_process(exact, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            small,
            Reader(),
            op_types_to_quantize=list(QUANTIZED),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QUInt8,
        )
    finally:
        logging.disable(level)


def _differences(
    net: Net, content: bytes, batches: Iterator[Arrays]
) -> tuple[dict[str, float], dict[str, float], list[str]]:
    """`apart`, `relabelled` and `rows`."""
    runs, rows = onnx.in_onnxruntime(net, content), ranked_outputs(net)
    sums: dict[str, np.ndarray] = {}  # of differences, values, places relabelled, places
    for inputs in batches:
        theirs, ours = runs(inputs), outputs(net, inputs)
        rows |= {name for name in theirs if theirs[name].shape != ours[name].shape}
        for name in theirs.keys() - rows:
            sums[name] = sums.get(name, 0) + _sums(theirs[name], ours[name])
    known = {name: sums[name] for name in net.outputs if name in sums.keys() - rows}
    apart = {name: float(each[0] / (each[1] or 1)) for name, each in known.items()}
    relabelled = {name: float(each[2] / each[3]) for name, each in known.items() if each[3]}
    return apart, relabelled, [name for name in net.outputs if name in rows]


def _sums(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    apart, size = (np.abs(each).sum(dtype=np.float64) for each in (theirs - ours, ours))
    if ours.ndim < 2 or ours.shape[1] < 2:
        return np.array([apart, size, 0, 0])
    other = theirs.argmax(1) != ours.argmax(1)
    return np.array([apart, size, other.sum(), other.size])
