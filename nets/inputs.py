"""Where a net's images come from: a Python data layer to train and score, an Input to deploy."""

from collections.abc import Iterable, Mapping
from typing import Any

from caffe import NetSpec
from caffe.net_spec import Function
from data.datasets import data_layer as seg_data

__all__ = ["SPLITS", "input_layers", "seg_data"]

SPLITS = ("train", "val", "deploy")


def input_layers(
    n: NetSpec,
    split: str,
    data: dict[str, Any] | None,
    *,
    size: int,
    images: Mapping[str, int] | None = None,
    labels: Iterable[str] = ("label",),
) -> None:
    """Define the tops `images` (name and channels; `data` of 3) and, but for deploy, `labels`.

    A deploy net has Inputs of (1, channels, size, size), which are reshaped to the image. For train
    and val, `data` holds the module and layer of a Python layer and its param_str, a dict of
    literals.
    """
    images = images or {"data": 3}
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}; choose from {', '.join(SPLITS)}")
    if split == "deploy":
        names = tuple(images)
        shapes = [dict(dim=[1, channels, size, size]) for channels in images.values()]
        layer = Function("Input", (), dict(name="input", ntop=len(names), shape=shapes))
    elif data is None:
        raise ValueError(f"a {split} net needs a data layer: data=dict(module, layer, param_str)")
    else:
        names = (*images, *labels)
        python = {**data, "param_str": str(data["param_str"])}
        layer = Function("Python", (), dict(ntop=len(names), **python))
    n.update(dict(zip(names, layer.tops, strict=True)))
