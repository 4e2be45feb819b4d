"""Nets written as Python: `n.conv1 = L.Convolution(n.data, num_output=64, kernel_size=3)`.

A layer function takes the tops of other layers and gives its own; what is assigned to a `NetSpec`
gets its name there, everything else a name of its type and a number. `to_proto` turns the graph
into a NetParameter, each layer after the layers it needs.

`layers` (L) makes layers of any type name; `params` (P) holds the constants: P.Pooling.MAX.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from google.protobuf.message import Message

from .core.errors import caffe_error
from .proto import caffe_pb2


def param_name_dict() -> dict[str, str]:
    """Layer type -> name of its parameter in LayerParameter, without "_param".

    The type is taken from the parameter's message: "Convolution" -> "convolution". Forks' layers
    may share a message, which is that of the first.
    """
    fields = caffe_pb2.LayerParameter.DESCRIPTOR.fields
    return {
        field.message_type.name.removesuffix("Parameter"): field.name.removesuffix("_param")
        for field in fields[::-1]
        if field.message_type and field.name.endswith("_param")
    }


_param_names = param_name_dict()
_spelt = {  # of types whose message has another's name: "reducemean" -> "reduce_mean"
    name.removesuffix("_param").replace("_", ""): name.removesuffix("_param")
    for name in caffe_pb2.LayerParameter.DESCRIPTOR.fields_by_name
    if name.endswith("_param")
}


def assign_proto(proto: Message, name: str, value: Any) -> None:
    """Set the field `name` of a message: a dict fills a message, a list a repeated field.

    A single value or dict for a repeated field counts as a list of one.
    """
    field = getattr(proto, name)
    if hasattr(field, "extend"):
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, dict):
                message = field.add()
                for key, part in item.items():
                    assign_proto(message, key, part)
            else:
                field.append(item)
    elif isinstance(value, dict):
        for key, part in value.items():
            assign_proto(field, key, part)
    else:
        setattr(proto, name, value)


_Made = dict["Function", caffe_pb2.LayerParameter]  # the layers that are in the net already
_Names = dict["Top | Function", str]


class Top:
    """The `n`-th output of the layer `fn`."""

    def __init__(self, fn: "Function", n: int):
        self.fn = fn
        self.n = n

    def to_proto(self) -> caffe_pb2.NetParameter:
        """NetParameter of this top's layer and all it needs."""
        return to_proto(self)

    def _to_proto(self, layers: _Made, names: _Names, autonames: Counter[str]) -> None:
        self.fn._to_proto(layers, names, autonames)


class Function:
    """A layer of type `type_name` on the tops `inputs`; `params` are the fields of its message."""

    def __init__(self, type_name: str, inputs: Sequence[Top], params: dict[str, Any]):
        for index, bottom in enumerate(inputs):
            if not isinstance(bottom, Top):
                raise caffe_error(
                    TypeError, f"{type_name} input {index} is not a Top (type is {type(bottom)})"
                )
        self.type_name = type_name
        self.inputs = inputs
        self.params = dict(params)
        self.ntop = self.params.pop("ntop", 1)
        self.in_place = self.params.pop("in_place", False)
        self.tops = tuple(Top(self, n) for n in range(self.ntop))

    def _auto_name(self, autonames: Counter[str]) -> str:
        autonames[self.type_name] += 1
        return f"{self.type_name}{autonames[self.type_name]}"

    def _get_top_name(self, top: Top, names: _Names, autonames: Counter[str]) -> str:
        if top not in names:
            names[top] = self._auto_name(autonames)
        return names[top]

    def _get_name(self, names: _Names, autonames: Counter[str]) -> str:
        """The layer's name: that of its first top."""
        if self not in names:
            if self.ntop > 0:
                names[self] = self._get_top_name(self.tops[0], names, autonames)
            else:
                names[self] = self._auto_name(autonames)
        return names[self]

    def _to_proto(self, layers: _Made, names: _Names, autonames: Counter[str]) -> None:
        if self in layers:
            return
        layer = caffe_pb2.LayerParameter(type=self.type_name)
        for bottom in self.inputs:
            bottom._to_proto(layers, names, autonames)
            layer.bottom.append(layers[bottom.fn].top[bottom.n])
        if self.in_place:
            layer.top.extend(layer.bottom)
        else:
            layer.top.extend(self._get_top_name(top, names, autonames) for top in self.tops)
        layer.name = self._get_name(names, autonames)
        for name, value in self.params.items():
            self._assign(layer, name, value)
        layers[self] = layer

    def _assign(self, layer: caffe_pb2.LayerParameter, name: str, value: Any) -> None:
        """Set a field of the type's own message if that has one of this name, else of `layer`."""
        own = _param_names.get(self.type_name) or _spelt.get(self.type_name.lower(), "")
        message = getattr(layer, f"{own}_param", layer)
        inside = name in message.DESCRIPTOR.fields_by_name
        try:
            assign_proto(message if inside else layer, name, value)
        except (AttributeError, TypeError, ValueError) as error:
            kind = AttributeError if isinstance(error, AttributeError) else TypeError
            raise caffe_error(
                kind,
                f"layer {layer.name} ({self.type_name}): cannot set {name} = {value!r}: {error}",
            ) from error


def to_proto(*tops: Top | Function) -> caffe_pb2.NetParameter:
    """NetParameter of the layers that `tops` need; every top gets an automatic name."""
    return _net(tops, {})


def _net(tops: Iterable[Top | Function], names: _Names) -> caffe_pb2.NetParameter:
    layers: _Made = {}
    autonames: Counter[str] = Counter()
    for top in tops:
        top._to_proto(layers, names, autonames)
    return caffe_pb2.NetParameter(layer=layers.values())


class UnknownTop(AttributeError, KeyError):
    """A name that a NetSpec does not have: pycaffe's is a KeyError also as an attribute."""


class NetSpec:
    """Named tops. Attributes and items are the same: `n.conv1`, `n["conv1"]`."""

    tops: dict[str, Top | Function]

    def __init__(self) -> None:
        super().__setattr__("tops", {})

    def __setattr__(self, name: str, value: Top | Function) -> None:
        self.tops[name] = value

    # A Top, but the Function of a layer without tops. Any: what needs a Top need not ask.
    def __getattr__(self, name: str) -> Any:
        # `tops` itself only comes here while a copy or an unpickled NetSpec is still empty.
        if name == "tops":
            raise AttributeError(name)
        return self[name]

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __setitem__(self, name: str, value: Top | Function) -> None:
        self.tops[name] = value

    def __getitem__(self, name: str) -> Any:
        self._check_name(name)
        return self.tops[name]

    def __delitem__(self, name: str) -> None:
        self._check_name(name)
        del self.tops[name]

    def _check_name(self, name: str) -> None:
        if name not in self.tops:
            raise caffe_error(
                UnknownTop, f"the NetSpec has no top or layer {name!r}; it has {list(self.tops)}"
            )

    def keys(self) -> list[str]:
        return list(self.tops)

    def vals(self) -> list[Top | Function]:
        return list(self.tops.values())

    def update(self, *args: Any, **kwargs: Top | Function) -> None:
        self.tops.update(*args, **kwargs)

    def to_proto(self) -> caffe_pb2.NetParameter:
        """NetParameter of everything assigned here and what it needs."""
        return _net(self.tops.values(), {top: name for name, top in self.tops.items()})


class Layers:
    """Any layer type by attribute: a function of bottoms and parameters.

    It returns its top, a tuple of tops for ntop > 1, or the Function itself for ntop = 0.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def layer_fn(*args: Top, **kwargs: Any) -> Top | tuple[Top, ...] | Function:
            fn = Function(name, args, kwargs)
            if fn.ntop == 0:
                return fn
            return fn.tops[0] if fn.ntop == 1 else fn.tops

        return layer_fn


class Parameters:
    """The constants of a layer type's parameter: `P.Pooling.MAX` is PoolingParameter.MAX."""

    # Any: each message has constants of its own.
    def __getattr__(self, name: str) -> Any:
        return getattr(caffe_pb2, name + "Parameter")


layers = Layers()
params = Parameters()
