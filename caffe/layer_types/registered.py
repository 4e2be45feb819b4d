"""Layer types of scripts: caffe.register_layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from ..core.errors import CaffeError
from ..proto import foreign
from ..proto.place import TOKEN
from .base import EXTENSIONS, REGISTRY, LayerType

SOURCE = "this script"  # whose a registered type is, among the extensions


class OwnLayer(LayerType):
    """Base of the registered classes; any number of bottoms and tops."""

    bottoms = (0, None)
    tops = (1, None)

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The layer's fields that Caffe does not have: numbers, words, dicts, lists of a name's.

        `alpha: 0.5 alpha: 2 mode: SUM mine_param { on: true }` is {"alpha": [0.5, 2.0], "mode":
        "SUM", "mine_param": {"on": True}}; whole numbers are ints.
        """
        tokens = (token[0] for token in TOKEN.finditer(self.spec.own_fields))
        return _fields(token for token in tokens if not token.startswith("#"))


def register_layer(name: str) -> Callable[[type], type[LayerType]]:
    """Make a class the layer type that prototxt calls `name`, from the next net on.

    The class has `top_shapes(self, shapes)`, the tops' shapes from the bottoms', and
    `expression(self, bottoms, params)`, the top or tops as torch functions of the bottoms and the
    parameters; gradients follow from it. If it likes `setup_from(self, shapes)`, which makes
    parameters with `self.add_param(shape, filler)`, and `loss = True`. `self.spec` is the layer's
    LayerParameter, `self.fields` has the fields in it that Caffe does not know, `self.check(ok,
    message)` raises an error that names the layer. A second class of a name replaces the first.

    Raises CaffeError for a name of Caffe 1.0, and for a class without the two methods.
    """

    def register(cls: type) -> type[LayerType]:
        missing = [
            method
            for method in ("top_shapes", "expression")
            if getattr(cls, method, None) in (None, getattr(LayerType, method))
        ]
        if missing:
            raise CaffeError(
                f"register_layer({name!r}): class {cls.__name__} has no {' and no '.join(missing)}"
            )
        if name in REGISTRY and name not in EXTENSIONS:
            raise CaffeError(
                f"register_layer({name!r}): that is a layer type of Caffe 1.0; choose another name"
            )
        bases = (cls,) if issubclass(cls, OwnLayer) else (cls, OwnLayer)
        made = type(cls.__name__, bases, {"__module__": cls.__module__, "__doc__": cls.__doc__})
        REGISTRY[name] = made
        EXTENSIONS[name] = SOURCE
        foreign.OWN_TYPES.add(name)
        return made

    return register


def _fields(tokens: Iterator[str]) -> dict[str, Any]:
    """Fields up to a closing brace, or the end."""
    found: dict[str, Any] = {}
    several = set()
    for name in tokens:
        if name in ("}", ">"):
            break
        if name in (",", ";"):
            continue
        value = _value(tokens)
        if name not in found:
            found[name] = value
        else:
            found[name] = [*(found[name] if name in several else [found[name]]), value]
            several.add(name)
    return found


def _value(tokens: Iterator[str]) -> Any:
    token = next(tokens, "")
    if token == ":":
        token = next(tokens, "")
    if token in ("{", "<"):
        return _fields(tokens)
    if token == "[":
        listed = []
        for token in tokens:
            if token == "]":
                break
            if token != ",":
                listed.append(_scalar(token))
        return listed
    return _scalar(token)


def _scalar(token: str) -> Any:
    if token[:1] in ("'", '"'):
        return token.strip(token[0])
    if token in ("true", "false"):
        return token == "true"
    for kind in (int, float):
        try:
            return kind(token)
        except ValueError:
            continue
    return token
