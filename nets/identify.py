"""Which net a caffemodel is of, told by the names and shapes of its layers' parameters.

The shapes are those that caffe.storage.caffemodel.blob_shapes reads: {layer: [shape of each blob]}.
"""

import math
from collections.abc import Mapping, Sequence

from caffe.proto import caffe_pb2

from .blocks import FC_CHANNELS, channels
from .classifiers import CLASSIFIERS, classifier
from .fcn import NETS, RGBD_NETS, fcn, marks

Shapes = Mapping[str, Sequence[tuple[int, ...]]]
Outputs = dict[str, int]  # output channels by layer


def net_of_shapes(shapes: Shapes) -> tuple[str, int | dict[str, int], float]:
    """(net, classes, width) of a caffemodel, as `fcn` takes them.

    Nets that differ in nothing but their data or learning rates count as the first one: a color or
    hha net as fcn32s. Raises ValueError if the layers are those of no net.
    """
    found = {layer: of[0][0] for layer, of in shapes.items() if of and of[0]}
    classes = _classes(found)
    heads = len(classes) if isinstance(classes, dict) else 1
    for net in (*NETS, *RGBD_NETS):
        if marks(net, heads) != _marks(found):
            continue
        full, least = (_fcn_outputs(net, classes, width) for width in (1, 0))
        if full.keys() == found.keys():
            width = _width_of(found, full, least)
            if width is not None:
                return net, classes, width
    raise ValueError(
        f"its layers ({', '.join(found) or 'none with parameters'}) are not those of "
        f"{', '.join((*NETS, *RGBD_NETS))}; give the deploy prototxt that belongs to it"
    )


def same_weights(net: str, other: str) -> bool:
    """Whether one caffemodel fits both nets of NETS and RGBD_NETS."""
    return _fcn_outputs(net, 1, 1) == _fcn_outputs(other, 1, 1)


def classifier_of_shapes(shapes: Shapes) -> tuple[str, int, float]:
    """(net, classes, width) of a classifier's caffemodel, as `classifier` takes them.

    There may be further layers, as GoogLeNet's other losses. Raises ValueError if the layers are
    those of no classifier.
    """
    # Biases are the last axis also in files of the time when every blob had four.
    found = {layer: of[1][-1] for layer, of in shapes.items() if len(of) > 1}
    full = {net: _classifier_outputs(net, 1) for net in CLASSIFIERS}
    net = max(full, key=lambda n: (full[n].keys() <= found.keys(), len(full[n].keys() & found)))
    if missing := full[net].keys() - found.keys():
        raise ValueError(
            f"no layer {', '.join(sorted(missing))}; expected the caffemodel of a "
            f"classifier ({', '.join(full)}), found layers {', '.join(found) or 'of none'}"
        )
    scores = list(full[net])[-1]
    of_its_classes = {scores: found[scores]}
    width = _width_of(
        found, full[net] | of_its_classes, _classifier_outputs(net, 0) | of_its_classes
    )
    if width is None:
        raise ValueError(f"the layers of {net}, but not its channels, nor a part of them")
    return net, found[scores], width


def _marks(found: Outputs) -> tuple[frozenset[str], int, bool]:
    """What `marks` gives of the net that the layers are of."""
    firsts = frozenset(
        layer for layer in found if layer == "conv1" or layer.startswith(("conv1_1", "conv1/"))
    )
    skips = sum(layer.startswith(("score_pool", "score_fire")) for layer in found)
    return firsts, skips, any(layer.startswith("scale_") for layer in found)


def _classes(found: Outputs) -> int | dict[str, int]:
    coarse = {n.removeprefix("score_fr"): c for n, c in found.items() if n.startswith("score_fr")}
    heads = {head[1:]: classes for head, classes in coarse.items() if head.startswith("_")}
    return heads or max(coarse.values(), default=1)


def _fcn_outputs(net: str, classes: int | dict[str, int], width: float) -> Outputs:
    """Output channels of the layers with parameters; 0 where the bottom's tell them (Scale)."""
    return _outputs(fcn(net, "deploy", classes=classes, data=None, width=width))


def _classifier_outputs(net: str, width: float) -> Outputs:
    """Output channels of a classifier's layers with parameters, from the image on; one class."""
    return _outputs(classifier("deploy", net=net, classes=1, width=width))


def _outputs(net: caffe_pb2.NetParameter) -> Outputs:
    kinds = ("Convolution", "Deconvolution", "InnerProduct", "Scale")
    return {
        layer.name: layer.convolution_param.num_output or layer.inner_product_param.num_output
        for layer in net.layer
        if layer.type in kinds
    }


def _width_of(found: Outputs, full: Outputs, least: Outputs) -> float | None:
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
