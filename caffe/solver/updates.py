"""The update rules of the six solvers: from a parameter's gradient to what is subtracted from it.

A rule is called with the gradient, the parameter's history (one tensor, or two), the learning rate
of the parameter, the solver's parameters and the iteration from 0. It updates the history in place,
may overwrite the gradient, and returns the update, in the memory of one of them.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch

from ..core.errors import CaffeError
from ..proto import caffe_pb2

SolverParameter = caffe_pb2.SolverParameter
Tensor = torch.Tensor
Rule = Callable[[Tensor, list[Tensor], float, SolverParameter, int], Tensor]


def sgd(
    gradient: Tensor, history: list[Tensor], rate: float, param: SolverParameter, iteration: int
) -> Tensor:
    """history = momentum * history + rate * gradient: the rate is inside the momentum."""
    (momentum,) = history
    return torch.add(gradient.mul_(rate), momentum, alpha=param.momentum, out=momentum)


def nesterov(
    gradient: Tensor, history: list[Tensor], rate: float, param: SolverParameter, iteration: int
) -> Tensor:
    """SGD's history; the update steps back by the old one and over by the new one.

    (1 + m) * new - m * old, and m * old is new - rate * gradient.
    """
    momentum = sgd(gradient, history, rate, param, iteration)
    return gradient.add_(momentum, alpha=param.momentum)


def adagrad(
    gradient: Tensor, history: list[Tensor], rate: float, param: SolverParameter, iteration: int
) -> Tensor:
    """The history sums the squares; the update is rate * gradient / (sqrt(history) + delta)."""
    (squares,) = history
    squares.addcmul_(gradient, gradient)
    return gradient.div_(squares.sqrt().add_(param.delta)).mul_(rate)


def rmsprop(
    gradient: Tensor, history: list[Tensor], rate: float, param: SolverParameter, iteration: int
) -> Tensor:
    """As AdaGrad, the squares averaged with the weight rms_decay."""
    (squares,) = history
    _average(squares, gradient, param.rms_decay)
    return gradient.div_(squares.sqrt().add_(param.delta)).mul_(rate)


def adadelta(
    gradient: Tensor, history: list[Tensor], rate: float, param: SolverParameter, iteration: int
) -> Tensor:
    """The gradient, times the RMS of past updates over the RMS of gradients (by momentum)."""
    squares, updates = history
    _average(squares, gradient, param.momentum)
    gradient.mul_((updates + param.delta).div_(squares + param.delta).sqrt_())
    _average(updates, gradient, param.momentum)
    return gradient.mul_(rate)


def adam(
    gradient: Tensor, history: list[Tensor], rate: float, param: SolverParameter, iteration: int
) -> Tensor:
    """First moments by momentum, second by momentum2, both corrected for their start at zero."""
    first, second = history
    beta1, beta2, t = param.momentum, param.momentum2, iteration + 1
    first.mul_(beta1).add_(gradient, alpha=1 - beta1)
    _average(second, gradient, beta2)
    correction = (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    scale = second.sqrt().add_(param.delta)
    return torch.div(first, scale, out=gradient).mul_(rate * correction)


def _average(squares: Tensor, values: Tensor, weight: float) -> None:
    squares.mul_(weight).addcmul_(values, values, value=1 - weight)


class Kind(NamedTuple):
    """A solver type: its rule, and how many history blobs each parameter has."""

    rule: Rule
    histories: int
    rate_in_history: bool = False  # a rate of 0 leaves a history of zeros


KINDS = {
    "SGD": Kind(sgd, 1, rate_in_history=True),
    "Nesterov": Kind(nesterov, 1, rate_in_history=True),
    "AdaGrad": Kind(adagrad, 1),
    "RMSProp": Kind(rmsprop, 1),
    "AdaDelta": Kind(adadelta, 2),
    "Adam": Kind(adam, 2),
}


def check(kind: str, param: SolverParameter) -> None:
    """Raise CaffeError for parameters that Caffe refuses for this type of solver."""
    if kind in ("AdaGrad", "RMSProp") and param.momentum:
        raise CaffeError(
            f"Momentum cannot be used with {kind}; found momentum {param.momentum:g}, remove it"
        )
    if kind == "RMSProp" and not 0 <= param.rms_decay < 1:
        raise CaffeError(
            f"rms_decay should lie between 0 and 1 (1 excluded); found {param.rms_decay:g}"
        )
    if kind == "Adam" and max(abs(param.momentum), abs(param.momentum2)) >= 1:
        raise CaffeError(
            "Adam needs a momentum and a momentum2 between -1 and 1; "
            f"found {param.momentum:g} and {param.momentum2:g}"
        )
    _check_regularization(param.weight_decay, param.regularization_type)


def regularise(gradient: Tensor, weights: Tensor, decay: float, kind: str) -> None:
    """Add the gradient of weight decay: decay * weights for L2, decay * sign(weights) for L1."""
    _check_regularization(decay, kind)
    if decay:
        gradient.add_(weights if kind == "L2" else weights.sign(), alpha=decay)


def _check_regularization(decay: float, kind: str) -> None:
    """Raise CaffeError for a kind that Caffe lacks, where there is a decay: without, none asks."""
    if decay and kind not in ("L1", "L2"):
        raise CaffeError(f"unknown regularization_type '{kind}'; there are L1 and L2")
