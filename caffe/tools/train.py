"""Train a net, or finetune one: caffe train -solver FILE [-weights FILES | -snapshot FILE].

Ctrl-C (SIGINT) ends the iteration, writes a snapshot and stops; SIGHUP writes one and goes on.
-snapshot FILE.solverstate goes on where it was taken, to the same bits as without the break.
"""

import argparse
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch

from ..core.errors import CaffeError, error_context
from ..core.log import info
from ..core.precision import set_precision
from ..core.strict import set_strict
from ..proto.caffe_pb2 import SolverParameter
from ..proto.upgrade import read_solver
from ..solver.solver import get_solver
from . import flags

arguments = flags.caffe_flags


def run(args: argparse.Namespace) -> None:
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
        _choose_device(args.gpu, param)
    set_precision(args.precision)
    with _signals(args.sigint_effect, args.sighup_effect) as requested_action:
        with error_context(args.solver):
            solver = get_solver(param)
        solver.set_action_function(requested_action)
        if args.snapshot:
            info("caffe.cpp:242", "Resuming from %s", args.snapshot)
            solver.restore(args.snapshot)
        info("caffe.cpp:248", "Starting Optimization")
        solver.solve()
    info("caffe.cpp:259", "Optimization Done.")


def _choose_device(gpu: str, param: SolverParameter) -> None:
    """As -gpu says; without it, as the solver prototxt does."""
    if not gpu and param.HasField("solver_mode") and param.solver_mode == SolverParameter.GPU:
        gpu = str(param.device_id)
    ids = flags.gpu_ids(gpu)
    flags.choose_device(ids)
    if ids:
        info("caffe.cpp:204", "Using GPUs %s", ids[0])
        info("caffe.cpp:209", "GPU %d: %s", ids[0], torch.cuda.get_device_name(ids[0]))
    else:
        info("caffe.cpp:197", "Use CPU.")


@contextmanager
def _signals(sigint_effect: str, sighup_effect: str) -> Iterator[Callable[[], str | None]]:
    """While inside, signals do nothing by themselves; the function gives their effects, once.

    As signal_handler.cpp: SIGHUP comes first, and a signal whose effect is none is ignored.
    """
    effects = {signal.SIGINT: sigint_effect}
    if hasattr(signal, "SIGHUP"):  # not on Windows
        effects = {signal.SIGHUP: sighup_effect, **effects}
    came: set[int] = set()
    before = {number: signal.signal(number, lambda n, frame: came.add(n)) for number in effects}

    def requested_action() -> str | None:
        for number, effect in effects.items():
            if number in came:
                came.discard(number)
                if effect != "none":
                    return effect
        return None

    try:
        yield requested_action
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
