"""The layer types, a file for each family. `REGISTRY` maps prototxt names to them."""

from ..core.boost import StringVec
from ..core.strict import is_strict
from . import (  # noqa: F401
    activations,
    contrib,
    convolution,
    deconvolution,
    elementwise,
    hdf5,
    input,
    loss,
    normalization,
    pooling,
    prefetched_data,
    python,
    recurrent,
    select,
    shape,
    target,
    weights,
    window_data,
)
from .base import EXTENSIONS, REGISTRY, LayerType
from .registered import register_layer


def layer_type_list() -> StringVec:
    """The names of all layer types, sorted; where nets are strict, of Caffe 1.0's."""
    hidden = EXTENSIONS if is_strict() else ()
    return StringVec(sorted(set(REGISTRY).difference(hidden)))


def contrib_layer_types() -> dict[str, str]:
    """The layer types that Caffe 1.0 does not have, by name, and which fork each one is of."""
    return dict(sorted(EXTENSIONS.items()))


__all__ = [
    "EXTENSIONS",
    "REGISTRY",
    "LayerType",
    "contrib_layer_types",
    "layer_type_list",
    "register_layer",
]
