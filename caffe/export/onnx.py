"""A net as an ONNX file of standard operators, checked in onnxruntime, OpenVINO and OpenCV."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..core.errors import CaffeError
from ..core.files import PathLike, replacing
from ..layer_types import exporting
from . import agreement
from .agreement import Arrays, Exported, Made, Runs
from .common_nodes import respell
from .exact_constants import simplify
from .onnx_forms import forms
from .program import capture, each_alone, silent
from .sizes import OpenAxes, in_words

if TYPE_CHECKING:
    import onnx

    from ..net import Net

NEEDS = ("onnx", "onnxscript", "onnxruntime")
OPSET = 18
PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def export(net: Net, path: PathLike, batch: bool = False, half: bool = False) -> Exported:
    """Write the net as ONNX; inputs and outputs keep their blob names.

    Height and width (of inputs with 4 axes) are left open where every layer of the net takes other
    sizes; with `batch` the first axis of all inputs too. half: the weights of matrix products are
    float16, and computed with as float32, as inputs and outputs are. The model is run in
    onnxruntime, and in OpenVINO where it is installed, against the net, at its own size and with
    open axes at two more and a smaller one, and is written only if the outputs agree within
    agreement.TOLERANCE: half, with the net of those weights. In OpenCV 5, where that is installed,
    it is run too, and what comes of it is told. Opset and open axes are in its metadata_props.

    Raises CaffeError for a net or layer that cannot be exported, or outputs that differ.
    """
    missing = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        raise CaffeError(
            f"exporting needs the package(s) {', '.join(missing)}: pip install {' '.join(missing)}"
        )
    _refuse_what_onnx_has_not(net)
    with exporting.for_onnx():
        content, exported = agreement.made(net, batch, half, partial(_made, half))
    with replacing(path) as file:
        file.write(content)
    return exported


def _refuse_what_onnx_has_not(net: Net) -> None:
    for layer in net._graph.layers:
        layer.check(not layer.not_in_onnx, f"cannot be exported to ONNX: {layer.not_in_onnx}")
        layer.check(
            layer.is_input or not set(layer.spec.top) & set(net.inputs) & set(net.outputs),
            "is in place on an input, and its top an output: ONNX has no two values of one name. "
            "Give the top another name",
        )


def _made(half: bool, net: Net, open_axes: OpenAxes) -> Made:
    model = _model(net, capture(net, open_axes))
    _leave_out_unread(model, _unread(net))
    respell(model)
    _state(model, open_axes)
    if half:
        _store_half(model)
    content = model.SerializeToString()
    runtimes: dict[str, Runs] = {"onnxruntime": in_onnxruntime(net, content)}
    others: dict[str, Runs] = {}
    refusals: dict[str, str] = {}
    for name, tried, take in (("OpenVINO", runtimes, in_openvino), ("OpenCV", others, in_opencv)):
        try:
            if runs := take(net, content):
                tried[name] = runs
        except Exception as error:  # of the runtimes' many kinds: it has no operator for something
            refusals[name] = _reason(error)
    return Made(content, runtimes, refusals, others)


def _model(net: Net, program: torch.export.ExportedProgram) -> onnx.ModelProto:
    """The program in ONNX, inputs and outputs by the names of their blobs."""
    try:
        return _translated(program, net.inputs, net.outputs)
    except torch.onnx.OnnxExporterError as error:
        for layer, alone in each_alone(net._graph):
            try:
                _translated(alone, None, None)
            except torch.onnx.OnnxExporterError as of_layer:
                layer.check(False, f"torch cannot export it to ONNX: {_reason(of_layer)}")
        raise CaffeError(f"net '{net.name}': torch cannot export it: {_reason(error)}") from None


def _leave_out_unread(model: onnx.ModelProto, names: set[str]) -> None:
    """Inputs that no layer reads are outputs of Caffe's net too: in a file they are neither."""
    graph = model.graph
    kept = {
        "input": [value for value in graph.input if value.name not in names],
        "node": [node for node in graph.node if not names.intersection(node.output)],
        "output": [value for value in graph.output if value.name not in names],
    }
    for part, entries in kept.items():
        graph.ClearField(part)
        getattr(graph, part).extend(entries)


def _unread(net: Net) -> set[str]:
    return set(net.inputs) & set(net.outputs)


def _run(net: Net, run: Callable[[Arrays, list[str]], Sequence[np.ndarray]]) -> Runs:
    """`run` takes the inputs of a file, and the names of its outputs, which it returns."""
    unread = _unread(net)
    names = [name for name in net.outputs if name not in unread]

    def runs(inputs: Arrays) -> Arrays:
        read = {name: value for name, value in inputs.items() if name not in unread}
        return dict(zip(names, run(read, names), strict=True))

    return runs


def _translated(
    program: torch.export.ExportedProgram, inputs: list[str] | None, outputs: list[str] | None
) -> onnx.ModelProto:
    with silent("torch.onnx"), torch.no_grad():  # which says that torchvision is not installed
        found = torch.onnx.export(
            program,
            input_names=inputs,
            output_names=outputs,
            opset_version=OPSET,
            custom_translation_table=forms(),
            dynamo=True,  # by itself only since torch 2.9
            optimize=False,
            verbose=False,
        )
        assert found is not None  # torch gives none to the older exporter only
        simplify(found, [*(inputs or ()), *(outputs or ())])
    return found.model_proto


def _reason(error: BaseException) -> str:
    """The innermost of the errors that one is made of, on a line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())


def _state(model: onnx.ModelProto, open_axes: OpenAxes) -> None:
    """Name the open axes in the model, and write them and the opset into its metadata."""
    import onnx

    names: dict[str, str] = {}  # by torch's symbol
    for value in model.graph.input:
        dims = value.type.tensor_type.shape.dim
        for axis, what in open_axes[value.name].items():
            taken = what in names.values()
            names.setdefault(dims[axis].dim_param, f"{value.name}_{what}" if taken else what)
    for value in [*model.graph.input, *model.graph.value_info, *model.graph.output]:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                words = re.split(r"\b", dim.dim_param)
                dim.dim_param = "".join(names.get(word, word) for word in words)
    onnx.helper.set_model_props(
        model, {"opset": str(OPSET), "dynamic_axes": in_words(open_axes) or "none"}
    )


def _store_half(model: onnx.ModelProto) -> None:
    """Store weights of products that float16 holds exactly, as it does rounded ones, as float16."""
    import onnx

    values = {each.name: each for each in model.graph.initializer}
    casts = {}
    for node in model.graph.node:
        if node.op_type not in PRODUCTS or node.input[1] not in values:
            continue
        name = node.input[1]
        weight = onnx.numpy_helper.to_array(values[name])
        half = weight.astype(np.float16)
        if name in casts or not np.array_equal(half.astype(weight.dtype), weight):
            continue
        values[name].CopyFrom(onnx.numpy_helper.from_array(half, name))
        to = onnx.TensorProto.FLOAT
        casts[name] = onnx.helper.make_node("Cast", [name], [f"{name}.float"], to=to)
    for node in model.graph.node:
        node.input[:] = [f"{name}.float" if name in casts else name for name in node.input]
    for part, entries in (
        ("node", [*casts.values(), *model.graph.node]),
        ("value_info", [each for each in model.graph.value_info if each.name not in casts]),
    ):
        model.graph.ClearField(part)
        getattr(model.graph, part).extend(entries)


def in_onnxruntime(net: Net, content: bytes) -> Runs:
    """The outputs of a file of ONNX, by onnxruntime on the CPU. Raises CaffeError."""
    import onnxruntime

    options, of_run = onnxruntime.SessionOptions(), onnxruntime.RunOptions()
    options.log_severity_level = of_run.log_severity_level = 4  # what it says is in its exceptions
    with agreement.running(net, "onnxruntime"):
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return _run(net, lambda inputs, names: session.run(names, inputs, of_run))


def in_openvino(net: Net, content: bytes) -> Runs | None:
    """OpenVINO, computing in float32 wherever bfloat16 would be faster; None without it."""
    if importlib.util.find_spec("openvino") is None:
        return None
    import openvino

    core = openvino.Core()
    model = core.compile_model(core.read_model(content), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    # It leaves out an input of which the size alone is read, where that is no open one.
    taken = {name for each in model.inputs for name in each.names}

    def run(inputs: Arrays, names: list[str]) -> list[np.ndarray]:
        found = model({name: value for name, value in inputs.items() if name in taken})
        return [found[name] for name in names]

    return _run(net, run)


def in_opencv(net: Net, content: bytes) -> Runs | None:
    """OpenCV's dnn, of version 5: those before it have other faults; None for these."""
    if importlib.util.find_spec("cv2") is None:
        return None
    import cv2

    if int(cv2.__version__.partition(".")[0]) < 5:
        return None
    with _silent():
        model = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))

    def run(inputs: Arrays, names: list[str]) -> list[np.ndarray]:
        with _silent():
            for name, value in inputs.items():
                model.setInput(value, name)
            return [found.copy() for found in model.forward(names)]

    return _run(net, run)


@contextmanager
def _silent() -> Iterator[None]:
    """OpenCV prints nothing inside; what it says is in its exceptions."""
    from cv2.utils import logging

    before = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
