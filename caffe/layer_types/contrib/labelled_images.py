"""Data layers whose labels are images too: ImageSegData, DenseImageData, ImageLabelmapData."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...core.errors import CaffeError
from ...feeding.image_list import read_lines
from ...feeding.images import read_image
from ...feeding.resizing import nearest
from ...feeding.transform import Place, Transformer
from ...proto import caffe_pb2
from ..base import layer_type
from ..prefetched_data import Feed, Ordered, Source, first_item, need

Param = caffe_pb2.ImageDataParameter | caffe_pb2.DenseImageDataParameter
LABELS = caffe_pb2.ImageDataParameter


class Pair(NamedTuple):
    """A line of a list: an image, and its label's file (or its class, or nothing)."""

    image: str
    label: str
    line: int


class LabelMap(NamedTuple):
    """What an image's label is: a map (1, H, W), and height and width of the image in its file."""

    map: np.ndarray
    size: tuple[int, int]


def read_pairs(path: str, words: int) -> list[Pair]:
    """The lines of a list, of an image and a label (words 2), or of an image (1)."""
    found = []
    for number, line in read_lines(path):
        parts = line.split()
        need(
            len(parts) >= words,
            f"{path}:{number}: expected {'an image and a label' if words > 1 else 'an image'}; "
            f"found {line!r}",
        )
        found.append(Pair(parts[0], parts[1] if words > 1 else "", number))
    return found


class Pairs(Ordered):
    """The images of a list with label maps (1, H, W) of their size, cut and mirrored alike."""

    def __init__(self, param: Param, entries: list[Pair], transformer: Transformer) -> None:
        super().__init__(param.shuffle, entries)
        self.param, self.transformer = param, transformer
        self.size = (param.new_height, param.new_width) if param.new_height else None

    def read(self, record: Pair) -> tuple[np.ndarray, LabelMap]:
        folder = self.param.root_folder
        image = read_image(folder + record.image, self.param.is_color, self.size)
        label = self.label(folder + record.label if record.label else "", image.shape[:2])
        need(
            label.shape[:2] == image.shape[:2],
            f"the label {record.label} is {label.shape[:2]} pixels large, its image "
            f"{image.shape[:2]}; they must be equal",
        )
        size = image.shape[:2]
        image, label = self.padded(image.transpose(2, 0, 1), label.transpose(2, 0, 1))
        return image, LabelMap(label, size)

    def label(self, path: str, size: tuple[int, int]) -> np.ndarray:
        """A label map (H, W, 1) from its file."""
        return read_image(path, False, self.size)

    def padded(self, image: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Image (C, H, W) and label (1, H, W), as large as the crop at least where that pads."""
        return image, label

    def label_shapes(self, label: LabelMap, records: Sequence[Pair]) -> list[tuple[int, ...]]:
        height, width = self.transformer.crop
        return [(1, height or label.map.shape[1], width or label.map.shape[2]), (1, 1, 2)]

    def write_label(self, label: LabelMap, place: Place, outs: Sequence[np.ndarray]) -> None:
        outs[0][0] = place.cut(label.map)
        outs[1][0, 0, 0] = [min(label.size[0], place.height), min(label.size[1], place.width)]

    def place(self, record: Pair) -> str:
        return f"{self.param.source}:{record.line}"


class PairFeed(Feed):
    """Base of the layers here: tops are images (N, C, H, W) and label maps (N, 1, H, W)."""

    source = Pairs

    def param(self) -> Param:
        return self.spec.image_data_param

    def words(self) -> int:
        return 2

    def open(self, seed: int) -> tuple[Source, int, int]:
        param = self.param()
        need(
            bool(param.new_height) == bool(param.new_width),
            "needs new_height and new_width, or none of them",
        )
        entries = read_pairs(param.source, self.words())
        need(bool(entries), f"{param.source}: the list is empty")
        first = first_item(param, len(entries), seed)
        transform = self.spec.transform_param
        need(
            not (
                transform.resize_param or transform.HasField("noise_param") or transform.multi_scale
            ),
            "knows no resize_param, noise_param and multi_scale: they would leave the label map "
            "as it is; write new_height and new_width",
        )
        transformer = Transformer(transform, self.phase)
        return self.source(param, entries, transformer), param.batch_size, first


class DensePairs(Pairs):
    def label(self, path: str, size: tuple[int, int]) -> np.ndarray:
        label = read_image(path, False)
        return nearest(label, self.size) if self.size else label


@layer_type("DenseImageData", "SegNet")
class DenseImageData(PairFeed):
    """Images and label images from a list of both; a label that is resized keeps its values."""

    source = DensePairs

    def param(self) -> Param:
        return self.spec.dense_image_data_param


class EdgePairs(Pairs):
    def label(self, path: str, size: tuple[int, int]) -> np.ndarray:
        return (super().label(path, size) > 127).astype(np.uint8)  # 255ths, rounded


@layer_type("ImageLabelmapData", "HED")
class ImageLabelmapData(PairFeed):
    """Images and edge maps from a list of both: 1 where a map has 128 or more, else 0."""

    source = EdgePairs


class SegPairs(Pairs):
    param: caffe_pb2.ImageDataParameter

    def label(self, path: str, size: tuple[int, int]) -> np.ndarray:
        kind = self.param.label_type
        if kind == LABELS.PIXEL:
            return super().label(path, size)
        if kind == LABELS.NONE:
            return np.zeros((*size, 1), np.float32)
        name = path.removeprefix(self.param.root_folder)
        try:
            return np.full((*size, 1), int(name), np.float32)
        except ValueError:
            raise CaffeError(f"label_type IMAGE needs a number behind the image: {name}") from None

    def padded(self, image: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Smaller images are padded below and on the right: with the mean, and ignored."""
        sizes = zip(self.transformer.crop, image.shape[1:], strict=True)
        below, right = (max(crop - size, 0) for crop, size in sizes)
        if not (below or right):
            return image, label
        mean = self.transformer.mean
        need(
            self.transformer.mean_file is None,
            "an image smaller than crop_size is padded with mean_value; found mean_file",
        )
        channels = len(image)
        values = np.zeros(channels) if mean is None else np.broadcast_to(mean.ravel(), channels)
        padding = ((0, 0), (0, below), (0, right))
        padded = np.pad(image, padding)
        for channel, value in zip(padded, np.rint(values).clip(0, 255), strict=True):
            channel[image.shape[1] :] = value
            channel[:, image.shape[2] :] = value
        return padded, np.pad(label, padding, constant_values=self.param.ignore_label)


@layer_type("ImageSegData", "DeepLab")
class ImageSegData(PairFeed):
    """Images and label images from a list; a third top has their sizes, N x 1 x 1 x 2.

    label_type IMAGE: the list has a class for each image, NONE: no label; every pixel then has it,
    or 0. Where crop_size is larger than an image, that is padded with mean_value, its labels with
    ignore_label; the size is the image's own, at most the crop's.
    """

    source = SegPairs
    tops = (2, 3)

    def words(self) -> int:
        return 1 if self.spec.image_data_param.label_type == LABELS.NONE else 2
