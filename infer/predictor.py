"""Image in, label map out, with the nets of this project or any deploy prototxt."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from data.custom import numbered
from infer.any_image import load_image

if TYPE_CHECKING:
    import caffe
    from caffe.proto import caffe_pb2

# caffe and nets are imported where they are used: they load torch, which takes seconds, and
# pictures, argument errors and --help need none of it.


class Predictor:
    """Labels images of any size with a fully convolutional net.

    net      a net of nets.NETS, the path of a deploy prototxt, or None: the one of ours that the
             weights were trained for
    weights  path of a caffemodel that has weights for every layer of the net
    mean     of blue, green, red, subtracted from the image
    classes  names in the order of the score blob's channels; None: numbered
    gpu      number of the GPU to run on; None leaves caffe's mode as it is (CPU unless set)

    `param` is the net's NetParameter, as it was written. Raises ValueError or caffe.CaffeError if
    these don't fit together, OSError for missing files.
    """

    def __init__(
        self,
        net: str | os.PathLike | None,
        weights: str | os.PathLike,
        *,
        mean: Sequence[float],
        classes: Sequence[str] | None,
        gpu: int | None = None,
    ):
        import caffe

        if gpu is not None:
            caffe.set_device(gpu)
            caffe.set_mode_gpu()
        if not Path(weights).is_file():
            raise FileNotFoundError(f"{weights}: no such caffemodel")
        self.mean = np.asarray(mean, np.float32)
        self.param, self.net = _load(net, weights)
        self._data, self._score = _ends(self.net, weights)
        channels = self.net.blobs[self._score].channels
        self.classes = numbered(channels) if classes is None else tuple(classes)
        if channels != len(self.classes):
            raise ValueError(
                f"{weights}: the net scores {channels} classes, but {len(self.classes)} class "
                "names were given, or stand in a JSON file beside it; give those that it was "
                "trained on, or its dataset"
            )

    def __call__(self, image: str | os.PathLike | Image.Image | np.ndarray) -> np.ndarray:
        """(H, W) uint8 class indices of an image: a path, a PIL image or (H, W, 3) uint8 RGB."""
        return first_highest(self.scores(image))

    def scores(self, image: str | os.PathLike | Image.Image | np.ndarray) -> np.ndarray:
        """(C, H, W) float32 finite scores of an image, as `__call__` takes it.

        The array is the net's own: the next image overwrites it.
        """
        rgb = load_image(image)
        data, score = self.net.blobs[self._data], self.net.blobs[self._score]
        data.reshape(1, 3, *rgb.shape[:2])
        bgr = rgb.transpose(2, 0, 1)[::-1]
        np.subtract(bgr, self.mean[:, None, None], out=data.data[0])
        try:
            self.net.forward()
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            height, width = rgb.shape[:2]
            raise ValueError(
                f"not enough memory to segment an image of {width} x {height} pixels: make it "
                f"smaller ({error})"
            ) from error
        scores = score.data[0]
        if scores.shape[1:] != rgb.shape[:2]:
            raise ValueError(
                f"blob {self._score!r} is {scores.shape[1:]} for an image of {rgb.shape[:2]} "
                f"(height, width): crop it to {self._data!r} in the prototxt"
            )
        if not np.isfinite(scores.max()):  # max() hands on a nan
            raise ValueError(
                f"blob {self._score!r} is not finite: the training of these weights diverged"
            )
        return scores


def first_highest(scores: np.ndarray) -> np.ndarray:
    """(H, W) uint8: the class whose score is the highest, of equal ones the first.

    scores: (C, H, W) finite float32, at most 255 classes. As scores.argmax(0), in a tenth of its
    time.
    """
    highest = scores.max(0)
    labels = np.zeros(highest.shape, np.uint8)
    before = np.ones(highest.shape, bool)  # the highest score is still to come
    for score in scores[:-1]:
        before &= score != highest
        labels += before
    return labels


def _out_of_memory(error: RuntimeError) -> bool:
    import torch

    # The CPU's allocator has no exception of its own.
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


def _load(
    net: str | os.PathLike | None, weights: str | os.PathLike
) -> tuple[caffe_pb2.NetParameter, caffe.Net]:
    import caffe
    import nets

    stored = caffe.storage.caffemodel.blob_shapes(weights)
    if net is not None and str(net) not in nets.NETS:
        if not Path(net).is_file():
            raise FileNotFoundError(
                f"{net}: neither a net ({', '.join(nets.NETS)}) nor the file of a deploy prototxt"
            )
        return _net(net, weights, stored)
    try:
        found, classes, width = nets.net_of_shapes(stored)
    except ValueError as error:
        raise ValueError(f"{weights}: {error}") from None
    if net is not None and not nets.same_weights(str(net), found):
        raise ValueError(f"{weights}: weights of {found}, but {net} was asked for")
    with tempfile.TemporaryDirectory() as folder:
        prototxt = Path(folder) / f"{found}-deploy.prototxt"
        spec = nets.fcn(found, "deploy", classes=classes, data=None, width=width)
        prototxt.write_text(caffe.proto.text.prototxt(spec))
        return _net(prototxt, weights, stored)


def _net(
    prototxt: str | os.PathLike, weights: str | os.PathLike, stored: Container[str]
) -> tuple[caffe_pb2.NetParameter, caffe.Net]:
    """What is written of the net, and it with its weights.

    Raises ValueError for a layer that is none of those `stored` in the file; Caffe itself passes
    over such a layer.
    """
    import caffe

    net = caffe.Net(str(prototxt), caffe.TEST)
    missing = [layer for layer in net.params if layer not in stored]
    if missing:
        raise ValueError(
            f"{weights}: no weights for {', '.join(missing)} of {prototxt}: is it this net's?"
        )
    net.copy_from(str(weights))
    return caffe.proto.upgrade.read_net(prototxt), net


def _ends(net: caffe.Net, weights: str | os.PathLike) -> tuple[str, str]:
    """Names of the image's and the score's blob."""
    inputs, outputs = list(net.inputs), list(net.outputs)
    if len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(
            f"net of {weights}: inputs {inputs} and outputs {outputs}, expected one image and one "
            "score blob: give a deploy prototxt"
        )
    data, score = net.blobs[inputs[0]], net.blobs[outputs[0]]
    if len(data.shape) != 4 or data.channels != 3:
        raise ValueError(
            f"input {inputs[0]!r} has shape {tuple(data.shape)}, expected N x 3 x H x W"
        )
    if len(score.shape) != 4 or not 0 < score.channels <= 255:
        raise ValueError(
            f"output {outputs[0]!r} has shape {tuple(score.shape)}, expected N x classes x H x W "
            "with at most 255 classes"
        )
    return inputs[0], outputs[0]
