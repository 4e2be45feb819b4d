"""The layer types, a file for each family. `REGISTRY` maps prototxt names to them."""

from . import data, elementwise, loss, normalise, python, shape, vision, weights  # noqa: F401
from .base import REGISTRY, LayerType


def layer_type_list() -> list[str]:
    """The names of all layer types, sorted."""
    return sorted(REGISTRY)


__all__ = ["REGISTRY", "LayerType", "layer_type_list"]
