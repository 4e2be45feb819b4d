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
from .errors import CaffeError
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
        return base * gamma ** (iteration // param.stepsize)
    if policy == "exp":
        return base * gamma**iteration
    if policy == "inv":
        return base * (1 + gamma * iteration) ** -param.power
    if policy == "multistep":
        return base * gamma**current_step
    if policy == "poly":
        return base * (1 - iteration / param.max_iter) ** param.power
    if policy == "sigmoid":
        return base / (1 + math.exp(-gamma * (iteration - param.stepsize)))
    raise CaffeError(
        f"unknown lr_policy '{policy}'; there are fixed, step, exp, inv, multistep, poly, sigmoid"
    )


class SGDSolver:
    """pycaffe's SGDSolver: built from a solver prototxt; `net` trains, `test_nets` are scored.

    history = momentum * history + rate * gradient, and weights -= history: the learning rate is
    inside the momentum. Raises CaffeError for a solver or net that Caffe would refuse.
    """

    type = "SGD"

    def __init__(self, solver_file: PathLike) -> None:
        self.param = read_prototxt(solver_file, SolverParameter())
        try:
            self._init()
        except CaffeError as error:
            raise CaffeError(f"{solver_file}: {error}") from None

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
        return learning_rate(self.param, self.iter, self._current_step)

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
        if len(given) != 1:
            raise CaffeError(f"give the training net once, as one of {fields}; found {given}")
        state = _state(caffe_pb2.TRAIN, param.train_state)
        return self._net(getattr(param, given[0]), state)

    def _test_nets(self) -> list[Net]:
        param = self.param
        sources = [*param.test_net_param, *param.test_net]
        generic = param.net if param.HasField("net") else param.net_param
        if param.HasField("net") or param.HasField("net_param"):
            sources += [generic] * (len(param.test_iter) - len(sources))
        if len(sources) != len(param.test_iter):
            raise CaffeError(
                f"test_iter needs a value for each of {len(sources)} test nets; "
                f"found {len(param.test_iter)}"
            )
        if param.test_state and len(param.test_state) != len(sources):
            raise CaffeError(
                f"test_state must be left out or given for each of {len(sources)} test nets; "
                f"found {len(param.test_state)}"
            )
        nets = []
        for i, source in enumerate(sources):
            extra = param.test_state[i] if param.test_state else caffe_pb2.NetState()
            nets.append(self._net(source, _state(caffe_pb2.TEST, extra)))
        return nets

    @staticmethod
    def _net(source: str | caffe_pb2.NetParameter, state: caffe_pb2.NetState) -> Net:
        if isinstance(source, caffe_pb2.NetParameter):
            return Net.from_proto(source, state)
        return Net(source, state.phase, level=state.level, stages=list(state.stage))

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
        if self.param.test_interval and self.iter % self.param.test_interval == 0:
            self.test_all()
        log.info("Optimization Done.")

    def step(self, iterations: int) -> None:
        """Run that many iterations: test, forward and backward iter_size times, update, snapshot."""
        param = self.param
        stop = self.iter + iterations
        self._losses.clear()
        while self.iter < stop:
            self.net.clear_param_diffs()
            if param.test_interval and self.iter % param.test_interval == 0:
                if self.iter > 0 or param.test_initialization:
                    self.test_all()
            for on_start, _ in self._callbacks:
                on_start()
            last = len(self.net._names) - 1
            loss = 0.0
            for _ in range(param.iter_size):
                loss += self.net._forward(0, last) / param.iter_size
                self.net._backward(last, 0)
            self._losses = [*self._losses, loss][-param.average_loss :]
            if param.display and self.iter % param.display == 0:
                self._log_outputs("Train", self.net)
            for _, on_gradients_ready in self._callbacks:
                on_gradients_ready()
            self.apply_update()
            self.iter += 1
            if param.snapshot and self.iter % param.snapshot == 0:
                self.snapshot()

    def apply_update(self) -> None:
        """Turn the parameters' diffs into updates and subtract them."""
        param = self.param
        if param.lr_policy == "multistep":
            steps = param.stepvalue
            while self._current_step < len(steps) and self.iter >= steps[self._current_step]:
                self._current_step += 1
        rate = self.lr
        if param.display and self.iter % param.display == 0:
            log.info("Iteration %d, lr = %g", self.iter, rate)
        with torch.no_grad():
            scale = self._clip_scale() / param.iter_size
            for i, p in enumerate(self._params):
                if p.blob._diff.untouched and p.lr_mult == 0:
                    continue  # no gradient, no rate: the update is zero
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
        norm = math.sqrt(sum(float(torch.sum(diff.double() ** 2)) for diff in diffs))
        return clip / norm if norm > clip else 1.0

    def _regularise(self, gradient: torch.Tensor, weights: torch.Tensor, decay: float) -> None:
        kind = self.param.regularization_type
        if not decay:
            return
        if kind == "L2":
            gradient.add_(weights, alpha=decay)
        elif kind == "L1":
            gradient.add_(weights.sign(), alpha=decay)
        else:
            raise CaffeError(f"unknown regularization_type '{kind}'; there are L1 and L2")

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
            for _ in range(passes):
                net._forward(0, len(net._names) - 1)
                for name in net.outputs:
                    value = net._blob(name).data_tensor().double()
                    sums[name] = sums[name] + value if name in sums else value
            means = {name: (total / passes).flatten().tolist() for name, total in sums.items()}
            _log_values("Test", net, means)

    def _log_outputs(self, kind: str, net: Net) -> None:
        log.info("Iteration %d, loss = %g", self.iter, self.smoothed_loss)
        values = {name: net._blob(name).data_tensor().flatten().tolist() for name in net.outputs}
        _log_values(kind, net, values)

    # Snapshots.

    def snapshot(self) -> str:
        """Write PREFIX_iter_N.caffemodel and .solverstate; returns the solverstate's path.

        The solverstate is written last: where it exists, its caffemodel is whole.
        """
        prefix = self.param.snapshot_prefix
        if not prefix:
            raise CaffeError("the solver has no snapshot_prefix, so a snapshot has no name")
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
            stored.read_into(blob.data)
        self.iter, self._current_step = state.iter, state.current_step


def get_solver(solver_file: PathLike) -> SGDSolver:
    """The solver that the file's `type` names."""
    kind = read_prototxt(solver_file, SolverParameter()).type
    if kind not in SOLVERS:
        raise CaffeError(
            f"{solver_file}: unknown solver type '{kind}'; there are {', '.join(SOLVERS)}"
        )
    return SOLVERS[kind](solver_file)


SOLVERS = {"SGD": SGDSolver}


def _state(phase: int, extra: caffe_pb2.NetState) -> caffe_pb2.NetState:
    return caffe_pb2.NetState(phase=phase, level=extra.level, stage=extra.stage)


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
