"""Layers of ours in place of public projects' Python layers, where these cannot be imported."""

import importlib.util
import sys
from collections.abc import Iterable

from ...core.errors import CaffeError
from ...core.log import LOGGER
from ...proto import caffe_pb2
from . import colorization, detectnet, detectors, enet, examples, fcn, hands, mnc, mtcnn, vnet

STAND_INS = {
    **detectors.STAND_INS,
    **mnc.STAND_INS,
    **fcn.STAND_INS,
    **colorization.STAND_INS,
    **enet.STAND_INS,
    **mtcnn.STAND_INS,
    **hands.STAND_INS,
    **detectnet.STAND_INS,
    **examples.STAND_INS,
    **vnet.STAND_INS,
}


def stand_in(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """Make a Python layer that has a stand-in, and whose module is not there, that layer.

    What a project takes from its configuration, the rest of the net tells. Raises CaffeError for a
    param_str that the stand-in does not understand.
    """
    python = spec.python_param
    make = STAND_INS.get((python.module, python.layer))
    if spec.type != "Python" or make is None or _is_there(python.module):
        return
    try:
        make(spec, net)
    except (ValueError, KeyError, OverflowError) as error:
        raise CaffeError(
            f"layer '{spec.name}': there is no module '{python.module}' to import, and without it "
            f"its tops or its param_str {python.param_str!r} are not understood ({error}); put the "
            "module's folder on PYTHONPATH or sys.path"
        ) from None
    LOGGER.warning(
        "layer '%s': there is no module '%s' to import; %s stands in for its %s%s",
        *(spec.name, python.module, spec.type, python.layer),
        f", so fill {_listed(spec.top)} from a script, or put the module's folder on PYTHONPATH"
        if spec.type == "Input"
        else "",
    )


def _listed(tops: Iterable[str]) -> str:
    return ", ".join(f"net.blobs['{top}'].data" for top in tops)


def _is_there(module: str) -> bool:
    try:
        return module in sys.modules or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # nor its package
        return False
