"""What a training net is filled with: the stage before, bilinear upsampling, zero scores."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import caffe
import nets
import surgery
from caffe.proto import caffe_pb2
from caffe.storage.caffemodel import blob_shapes
from data.datasets import Dataset
from data.meaning import meaning_of

from .recipes import BEFORE, suffix

log = logging.getLogger("solvers")


def start_from(
    net: caffe.Net,
    name: str,
    dataset: Dataset,
    weights: Sequence[Path],
    width: float = 1.0,
    nets_before: Sequence[str] | None = None,
) -> None:
    """Fill the training net `name` from caffemodels, one for each of `nets_before`.

    These are what BEFORE has for the net, unless others are given. Upsampling layers interpolate,
    but for those whose fillers have drawn values. Raises ValueError for a caffemodel that is not of
    its net: layers that the stage before has would be left untrained, or layers that it learned
    would be lost.
    """
    new = set(net.params)
    drawn = {layer for layer, (values, *_) in net.params.items() if values.data.any()}
    nets_before = BEFORE[name] if nets_before is None else nets_before
    for before, path in zip(nets_before, weights, strict=True):
        old = _trained(before, dataset, path, width)
        if before not in (*nets.CLASSIFIERS, *nets.TORCHVISION):
            _compare_classes(path, dataset)
        end = suffix(name, before)
        surgery.transplant(net, old, end)
        new -= {layer + end for layer in old.params}
        # Where depth comes in, the first convolution does not fit, and has another name.
        for first in (layer for layer in new if layer.startswith("conv1_1")):
            surgery.transplant_first(net, first, old, "conv1_1")
    surgery.interp(net, [layer for layer in net.params if "up" in layer and layer not in drawn])
    if weights:
        log.info("Starting from %s; new layers: %s", _names(weights), ", ".join(sorted(new)))
    else:
        log.info("Starting from what the layers' fillers draw")


def _compare_classes(path: Path, dataset: Dataset) -> None:
    """Warn where weights were trained on other classes, though on as many."""
    found = meaning_of(path)
    if found and found[1].classes != dataset.classes:
        log.warning(
            "Warning: %s was trained on other classes than those of %s (%s): its scores are of %s",
            *(path, dataset.title, found[0], ", ".join(found[1].classes)),
        )


def _trained(net: str, dataset: Dataset, path: Path, width: float) -> caffe.Net:
    """A net that a stage starts from, with the weights of its caffemodel."""
    stored = {layer: shapes for layer, shapes in blob_shapes(path).items() if shapes}
    if net in nets.CLASSIFIERS:
        spec, title = nets.convolutional(net, width=width), f"the convolutional {net}"
    elif net in nets.TORCHVISION:
        classes = stored.get("classifier.4", [(21,)])[0][0]
        spec, title = nets.torchvision(net, classes=classes, width=width), net
    else:
        spec, title = nets.net_for(dataset, net, "deploy", width=width), net
    old = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    upsampling = {layer for layer in old.params if layer.startswith("upscore")}
    if missing := [layer for layer in old.params if layer not in {*stored, *upsampling}]:
        raise ValueError(
            f"{path}: has no weights for {', '.join(missing)}; the next stage must start from the "
            f"weights of {title}, or it would train from nothing"
        )
    if further := [x for x in stored if x.startswith("score") and x not in old.params]:
        raise ValueError(
            f"{path}: has weights for {', '.join(further)}, which {title} has not: they are of "
            f"another stage; give those of {title}"
        )
    # A classifier's fc6 is (outputs, inputs); in an old file the first two of four axes are 1.
    if "fc6" in stored and (len(stored["fc6"][0]) == 2 or stored["fc6"][0][:2] == (1, 1)):
        raise ValueError(
            f"{path}: fc6 has shape {stored['fc6'][0]}, that of a classifier; make it "
            f"convolutional first: python -m surgery.ilsvrc {path}"
        )
    check_shapes(path, stored, old, title, width)
    old.copy_from(str(path))
    return old


def check_shapes(
    path: Path,
    stored: Mapping[str, Sequence[tuple[int, ...]]],
    net: caffe.Net,
    title: str,
    width: float,
) -> None:
    """ValueError where a layer's weights in a caffemodel are not as many as in the net.

    stored: by layer the shapes in the caffemodel, as blob_shapes gives them; title and width: what
    a message calls the net.
    """
    for layer, (weights, *_) in net.params.items():
        shape = stored[layer][0] if stored.get(layer) else tuple(weights.shape)
        if weights.data.size != math.prod(shape):
            raise ValueError(
                f"{path}: {layer} has shape {shape}, expected {tuple(weights.shape)} of {title} at "
                f"width {width:g}: give the width (WIDTH=, --width) and the dataset that these "
                "weights were trained with"
            )


def _names(paths: Sequence[Path]) -> str:
    return " and ".join(map(str, paths))
