"""The nets of a solver: which are described where, and in which state (solver.cpp)."""

from ..core.errors import CaffeError
from ..core.log import info
from ..net import Net
from ..proto import caffe_pb2
from ..proto.text import in_prototxt
from ..proto.upgrade import read_net, upgrade_net

SolverParameter = caffe_pb2.SolverParameter
NetParameter = caffe_pb2.NetParameter
NetState = caffe_pb2.NetState
Source = str | NetParameter  # a file, or the net itself


def train_net(param: SolverParameter) -> Net:
    """The net that is trained (InitTrainNet). Raises CaffeError unless exactly one is given."""
    fields = ("net", "net_param", "train_net", "train_net_param")
    given = [field for field in fields if param.HasField(field)]
    _check(
        len(given) == 1,
        f"give the training net as one of {', '.join(fields)}; found {', '.join(given) or 'none'}",
    )
    source = getattr(param, given[0])
    if isinstance(source, str):
        info("solver.cpp:102", "Creating training net from %s file: %s", given[0], source)
    else:
        info("solver.cpp:82", "Creating training net specified in %s.", given[0])
    return _net(source, param, caffe_pb2.TRAIN, param.train_state)


def test_nets(param: SolverParameter) -> list[Net]:
    """The nets that are tested: test_net_param, test_net, then net as often as test_iter tells.

    As InitTestNets. Raises CaffeError where the number of test_iter or test_state does not fit.
    """
    sources: list[Source] = [*param.test_net_param, *param.test_net]
    if param.HasField("net") or param.HasField("net_param"):
        generic = param.net if param.HasField("net") else param.net_param
        sources += [generic] * (len(param.test_iter) - len(sources))
    _check(
        len(sources) == len(param.test_iter),
        f"test_iter needs a value for each of {len(sources)} test nets; "
        f"found {len(param.test_iter)}",
    )
    _check(
        len(param.test_state) in (0, len(sources)),
        f"test_state must be left out or given for each of {len(sources)} test nets; "
        f"found {len(param.test_state)}",
    )
    _check(
        not sources or param.test_interval > 0,
        f"test_iter needs a test_interval above 0; found {param.test_interval}",
    )
    states = param.test_state or [NetState()] * len(sources)
    nets = []
    for i, (source, state) in enumerate(zip(sources, states, strict=True)):
        info(
            "solver.cpp:190", "Creating test net (#%d) specified by %s", i, _words(param, i, source)
        )
        nets.append(_net(source, param, caffe_pb2.TEST, state))
    return nets


def _words(param: SolverParameter, i: int, source: Source) -> str:
    own = i < len(param.test_net_param) + len(param.test_net)
    field = "test_net" if own else "net"
    return f"{field} file: {source}" if isinstance(source, str) else f"{field}_param"


def _net(source: Source, param: SolverParameter, phase: int, extra: NetState) -> Net:
    """A net in its phase; its own state counts more than that, and the solver's even more."""
    if isinstance(source, str):
        spec, place = read_net(source), source
    else:
        spec, place = upgrade_net(source, "net_param"), "net_param"
    state = NetState(phase=phase)
    state.MergeFrom(spec.state)
    state.MergeFrom(extra)
    with in_prototxt(place):
        net = Net.from_proto(spec, state)
    for weights in ",".join(param.weights).split(","):
        if weights.strip():
            info("solver.cpp:72", "Finetuning from %s", weights.strip())
            net.copy_from(weights.strip())
    return net


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise CaffeError(message)
