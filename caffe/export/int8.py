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
from .agreement import Arrays, outputs

if TYPE_CHECKING:
    from ..net import Net

# What takes and gives integers: products, and what stands between them in a net. A net's last
# layers (upsampling, Softmax) stay float32: they cost little, and their rounding is seen.
QUANTIZED = ("Conv", "Gemm", "MatMul", "MaxPool", "Concat", "Add")


class Quantized(NamedTuple):
    """How a file of integers differs from its net on the images that its ranges are of.

    apart: of each output the mean difference over the mean absolute value. relabelled: of each
    output of several channels (axis 1) the share of places whose highest channel is another one.
    size: bytes of the file, and of the one of float32.
    """

    apart: dict[str, float]
    relabelled: dict[str, float]
    size: tuple[int, int]

    def report(self) -> list[str]:
        """What was found, in lines for a reader."""
        lines = []
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
    apart, relabelled = _differences(net, content, batches())
    with replacing(path) as file:
        file.write(content)
    return Quantized(apart, relabelled, size)


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
) -> tuple[dict[str, float], dict[str, float]]:
    runs = onnx.in_onnxruntime(net, content)
    apart, size, other, places = ({name: 0.0 for name in net.outputs} for _ in range(4))
    for inputs in batches:
        theirs, ours = runs(inputs), outputs(net, inputs)
        for name in theirs:
            apart[name] += float(np.abs(theirs[name] - ours[name]).sum(dtype=np.float64))
            size[name] += float(np.abs(ours[name]).sum(dtype=np.float64))
            if ours[name].ndim > 1 and ours[name].shape[1] > 1:
                differs = theirs[name].argmax(1) != ours[name].argmax(1)
                other[name] += float(differs.sum())
                places[name] += differs.size
    return (
        {name: apart[name] / (size[name] or 1) for name in apart},
        {name: other[name] / places[name] for name in other if places[name]},
    )
