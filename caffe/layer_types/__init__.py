"""The layer types, a file for each family. `REGISTRY` maps prototxt names to them."""

from ..core.boost import StringVec
from . import (  # noqa: F401
    activations,
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
from .base import REGISTRY, LayerType


def layer_type_list() -> StringVec:
    """The names of all layer types, sorted."""
    return StringVec(sorted(REGISTRY))


__all__ = ["REGISTRY", "LayerType", "layer_type_list"]
