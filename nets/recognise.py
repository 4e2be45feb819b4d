"""Which net a caffemodel is of, told by the names and output channels of its layers."""

import math
from os import PathLike

from .fcn import NETS, RGBD_NETS, fcn
from .parts import FC_CHANNELS, channels


def net_of_weights(path: str | PathLike) -> tuple[str, int | dict[str, int], float]:
    """(net, classes, width) of a caffemodel, as `fcn` takes them.

    Nets that differ in nothing but their data or learning rates count as the first one: a color or
    hha net as fcn32s. Raises ValueError if the layers are those of no net.
    """
    from caffe.storage.caffemodel import (
        blob_shapes,  # here: BVLC's pycaffe, which generates too, has none
    )

    found = {name: shapes[0][0] for name, shapes in blob_shapes(path).items()}
    classes = _classes(found)
    for net in (*NETS, *RGBD_NETS):
        full, least = (_outputs(net, classes, width) for width in (1, 0))
        if full.keys() == found.keys():
            width = width_of(found, full, least)
            if width is not None:
                return net, classes, width
    raise ValueError(
        f"{path}: its layers ({', '.join(found) or 'none with parameters'}) are not those of "
        f"{', '.join((*NETS, *RGBD_NETS))}; give the deploy prototxt that belongs to it"
    )


def same_weights(net: str, other: str) -> bool:
    """Whether one caffemodel fits both nets."""
    return _outputs(net, 1, 1) == _outputs(other, 1, 1)


def _outputs(net: str, classes: int | dict[str, int], width: float) -> dict[str, int]:
    """Output channels of the layers with parameters; 0 where the bottom's tell them (Scale)."""
    return {
        layer.name: layer.convolution_param.num_output
        for layer in fcn(net, "deploy", classes=classes, data=None, width=width).layer
        if layer.type in ("Convolution", "Deconvolution", "Scale")
    }


def _classes(found: dict[str, int]) -> int | dict[str, int]:
    coarse = {n.removeprefix("score_fr"): c for n, c in found.items() if n.startswith("score_fr")}
    heads = {head[1:]: classes for head, classes in coarse.items() if head.startswith("_")}
    return heads or max(coarse.values(), default=1)


def width_of(found: dict[str, int], full: dict[str, int], least: dict[str, int]) -> float | None:
    """The simplest fraction that scales each layer's `full` channels to those found.

    `least` is what the layers keep at width 0: one channel of each group.
    """
    known = [(found[name], full[name], least[name]) for name in full if full[name] > least[name]]
    if any(found[name] != full[name] == least[name] for name in full if full[name]):
        return None  # scores of other classes
    # Channels are rounded to whole groups: up from this width on.
    low = max((c - group / 2) / of if c > group else 0 for c, of, group in known)
    for denominator in range(1, FC_CHANNELS + 1):
        width = math.ceil(low * denominator - 1e-9) / denominator
        if all(channels(of, width, group) == c for c, of, group in known):
            return width
    return None
