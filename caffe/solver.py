"""Solvers: SGD with Caffe's update rule, learning-rate policies, snapshots and test nets."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable
from pathlib import Path

import torch

from . import mode, storage
from .blob import Blob
from .errors import CaffeError, within
from .files import PathLike, read_prototxt
from .net import Net
from .proto import caffe_pb2

log = logging.getLogger("caffe")

SolverParameter = caffe_pb2.SolverParameter


def learning_rate(param: SolverParameter, iteration: int, current_step: int = 0) -> float:
    """The rate at an iteration (sgd_solver.cpp, GetLearningRate).

    fixed, step, exp, inv, multistep, poly, sigmoid; `current_step` counts the stepvalues passed.
    """
    policy, base, gamma = param.lr_policy, param.base_lr, param.gamma
    if policy == "fixed":
        return base
    if policy == "step":
        _check(param.stepsize > 0, f"lr_policy step needs a stepsize; found {param.stepsize}")
        return base * gamma ** (iteration // param.stepsize)
    if policy == "exp":
        return base * gamma**iteration
    if policy == "inv":
        return base * (1 + gamma * iteration) ** -param.power
    if policy == "multistep":
        return base * gamma**current_step
    if policy == "poly":
        _check(
            iteration <= param.max_iter,
            f"lr_policy poly ends at max_iter {param.max_iter}; this is iteration {iteration}",
        )
        return base * (1 - iteration / max(1, param.max_iter)) ** param.power
    if policy == "sigmoid":
        exponent = -gamma * (iteration - param.stepsize)
        return base / (1 + math.exp(min(exponent, 700)))  # exp(710) is too large for a float
    raise CaffeError(
        f"unknown lr_policy '{policy}'; there are fixed, step, exp, inv, multistep, poly, sigmoid"
    )


def read_solver(path: PathLike) -> SolverParameter:
    """A solver prototxt, its older forms as today's; without snapshot_prefix its own name is one.

    As ReadSolverParamsFromTextFileOrDie of upgrade_proto.cpp. Raises CaffeError.
    """
    param = read_prototxt(path, SolverParameter())
    with within(path):
        if param.HasField("solver_type"):
            _check(not param.HasField("type"), "give type or the older solver_type, not both")
            param.type = SOLVER_TYPES[param.solver_type]
            param.ClearField("solver_type")
        _check(
            param.snapshot_format == SolverParameter.BINARYPROTO,
            "snapshot_format HDF5 is not supported; use BINARYPROTO",
        )
    if not param.HasField("snapshot_prefix"):
        param.snapshot_prefix = str(Path(path).with_suffix(""))
    elif os.path.isdir(param.snapshot_prefix):
        param.snapshot_prefix = str(Path(param.snapshot_prefix) / Path(path).stem)
    return param


class SGDSolver:
    """pycaffe's SGDSolver: built from a solver prototxt; `net` trains, `test_nets` are scored.

    history = momentum * history + rate * gradient, and weights -= history: the learning rate is
    inside the momentum. Raises CaffeError for a solver or net that Caffe would refuse.
    """

    type = "SGD"

    def __init__(self, solver_file: PathLike) -> None:
        self.param = read_solver(solver_file)
        with within(solver_file):
            self._init()

    def _init(self) -> None:
        param = self.param
        if param.random_seed >= 0:
            mode.set_random_seed(param.random_seed)
        learning_rate(param, 0)  # an unknown policy is an error now, not at the first step
        self.iter = 0
        self._current_step = 0
        self._losses: list[float] = []
        self._callbacks: list[tuple[Callable[[], None], Callable[[], None]]] = []
        self.net = self._train_net()
        self.test_nets = self._test_nets()
        self._history = [Blob(p.blob.shape) for p in self._params]

    @property
    def lr(self) -> float:
        """The learning rate of the current iteration."""
        return learning_rate(self.param, self.iter, self._step_now())

    def _step_now(self) -> int:
        """The stepvalues passed (multistep): at most one more each iteration, as in Caffe."""
        steps, passed = self.param.stepvalue, self._current_step
        return passed + (passed < len(steps) and self.iter >= steps[passed])

    @property
    def smoothed_loss(self) -> float:
        """The mean loss of the last average_loss iterations."""
        return sum(self._losses) / max(1, len(self._losses))

    @property
    def _params(self):
        return self.net._graph.params

    # Building the nets.

    def _train_net(self) -> Net:
        param = self.param
        fields = ("train_net", "train_net_param", "net", "net_param")
        given = [f for f in fields if param.HasField(f)]
        _check(len(given) == 1, f"give the training net as one of {fields}; found {given}")
        return self._net(getattr(param, given[0]), caffe_pb2.TRAIN, param.train_state)

    def _test_nets(self) -> list[Net]:
        param = self.param
        sources = [*param.test_net_param, *param.test_net]
        generic = param.net if param.HasField("net") else param.net_param
        if param.HasField("net") or param.HasField("net_param"):
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
        _check(not sources or param.test_interval > 0, "test_iter needs a test_interval")
        states = param.test_state or [caffe_pb2.NetState()] * len(sources)
        return [
            self._net(source, caffe_pb2.TEST, state)
            for source, state in zip(sources, states, strict=True)
        ]

    def _net(
        self, source: str | caffe_pb2.NetParameter, phase: int, extra: caffe_pb2.NetState
    ) -> Net:
        """A net in its phase; its own state counts more than that, and the solver's even more."""
        spec, place = source, "net_param"
        if isinstance(source, str):
            spec, place = read_prototxt(source, caffe_pb2.NetParameter()), source
        state = caffe_pb2.NetState(phase=phase)
        state.MergeFrom(spec.state)
        state.MergeFrom(extra)
        with within(place):
            net = Net.from_proto(spec, state)
        for weights in ",".join(self.param.weights).split(","):
            if weights:
                net.copy_from(weights.strip())
        return net

    # Training.

    def add_callback(
        self, on_start: Callable[[], None], on_gradients_ready: Callable[[], None]
    ) -> None:
        """Call the functions before each iteration's passes, and before each update."""
        self._callbacks.append((on_start, on_gradients_ready))

    def solve(self, resume_file: PathLike | None = None) -> None:
        """Train to max_iter, from a solverstate if given, and snapshot at the end."""
        if resume_file:
            self.restore(resume_file)
        self.step(self.param.max_iter - self.iter)
        every = self.param.snapshot
        if self.param.snapshot_after_train and (not every or self.iter % every):
            self.snapshot()
        if self._displays():
            self._smooth(self._forward())
            self._log_loss()
        if self.param.test_interval and self.iter % self.param.test_interval == 0:
            self.test_all()
        log.info("Optimization Done.")

    def step(self, iterations: int) -> None:
        """Run iterations: test, forward and backward iter_size times, update, snapshot."""
        param = self.param
        stop = self.iter + iterations
        self._losses.clear()
        while self.iter < stop:
            self.net.clear_param_diffs()
            due = param.test_interval and self.iter % param.test_interval == 0
            if due and (self.iter > 0 or param.test_initialization):
                self.test_all()
            for on_start, _ in self._callbacks:
                on_start()
            loss = 0.0
            for _ in range(param.iter_size):
                loss += self._forward() / param.iter_size
                self.net._backward(len(self.net._names) - 1, 0)
            self._smooth(loss)
            if self._displays():
                self._log_loss()
                net = self.net
                outputs = {n: net._blob(n).data_tensor().flatten().tolist() for n in net.outputs}
                _log_values("Train", net, outputs)
            for _, on_gradients_ready in self._callbacks:
                on_gradients_ready()
            self.apply_update()
            self.iter += 1
            if param.snapshot and self.iter % param.snapshot == 0:
                self.snapshot()

    def _forward(self) -> float:
        return self.net._forward(0, len(self.net._names) - 1)

    def _smooth(self, loss: float) -> None:
        self._losses = [*self._losses, loss][-self.param.average_loss :]

    def _displays(self) -> bool:
        return bool(self.param.display) and self.iter % self.param.display == 0

    def _log_loss(self) -> None:
        log.info("Iteration %d, loss = %g", self.iter, self.smoothed_loss)

    def apply_update(self) -> None:
        """Turn the parameters' diffs into updates and subtract them."""
        param = self.param
        self._current_step = self._step_now()
        rate = learning_rate(param, self.iter, self._current_step)
        if self._displays():
            log.info("Iteration %d, lr = %g", self.iter, rate)
        with torch.no_grad():
            scale = self._clip_scale() / param.iter_size
            for i, p in enumerate(self._params):
                history = self._history[i]._data
                if p.blob._diff.untouched and p.lr_mult == 0 and history.untouched:
                    continue  # the update is zero
                gradient = p.blob._diff.own(p.blob.shape)
                weights = p.blob._data.own(p.blob.shape)
                if scale != 1:
                    gradient.mul_(scale)
                self._regularise(gradient, weights, param.weight_decay * p.decay_mult)
                update = self._compute_update(i, gradient, rate * p.lr_mult)
                weights.sub_(update)
                p.blob._diff.assign(update, borrowed=True)  # where Caffe leaves it

    def _clip_scale(self) -> float:
        """clip_gradients / norm where the L2 norm of all diffs exceeds clip_gradients."""
        clip = self.param.clip_gradients
        if clip < 0:
            return 1.0
        diffs = [p.blob.diff_tensor() for p in self._params if not p.blob._diff.untouched]
        norm = math.hypot(*(float(torch.linalg.vector_norm(diff)) for diff in diffs))
        return clip / norm if norm > clip else 1.0

    def _regularise(self, gradient: torch.Tensor, weights: torch.Tensor, decay: float) -> None:
        if not decay:
            return
        kind = self.param.regularization_type
        _check(kind in ("L1", "L2"), f"unknown regularization_type '{kind}'; there are L1 and L2")
        gradient.add_(weights if kind == "L2" else weights.sign(), alpha=decay)

    def _compute_update(self, i: int, gradient: torch.Tensor, rate: float) -> torch.Tensor:
        """The update of parameter i from its gradient, which may be overwritten."""
        history = self._history[i]._data.own(self._history[i].shape)
        return torch.add(gradient.mul_(rate), history, alpha=self.param.momentum, out=history)

    # Testing.

    def test_all(self) -> None:
        """Run every test net for its test_iter passes and log the mean of each output."""
        for i, (net, passes) in enumerate(zip(self.test_nets, self.param.test_iter, strict=True)):
            log.info("Iteration %d, Testing net (#%d)", self.iter, i)
            net.share_with(self.net)
            sums: dict[str, torch.Tensor] = {}
            loss = 0.0
            for _ in range(passes):
                loss += net._forward(0, len(net._names) - 1) / passes
                for name in net.outputs:
                    value = net._blob(name).data_tensor().double()
                    sums[name] = sums[name] + value if name in sums else value
            if self.param.test_compute_loss:
                log.info("Test loss: %g", loss)
            means = {name: (total / passes).flatten().tolist() for name, total in sums.items()}
            _log_values("Test", net, means)

    # Snapshots.

    def snapshot(self) -> str:
        """Write PREFIX_iter_N.caffemodel and .solverstate; returns the solverstate's path.

        The solverstate is written last: where it exists, its caffemodel is whole.
        """
        prefix = self.param.snapshot_prefix
        model = f"{prefix}_iter_{self.iter}.caffemodel"
        log.info("Snapshotting to binary proto file %s", model)
        self.net.save(model)
        path = f"{prefix}_iter_{self.iter}.solverstate"
        log.info("Snapshotting solver state to binary proto file %s", path)
        state = storage.StoredState(self.iter, model, self._current_step, [])
        storage.write_state(path, state, self._history)
        return path

    def restore(self, state_file: PathLike) -> None:
        """Continue from a solverstate: its iteration, its history and its caffemodel's weights.

        Raises CaffeError, and changes nothing, where the file or its caffemodel does not fit.
        """
        state = storage.read_state(state_file)
        if len(state.history) != len(self._history):
            raise CaffeError(
                f"{state_file}: holds {len(state.history)} history blobs, but this {self.type} "
                f"solver's net needs {len(self._history)}; it belongs to another net or solver"
            )
        for param, blob, stored in zip(self._params, self._history, state.history, strict=True):
            if not stored.fits(blob.shape):
                raise CaffeError(
                    f"{state_file}: the history of {param.name} has shape {stored.shape}; "
                    f"this net needs {blob.shape}"
                )
        if state.learned_net:
            self.net.copy_from(_beside(state_file, state.learned_net))
        for blob, stored in zip(self._history, state.history, strict=True):
            stored.read_into(blob)
        self.iter, self._current_step = state.iter, state.current_step


def get_solver(solver_file: PathLike) -> SGDSolver:
    """The solver that the file's `type` names."""
    kind = read_solver(solver_file).type
    _check(
        kind in SOLVERS,
        f"{solver_file}: unknown solver type '{kind}'; there are {', '.join(SOLVERS)}",
    )
    return SOLVERS[kind](solver_file)


SOLVERS = {"SGD": SGDSolver}

# What the numbers of the older field solver_type mean.
SOLVER_TYPES = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise CaffeError(message)


def _beside(state_file: PathLike, learned_net: str) -> str:
    """Where the caffemodel is: as the solverstate says, or in its own folder if both moved."""
    beside = Path(state_file).parent / os.path.basename(learned_net)
    return learned_net if os.path.exists(learned_net) else str(beside)


def _log_values(kind: str, net: Net, values: dict[str, list[float]]) -> None:
    number = 0
    weights = net.blob_loss_weights
    for name in net.outputs:
        for value in values[name]:
            weight = weights[name]
            weighted = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
            log.info("    %s net output #%d: %s = %g%s", kind, number, name, value, weighted)
            number += 1
