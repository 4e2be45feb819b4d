"""The layer types, a file for each family. `REGISTRY` maps prototxt names to them."""

from ..core.boost import StringVec
from ..core.strict import is_strict
from ..proto.upgrade.v1 import V1_TYPES
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


def of_capitals(word: str) -> str:
    """The type that V1's spelling of a fork's own means, such as SmoothL1Loss of SMOOTH_L1_LOSS.

    Any other word is itself.
    """
    if not word.isupper() or word in REGISTRY or word in V1_TYPES:
        return word
    letters = word.replace("_", "").lower()
    same = (name for name in REGISTRY if name.replace("_", "").lower() == letters)
    return next(same, word)


def contrib_layer_types() -> dict[str, str]:
    """The layer types that Caffe 1.0 does not have, by name, and which fork each one is of."""
    return dict(sorted(EXTENSIONS.items()))


__all__ = [
    "EXTENSIONS",
    "REGISTRY",
    "LayerType",
    "contrib_layer_types",
    "layer_type_list",
    "of_capitals",
    "register_layer",
]
