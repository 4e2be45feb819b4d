"""caffe.Detector: class scores of windows in images (python/caffe/detector.py)."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np

from . import io
from .classifier import input_batch, input_transformer
from .core.errors import caffe_error
from .core.files import PathLike
from .net import Net
from .proto import caffe_pb2


class Detector(Net):
    """A net in TEST phase that takes windows of images, warped to its input.

    context_pad: the width in pixels of a border, in the net's input, that shows what surrounds the
    window, as in R-CNN. The others are the Transformer's.
    """

    def __init__(
        self,
        model_file: PathLike,
        pretrained_file: PathLike,
        mean: np.ndarray | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ) -> None:
        super().__init__(model_file, caffe_pb2.TEST, weights=pretrained_file)
        self.transformer = input_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(
        self, images_windows: Iterable[tuple[PathLike | BinaryIO, Sequence[Sequence[int]]]]
    ) -> list[dict]:
        """Scores of windows (ymin, xmin, ymax, xmax) of image files.

        Returns {"window", "prediction", "filename"} for each window. Raises CaffeError for an image
        that cannot be read.
        """
        name = self.inputs[0]
        windows, data = [], []
        for filename, image_windows in images_windows:
            image = io.load_image(filename)
            for window in image_windows:
                windows.append({"window": window, "filename": filename})
                data.append(self.transformer.preprocess(name, self.crop(image, window)))
        if not data:
            return []
        scores = self.forward_all(**{name: input_batch(self, data)})[self.outputs[0]]
        return [{**w, "prediction": score} for w, score in zip(windows, scores, strict=True)]

    def detect_selective_search(self, image_fnames: Iterable[PathLike]) -> list[dict]:
        """Scores of the windows that selective search proposes, a MATLAB program of its own."""
        try:
            search = importlib.import_module("selective_search_ijcv_with_python")
        except ModuleNotFoundError:
            raise caffe_error(
                ModuleNotFoundError,
                "selective search needs the module selective_search_ijcv_with_python and MATLAB; "
                "with windows of your own, use detect_windows",
            ) from None
        files = [os.path.abspath(name) for name in image_fnames]
        windows = search.get_windows(files, cmd="selective_search_rcnn")
        return self.detect_windows(zip(files, windows, strict=True))

    def crop(self, im: np.ndarray, window: Sequence[int]) -> np.ndarray:
        """The window (ymin, xmin, ymax, xmax) of an H x W x K image.

        With context_pad: at the net's input size, in its surroundings, the mean beyond the image.
        Raises ValueError for a window that lies outside or has no pixels, and for other channels
        than the input's where the mean surrounds them.
        """
        box = np.array(window, int)
        if self.context_pad:
            return self._crop_in_context(im, box, self.context_pad)
        crop = im[box[0] : box[2], box[1] : box[3]]
        _check_window(crop, window, im)
        return crop

    def _crop_in_context(self, im: np.ndarray, window: np.ndarray, context_pad: int) -> np.ndarray:
        if im.shape[2] != self.crop_dims[2]:
            raise caffe_error(
                ValueError,
                f"an image of {im.shape[2]} channels, but the input '{self.inputs[0]}' of net "
                f"'{self.name}', whose mean surrounds it, takes {self.crop_dims[2]}",
            )
        size = self.blobs[self.inputs[0]].width  # the input is a square
        scale = size / (size - 2.0 * context_pad)
        half = (window[2:] - window[:2] + 1) / 2.0
        centre = window[:2] + half
        box = np.round(np.concatenate([centre - scale * half, centre + scale * half])).astype(int)
        scales = size / (box[2:] - box[:2] + 1)
        start = np.round(np.maximum(0, -box[:2]) * scales).astype(int)

        box = np.clip(box, 0, np.tile(im.shape[:2], 2))
        part = im[box[0] : box[2], box[1] : box[3]]
        _check_window(part, window, im)
        dims = np.round((box[2:] - box[:2] + 1) * scales).astype(int)
        dims = np.minimum(dims, size - start)
        crop = np.ones(self.crop_dims, np.float32) * self.crop_mean
        y, x = start
        if dims.min() > 0:
            crop[y : y + dims[0], x : x + dims[1]] = io.resize_image(part, dims)
        return crop

    def configure_crop(self, context_pad: int | None) -> None:
        """Set context_pad, and the mean as an image to pad with. Raises ValueError for too much."""
        name = self.inputs[0]
        shape = self.blobs[name].shape
        if context_pad and not 0 < 2 * context_pad < shape[3]:
            raise caffe_error(
                ValueError, f"context_pad {context_pad} leaves nothing of an input {shape[3]} wide"
            )
        back = np.argsort(self.transformer.transpose[name])
        self.crop_dims = np.array(shape[1:])[back]
        self.context_pad = context_pad
        self.crop_mean = np.zeros(self.crop_dims, np.float32)
        if name in self.transformer.mean:
            mean = self.transformer.mean[name] / self.transformer.raw_scale.get(name, 1)
            mean = mean.transpose(back)
            if name in self.transformer.channel_swap:
                mean = mean[:, :, np.argsort(self.transformer.channel_swap[name])]
            self.crop_mean = mean


def _check_window(crop: np.ndarray, window: Sequence[int] | np.ndarray, im: np.ndarray) -> None:
    if not crop.size:
        raise caffe_error(
            ValueError,
            f"window {tuple(map(int, window))} (ymin, xmin, ymax, xmax) holds no pixels of an "
            f"image of {im.shape[0]} x {im.shape[1]}",
        )
