"""pycaffe's solvers: the training loop, test nets, snapshots (solver.cpp, sgd_solver.cpp).

The update rules are in updates.py, the learning-rate policies in lr_policy.py.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any, Protocol

import torch

from ..core.blob import Blob
from ..core.boost import NetVec, Unpicklable, integer, read_only
from ..core.errors import CaffeError, caffe_error, error_context
from ..core.files import PathLike
from ..core.log import info
from ..core.precision import current_precision
from ..core.ranks import is_root, solver_rank
from ..core.rng import set_random_seed
from ..distributed.group import Group
from ..engine.layer_pass import Update
from ..engine.training_step import TrainingStep
from ..graph.build import Parameter, check_names
from ..layer_types import LayerType
from ..net import Net
from ..proto import caffe_pb2
from ..proto.text import prototxt
from ..proto.upgrade import read_solver, upgrade_solver
from . import (
    average_precision,
    groups,
    lr_policy,
    nets,
    run_state,
    snapshot,
    snapshot_files,
    updates,
)
from .data_parallel import DataParallel
from .lr_policy import learning_rate, step_at
from .snapshot import Snapshot
from .snapshot_writer import SnapshotWriter
from .turns import can_take_turns, turns

SolverParameter = caffe_pb2.SolverParameter
Result = tuple[float, dict[str, torch.Tensor]]  # of a test pass: its loss, and its outputs


class Callback(Protocol):
    """What a solver calls, as caffe.NCCL is."""

    def on_start(self) -> None:
        """An iteration begins."""

    def on_gradients_ready(self) -> None:
        """All gradients are there, and nothing is updated yet."""


class Solver(Unpicklable):
    """Base of the solvers: built from a solver prototxt, or from a SolverParameter.

    `net` trains, `test_nets` are scored, `iter` counts the updates, `param` is the SolverParameter.
    Raises CaffeError for a solver or net that Caffe would refuse.
    """

    type: str

    def __init__(self, solver: PathLike | SolverParameter) -> None:
        if isinstance(solver, SolverParameter):
            self._param = SolverParameter()
            self._param.CopyFrom(upgrade_solver(solver))
            self._init()
        else:
            self._param = read_solver(solver)
            with error_context(solver):
                self._init()

    def _init(self) -> None:
        param = self.param
        info("solver.cpp:45", "Initializing solver from parameters: \n%s", prototxt(param))
        self._check(
            param.average_loss >= 1, f"average_loss must be at least 1; found {param.average_loss}"
        )
        self._check(param.iter_size >= 1, f"iter_size must be at least 1; found {param.iter_size}")
        updates.check(self.type, param)
        lr_policy.check(param)  # an unknown policy is an error now, not at the first step
        snapshot.check_writable(param)
        if is_root():
            snapshot_files.remove_leftovers(param.snapshot_prefix)
        if param.random_seed >= 0:
            set_random_seed(param.random_seed + solver_rank())
        self._iter = 0
        self.current_step = 0  # the stepvalues passed, see lr_policy.step_at
        self._plateau = lr_policy.Plateau()
        self.requested_early_exit = False
        self._losses: deque[float] = deque(maxlen=param.average_loss)
        self._callbacks: list[tuple[Callable[[], object], Callable[[], object]]] = []
        self._action: Callable[[], str | None] = lambda: None
        self._before_test: str | None = None
        self._writer = SnapshotWriter()
        self._ranks: DataParallel | None = None
        self._net = nets.train_net(param)
        check_names(self._net._graph)  # now, not at the first snapshot
        self._test_nets = NetVec(nets.test_nets(param))
        for net in self.test_nets:
            net.set_debug_info(param.debug_info)
        # One blob for each parameter, after them a second one each (AdaDelta, Adam).
        histories = updates.KINDS[self.type].histories
        self.history = [Blob(p.blob.shape) for _ in range(histories) for p in self._params]
        self._training_step = TrainingStep(self.net._layerwise, self.history)
        info("solver.cpp:57", "Solver scaffolding done.")

    @read_only("net and test_net of the solver's prototxt say which it is; give it to a new solver")
    def net(self) -> Net:
        return self._net

    @read_only("test_net and test_iter of the solver's prototxt say which they are")
    def test_nets(self) -> NetVec:
        return self._test_nets

    @read_only("set its fields, as in solver.param.base_lr = 0.01, or make a new solver")
    def param(self) -> SolverParameter:
        return self._param

    @read_only("restore(solverstate) goes on at an iteration; step(n) and apply_update() count")
    def iter(self) -> int:
        return self._iter

    @property
    def lr(self) -> float:
        """The learning rate of the current iteration."""
        return learning_rate(self.param, self.iter, self._step_now())

    def _step_now(self) -> int:
        return step_at(self.param, self.iter, self.current_step)

    @property
    def smoothed_loss(self) -> float:
        """The mean loss of the last average_loss iterations."""
        return sum(self._losses) / max(1, len(self._losses))

    @property
    def _params(self) -> list[Parameter]:
        return self.net._graph.params

    @staticmethod
    def _check(condition: bool, message: str) -> None:
        if not condition:
            raise CaffeError(message)

    # Training.

    def add_callback(
        self,
        on_start: Callable[[], object] | Callback,
        on_gradients_ready: Callable[[], object] | None = None,
    ) -> None:
        """Call two functions, or those of one object, before each iteration's passes and update."""
        first: Any = on_start
        second = on_gradients_ready or first.on_gradients_ready
        self._callbacks.append((first if on_gradients_ready else first.on_start, second))

    def set_action_function(self, action: Callable[[], str | None]) -> None:
        """Ask after each iteration, and between test passes, for "stop", "snapshot" or None."""
        self._action = action

    def share_weights(self, net: Net) -> None:
        """Let a net use the parameters of the training net, layer by layer by name."""
        if not isinstance(net, Net):
            raise caffe_error(TypeError, f"share_weights takes a Net; found {net!r}")
        net.share_with(self.net)

    @property
    def ranks(self) -> DataParallel | None:
        """What this solver shares with those of other ranks; None: it trains alone."""
        return self._ranks

    def join(self, group: Group, gradients: str = "fp32") -> None:
        """Train with the other ranks of a group from now on, from rank 0's weights and history.

        Gradients, and the loss that is shown, are averaged over the ranks; tests are shared; rank 0
        writes the snapshots. gradients: "fp32", or "bf16", that they travel in half the bytes.
        Raises CaffeError where the ranks differ in what they are to have in common.
        """
        ranks = DataParallel(group, self._params, gradients)
        ranks.join(self.param, self._nets(), self.history, self.iter)
        self._ranks = ranks

    def solve(self, resume_file: PathLike | None = None) -> None:
        """Train to max_iter, from a solverstate if given, and snapshot at the end."""
        param = self.param
        info("solver.cpp:289", "Solving %s", self.net.name)
        info("solver.cpp:290", "Learning Rate Policy: %s", param.lr_policy)
        self.requested_early_exit = False
        if resume_file:
            info("solver.cpp:296", "Restoring previous solver status from %s", resume_file)
            self.restore(resume_file)
        self.step(param.max_iter - self.iter)
        if param.snapshot_after_train and (not param.snapshot or self.iter % param.snapshot):
            self.snapshot()
        if self.requested_early_exit:
            info("solver.cpp:311", "Optimization stopped early.")
            return
        if self._displays():
            loss = self._forward(self.net)
            self._losses.append(self._ranks.agree(loss)[0] if self._ranks else loss)
            info("solver.cpp:327", "Iteration %d, loss = %g", self.iter, self.smoothed_loss)
        if param.test_interval and self.iter % param.test_interval == 0 and self._takes_part():
            self.test_all()
        info("solver.cpp:332", "Optimization Done.")

    def step(self, iterations: int) -> None:
        """Run iterations: test, forward and backward iter_size times, update, snapshot.

        Snapshots are written while training goes on; they are in place when this returns. Raises
        CaffeError, a TypeError too, for a number of iterations that is no integer.
        """
        with self._writer:
            self._step(integer(iterations, "a number of iterations"))

    def _step(self, iterations: int) -> None:
        param = self.param
        self.net._check_fed()
        stop = self.iter + iterations
        self._losses = deque(maxlen=param.average_loss)
        shown, since = self.iter, time.monotonic()
        while self.iter < stop:
            due = param.test_interval and self.iter % param.test_interval == 0
            if due and (self.iter > 0 or param.test_initialization) and self._takes_part():
                self.test_all()
                if self.requested_early_exit:
                    break
            displays = self._displays()
            self.net.set_debug_info(displays and param.debug_info)
            loss, finish = self._updating_passes() if self._may_update() else self._passes()
            agreed: str | None = None
            if self._ranks:
                loss, agreed = self._ranks.agree(loss)
            self._losses.append(loss)
            if displays:
                seconds = time.monotonic() - since
                self._log_iteration((self.iter - shown) / (seconds or 1), seconds)
                shown, since = self.iter, time.monotonic()
            finish()
            action = self._action()
            if self._ranks:
                self._ranks.ask(action)  # and it is done after the next iteration
                action = agreed
            snaps = action == "snapshot" or (param.snapshot and self.iter % param.snapshot == 0)
            if snaps and self._takes_part():
                if action == "stop" or self.iter == stop:
                    self.snapshot()  # nothing goes on meanwhile
                else:
                    taken = self._taken()
                    if is_root():
                        self._writer.begin(taken)
            self._writer.check()
            if action == "stop":
                self.requested_early_exit = True
                break

    # An iteration's passes: each gives the loss, and what ends the iteration once that is logged.

    def _passes(self) -> tuple[float, Callable[[], None]]:
        """Forward and backward iter_size times; then the update, from all gradients."""
        self._training_step.materialize()
        self.net.clear_param_diffs()
        for on_start, _ in self._callbacks:
            on_start()
        size = self.param.iter_size
        loss = sum(self.net._forward_backward() / size for _ in range(size - 1))
        with self._ranks.averaging(self.net) if self._ranks else nullcontext():
            return loss + self.net._forward_backward() / size, self._ready

    def _ready(self) -> None:
        for _, on_gradients_ready in self._callbacks:
            on_gradients_ready()
        self.apply_update()

    def _updating_passes(self) -> tuple[float, Callable[[], None]]:
        """Forward and backward, each parameter updated once its own gradient is there."""
        self._training_step.discard()
        self.net.clear_param_diffs()
        update: Update = partial(self._update, scale=1, rate=self.lr)
        if self._ranks:
            self._ranks.begin()
            update = self._ranks.averaged(update)
        fused = partial(self._update_fused, rate=self.lr) if self._can_fuse() else None
        return self._training_step.run(update, fused), self._updated

    def _updated(self) -> None:
        self._begin_update()
        self._iter += 1

    def _may_update(self) -> bool:
        """Whether each parameter may be updated once its own gradient is there."""
        param = self.param
        return (
            param.iter_size == 1
            and param.clip_gradients < 0
            and param.lr_policy != "plateau"  # whose rate the iteration's own loss decides
            and not self._callbacks
            and self._training_step.applies()
        )

    @staticmethod
    def _forward(net: Net) -> float:
        return net._forward(0, len(net._names) - 1)

    def _displays(self) -> bool:
        return bool(self.param.display) and self.iter % self.param.display == 0

    def _log_iteration(self, per_second: float, seconds: float) -> None:
        info(
            "solver.cpp:239",
            "Iteration %d (%g iter/s, %gs/%d iters), loss = %g",
            *(self.iter, per_second, seconds, self.param.display, self.smoothed_loss),
        )
        net = self.net
        outputs = {n: net._blob(n).data_tensor().flatten().tolist() for n in net.outputs}
        _log_outputs("solver.cpp:258", "Train", net, outputs)

    # Updating.

    def apply_update(self) -> None:
        """Turn the parameters' diffs into updates and subtract them; counts as an iteration."""
        rate = self._begin_update()
        scale = self._clip_scale() / self.param.iter_size
        for i in range(len(self._params)):
            self._update(i, scale, rate)
        self._iter += 1

    def _begin_update(self) -> float:
        """The learning rate of this iteration, logged where it changes or is displayed."""
        self.current_step, before = self._step_now(), self.current_step
        if self.param.lr_policy == "plateau":
            self.current_step, self._plateau = lr_policy.plateau_at(
                self.param, self.iter, before, self._plateau, self.smoothed_loss
            )
            if self.current_step > before:
                info(
                    "sgd_solver.cpp:51",
                    "Plateau Status: Iteration %d, step = %d",
                    *(self.iter, self.current_step),
                )
        if self.param.lr_policy == "multistep" and self.current_step > before:
            info(
                "sgd_solver.cpp:51",
                "MultiStep Status: Iteration %d, step = %d",
                *(self.iter, self.current_step),
            )
        rate = learning_rate(self.param, self.iter, self.current_step)
        if self._displays():
            info("sgd_solver.cpp:112", "Iteration %d, lr = %g", self.iter, rate)
        return rate

    @torch.no_grad()
    def _clip_scale(self) -> float:
        """clip_gradients / norm where the L2 norm of all diffs exceeds clip_gradients."""
        clip = self.param.clip_gradients
        if clip < 0:
            return 1.0
        diffs = [p.blob.diff_tensor() for p in self._params if not p.blob._diff.untouched]
        norm = math.hypot(*(float(torch.linalg.vector_norm(diff)) for diff in diffs))
        if not norm > clip:
            return 1.0
        info(
            "sgd_solver.cpp:99",
            "Gradient clipping: scaling down gradients (L2 norm %g > %g) by scale factor %g",
            *(norm, clip, clip / norm),
        )
        return clip / norm

    @torch.no_grad()
    def _update(self, i: int, scale: float, rate: float) -> None:
        """Update parameter i: its gradient times `scale`, the weight decay, then the rule."""
        param, p = self.param, self._params[i]
        kind = updates.KINDS[self.type]
        histories = self.history[i :: len(self._params)]
        decay = param.weight_decay * p.decay_mult
        grouped = groups.counts(p, param)
        still = p.blob._diff.untouched and all(h._data.untouched for h in histories)
        if still and (not (decay or grouped) or (kind.rate_in_history and not p.lr_mult)):
            return  # the update is zero
        gradient = p.blob._diff.own(p.blob.shape)
        weights = p.blob._data.own(p.blob.shape)
        if scale != 1:
            gradient.mul_(scale)
        decays = p.spec if p.spec.HasField("regularization_type") else param
        with error_context(f"parameter {p.name}"):
            updates.regularise(gradient, weights, decay, decays.regularization_type.upper())
        if grouped:
            groups.regularise(gradient, weights, p, param)
        history = [h._data.own(h.shape) for h in histories]
        update = kind.rule(gradient, history, rate * p.lr_mult, param, self.iter)
        if grouped:
            groups.keep_zeros(update, weights, p)
        weights.sub_(update)
        if update is not gradient:  # Caffe leaves the update in the diff
            p.blob._diff.assign(update, borrowed=True)

    def _can_fuse(self) -> bool:
        return (
            self.type == "SGD"
            and not self._ranks  # who average the gradients that this does not form
            and self.param.regularization_type == "L2"
            and current_precision() != "bf16"
            and not any(
                groups.counts(p, self.param) or p.spec.HasField("regularization_type")
                for p in self._params
            )
        )

    @torch.no_grad()
    def _update_fused(
        self, i: int, layer: LayerType, bottom: torch.Tensor, top_diff: torch.Tensor, rate: float
    ) -> None:
        """SGD's update of a layer's weights: their gradient is added up inside the history."""
        param, p, history = self.param, self._params[i], self.history[i]
        rate *= p.lr_mult
        weights = p.blob._data.own(p.blob.shape)
        update = history._data.own(history.shape)
        layer.add_weight_gradient(update, bottom, top_diff, beta=param.momentum, alpha=rate)
        update.add_(weights, alpha=rate * param.weight_decay * p.decay_mult)
        weights.sub_(update)
        p.blob._diff.assign(update, borrowed=True)

    # Testing.

    def test_all(self) -> None:
        """Run every test net for its test_iter passes and log the mean of each output."""
        self._before_test = self._run_state()
        for i in range(len(self.test_nets)):
            if not self.requested_early_exit:
                self._test(i)
        if not self.requested_early_exit:
            self._before_test = None

    def _takes_part(self) -> bool:
        """Whether this solver tests and takes snapshots; of ranks that share nothing, one does."""
        return bool(self._ranks) or is_root()

    def _test(self, i: int) -> None:
        net, passes = self.test_nets[i], self.param.test_iter[i]
        if self.param.eval_type not in ("classification", "detection"):
            raise CaffeError(
                f"eval_type '{self.param.eval_type}'; expected classification or detection"
            )
        info("solver.cpp:347", "Iteration %d, Testing net (#%d)", self.iter, i)
        net._check_fed()
        net.share_with(self.net)
        taken: dict[str, list[torch.Tensor]] = {}
        loss = 0.0
        for of_pass, outputs in self._test_passes(net, passes):
            loss += of_pass
            for name, value in outputs.items():
                self._take(taken.setdefault(name, []), value)
        if self.requested_early_exit:
            info("solver.cpp:391", "Test interrupted.")
            return
        if self.param.test_compute_loss:
            info("solver.cpp:396", "Test loss: %g", loss / passes if passes else math.nan)
        said = {name: self._said(name, values, passes) for name, values in taken.items()}
        _log_outputs("solver.cpp:414", "Test", net, said)

    def _take(self, taken: list[torch.Tensor], value: torch.Tensor) -> None:
        """Keep an output of a test pass: in a sum, or with eval_type "detection" all of them."""
        if self.param.eval_type == "detection":
            taken.append(value.cpu())
        else:
            taken[:] = [taken[0] + value] if taken else [value.clone()]

    def _said(self, name: str, taken: list[torch.Tensor], passes: int) -> list[float]:
        """What a test logs of an output: means, or the mean average precision (SSD)."""
        if self.param.eval_type != "detection":
            return (taken[0] / passes).flatten().tolist()
        if any(5 not in (value.shape[-1], math.prod(value.shape[1:])) for value in taken):
            raise CaffeError(
                f"eval_type \"detection\": output '{name}' of a test net has shape "
                f"{tuple(taken[0].shape)}; expected rows of 5 values, of a DetectionEvaluate layer"
            )
        rows = torch.cat([value.reshape(-1, 5) for value in taken]).numpy()
        of_class = average_precision.average_precisions(rows, self.param.ap_version)
        if self.param.show_per_class_result:
            for label, value in of_class.items():
                info("solver.cpp:535", "class%d: %g", label, value)
        return [average_precision.mean(of_class.values())]

    def _test_passes(self, net: Net, passes: int) -> Iterator[Result]:
        """The results of a test's passes in order, whoever runs them, until one is to stop."""
        ranks = self._ranks
        if ranks is None:
            for _ in range(passes):
                while not self.requested_early_exit and (action := self._action()):
                    self._act_in_test(action)
                if self.requested_early_exit:
                    return
                yield self._test_pass(net)
            return
        # What cannot be shared, each rank runs as if alone, and rank 0's counts.
        shared = can_take_turns(net)
        rank, count = (ranks.group.rank, ranks.group.count) if shared else (0, 1)
        with turns(net, rank, count, passes) if shared else nullcontext():
            for first in range(0, passes, count):
                ranks.ask(self._action())
                mine = self._test_pass(net) if first + rank < passes else None
                results, action = ranks.results(mine)
                self._act_in_test(action)
                if self.requested_early_exit:
                    return
                yield from [found for found in results[:count] if found]

    def _test_pass(self, net: Net) -> Result:
        """A pass's loss, and its outputs in float64."""
        loss = self._forward(net)
        return loss, {name: net._blob(name).data_tensor().double().cpu() for name in net.outputs}

    def _act_in_test(self, action: str | None) -> None:
        if action == "snapshot":
            self.snapshot()
        self.requested_early_exit = action == "stop"

    # Snapshots.

    def snapshot(self) -> str:
        """Write a caffemodel and a solverstate, PREFIX_iter_N; returns the solverstate's path.

        In a test that is interrupted, the state is the one before it: the test begins again then.
        """
        self._writer.finish()
        taken = self._taken()
        return snapshot.write(taken) if is_root() else taken.path

    def _taken(self) -> Snapshot:
        state = self._before_test or self._run_state()
        if self._ranks:
            self._ranks.check_weights(self.history)
            state = run_state.joined(self._ranks.group.gather(state))
        return snapshot.take(
            self.param,
            self.net._graph,
            self.history,
            self.iter,
            self.current_step,
            state,
        )

    def restore(self, state_file: PathLike) -> None:
        """Continue from a solverstate: its iteration, its history and its caffemodel's weights.

        The test nets share these from then on, as after a test. Raises CaffeError, and changes
        nothing, where the file or its caffemodel does not fit.
        """
        self._writer.finish()
        names = [param.name for param in self._params]
        state = snapshot.read(state_file, self.type, names, self.history)
        with error_context(state_file):
            run = run_state.parsed(state.run_state, self._nets())
            with run_state.resumed(run):
                if state.learned_net:
                    self.net.copy_from(state.learned_net)
        run_state.name_those_left(state_file, run, self._nets())
        info("sgd_solver.cpp:318", "SGDSolver: restoring history")
        for blob, stored in zip(self.history, state.history, strict=True):
            stored.read_into(blob)
        self._iter, self.current_step = state.iter, state.current_step
        self._plateau = lr_policy.Plateau(*run.plateau)
        self._losses.clear()
        self._losses.extend(run.losses)
        self._before_test = None
        for net in self.test_nets:
            with suppress(CaffeError):  # a net that does not fit is its test's error, as in Caffe
                net.share_with(self.net)

    def _run_state(self) -> str:
        plateau = self._plateau if self.param.lr_policy == "plateau" else None
        return run_state.written(self._nets(), plateau, self._losses)

    def _nets(self) -> list[Net]:
        return [self.net, *self.test_nets]


class SGDSolver(Solver):
    """Momentum; the base of all others, as in sgd_solvers.hpp."""

    type = "SGD"


class NesterovSolver(SGDSolver):
    type = "Nesterov"


class AdaGradSolver(SGDSolver):
    type = "AdaGrad"


class RMSPropSolver(SGDSolver):
    type = "RMSProp"


class AdaDeltaSolver(SGDSolver):
    type = "AdaDelta"


class AdamSolver(SGDSolver):
    type = "Adam"


_KINDS: list[type[SGDSolver]] = [SGDSolver, *SGDSolver.__subclasses__()]
SOLVERS = {kind.type: kind for kind in _KINDS}


def get_solver(solver: PathLike | SolverParameter) -> Solver:
    """The solver that the `type` of a solver prototxt, or of a SolverParameter, names."""
    if not isinstance(solver, SolverParameter):
        with error_context(solver):
            return get_solver(read_solver(solver))
    param = upgrade_solver(solver)
    if param.type not in SOLVERS:
        raise CaffeError(f"unknown solver type '{param.type}'; there are {', '.join(SOLVERS)}")
    return SOLVERS[param.type](param)


def _log_outputs(source: str, kind: str, net: Net, values: dict[str, list[float]]) -> None:
    """A line for each value of the net's outputs; a test of no passes has none."""
    number = 0
    weights = net.blob_loss_weights
    for name, of_blob in values.items():
        for value in of_blob:
            weight = weights[name]
            weighted = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
            info(source, "    %s net output #%d: %s = %g%s", kind, number, name, value, weighted)
            number += 1
