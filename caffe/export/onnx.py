"""A net as an ONNX file, by torch's exporter, checked in onnxruntime."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..core.errors import CaffeError
from ..core.files import PathLike, replacing

if TYPE_CHECKING:
    import onnxruntime

    from ..net import Net

Shapes = dict[str, tuple[int, ...]]

NEEDS = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-4  # of the largest value of an output


def export(net: Net, path: PathLike) -> dict[tuple[int, ...], float]:
    """Write the net as ONNX; inputs and outputs keep their blob names.

    Height and width (the axes behind the second of 4-d inputs) are left open where every layer of
    the net takes other sizes. The model is run in onnxruntime against the net, at its own size and
    with open axes at two more, and is written only if the outputs agree within TOLERANCE.

    Returns the largest difference, relative to the output's largest value, for each size of the
    first input. Raises CaffeError for a net or layer that cannot be exported, or outputs that
    differ.
    """
    missing = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        raise CaffeError(
            f"exporting needs the package(s) {', '.join(missing)}: pip install {' '.join(missing)}"
        )
    import onnxruntime

    if not net.inputs:
        raise CaffeError(f"net '{net.name}' has no inputs; export a deploy prototxt")
    own = {name: net.blobs[name].shape for name in net.inputs}
    others = [_resized(own, by) for by in ((32, 0), (13, 45))]
    open_axes = all(_takes(net, shapes) for shapes in others)
    model = _model(net, others[0] if open_axes else own, open_axes)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found = {
        shapes[net.inputs[0]]: _difference(net, shapes, session)
        for shapes in ([own, *others] if open_axes else [own])
    }
    with replacing(path) as file:
        file.write(model)
    return found


def _resized(shapes: Shapes, by: tuple[int, int]) -> Shapes:
    return {
        name: (*s[:2], s[2] + by[0], s[3] + by[1]) if len(s) == 4 else s
        for name, s in shapes.items()
    }


def _takes(net: Net, shapes: Shapes) -> bool:
    """Whether every layer accepts what inputs of these shapes lead to."""
    blobs = dict(shapes)
    graph = net._graph
    try:
        for layer, bottoms, tops in zip(graph.layers, graph.bottoms, graph.tops, strict=True):
            if not layer.is_input:
                found = layer.top_shapes([blobs[name] for name in bottoms])
                blobs.update(zip(tops, found, strict=True))
    except CaffeError:
        return False
    return shapes != {name: net.blobs[name].shape for name in net.inputs}


def _model(net: Net, shapes: Shapes, open_axes: bool) -> bytes:
    """The ONNX model, traced with inputs of these shapes; values play no part."""
    auto = torch.export.Dim.AUTO
    axes = tuple({2: auto, 3: auto} if open_axes and len(s) == 4 else {} for s in shapes.values())
    module = net.to_torch()
    examples = tuple(torch.zeros(shape) for shape in shapes.values())
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        loggers = logging.getLogger("torch.onnx")  # says that torchvision is not installed
        level, loggers.level = loggers.level, logging.ERROR
        try:
            program = torch.onnx.export(
                module.cpu(),
                examples,
                dynamic_shapes={"inputs": axes},
                input_names=net.inputs,
                output_names=net.outputs,
                dynamo=True,  # by itself only since torch 2.9
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise CaffeError(f"net '{net.name}': torch cannot export it: {error}") from None
        finally:
            loggers.level = level
    assert program is not None  # torch gives none to the older exporter only
    return program.model_proto.SerializeToString()


def _difference(net: Net, shapes: Shapes, session: onnxruntime.InferenceSession) -> float:
    """Runs both on the same numbers; the largest difference relative to the largest output."""
    rng = np.random.RandomState(0)
    inputs: dict[str, Any] = {
        name: rng.randn(*shape).astype(np.float32) for name, shape in shapes.items()
    }
    before = {name: net.blobs[name].shape for name in inputs}
    for name, value in inputs.items():
        net.blobs[name].reshape(*value.shape)
    ours = {name: value.copy() for name, value in net.forward(**inputs).items()}
    theirs = dict(zip(net.outputs, session.run(net.outputs, inputs), strict=True))
    for name, shape in before.items():
        net.blobs[name].reshape(*shape)
    worst = 0.0
    for name, value in ours.items():
        if theirs[name].shape != value.shape:
            raise CaffeError(
                f"net '{net.name}': output '{name}' has shape {theirs[name].shape} in onnxruntime, "
                f"{value.shape} in the net; not exported"
            )
        scale = max(float(np.abs(value).max(initial=0)), 1e-30)
        worst = max(worst, float(np.abs(theirs[name] - value).max(initial=0)) / scale)
    if not worst <= TOLERANCE:
        raise CaffeError(
            f"net '{net.name}': in onnxruntime the outputs differ by {worst:g} of the largest "
            f"value (allowed: {TOLERANCE:g}); not exported"
        )
    return worst
