"""Our side: the engine through its public classes, as a pycaffe script uses it."""

from collections.abc import Iterator

import numpy as np

import caffe
import nets
from caffe.files import prototxt, write_text
from caffe.proto import caffe_pb2
from surgery.draw import draw

from .work import (
    BASE_LR,
    CLASSES,
    MOMENTUM,
    PARTS,
    SEED,
    WEIGHT_DECAY,
    Work,
    image,
    label,
)


def prepare(work: Work, net: str) -> None:
    """Write to the folder: `net`'s deploy prototxt and drawn weights, as caffemodel and as .npy.

    net: one of nets.NETS, or "vgg16", the classifier.
    """
    if net == "vgg16":
        spec = nets.classifier("deploy", classes=1000, width=work.width)
    else:
        spec = nets.fcn(net, "deploy", classes=CLASSES, data=None, width=work.width)
    write_text(work.prototxt, prototxt(spec))
    drawn = caffe.Net(work.prototxt, caffe.TEST)
    draw(drawn)
    drawn.save(work.caffemodel)
    for layer, blobs in drawn.params.items():
        for part, blob in zip(PARTS, blobs, strict=False):
            np.save(work.array(f"{layer}.{part}"), blob.data)


def set_mode(work: Work) -> None:
    if work.device == "cuda":
        caffe.set_mode_gpu()
    else:
        caffe.set_mode_cpu()


class Forward:
    """FCN-8s: an image as numpy array to scores as numpy array."""

    def __init__(self, work: Work) -> None:
        set_mode(work)
        self.image = image(work)
        self.net = caffe.Net(work.prototxt, caffe.TEST, weights=work.caffemodel)
        self.net.blobs["data"].reshape(*self.image.shape)

    def once(self) -> np.ndarray:
        return self.net.forward(data=self.image)["score"]

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        yield "score", self.once()


class Train:
    """FCN-32s: a training iteration; gives the loss."""

    def __init__(self, work: Work) -> None:
        set_mode(work)
        self.image, self.label = image(work), label(work)
        path = work.folder / "solver.prototxt"
        write_text(path, prototxt(solver(work)))
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
        caffe.set_random_seed(SEED)
        yield "loss", np.array(self.once())
        for layer, blobs in self.net.params.items():
            if not layer.startswith("upscore"):  # those are not learned
                for part, blob in zip(PARTS, blobs, strict=True):
                    yield f"{layer}.{part}", blob.data
                    yield f"update of {layer}.{part}", blob.diff


def solver(work: Work) -> caffe_pb2.SolverParameter:
    """The published solver, and within it FCN-32s with an Input in place of the data layer."""
    data = dict(module="", layer="", param_str={})
    net = nets.fcn("fcn32s", "train", classes=CLASSES, data=data, width=work.width)
    layers = [layer for layer in net.layer if work.dropout or layer.type != "Dropout"]
    height, width = work.size
    layers[0].type = "Input"
    layers[0].ClearField("python_param")
    layers[0].input_param.shape.add(dim=[1, 3, height, width])
    layers[0].input_param.shape.add(dim=[1, 1, height, width])
    return caffe_pb2.SolverParameter(
        train_net_param=caffe_pb2.NetParameter(name=net.name, layer=layers),
        base_lr=BASE_LR,
        lr_policy="fixed",
        momentum=MOMENTUM,
        weight_decay=WEIGHT_DECAY,
    )


class Load:
    """A caffemodel into a net that is already there."""

    def __init__(self, work: Work) -> None:
        self.net, self.path = caffe.Net(work.prototxt, caffe.TEST), work.caffemodel

    def once(self) -> None:
        self.net.copy_from(self.path)

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        self.once()
        for layer, blobs in self.net.params.items():
            for i, blob in enumerate(blobs):
                yield f"{layer}.{i}", blob.data
