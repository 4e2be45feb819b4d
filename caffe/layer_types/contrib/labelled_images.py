"""Data layers whose labels are images too.

ImageSegData, WindowSegData, SelectSegBinary, DenseImageData, ImageLabelmapData, ImageLabelData,
ImageLabelListData.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.errors import CaffeError
from ...feeding.datum import datum_to_array, parse_datum
from ...feeding.image_list import read_lines
from ...feeding.images import read_image, resize
from ...feeding.resizing import nearest
from ...feeding.transform import Place, Transformer
from ...formats import hdf5
from ...proto import caffe_pb2
from ..base import layer_type
from ..prefetched_data import Feed, Ordered, Records, Source, first_item, need, opened

Param = caffe_pb2.ImageDataParameter | caffe_pb2.DenseImageDataParameter
LABELS = caffe_pb2.ImageDataParameter


class Pair(NamedTuple):
    """A line of a list: an image, and its label's file (or its class, or nothing)."""

    image: str
    label: str
    line: int
    window: tuple[int, ...] = ()  # x1, y1, x2, y2, the last ones inside
    classes: tuple[int, ...] = ()  # of each whether, or as what, it counts


class LabelMap(NamedTuple):
    """What an image's label is: a map (1, H, W), and height and width of the image in its file."""

    map: np.ndarray
    size: tuple[int, int]
    classes: tuple[int, ...] = ()


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


def read_windows(path: str, words: int, classes: int = 0) -> list[Pair]:
    """The same with x1 y1 x2 y2 behind, and the labels of so many classes."""
    found = []
    for pair, (_, line) in zip(read_pairs(path, words), read_lines(path), strict=True):
        try:
            numbers = [int(part) for part in line.split()[words : words + 4 + classes]]
            left, above, right, below = numbers[:4]
        except ValueError:
            raise CaffeError(
                f"{path}:{pair.line}: expected x1 y1 x2 y2 behind the names; found {line!r}"
            ) from None
        need(
            len(numbers) == 4 + classes,
            f"{path}:{pair.line}: expected {classes} labels behind x1 y1 x2 y2; found {line!r}",
        )
        found.append(pair._replace(window=(left, above, right, below), classes=tuple(numbers[4:])))
    return found


def _transformer(param: caffe_pb2.TransformationParameter, phase: int) -> Transformer:
    transformer = Transformer(param, phase)
    need(
        not (transformer.random_size or transformer.augments),
        "knows nothing of what Intel's, NVIDIA's Caffe and caffe-augmentation do to images by "
        "chance: it would leave the label map as it is",
    )
    return transformer


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
        maps, *size = label.map.shape
        return [(maps, height or size[0], width or size[1]), (1, 1, 2)]

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

    def pairs(self, path: str) -> list[Pair]:
        return read_pairs(path, self.words())

    def open(self, seed: int) -> tuple[Source, int, int]:
        param = self.param()
        need(
            bool(param.new_height) == bool(param.new_width),
            "needs new_height and new_width, or none of them",
        )
        entries = self.pairs(param.source)
        need(bool(entries), f"{param.source}: the list is empty")
        first = first_item(param, len(entries), seed)
        transform = self.spec.transform_param
        transformer = _transformer(transform, self.phase)
        need(
            not (
                transform.resize_param or transform.HasField("noise_param") or transform.multi_scale
            ),
            "knows no resize_param, noise_param and multi_scale: they would leave the label map "
            "as it is; write new_height and new_width",
        )
        return self.source(param, entries, transformer), param.batch_size, first


class DensePairs(Pairs):
    param: caffe_pb2.DenseImageDataParameter

    def __init__(self, param: Param, entries: list[Pair], transformer: Transformer) -> None:
        super().__init__(param, entries, transformer)
        self.factor = self.param.label_divide_factor
        need(self.factor > 0, "label_divide_factor is at least 1; found 0")
        need(
            self.factor == 1 or not any(transformer.crop),
            "cuts no images whose labels are smaller: write crop_size or label_divide_factor",
        )

    def read(self, record: Pair) -> tuple[np.ndarray, LabelMap]:
        if self.factor == 1:
            return super().read(record)
        folder = self.param.root_folder
        image = read_image(folder + record.image, self.param.is_color, self.size)
        height, width, _ = image.shape
        label = read_image(folder + record.label, False)
        label = nearest(label, (height // self.factor, width // self.factor))
        return image.transpose(2, 0, 1), LabelMap(label.transpose(2, 0, 1), (height, width))

    def label(self, path: str, size: tuple[int, int]) -> np.ndarray:
        label = read_image(path, False)
        return nearest(label, self.size) if self.size else label

    def write_label(self, label: LabelMap, place: Place, outs: Sequence[np.ndarray]) -> None:
        if self.factor == 1:
            super().write_label(label, place, outs)
            return
        outs[0][0] = label.map[..., ::-1] if place.mirror else label.map
        outs[1][0, 0, 0] = label.size


@layer_type("DenseImageData", "SegNet")
class DenseImageData(PairFeed):
    """Images and label images from a list of both; a label that is resized keeps its values.

    With label_divide_factor (ENet) a label is smaller than its image, by that factor.
    """

    source = DensePairs

    def param(self) -> Param:
        return self.spec.dense_image_data_param


class EdgePairs(Pairs):
    param: caffe_pb2.ImageDataParameter

    def read(self, record: Pair) -> tuple[np.ndarray, LabelMap]:
        if self.param.data_type != "h5":
            return super().read(record)
        folder = self.param.root_folder
        image = read_image(folder + record.image, self.param.is_color, self.size)
        size, path = image.shape[:2], folder + record.label
        with hdf5.reading(path, "a label") as file:
            label = hdf5.array(file, "label")
            hdf5.check(
                label.ndim == 4 and label.shape[0] == 1 and label.shape[2:] == size,
                f"'label' is of shape {label.shape}, its image {size} pixels large; expected 1 x C "
                "maps of that size",
            )
        return image.transpose(2, 0, 1), LabelMap(label[0], size)

    def label(self, path: str, size: tuple[int, int]) -> np.ndarray:
        return (super().label(path, size) > 127).astype(np.uint8)  # 255ths, rounded


@layer_type("ImageLabelmapData", "HED")
class ImageLabelmapData(PairFeed):
    """Images and edge maps from a list of both: 1 where a map has 128 or more, else 0.

    With data_type h5 (DOOBNet) a label is an HDF5 file of maps as they are, 1 x C x H x W, called
    label; N x C x H x W is then the second top.
    """

    source = EdgePairs

    def open(self, seed: int) -> tuple[Source, int, int]:
        kind = self.spec.image_data_param.data_type
        need(kind in ("img", "h5"), f"data_type is img or h5; found {kind!r}")
        need(
            kind == "img" or not self.spec.transform_param.mirror,
            "mirrors no maps of data_type h5, which may be directions: store mirrored images",
        )
        return super().open(seed)


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


class WindowPairs(SegPairs):
    def read(self, record: Pair) -> tuple[np.ndarray, LabelMap]:
        folder, ignored = self.param.root_folder, self.param.ignore_label
        image = read_image(folder + record.image, self.param.is_color)
        size = image.shape[:2]
        if self.param.label_type == LABELS.PIXEL:
            label = read_image(folder + record.label, False)
        elif self.param.label_type == LABELS.NONE:
            label = np.full((*size, 1), ignored, np.uint8)
        else:
            label = self.label(folder + record.label, size)
        need(
            label.shape[:2] == size,
            f"the label {record.label} is {label.shape[:2]} pixels large, its image {size}; they "
            "must be equal",
        )
        left, above, right, below = record.window
        need(right >= left and below >= above, f"the window {record.window} is empty")
        pads = [
            (max(0, -above), max(0, below + 1 - size[0])),
            (max(0, -left), max(0, right + 1 - size[1])),
            (0, 0),
        ]
        rows = slice(max(0, above), max(0, above) + below - above + 1)
        columns = slice(max(0, left), max(0, left) + right - left + 1)
        image = np.pad(image, pads)[rows, columns]
        label = np.pad(label, pads, constant_values=ignored)[rows, columns]
        if self.size:
            image, label = resize(image, self.size), nearest(label, self.size)
        image, label = self.padded(image.transpose(2, 0, 1), label.transpose(2, 0, 1))
        return image, LabelMap(label, size)


@layer_type("WindowSegData", "DeconvNet")
class WindowSegData(ImageSegData):
    """As ImageSegData, of windows of the images: a line ends with x1 y1 x2 y2, all inside.

    What lies outside of an image is 0, its label ignore_label. The window is resized to new_height
    x new_width, its label to the nearest pixel before.
    """

    source = WindowPairs

    def pairs(self, path: str) -> list[Pair]:
        return read_windows(path, self.words())


class SelectedPairs(WindowPairs):
    """The same; a pixel's label is what the list gives for its class."""

    base = 0  # the label in front of the first class

    def read(self, record: Pair) -> tuple[np.ndarray, LabelMap]:
        image, (labels, size, _) = super().read(record)
        of_label = np.zeros(256, np.float32)
        for label, given in enumerate(record.classes, self.base + 1):
            if 0 < label < len(of_label):
                of_label[label] = given
        ignored = labels == self.param.ignore_label
        selected = np.where(ignored, labels, of_label[labels.astype(np.uint8)])
        return image, LabelMap(selected, size, record.classes)

    def label_shapes(self, label: LabelMap, records: Sequence[Pair]) -> list[tuple[int, ...]]:
        shape, _ = super().label_shapes(label, records)
        return [shape, (len(label.classes), 1, 1)]

    def write_label(self, label: LabelMap, place: Place, outs: Sequence[np.ndarray]) -> None:
        outs[0][0] = place.cut(label.map)
        outs[1][0, :, 0, 0] = label.classes


@layer_type("SelectSegBinary", "DecoupledNet")
class SelectSegBinary(WindowSegData):
    """As WindowSegData; a line goes on with a label for each of label_dim classes, the third top.

    A pixel of class k, which is label cls_label_base + k of its image, has the label that the line
    gives for k: 1 where the class is the one to be found, else 0. Third top: N x label_dim x 1 x 1.
    """

    source = SelectedPairs
    tops = (3, 3)

    def pairs(self, path: str) -> list[Pair]:
        classes = self.spec.window_cls_data_param.label_dim
        need(classes > 0, "window_cls_data_param needs a positive label_dim; found 0")
        return read_windows(path, self.words(), classes)

    def open(self, seed: int) -> tuple[Source, int, int]:
        source, size, first = super().open(seed)
        assert isinstance(source, SelectedPairs)
        source.base = self.spec.select_seg_binary_param.cls_label_base
        return source, size, first


class SlicedPairs(Pairs):
    """Images and labels of two lists, padded, cut alike, and of the labels a grid of pixels."""

    def __init__(
        self, param: caffe_pb2.ImageLabelDataParameter, entries: list[Pair], by: Transformer
    ) -> None:
        Ordered.__init__(self, param.shuffle, entries)
        self.sliced, self.transformer = param, by
        part = param.label_slice
        self.rows, self.columns = (
            slice(start, start + (count - 1) * step + 1, step)
            for count, step, start in zip(
                part.dim or by.crop, part.stride or (1, 1), part.offset or (0, 0), strict=True
            )
        )

    def read(self, record: Pair) -> tuple[np.ndarray, LabelMap]:
        param = self.sliced
        data = "" if param.image_dir or param.label_dir else param.data_dir
        image = read_image((data or param.image_dir) + record.image, True)
        label = read_image((data or param.label_dir) + record.label, False)
        need(
            label.shape[:2] == image.shape[:2],
            f"the label {record.label} is {label.shape[:2]} pixels large, its image "
            f"{image.shape[:2]}; they must be equal",
        )
        size = image.shape[:2]
        mirrored = param.padding == caffe_pb2.ImageLabelDataParameter.REFLECT
        for pads in (self._margins(), self._missing(size)):
            image = np.pad(image, pads, mode="reflect") if mirrored else np.pad(image, pads)
            label = np.pad(label, pads, constant_values=255)
        return image.transpose(2, 0, 1), LabelMap(label.transpose(2, 0, 1), size)

    def _margins(self) -> list[tuple[int, int]]:
        """The offsets of the label's pixels, around the image."""
        above, left = self.rows.start, self.columns.start
        return [(above, above), (left, left), (0, 0)]

    def _missing(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """What an image with margins lacks of the crop; an odd pixel below, and on the left."""
        margins = (2 * self.rows.start, 2 * self.columns.start)
        rows, columns = (
            max(0, crop - found - margin)
            for crop, found, margin in zip(self.transformer.crop, size, margins, strict=True)
        )
        return [(rows // 2, rows - rows // 2), (columns - columns // 2, columns // 2), (0, 0)]

    def label_shapes(self, label: LabelMap, records: Sequence[Pair]) -> list[tuple[int, ...]]:
        return [(1, *(len(range(*part.indices(part.stop))) for part in (self.rows, self.columns)))]

    def write_label(self, label: LabelMap, place: Place, outs: Sequence[np.ndarray]) -> None:
        outs[0][0] = place.cut(label.map)[:, self.rows, self.columns]

    def place(self, record: Pair) -> str:
        return f"{self.sliced.image_list_path}:{record.line}"


class RecordPairs(Source):
    """Images and label maps of two databases, one each in the order of their keys."""

    def __init__(self, images: caffe_pb2.DataParameter, labels: str, by: Transformer) -> None:
        self.images = Records(images.source, opened(images), by)
        of_labels = caffe_pb2.DataParameter(source=labels, backend=images.backend)
        self.labels = Records(labels, opened(of_labels), by)
        self.transformer = by
        need(
            len(self.labels) == len(self),
            f"needs a label for each image: {images.source} has {len(self)} records, {labels} "
            f"{len(self.labels)}",
        )

    def __len__(self) -> int:
        return len(self.images)

    def contents(self) -> str:
        return f"{self.images.contents()}; {self.labels.contents()}"

    def records(self, seed: int, item: int) -> Iterator[tuple[bytes, memoryview, memoryview]]:
        both = self.images.records(seed, item), self.labels.records(seed, item)
        for (key, image), (_, label) in zip(*both, strict=True):
            yield key, image, label

    def read(self, record: tuple[bytes, memoryview, memoryview]) -> tuple[np.ndarray, np.ndarray]:
        image = self.transformer.array(parse_datum(record[1], "its value"))
        label = datum_to_array(parse_datum(record[2], "its label's value"), force_gray=True)
        need(
            label.shape[1:] == image.shape[1:],
            f"its label is {label.shape[1:]} pixels large, the image {image.shape[1:]}; they must "
            "be equal",
        )
        return image, label

    def label_shapes(self, label: np.ndarray, records: Sequence[Any]) -> list[tuple[int, ...]]:
        height, width = self.transformer.crop
        return [(1, height or label.shape[1], width or label.shape[2])]

    def write_label(self, label: np.ndarray, place: Place, outs: Sequence[np.ndarray]) -> None:
        outs[0][0] = place.cut(label)[:1]

    def place(self, record: tuple[bytes, memoryview, memoryview]) -> str:
        return f"{self.images.path}, key {record[0]!r}"


@layer_type("ImageLabelListData", "Texas Instruments' caffe-jacinto")
@layer_type("ImageLabelData", "Yu and Koltun's dilation")
class ImageLabelData(Feed):
    """Images and label images from a list of each, cut to crop_size.

    Images are padded by label_slice's offset, mirrored at their edges or with 0, labels with 255;
    and what is still smaller than the crop up to that. The second top is what lies label_slice's
    stride apart in the label's crop, from its offset on, dim values; without it all of the crop.
    With a backend the lists are databases, of images and of labels (ImageLabelData of Texas
    Instruments); nothing is padded then, and crop_size may be left out.
    """

    def open(self, seed: int) -> tuple[Source, int, int]:
        param = self.spec.image_label_data_param
        for scaled in ("rand_scale", "scale_prob", "size_min", "size_max"):
            need(not getattr(param, scaled), f"takes no {scaled}: scale the images before")
        if param.HasField("backend"):
            return self._databases(param), param.batch_size, 0
        part = param.label_slice
        need(
            all(len(values) in (0, 2) for values in (part.dim, part.stride, part.offset)),
            f"label_slice has two values each; found {str(part).split()}",
        )
        transformer = _transformer(self.spec.transform_param, self.phase)
        crop = transformer.crop
        need(min(crop) > 0, "needs a crop_size")
        images, labels = (
            read_pairs(path, 1) for path in (param.image_list_path, param.label_list_path)
        )
        need(
            0 < len(images) == len(labels),
            f"needs a label for each image: {param.image_list_path} lists {len(images)}, "
            f"{param.label_list_path} {len(labels)}",
        )
        entries = [
            image._replace(label=label.image) for image, label in zip(images, labels, strict=True)
        ]
        source = SlicedPairs(param, entries, transformer)
        ends = source.rows.stop, source.columns.stop
        need(
            ends[0] <= crop[0] and ends[1] <= crop[1],
            f"label_slice reaches to {ends}, crop_size is {crop}",
        )
        first = first_item(param, len(entries), seed, param.image_list_path)
        return source, param.batch_size, first

    def _databases(self, param: caffe_pb2.ImageLabelDataParameter) -> Source:
        for field in ("label_slice", "shuffle", "rand_skip"):
            need(not param.HasField(field), f"takes no {field} with a backend: leave it out")
        data = "" if param.image_dir or param.label_dir else param.data_dir
        images = (data or param.image_dir) + param.image_list_path
        labels = (data or param.label_dir) + param.label_list_path
        database = caffe_pb2.DataParameter(source=images, backend=param.backend)
        transformer = _transformer(self.spec.transform_param, self.phase)
        return RecordPairs(database, labels, transformer)
