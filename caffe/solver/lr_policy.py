"""Learning-rate policies (sgd_solver.cpp, GetLearningRate)."""

import math

from ..core.errors import CaffeError
from ..proto import caffe_pb2

SolverParameter = caffe_pb2.SolverParameter

POLICIES = ("fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid")


def learning_rate(param: SolverParameter, iteration: int, current_step: int = 0) -> float:
    """The rate at an iteration; `current_step` counts the stepvalues passed (multistep).

    Raises CaffeError for an unknown policy, parameters that it cannot work with, and an iteration
    after its end.
    """
    check(param)
    policy, base, gamma = param.lr_policy, param.base_lr, param.gamma
    if policy == "step":
        return base * _power(gamma, iteration // param.stepsize)
    if policy == "exp":
        return base * _power(gamma, iteration)
    if policy == "inv":
        return base * _power(1 + gamma * iteration, -param.power)
    if policy == "multistep":
        return base * _power(gamma, current_step)
    if policy == "poly":
        # Caffe makes NaN of 0 / 0, and of the weights. Without iterations there is no rate to give.
        _check(
            param.max_iter > 0,
            f"lr_policy poly needs a max_iter above 0; found {param.max_iter}",
        )
        _check(
            iteration <= param.max_iter,
            f"lr_policy poly ends at max_iter {param.max_iter}; this is iteration {iteration}",
        )
        return base * _power(1 - iteration / param.max_iter, param.power)
    if policy == "sigmoid":
        exponent = -gamma * (iteration - param.stepsize)
        return base / (1 + math.exp(min(exponent, 700)))  # exp(710) is too large for a float
    return base


def check(param: SolverParameter) -> None:
    """Raise CaffeError for an unknown policy, or parameters that it cannot work with."""
    policy, gamma = param.lr_policy, param.gamma
    _check(policy in POLICIES, f"unknown lr_policy '{policy}'; there are {', '.join(POLICIES)}")
    if policy not in ("fixed", "poly"):
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


def _power(base: float, exponent: float) -> float:
    try:
        return base**exponent
    except (OverflowError, ZeroDivisionError):
        return math.inf  # as C's pow


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise CaffeError(message)
