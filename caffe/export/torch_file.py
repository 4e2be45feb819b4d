"""A net as a torch.export file (.pt2), which torch alone loads; checked against the net."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch.fx.experimental import _config

from ..core.files import PathLike, replacing
from ..net import Net
from . import agreement
from .agreement import Arrays, Exported, Made
from .program import capture
from .sizes import OpenAxes, in_words


def export(net: Net, path: PathLike, batch: bool = False, half: bool = False) -> Exported:
    """Write the net's program; torch.export.load(path).module() takes the inputs in their order.

    Height and width, `batch` and `half` are as in onnx.export. The file is loaded and run against
    the net before it is written. Names of inputs and outputs, and the open axes, are in its extra
    files "inputs", "outputs" and "dynamic_axes".

    Raises CaffeError for a net or layer that cannot be exported, or outputs that differ.
    """
    content, exported = agreement.made(net, batch, half, partial(_made, half))
    with replacing(path) as file:
        file.write(content)
    return exported


def _made(half: bool, net: Net, open_axes: OpenAxes) -> Made:
    with _one_as_any_other():
        program = capture(net, open_axes, half)
    stated = {
        "inputs": "\n".join(net.inputs),
        "outputs": "\n".join(net.outputs),
        "dynamic_axes": in_words(open_axes) or "none",
    }
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files=stated)
    buffer.seek(0)
    module = torch.export.load(buffer).module()

    def run(inputs: Arrays) -> Arrays:
        with torch.no_grad():
            found = module(*(torch.from_numpy(inputs[name]) for name in net.inputs))
        values = [found] if isinstance(found, torch.Tensor) else found
        return {name: each.numpy() for name, each in zip(net.outputs, values, strict=True)}

    return Made(buffer.getvalue(), {"torch": run})


def _one_as_any_other() -> AbstractContextManager[None]:
    """Inside, torch follows a net as if no side could be 1, and has no guard that a side is none.

    Where it looks at strides it makes such guards, so a map that is one pixel at the net's own size
    and larger at others would close height and width.
    """
    setting = "backed_size_oblivious"  # since torch 2.7; files have guards since 2.9
    known = hasattr(_config, setting)
    return _config.patch(setting, True) if known else nullcontext()  # type: ignore[attr-defined]
