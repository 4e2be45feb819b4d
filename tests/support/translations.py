"""torch's translations of its operators into ONNX, read once for all exports of a test process.

torch reads all 500 of them, from their source text, for each program: a second each time.
"""

import copy
import functools

import pytest


@pytest.fixture(autouse=True, scope="session")
def translations_are_read_once():
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry
    except ImportError:  # torch's own affairs, which another version may have elsewhere
        yield
        return
    read = functools.cache(ONNXRegistry.from_torchlib)

    def kept(*args, **more):
        """A copy: an export adds translations of its own."""
        found = copy.copy(read(*args, **more))
        found.functions = {target: [*of] for target, of in found.functions.items()}
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(kept))
        yield
