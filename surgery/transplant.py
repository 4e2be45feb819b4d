"""Copying parameters between nets whose layers agree by name."""

import math
from dataclasses import dataclass, field

import caffe

Shape = tuple[int, ...]


@dataclass
class Report:
    """What `transplant` did, by layer; `layer[i]` where it is the i-th parameter alone.

    copied         into new layers, shapes being equal
    coerced        into new layers with another shape: layer -> (old shape, new shape)
    dropped        in the old net only
    uninitialised  in the new net only: these hold what they held before
    """

    copied: list[str] = field(default_factory=list)
    coerced: dict[str, tuple[Shape, Shape]] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    uninitialised: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        coerced = [f"{name} {old} -> {new}" for name, (old, new) in self.coerced.items()]
        lines = {
            "copied": self.copied,
            "coerced": coerced,
            "dropped (not in the new net)": self.dropped,
            "left uninitialised (not in the old net)": self.uninitialised,
        }
        return "\n".join(f"{what}: {', '.join(names) or 'none'}" for what, names in lines.items())


def transplant(new_net: caffe.Net, net: caffe.Net, suffix: str = "") -> Report:
    """Copy the parameters of every layer of `net` into the layer of `new_net` called name + suffix.

    A fully connected layer (out, in) fits a convolution (out, channels, height, width) of the same
    count: the values are the same in the same order. Nothing is copied if anything does not fit:
    ValueError names the layer and both shapes.
    """
    report = Report()
    pairs: list[tuple[caffe.Blob, caffe.Blob]] = []
    for name, old in net.params.items():
        new_name = name + suffix
        if new_name not in new_net.params:
            report.dropped.append(name)
            continue
        new = new_net.params[new_name]
        shapes = [(tuple(a.shape), tuple(b.shape)) for a, b in zip(old, new, strict=False)]
        changed = [(a, b) for a, b in shapes if a != b]
        for i, (a, b) in enumerate(shapes):
            _check_fit(new_name, i, a, b)
        if changed:
            report.coerced[new_name] = changed[0]
        else:
            report.copied.append(new_name)
        pairs += zip(old, new, strict=False)
        report.dropped += [f"{name}[{i}]" for i in range(len(new), len(old))]
        report.uninitialised += [f"{new_name}[{i}]" for i in range(len(old), len(new))]
    filled = {name + suffix for name in net.params}
    report.uninitialised += [name for name in new_net.params if name not in filled]
    for old, new in pairs:
        new.data[...] = old.data.reshape(new.data.shape)
    return report


def _check_fit(layer: str, index: int, old: Shape, new: Shape) -> None:
    """Equal counts are not enough: the outputs, which are the first axis, have to agree too."""
    if math.prod(old) != math.prod(new) or old[:1] != new[:1]:
        raise ValueError(
            f"layer {layer}, parameter {index}: shape {old} of the old net cannot be coerced to "
            f"{new} of the new one ({math.prod(old)} and {math.prod(new)} values). Build both nets "
            "with the same width and classes, or rename the layer in one of them: then it is "
            "dropped, and the new one starts from its filler"
        )


def expand_score(new_net: caffe.Net, new_layer: str, net: caffe.Net, layer: str) -> None:
    """Copy a score layer of k classes into the first k of a score layer of more.

    Raises ValueError where the new layer has fewer classes or other inputs.
    """
    for i, (old, new) in enumerate(zip(net.params[layer], new_net.params[new_layer], strict=True)):
        classes = old.data.shape[0]
        if classes > new.data.shape[0] or old.data.shape[1:] != new.data.shape[1:]:
            raise ValueError(
                f"parameter {i} of {layer}, {tuple(old.shape)}, does not fit into the first "
                f"classes of {new_layer}, {tuple(new.shape)}: expected at least as many classes "
                "and the same inputs"
            )
        new.data[:classes] = old.data


def transplant_first(new_net: caffe.Net, new_layer: str, net: caffe.Net, layer: str) -> None:
    """Copy a first convolution into one that sees depth: in place of the image, or after it.

    The filter of depth starts as the mean of those of the image's channels. Raises ValueError where
    outputs or windows differ.
    """
    (old, *biases), (new, *new_biases) = net.params[layer], new_net.params[new_layer]
    channels = old.data.shape[1]
    kept = channels if new.data.shape[1] > channels else 0
    if old.data.shape[0] != new.data.shape[0] or old.data.shape[2:] != new.data.shape[2:]:
        raise ValueError(
            f"weights of {layer}, {tuple(old.shape)}, do not fit into {new_layer}, "
            f"{tuple(new.shape)}: expected as many outputs and the same window"
        )
    new.data[:, :kept] = old.data[:, :kept]
    new.data[:, kept:] = old.data.mean(1, keepdims=True)
    for old_bias, new_bias in zip(biases, new_biases, strict=True):
        new_bias.data[...] = old_bias.data
