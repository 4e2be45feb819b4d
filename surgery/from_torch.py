"""A torch state_dict as the layers of a Caffe net, by an explicit table of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch

from .layout import Layers
from .torch_names import TABLES, Names

_NORM = ("running_mean", "running_var", "weight", "bias")
SHOWN = 5  # names that a message lists


def from_torch(state: Mapping[str, torch.Tensor], names: Names) -> Layers:
    """{layer: its arrays} of a state_dict, for the modules that a table of torch_names has.

    A batch normalisation becomes a BatchNorm (mean, variance, and 1, which they are divided by) and
    a Scale (weight and bias). Raises ValueError that names the first five modules of the table that
    the state lacks, and of the state that the table lacks.
    """
    modules = _modules(state)
    dropped = [module for module, layers in names.items() if not layers]
    kept = [m for m in modules if not any(f"{m}.".startswith(f"{d}.") for d in dropped)]
    missing = [module for module, layers in names.items() if layers and module not in modules]
    surplus = [module for module in kept if module not in names]
    if missing or surplus:
        raise ValueError(f"modules missing: {first(missing)}; not in the table: {first(surplus)}")
    layers: Layers = {}
    for module in kept:
        layers.update(_layers(module, modules[module], names[module]))
    return layers


def table_of(state: Mapping[str, torch.Tensor]) -> Names:
    """The table of torch_names.TABLES that the modules of a state_dict fit best."""
    modules = set(_modules(state))
    return min(TABLES.values(), key=lambda names: len(modules ^ names.keys()))


def first(names: Iterable[str]) -> str:
    """The first five names, and how many follow."""
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "none") + more


def _modules(state: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    modules: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in state.items():
        module, _, parameter = key.rpartition(".")
        modules.setdefault(module, {})[parameter] = value
    return modules


def _layers(
    module: str, parameters: Mapping[str, torch.Tensor], layers: tuple[str, ...]
) -> dict[str, list[np.ndarray]]:
    expected = {*_NORM, "num_batches_tracked"} if len(layers) == 2 else {"weight", "bias"}
    needed = _NORM if len(layers) == 2 else ("weight",)
    if not parameters.keys() <= expected or not parameters.keys() >= {*needed}:
        raise ValueError(
            f"module {module} has {', '.join(parameters)}; expected {', '.join(sorted(expected))}"
        )
    arrays = {name: value.detach().to(torch.float32).numpy() for name, value in parameters.items()}
    if len(layers) == 1:
        return {layers[0]: [arrays[name] for name in ("weight", "bias") if name in arrays]}
    norm, scale = layers
    mean, variance, weight, bias = (arrays[name] for name in _NORM)
    return {norm: [mean, variance, np.ones(1, np.float32)], scale: [weight, bias]}
