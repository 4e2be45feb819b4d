"""Our side: the engine through its public classes, as a pycaffe script uses it."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

import caffe
import nets
from caffe.core.files import write_text
from caffe.graph.flops import multiply_adds
from caffe.proto import caffe_pb2
from caffe.proto.text import prototxt
from surgery.random_weights import draw, with_statistics

from .work import BASE_LR, CLASSES, MOMENTUM, NET, PARTS, WEIGHT_DECAY, Size, Work, images, label


def prepare(work: Work, net: str = NET) -> None:
    """Write to the folder: `net`'s deploy prototxt and drawn weights, as caffemodel and as .npy.

    net: one of nets.NETS, or "vgg16", the classifier.
    """
    work.folder.mkdir(exist_ok=True)
    if net == "vgg16":
        spec = nets.classifier("deploy", classes=1000, width=work.width)
    else:
        spec = nets.fcn(net, "deploy", classes=CLASSES, data=None, width=work.width)
    for layer, blobs in write_drawn(work, spec).params.items():
        for part, blob in zip(PARTS, blobs, strict=False):
            np.save(work.array(f"{layer}.{part}"), blob.data)


def write_drawn(work: Work, spec: caffe_pb2.NetParameter) -> caffe.Net:
    """The net with drawn weights, written to the folder as prototxt and caffemodel."""
    write_text(work.prototxt, prototxt(spec))
    drawn = caffe.Net(work.prototxt, caffe.TEST)
    draw(drawn)
    with_statistics(drawn)  # of variance 0 a BatchNorm would multiply by 316
    drawn.save(work.caffemodel)
    return drawn


def flop(work: Work, sizes: Iterable[Size]) -> list[int]:
    """Floating-point operations of the net's forward pass on an image of each size."""
    net = caffe.Net(work.prototxt, caffe.TEST)
    counts = {}
    for size in sizes:
        if size not in counts:
            net.blobs["data"].reshape(1, 3, *size)
            net.reshape()
            counts[size] = 2 * sum(multiply_adds(net._graph).values())
    return [counts[size] for size in sizes]


def set_mode(work: Work) -> None:
    """Choose the device and the precision of the work."""
    if work.device == "cuda":
        caffe.set_mode_gpu()
        caffe.set_precision(work.precision)
    else:
        caffe.set_mode_cpu()


class _OnImages:
    def __init__(self, work: Work) -> None:
        set_mode(work)
        self.net = caffe.Net(work.prototxt, caffe.TEST, weights=work.caffemodel)
        self.count, self.images = len(work.sizes), itertools.cycle(images(work))


class Forward(_OnImages):
    """FCN-8s: images as numpy arrays to scores as numpy arrays."""

    def once(self) -> np.ndarray:
        image = next(self.images)
        self.net.blobs["data"].reshape(*image.shape)
        return self.net.forward(data=image)["score"]

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        for i in range(self.count):
            yield f"score {i}", self.once()


class ForwardThere(_OnImages):
    """As Forward, but the scores stay where they are until they are read: on a GPU, they are not
    copied in the time that is taken.
    """

    def once(self) -> None:
        image = next(self.images)
        self.net.blobs["data"].reshape(*image.shape)
        self.net.blobs["data"].data[...] = image
        self.net._forward(0, len(self.net.layers) - 1)  # pycaffe's name for it

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        for i in range(self.count):
            self.once()
            yield f"score {i}", self.net.blobs["score"].data


class Train:
    """FCN-8s: a training iteration; gives the loss."""

    def __init__(self, work: Work) -> None:
        set_mode(work)
        self.image, self.label = images(work)[0], label(work)
        path = work.folder / "solver.prototxt"
        write_text(path, prototxt(solver(train_net(work))))
        self.solver = caffe.SGDSolver(path)
        self.net = self.solver.net
        self.net.copy_from(work.caffemodel)

    def once(self) -> float:
        self.net.blobs["data"].data[...] = self.image
        self.net.blobs["label"].data[...] = self.label
        self.solver.step(1)
        return float(self.net.blobs["loss"].data)

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        """The loss of the next iteration, each parameter after it, and its update."""
        yield "loss", np.array(self.once())
        for layer, blobs in self.net.params.items():
            if not layer.startswith("upscore"):  # those are not learned
                for part, blob in zip(PARTS, blobs, strict=True):
                    yield f"{layer}.{part}", blob.data
                    yield f"update of {layer}.{part}", blob.diff


def train_net(work: Work) -> caffe_pb2.NetParameter:
    """FCN-8s with an Input in place of the data layer."""
    data = dict(module="", layer="", param_str={})
    net = nets.fcn(NET, "train", classes=CLASSES, data=data, width=work.width)
    layers = [layer for layer in net.layer if work.dropout or layer.type != "Dropout"]
    layers[0].type = "Input"
    layers[0].ClearField("python_param")
    layers[0].input_param.shape.add(dim=[1, 3, *work.size])
    layers[0].input_param.shape.add(dim=[1, 1, *work.size])
    return caffe_pb2.NetParameter(name=net.name, layer=layers)


def solver(net: caffe_pb2.NetParameter, **more: Any) -> caffe_pb2.SolverParameter:
    """The published solver of a net, and further fields."""
    return caffe_pb2.SolverParameter(
        train_net_param=net,
        base_lr=BASE_LR,
        lr_policy="fixed",
        momentum=MOMENTUM,
        weight_decay=WEIGHT_DECAY,
        **more,
    )


class Load:
    """A caffemodel into a net that is already there, and every parameter read."""

    def __init__(self, work: Work) -> None:
        self.net, self.path = caffe.Net(work.prototxt, caffe.TEST), work.caffemodel

    def once(self) -> None:
        self.net.copy_from(self.path)
        for blobs in self.net.params.values():
            for blob in blobs:
                blob.data.max()  # a parameter may be mapped: only what is read was loaded

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        self.net.copy_from(self.path)
        for layer, blobs in self.net.params.items():
            for i, blob in enumerate(blobs):
                yield f"{layer}.{i}", blob.data
