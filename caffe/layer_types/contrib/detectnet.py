"""NVIDIA's DetectNetTransformation: images that are changed by chance, and where objects lie."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from ...core.errors import error_context
from ...core.rng import generator
from ...feeding.colours import shifted_hsv
from ...feeding.mean_file import read_mean
from ...feeding.resizing import cubic
from ...proto import caffe_pb2
from ..base import LayerType, Shape, Tensors, layer_type
from .coverage import LABEL, coverage, object_classes


class Change(NamedTuple):
    """What becomes of an image: None where it stays as it is."""

    hue: float = 0.0  # degrees more
    saturation: float = 1.0  # times
    flip: bool = False
    size: tuple[int, int] = (0, 0)  # height and width
    offset: tuple[int, int] = (0, 0)  # rows and columns that are cut off, or put in front


@layer_type("DetectNetTransformation", "NVIDIA's Caffe")
class DetectNetTransformation(LayerType):
    """Images N x 3 x H x W in one size, less their mean, and their objects as DetectNet's grid.

    Bottom 1: of each image rows of 16 values, the first of which has the number of objects, and 16;
    then each object's x, y, width and height in pixels, its class (value 5) and how much of it is
    cut off (value 8). In TEST images are resized (cv::INTER_CUBIC), in TRAIN they are changed as
    detectnet_augmentation_param says and cut. Tops: images, and N x (8 + classes) x grid, as
    `coverage` says. rotation_prob is not here.
    """

    bottoms = (2, 2)
    tops = (2, 2)
    diff_bottoms = staticmethod(lambda index: False)
    not_in_onnx = "it reads labels; leave it out, and give the net its images"

    @property
    def draws(self) -> bool:
        return self.phase == caffe_pb2.TRAIN

    def setup_from(self, shapes: list[Shape]) -> None:
        augment, transform = self.spec.detectnet_augmentation_param, self.spec.transform_param
        self.check(
            not (self.draws and augment.rotation_prob > 0 and augment.max_rotate_degree),
            "turns no images: write rotation_prob: 0 in detectnet_augmentation_param; found "
            f"{augment.rotation_prob:g}",
        )
        truth = self.spec.detectnet_groundtruth_param
        self.check(truth.stride > 0, "stride must be positive; found 0")
        self.check(
            min(self._grid()) > 0,
            f"stride {truth.stride} leaves no square of an image {truth.image_size_y} x "
            f"{truth.image_size_x}; give image_size_x and image_size_y the size of its tops",
        )
        self.check(
            not self.draws or min(augment.scale_min, augment.scale_max) > 0,
            "scale_min and scale_max of detectnet_augmentation_param must be positive; found "
            f"{augment.scale_min:g} and {augment.scale_max:g}",
        )
        self.check(
            len(transform.mean_value) in (0, 1, 3),
            f"needs 1 or 3 values of mean_value; found {len(transform.mean_value)}",
        )
        self.mean = np.array(list(transform.mean_value) or [0], np.float32)
        if transform.HasField("mean_file"):
            with error_context(f"layer '{self.name}' ({self.type}): mean_file"):
                self.mean = read_mean(transform.mean_file).transpose(1, 2, 0)
            self.check(
                self.mean.shape[2] == 3, f"needs a mean of 3 channels; found {self.mean.shape[2]}"
            )

    def _grid(self) -> tuple[int, int]:
        param = self.spec.detectnet_groundtruth_param
        return round(param.image_size_y / param.stride), round(param.image_size_x / param.stride)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        images, labels = shapes
        self.check(
            len(images) == 4
            and images[1] == 3
            and labels[:1] == images[:1]
            and math.prod(labels[1:]) % LABEL == 0,
            f"needs images N x 3 x H x W, and labels in rows of {LABEL}; found shapes {shapes}",
        )
        param = self.spec.detectnet_groundtruth_param
        channels = 8 + max(object_classes(param).values()) + 1
        return [
            (images[0], 3, param.image_size_y, param.image_size_x),
            (images[0], channels, *self._grid()),
        ]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        param = self.spec.detectnet_groundtruth_param
        images, grids = [], []
        values = bottoms[0].detach().cpu().float().numpy()
        labels = bottoms[1].detach().cpu().double().flatten(1).numpy()
        for image, rows in zip(values, labels, strict=True):
            change = self._change(image.shape[1:])
            images.append(self._image(image.transpose(1, 2, 0), change))
            objects = self._objects(rows.reshape(-1, LABEL), image.shape[1:], change)
            grids.append(coverage(param, objects, self._grid()))
        return [torch.from_numpy(np.stack(top)).to(bottoms[0]) for top in (images, grids)]

    def _change(self, size: tuple[int, ...]) -> Change:
        """Of an image of this height and width."""
        truth, param = self.spec.detectnet_groundtruth_param, self.spec.detectnet_augmentation_param
        wanted = (truth.image_size_y, truth.image_size_x)
        if not self.draws:
            return Change(size=wanted)
        u = _uniforms()
        hue = saturation = 0.0
        if next(u) <= param.hue_rotation_prob:
            hue = min(max((2 * next(u) - 1) * param.hue_rotation, -180), 180)
        if next(u) <= param.desaturation_prob:
            saturation = next(u) * param.desaturation_max
        flip = next(u) <= param.flip_prob
        scale = 1.0
        if next(u) <= param.scale_prob:
            scale = param.scale_min + (param.scale_max - param.scale_min) * next(u)
        scaled = (math.floor(size[0] * scale + 0.5), math.floor(size[1] * scale + 0.5))
        cuts = next(u) <= param.crop_prob
        offset = []
        for whole, part, shift in zip(scaled, wanted, (param.shift_y, param.shift_x), strict=True):
            place, shift = (next(u), shift) if cuts else (0.5, 0)
            at = place * (whole - part + shift) - shift // 2
            offset.append(math.floor(abs(at) + 0.5) * (1 if at >= 0 else -1))
        return Change(hue, 1 - saturation, flip, scaled, (offset[0], offset[1]))

    def _image(self, image: np.ndarray, change: Change) -> np.ndarray:
        """3 x H x W of an image (H, W, 3)."""
        param = self.spec.detectnet_groundtruth_param
        if change.hue or change.saturation != 1:
            image = shifted_hsv(image / 255, change.hue, change.saturation) * 255
        mean = self.mean if self.mean.ndim == 1 else cubic(self.mean, image.shape[:2])
        image = image - mean
        if change.flip:
            image = image[:, ::-1]
        image = cubic(image, change.size)
        top = np.zeros((param.image_size_y, param.image_size_x, 3), np.float32)
        to, of = zip(
            *(
                _overlap(start, here, whole)
                for start, here, whole in zip(change.offset, top.shape, image.shape, strict=False)
            ),
            strict=True,
        )
        top[to] = image[of]
        return top.transpose(2, 0, 1)

    def _objects(self, rows: np.ndarray, size: tuple[int, ...], change: Change) -> np.ndarray:
        """The image's objects, (K, 16), where they are after the change."""
        self.check(
            rows[0, 1] == LABEL and 0 <= rows[0, 0] < len(rows) and bool(np.isfinite(rows).all()),
            f"label blob '{self.spec.bottom[1]}' begins with {rows[0, :2].tolist()}; expected up "
            f"to {len(rows) - 1} objects, and {LABEL}, and finite values",
        )
        objects = rows[1 : 1 + int(rows[0, 0])].copy()
        if change.flip:
            objects[:, 0] = size[1] - objects[:, 0] - objects[:, 2] - 1
        objects[:, [0, 2]] *= change.size[1] / size[1]
        objects[:, [1, 3]] *= change.size[0] / size[0]
        objects[:, 0] -= change.offset[1]
        objects[:, 1] -= change.offset[0]
        return objects


def _uniforms() -> Iterator[float]:
    while True:
        yield float(torch.rand((), generator=generator()))


def _overlap(offset: int, here: int, whole: int) -> tuple[slice, slice]:
    """Where a part of `here` pixels that begins at an offset lies: in itself, and in the whole."""
    begin, end = max(offset, 0), min(offset + here, whole)
    end = max(begin, end)
    return slice(begin - offset, end - offset), slice(begin, end)
