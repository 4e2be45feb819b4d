"""caffe.Classifier: class scores of images (python/caffe/classifier.py)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import io
from .core.errors import CaffeError, caffe_error
from .core.files import PathLike
from .net import Net
from .proto import caffe_pb2


def input_transformer(
    net: Net,
    mean: np.ndarray | None,
    input_scale: float | None,
    raw_scale: float | None,
    channel_swap: Sequence[int] | None,
) -> io.Transformer:
    """From H x W x K images to the net's first input."""
    if not net.inputs:
        raise CaffeError(f"net '{net.name}' has no input to give images to; use a deploy prototxt")
    name = net.inputs[0]
    transformer = io.Transformer({name: net.blobs[name].shape})
    transformer.set_transpose(name, (2, 0, 1))
    if mean is not None:
        transformer.set_mean(name, mean)
    if input_scale is not None:
        transformer.set_input_scale(name, input_scale)
    if raw_scale is not None:
        transformer.set_raw_scale(name, raw_scale)
    if channel_swap is not None:
        transformer.set_channel_swap(name, channel_swap)
    return transformer


def input_batch(net: Net, images: Sequence[np.ndarray]) -> np.ndarray:
    """Preprocessed images, K x H x W, as one array for the net's first input.

    Raises ValueError for an image of other channels than the input's.
    """
    name = net.inputs[0]
    channels = net.blobs[name].shape[1]
    for image in images:
        if len(image) != channels:
            raise caffe_error(
                ValueError,
                f"input '{name}' of net '{net.name}' takes images of {channels} channels; found "
                f"one of {len(image)}",
            )
    return np.array(images)


class Classifier(Net):
    """A net in TEST phase that takes images.

    image_dims: (height, width) that images are resized to before they are cropped to the net's
    input; by default that input's. The others are the Transformer's. Raises ValueError for
    image_dims smaller than the input.
    """

    def __init__(
        self,
        model_file: PathLike,
        pretrained_file: PathLike,
        image_dims: Sequence[int] | None = None,
        mean: np.ndarray | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, caffe_pb2.TEST, weights=pretrained_file)
        self.transformer = input_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].shape[2:])
        self.image_dims: io.Dims = self.crop_dims if image_dims is None else image_dims
        if len(self.image_dims) != 2 or (self.crop_dims > self.image_dims).any():
            raise caffe_error(
                ValueError,
                "image_dims must be (height, width), at least the net's input, "
                f"{tuple(map(int, self.crop_dims))}; found {tuple(map(int, self.image_dims))}",
            )

    def predict(self, inputs: io.Images, oversample: bool = True) -> np.ndarray:
        """Scores, N x classes, of H x W x K images.

        oversample: the mean over corners, centre and their mirror images; else the centre's.
        """
        resized = [io.resize_image(image, self.image_dims) for image in inputs]
        if len(channels := {image.shape[2] for image in resized}) > 1:
            raise caffe_error(
                ValueError,
                f"images of {' and '.join(map(str, sorted(channels)))} channels in one batch; "
                "make them alike (load_image reads gray ones as 3 too)",
            )
        images = np.array(resized)
        if oversample:
            crops = io.oversample(images, self.crop_dims)
        else:
            height, width = self.crop_dims
            y, x = ((np.array(self.image_dims) - self.crop_dims) / 2.0).astype(int)
            crops = images[:, y : y + height, x : x + width]
        name = self.inputs[0]
        data = input_batch(self, [self.transformer.preprocess(name, crop) for crop in crops])
        scores = self.forward_all(**{name: data})[self.outputs[0]]
        return scores.reshape(len(scores) // 10, 10, -1).mean(1) if oversample else scores
