"""Layers of ours in place of public projects' Python layers, where these cannot be imported."""

import importlib.util
import re
import sys
from collections.abc import Callable

from ..core.errors import CaffeError
from ..core.log import LOGGER
from ..proto import caffe_pb2

VALUE = re.compile(r"['\"]?(\w+)['\"]?\s*:\s*(?:!!python/tuple\s*)?(\[[^\]]*\]|[-+.\w]+)")


def stand_in(spec: caffe_pb2.LayerParameter) -> None:
    """Make a Python layer that has a stand-in, and whose module is not there, that layer.

    Raises CaffeError for a param_str that the stand-in does not understand.
    """
    python = spec.python_param
    make = STAND_INS.get((python.module, python.layer))
    if make is None or _is_there(python.module):
        return
    try:
        make(spec, _values(python.param_str))
    except (ValueError, KeyError) as error:
        raise CaffeError(
            f"layer '{spec.name}': there is no module '{python.module}' to import, and without it "
            f"the param_str {python.param_str!r} is not understood ({error}); put the module's "
            "folder on PYTHONPATH or sys.path"
        ) from None
    LOGGER.warning(
        "layer '%s': there is no module '%s' to import; %s stands in for its %s",
        *(spec.name, python.module, spec.type, python.layer),
    )


def _values(param_str: str) -> dict[str, list[float]]:
    """The numbers that a param_str in YAML gives by name; ValueError where it gives more."""
    param_str = re.sub("#.*", "", param_str)
    if rest := VALUE.sub("", param_str).strip(" \t\r\n,{}"):
        raise ValueError(f"beside numbers and [lists] of them: {rest}")
    found = VALUE.findall(param_str)
    return {name: list(map(float, re.findall(r"[-+.\w]+", text))) for name, text in found}


def _is_there(module: str) -> bool:
    try:
        return module in sys.modules or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # nor its package
        return False


def _proposal(spec: caffe_pb2.LayerParameter, values: dict[str, list[float]]) -> None:
    """py-faster-rcnn's and R-FCN's regions, with the numbers of their configuration."""
    param = spec.proposal_param
    (param.feat_stride,) = values.pop("feat_stride")
    param.scale.extend(values.pop("scales", []))
    param.ratio.extend(values.pop("ratios", []))
    if values:
        raise KeyError(f"unknown: {', '.join(values)}")
    if spec.phase == caffe_pb2.TRAIN:
        param.pre_nms_topn, param.post_nms_topn = 12000, 2000
    spec.type = "Proposal"


Make = Callable[[caffe_pb2.LayerParameter, dict[str, list[float]]], None]
STAND_INS: dict[tuple[str, str], Make] = {("rpn.proposal_layer", "ProposalLayer"): _proposal}
