"""Train a net, or finetune one: caffe train -solver FILE [-weights FILES | -snapshot FILE].

Ctrl-C (SIGINT) ends the iteration, writes a snapshot and stops; SIGHUP writes one and goes on.
SIGTERM does as Ctrl-C, with the exit status 75: start it again. Several GPUs (-gpu 0,1), or
processes on the CPU (-nproc 2), train one net together, and so do the ranks that torchrun starts.
-snapshot FILE.solverstate goes on where it was taken, to the same bits as without the break.
"""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

from ..core.errors import CaffeError, error_context
from ..core.log import info
from ..core.precision import set_precision
from ..core.strict import set_strict
from ..distributed import rendezvous
from ..distributed.group import Group
from ..distributed.launch import PREEMPTED, launch
from ..proto.caffe_pb2 import SolverParameter
from ..proto.upgrade import read_solver
from ..solver.resume import restore_newest
from ..solver.snapshot_files import solverstates
from ..solver.solver import get_solver
from . import flags

arguments = flags.caffe_flags


def run(args: argparse.Namespace) -> int:
    set_strict(args.strict)
    param = read_solver(flags.need(args.solver, "a solver definition to train: -solver FILE"))
    if args.snapshot and args.weights:
        raise CaffeError(
            "Give a snapshot to resume training or weights to finetune but not both: "
            "-snapshot or -weights"
        )
    param.train_state.level = args.level
    param.train_state.stage.extend(flags.stages(args))
    if args.snapshot or args.weights:
        param.ClearField("weights")
        param.weights.extend([args.weights] if args.weights else [])
    with nullcontext() if args.gpu else error_context(args.solver):
        gpus = _gpus(args.gpu, param)
    if not rendezvous.is_launched() and (count := max(len(gpus), args.nproc)) > 1:
        for gpu in gpus:  # one that is not there is an error now
            flags.choose_device([gpu])
        return launch("caffe", ["train", *args.words], count, args.max_restarts)
    place = rendezvous.from_environment()
    with nullcontext() if args.gpu else error_context(args.solver):
        _choose_device(gpus)
    set_precision(args.precision)
    with (
        _signals(args.sigint_effect, args.sighup_effect) as signals,
        Group(place) if place else nullcontext() as group,
    ):
        return _train(args, param, signals, group)


def _train(
    args: argparse.Namespace, param: SolverParameter, signals: Signals, group: Group | None
) -> int:
    with error_context(args.solver):
        solver = get_solver(param)
    solver.set_action_function(signals.action)
    if args.snapshot:
        info("caffe.cpp:242", "Resuming from %s", args.snapshot)
        solver.restore(args.snapshot)
    if group:
        solver.join(group, args.gradients)
        if found := restore_newest(solver, _since_the_start(group, param.snapshot_prefix)):
            info("caffe.cpp:242", "Resuming from %s", found)
    info("caffe.cpp:248", "Starting Optimization")
    solver.solve()
    terminated = any(group.gather(signals.terminated)) if group else signals.terminated
    if terminated:
        if not param.snapshot_after_train:
            solver.snapshot()
        return PREEMPTED
    info("caffe.cpp:259", "Optimization Done.")
    return 0


def _since_the_start(group: Group, prefix: str) -> list[Path]:
    """The snapshots that the run itself has written, before torchrun has started it again."""
    if group.rank:
        return []
    there = {str(path): path.stat().st_mtime_ns for path in solverstates(prefix)}
    if group.attempt == 0:
        group.store.set("snapshots at the start", json.dumps(there))
        return []
    before = json.loads(group.store.get("snapshots at the start"))
    return [Path(path) for path, written in there.items() if before.get(path) != written]


def _gpus(gpu: str, param: SolverParameter) -> list[int]:
    """The GPUs that -gpu names; without it, those that the solver prototxt is for, if any."""
    if not gpu and param.HasField("solver_mode") and param.solver_mode == SolverParameter.GPU:
        gpu = "all" if rendezvous.is_launched() else str(param.device_id)
    return flags.gpu_ids(gpu)


def _choose_device(gpus: Sequence[int]) -> None:
    """Run on the one GPU, of several ranks on this rank's, or on the CPU."""
    if rendezvous.is_launched() and gpus:
        local = rendezvous.local_rank()
        if local >= len(gpus):
            raise CaffeError(
                f"a rank is number {local} on this machine, counted from 0, but there are "
                f"{len(gpus)} GPU(s) for it (-gpu {','.join(map(str, gpus))}): start as many ranks "
                "as GPUs, or name more"
            )
        gpus = [gpus[local]]
    flags.choose_device(gpus)
    if gpus:
        info("caffe.cpp:204", "Using GPUs %s", gpus[0])
        info("caffe.cpp:209", "GPU %d: %s", gpus[0], torch.cuda.get_device_name(gpus[0]))
    else:
        info("caffe.cpp:197", "Use CPU.")


class Signals:
    """The signals that have come, and what they ask for."""

    def __init__(self, effects: dict[int, str]) -> None:
        self._effects = effects
        self._came: set[int] = set()
        self.terminated = False  # SIGTERM has come

    def note(self, number: int, frame: object) -> None:
        self._came.add(number)
        self.terminated |= number == signal.SIGTERM

    def action(self) -> str | None:
        """What the next of them asks for, once; SIGHUP comes first."""
        for number, effect in self._effects.items():
            if number in self._came:
                self._came.discard(number)
                if effect != "none":
                    return effect
        return None


@contextmanager
def _signals(sigint_effect: str, sighup_effect: str) -> Iterator[Signals]:
    """While inside, signals do nothing by themselves; what is yielded gives their effects, once.

    As signal_handler.cpp: SIGHUP comes first, and a signal whose effect is none is ignored.
    """
    effects: dict[int, str] = {signal.SIGINT: sigint_effect, signal.SIGTERM: "stop"}
    if hasattr(signal, "SIGHUP"):  # not on Windows
        effects = {signal.SIGHUP: sighup_effect, **effects}
    signals = Signals(effects)
    before = {number: signal.signal(number, signals.note) for number in effects}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
