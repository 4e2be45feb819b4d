"""A torch state_dict into a Caffe net, by an explicit table of names.

A table is {module: layers}. One layer, of any type with weights, takes a module's weight and bias;
two, a BatchNorm and a Scale, one batch normalisation of torch's; of a module with none, and of
those below it, nothing is taken.
"""

from collections.abc import Mapping, Sequence

import torch

import caffe

Names = Mapping[str, tuple[str, ...]]

WEIGHTS = ("weight", "bias")
STATISTICS = ("running_mean", "running_var")
COUNTER = ".num_batches_tracked"  # of each batch normalisation: Caffe has no use for it
SHOWN = 5  # names of each kind that a message has


def load_state_dict(
    net: caffe.Net, state: Mapping[str, torch.Tensor], names: Names, *, source: object
) -> None:
    """Fill a net's layers from a state_dict; all of them or none.

    `source` is what errors call the state_dict: its file. Raises ValueError, with the first five of
    each kind, for names that are missing, names that the table lacks, and other shapes than the
    net's.
    """
    wanted = {
        f"{module}.{name}": blob
        for module, layers in names.items()
        for layer in layers
        for name, blob in zip(_parameters(layers, layer), net.params[layer], strict=False)
    }
    dropped = tuple(f"{module}." for module, layers in names.items() if not layers)
    faults = {
        "missing": [name for name in wanted if name not in state],
        "surplus": [
            name
            for name in state
            if name not in wanted and not name.endswith(COUNTER) and not name.startswith(dropped)
        ],
        "of another shape": [
            f"{name} is {tuple(state[name].shape)}, expected {tuple(blob.shape)}"
            for name, blob in wanted.items()
            if name in state and tuple(state[name].shape) != tuple(blob.shape)
        ],
    }
    if found := "; ".join(f"{what}: {_first(which)}" for what, which in faults.items() if which):
        raise ValueError(
            f"{source}: does not fit the net: {found}; give the state_dict of the same net, with "
            "as many classes and channels"
        )
    for name, blob in wanted.items():
        blob.data[...] = state[name].detach().float().numpy()
    for layers in names.values():
        if len(layers) == 2:  # what Caffe divides mean and variance by
            net.params[layers[0]][2].data[...] = 1


def _parameters(layers: tuple[str, ...], layer: str) -> tuple[str, str]:
    return STATISTICS if len(layers) == 2 and layer == layers[0] else WEIGHTS


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
