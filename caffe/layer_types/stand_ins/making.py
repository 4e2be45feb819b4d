"""What all stand-ins share: how param_str is read, and what becomes of the layer."""

import re
from collections.abc import Callable

from ...proto import caffe_pb2

VALUE = re.compile(r"['\"]?(\w+)['\"]?\s*:\s*(?:!!python/tuple\s*)?(\[[^\]]*\]|[-+.\w]+)")

Make = Callable[[caffe_pb2.LayerParameter, caffe_pb2.NetParameter], None]
StandIns = dict[tuple[str, str], Make]  # by module and layer
Values = dict[str, list[float]]  # of a param_str, by name
Shapes = dict[str, tuple[int, ...]]  # of blobs, by name


def numbers(spec: caffe_pb2.LayerParameter) -> Values:
    """The numbers that a param_str in YAML gives by name; ValueError where it gives more."""
    param_str = re.sub("#.*", "", spec.python_param.param_str)
    if rest := VALUE.sub("", param_str).strip(" \t\r\n,{}"):
        raise ValueError(f"beside numbers and [lists] of them: {rest}")
    found = VALUE.findall(param_str)
    return {name: list(map(float, re.findall(r"[-+.\w]+", text))) for name, text in found}


def all_read(values: Values) -> None:
    """Raise KeyError for values that nobody has taken out of what `numbers` gave."""
    if values:
        raise KeyError(f"unknown: {', '.join(values)}")


def classes_of(values: Values) -> int:
    """Takes num_classes out of a param_str's values; KeyError where it is missing."""
    (classes,) = values.pop("num_classes")
    return int(classes)


def become(spec: caffe_pb2.LayerParameter, kind: str) -> None:
    """Make it a layer of this type that passes no gradient on, as these Python layers pass none."""
    spec.type = kind
    del spec.propagate_down[:]
    spec.propagate_down.extend([False] * len(spec.bottom))


def become_input(spec: caffe_pb2.LayerParameter, shapes: Shapes) -> None:
    """Make a layer that reads data an Input; KeyError for a top without a shape."""
    for top in spec.top:
        if top not in shapes:
            raise KeyError(f"no shape is known of top '{top}'")
        spec.input_param.shape.add(dim=shapes[top])
    spec.type = "Input"
