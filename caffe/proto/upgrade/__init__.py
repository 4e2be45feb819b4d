"""Descriptions of older formats in today's (upgrade_proto.cpp).

V0 (`layers { layer { type: "conv" } }`) becomes V1 (`layers { type: CONVOLUTION }`), V1 becomes
`layer { type: "Convolution" }`; then the fields that moved since: data transformations, inputs,
BatchNorm's parameters, the solver's type.
"""

import os
from dataclasses import replace
from pathlib import Path

from google.protobuf.message import Message

from ...core.errors import CaffeError, error_context
from ...core.files import PathLike
from ...core.log import LOGGER as log
from ...core.strict import is_strict
from .. import caffe_pb2
from ..text import Known, M, read_binaryproto, read_known, read_prototxt
from .forks import needs_fork_upgrade, upgrade_fork_fields
from .v0 import upgrade_v0_net
from .v1 import needs_data_upgrade, upgrade_data, upgrade_v1_net

NetParameter = caffe_pb2.NetParameter
SolverParameter = caffe_pb2.SolverParameter
SOLVER_GIVEN = "this is a solver; give the net that it names"


def read_net(path: PathLike) -> NetParameter:
    """A net's prototxt of any age as today's. Raises CaffeError."""
    net = _read(path, NetParameter, SolverParameter, SOLVER_GIVEN)
    with error_context(path):
        return upgrade_net(net, path)


def read_known_net(path: PathLike, phase: int = caffe_pb2.TEST) -> Known[NetParameter]:
    """As read_net, with what is unknown in the prototxt reported and left out.

    Of a solver's prototxt that holds nets, the one of the phase. Raises CaffeError for a missing
    file, a syntax error, and another solver's prototxt.
    """
    known = read_known(path, NetParameter())
    if known.unknown and not (known.message.layer or known.message.layers):
        solver = read_known(path, SolverParameter())
        if len(solver.unknown) < len(known.unknown):
            net = _held_net(solver.message, phase, path)
            known = Known(net, solver.passed_over, solver.unknown)
    with error_context(path):
        return replace(known, message=upgrade_net(known.message, path))


def _held_net(solver: SolverParameter, phase: int, path: PathLike) -> NetParameter:
    """The net in a solver that is trained or tested, or else the other one."""
    training = [solver.train_net_param] if solver.HasField("train_net_param") else []
    own = [list(solver.test_net_param), training]
    shared = [solver.net_param] if solver.HasField("net_param") else []
    nets = [*own[phase == caffe_pb2.TRAIN], *shared, *own[phase != caffe_pb2.TRAIN]]
    if not nets:
        raise CaffeError(f"{path}: {SOLVER_GIVEN}")
    return nets[0]


def read_net_binary(path: PathLike) -> NetParameter:
    """A caffemodel of any age as today's, weights included. Raises CaffeError."""
    net = read_binaryproto(path, NetParameter())
    with error_context(path):
        return upgrade_net(net, path)


def read_solver(path: PathLike) -> SolverParameter:
    """A solver's prototxt of any age as today's, with a snapshot_prefix. Raises CaffeError."""
    advice = "this is a net; give a solver, whose net: or train_net: names it"
    param = _read(path, SolverParameter, NetParameter, advice)
    with error_context(path):
        return with_snapshot_prefix(upgrade_solver(param, path), path)


def _read(path: PathLike, kind: type[M], other: type[Message], advice: str) -> M:
    """A prototxt of one kind; raises CaffeError, with the advice where it is of the other kind."""
    try:
        return read_prototxt(path, kind())
    except CaffeError:
        if not _is(path, other):
            raise
    raise CaffeError(f"{path}: {advice}")


def _is(path: PathLike, kind: type[Message]) -> bool:
    """Whether the file is a prototxt of this kind."""
    try:
        read_prototxt(path, kind())
    except CaffeError:
        return False
    return True


# Nets.


def net_needs_upgrade(net: NetParameter) -> bool:
    return bool(net.layers or net.input or needs_batch_norm_upgrade(net) or needs_fork_upgrade(net))


def upgrade_net(net: NetParameter, file: PathLike = "") -> NetParameter:
    """The net in today's format; `file` is what the log calls it. Raises CaffeError."""
    return upgrade_net_as_needed(net, file)[0]


def upgrade_net_as_needed(net: NetParameter, file: PathLike = "") -> tuple[NetParameter, bool]:
    """As upgrade_net, and whether everything was understood (UpgradeNetAsNeeded)."""
    success = True
    attempt = "Attempting to upgrade input file specified using deprecated %s: %s"
    done = "Successfully upgraded file specified using deprecated %s"
    if any(layer.HasField("layer") for layer in net.layers):
        log.info(attempt, "V0LayerParameter", file)
        net, problems = upgrade_v0_net(net)
        for problem in problems:
            log.error("%s", problem)
        success = not problems
        if success:
            log.info(done, "V0LayerParameter")
        else:
            log.error(
                "Warning: had one or more problems upgrading V0NetParameter to NetParameter "
                "(see above); continuing anyway."
            )
        log.warning(
            "Note that future Caffe releases will not support V0NetParameter; use "
            "./build/tools/upgrade_net_proto_text for prototxt and "
            "./build/tools/upgrade_net_proto_binary for model weights upgrade this and any "
            "other net protos to the new format."
        )
    if needs_data_upgrade(net):
        log.info(attempt, "transformation parameters", file)
        net = upgrade_data(net)
        log.info(done, "data transformation parameters.")
        log.warning(
            "Note that future Caffe releases will only support transform_param messages for "
            "transformation fields."
        )
    if net.layers:
        log.info(attempt, "V1LayerParameter", file)
        net = upgrade_v1_net(net)
        log.info(done, "V1LayerParameter")
    if net.input:
        log.info(attempt, "input fields", file)
        net = upgrade_inputs(net)
        log.info(done, "input fields.")
        log.warning(
            "Note that future Caffe releases will only support input layers and not input fields."
        )
    if needs_batch_norm_upgrade(net):
        log.info("Attempting to upgrade batch norm layers using deprecated params: %s", file)
        net = upgrade_batch_norm(net)
        log.info("Successfully upgraded batch norm layers using deprecated params.")
    if needs_fork_upgrade(net):
        net = upgrade_fork_fields(net)
    return net, success


# What moved in today's format.


def upgrade_inputs(net: NetParameter) -> NetParameter:
    """The `input` fields (with input_shape or input_dim) as an Input layer in front.

    Without any shape they say nothing, and are left out: so they stand in old caffemodels.
    """
    out = NetParameter()
    out.CopyFrom(net)
    for field in ("input", "input_shape", "input_dim", "layer"):
        out.ClearField(field)
    if net.input_shape or net.input_dim:
        out.layer.append(input_layer(net))
    out.layer.extend(net.layer)
    return out


def input_layer(net: NetParameter) -> caffe_pb2.LayerParameter:
    layer = caffe_pb2.LayerParameter(name="input", type="Input", top=net.input)
    field, each = ("input_shape", 1) if net.input_shape else ("input_dim", 4)
    given = getattr(net, field)
    if len(given) < each * len(net.input):
        raise CaffeError(
            f"net '{net.name}': {len(net.input)} inputs need {each} {field} each; "
            f"found {len(given)}"
        )
    for i in range(len(net.input)):
        dims = given[4 * i : 4 * i + 4] if each == 4 else given[i].dim
        layer.input_param.shape.add(dim=dims)
    return layer


def needs_batch_norm_upgrade(net: NetParameter) -> bool:
    return any(layer.type == "BatchNorm" and len(layer.param) == 3 for layer in net.layer)


def upgrade_batch_norm(net: NetParameter) -> NetParameter:
    """BatchNorm's three statistics are no longer given as learnable."""
    out = NetParameter()
    out.CopyFrom(net)
    for layer in out.layer:
        if layer.type == "BatchNorm" and len(layer.param) == 3:
            for spec in layer.param:
                spec.lr_mult = spec.decay_mult = 0
    return out


# Solvers.

SOLVER_TYPES = {
    "SGD": "SGD",
    "NESTEROV": "Nesterov",
    "ADAGRAD": "AdaGrad",
    "RMSPROP": "RMSProp",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}


def solver_needs_upgrade(param: SolverParameter) -> bool:
    return param.HasField("solver_type")


def upgrade_solver(param: SolverParameter, file: PathLike = "") -> SolverParameter:
    """The enum solver_type as the name `type`, and that spelled as Caffe spells it.

    `file` is what the log calls it.
    """
    if not solver_needs_upgrade(param):
        return _spelled(param)
    log.info(
        "Attempting to upgrade input file specified using deprecated "
        "'solver_type' field (enum)': %s",
        file,
    )
    if param.HasField("type"):
        raise CaffeError("give type or the older solver_type, not both")
    out = SolverParameter()
    out.CopyFrom(param)
    out.type = SOLVER_TYPES[SolverParameter.SolverType.Name(param.solver_type)]
    out.ClearField("solver_type")
    log.info(
        "Successfully upgraded file specified using deprecated "
        "'solver_type' field (enum) to 'type' field (string)."
    )
    log.warning(
        "Note that future Caffe releases will only support 'type' field (string) for a "
        "solver's type."
    )
    return out


def _spelled(param: SolverParameter) -> SolverParameter:
    """With Caffe's capitals in type and regularization_type, which forks write as they like."""
    out = SolverParameter()
    out.CopyFrom(param)
    if not is_strict():
        out.type = SOLVER_TYPES.get(param.type.upper(), param.type)
        out.regularization_type = param.regularization_type.upper()
    for field in ("type", "regularization_type"):
        if not param.HasField(field):
            out.ClearField(field)
    return out


def with_snapshot_prefix(param: SolverParameter, file: PathLike) -> SolverParameter:
    """Without snapshot_prefix the solver file's own name is one; in a folder it lends its name."""
    out = SolverParameter()
    out.CopyFrom(param)
    if not param.HasField("snapshot_prefix"):
        out.snapshot_prefix = str(Path(file).with_suffix(""))
        log.info("snapshot_prefix was not specified and is set to %s", out.snapshot_prefix)
    elif os.path.isdir(param.snapshot_prefix):
        out.snapshot_prefix = str(Path(param.snapshot_prefix) / Path(file).stem)
        log.info("snapshot_prefix was a directory and is replaced to %s", out.snapshot_prefix)
    return out
