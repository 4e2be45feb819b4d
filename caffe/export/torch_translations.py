"""torch's own translations of its operators into ONNX, read once in a process.

torch reads all 500 of them, from their source text, for each program that it exports: that takes
several times as long as a small net itself, and each layer of a net is one where the layer that
cannot be exported is looked for.
"""

from __future__ import annotations

import copy
import functools
from typing import Any


@functools.cache
def keep_translations() -> None:
    """From here on torch.onnx.export reads them once; where torch has them elsewhere, as before."""
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry

        read = functools.cache(ONNXRegistry.from_torchlib)
    except (ImportError, AttributeError):  # torch's own affairs, of which none is promised
        return

    def kept(*args: Any, **more: Any) -> ONNXRegistry:
        """A copy: an export adds translations of its own."""
        found = copy.copy(read(*args, **more))
        found.functions = {target: [*of] for target, of in found.functions.items()}
        return found

    ONNXRegistry.from_torchlib = staticmethod(kept)  # type: ignore[method-assign]
