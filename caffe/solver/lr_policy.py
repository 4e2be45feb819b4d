"""Learning-rate policies (sgd_solver.cpp, GetLearningRate), and those of forks."""

import math
from typing import NamedTuple

from ..core.errors import CaffeError
from ..core.strict import is_strict
from ..proto import caffe_pb2

SolverParameter = caffe_pb2.SolverParameter

POLICIES = ("fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid")
FORK_POLICIES = ("plateau", "multifixed", "cosine")


class Plateau(NamedTuple):
    """What lr_policy plateau goes by: the lowest loss so far, and when that or the rate changed."""

    lowest: float = math.inf
    since: int = 0


def learning_rate(param: SolverParameter, iteration: int, current_step: int = 0) -> float:
    """The rate at an iteration; `current_step` counts the steps passed (multistep, plateau).

    In the first warmup_iter (rampup_interval) iterations of a fork's solver it rises in equal steps
    from warmup_start_lr (rampup_lr) to base_lr, whatever the policy. Raises CaffeError for an
    unknown policy, parameters that it cannot work with, and an iteration after its end.
    """
    check(param)
    policy, base, gamma = param.lr_policy, param.base_lr, param.gamma
    for length, start in (
        (param.warmup_iter, param.warmup_start_lr),
        (param.rampup_interval, param.rampup_lr),
    ):
        if iteration < length:
            return start + (base - start) * iteration / length
    if policy == "step":
        return base * _power(gamma, iteration // param.stepsize)
    if policy == "exp":
        return base * _power(gamma, iteration)
    if policy == "inv":
        return base * _power(1 + gamma * iteration, -param.power)
    if policy in ("multistep", "plateau"):
        return base * _power(gamma, current_step)
    if policy == "multifixed":
        stages = zip(param.stagelr, param.stageiter, strict=True)
        return next((rate for rate, last in stages if iteration <= last), param.stagelr[-1])
    if policy in ("poly", "cosine"):
        # Caffe makes NaN of 0 / 0, and of the weights. Without iterations there is no rate to give.
        _check(
            param.max_iter > 0,
            f"lr_policy {policy} needs a max_iter above 0; found {param.max_iter}",
        )
        _check(
            iteration <= param.max_iter,
            f"lr_policy {policy} ends at max_iter {param.max_iter}; this is iteration {iteration}",
        )
        part = iteration / param.max_iter
        if policy == "cosine":
            return param.min_lr + (base - param.min_lr) * (1 + math.cos(math.pi * part)) / 2
        return param.min_lr + (base - param.min_lr) * _power(1 - part, param.power)
    if policy == "sigmoid":
        exponent = -gamma * (iteration - param.stepsize)
        return base / (1 + math.exp(min(exponent, 700)))  # exp(710) is too large for a float
    return base


def check(param: SolverParameter) -> None:
    """Raise CaffeError for an unknown policy, or parameters that it cannot work with."""
    policy, gamma = param.lr_policy, param.gamma
    policies = POLICIES if is_strict() else POLICIES + FORK_POLICIES
    _check(policy in policies, f"unknown lr_policy '{policy}'; there are {', '.join(policies)}")
    if policy == "multifixed":
        _check(
            0 < len(param.stagelr) == len(param.stageiter),
            "lr_policy multifixed needs a stageiter for each stagelr; found "
            f"{len(param.stageiter)} and {len(param.stagelr)}",
        )
    if policy not in ("fixed", "poly", "cosine", "multifixed"):
        _check(gamma >= 0, f"lr_policy {policy} needs a gamma of at least 0; found {gamma:g}")
    if policy in ("step", "sigmoid"):
        _check(
            param.stepsize > 0,
            f"lr_policy {policy} needs a stepsize above 0; found {param.stepsize}",
        )


def step_at(param: SolverParameter, iteration: int, current_step: int) -> int:
    """Caffe's current_step at an iteration, given the one before; what a solverstate stores.

    In multistep it counts the stepvalues passed, at most one more each iteration.
    """
    if param.lr_policy == "step" and param.stepsize > 0:
        return iteration // param.stepsize
    if param.lr_policy == "multistep" and current_step < len(param.stepvalue):
        return current_step + (iteration >= param.stepvalue[current_step])
    return current_step


def plateau_at(
    param: SolverParameter, iteration: int, current_step: int, plateau: Plateau, loss: float
) -> tuple[int, Plateau]:
    """current_step and the plateau at an iteration with this smoothed loss, given those before.

    A step is passed when plateau_winsize iterations, the value of that step, brought no lower loss.
    """
    if loss < plateau.lowest:
        plateau = Plateau(loss, iteration)
    sizes = param.plateau_winsize
    if current_step < len(sizes) and iteration >= plateau.since + sizes[current_step]:
        return current_step + 1, plateau._replace(since=iteration)
    return current_step, plateau


def _power(base: float, exponent: float) -> float:
    try:
        return base**exponent
    except (OverflowError, ZeroDivisionError):
        return math.inf  # as C's pow


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise CaffeError(message)
