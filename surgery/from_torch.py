"""A torch state_dict into a Caffe net, by an explicit table of names.

A table has for each layer of the net the torch module that its parameters come from. Of a module
`m` a layer takes: Convolution, Deconvolution and InnerProduct `m.weight` and `m.bias`; BatchNorm
`m.running_mean` and `m.running_var` (the factor that Caffe divides both by becomes 1); Scale
`m.weight` and `m.bias`: one batch normalisation of torch's is a BatchNorm and a Scale.
"""

from collections.abc import Mapping, Sequence

import numpy as np

import caffe

WEIGHTS = ("weight", "bias")
STATISTICS = ("running_mean", "running_var")
COUNTER = ".num_batches_tracked"  # of each batch normalisation: Caffe has no use for it
SHOWN = 5  # names of each kind that a message has

# What torchvision's nets see: RGB of 0 to 1, less this mean, divided by this deviation
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
BGR_MEAN = tuple(255 * value for value in reversed(MEAN))  # what Caffe's image is to have taken off


def load_state_dict(
    net: caffe.Net,
    state: Mapping[str, np.ndarray],
    table: Mapping[str, str],
    *,
    source: object,
    ignored: Sequence[str] = (),
) -> None:
    """Fill the layers of `table` from a state_dict of arrays; all or nothing.

    `source` is what errors call the state_dict: its file. Names that begin with one of `ignored`
    may be there, as those of a further head. Raises ValueError, with the first five of each kind,
    for names that are missing, names that no layer takes, and other shapes than the net's.
    """
    wanted = {
        f"{module}.{name}": blob
        for layer, module in table.items()
        for name, blob in zip(_names(net, layer), net.params[layer], strict=False)
    }
    shapes = {
        f"{name} is {tuple(state[name].shape)}, expected {tuple(blob.shape)}"
        for name, blob in wanted.items()
        if name in state and tuple(state[name].shape) != tuple(blob.shape)
    }
    surplus = [
        name
        for name in state
        if name not in wanted and not name.endswith(COUNTER) and not name.startswith((*ignored,))
    ]
    faults = {
        "missing": [name for name in wanted if name not in state],
        "surplus": surplus,
        "of another shape": sorted(shapes),
    }
    found = "; ".join(f"{what}: {_first(names)}" for what, names in faults.items() if names)
    if found:
        raise ValueError(
            f"{source}: does not fit the net: {found}; give the state_dict of the same net, with "
            "as many classes and channels"
        )
    for name, blob in wanted.items():
        blob.data[...] = state[name]
    for layer in table:
        if _is_batch_norm(net, layer):
            net.params[layer][2].data[...] = 1


def take_bgr(net: caffe.Net, layer: str) -> None:
    """Let the first convolution, made for torchvision's images, take BGR of 0 to 255 less BGR_MEAN.

    It is exact with padding too: of both images the mean is 0.
    """
    weights = net.params[layer][0].data
    weights[...] = (weights / (255 * np.array(DEVIATION, np.float64)[:, None, None]))[:, ::-1]


def _names(net: caffe.Net, layer: str) -> tuple[str, ...]:
    return STATISTICS if _is_batch_norm(net, layer) else WEIGHTS


def _is_batch_norm(net: caffe.Net, layer: str) -> bool:
    return net.layer_dict[layer].type == "BatchNorm"


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
