"""ImageGtData of MS-CNN: images with objects, and what its nets shall say at each scale."""

import math
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
import torch

from ...core.blob import Blob
from ...core.rectangles import coverage, overlap
from ...feeding.images import read_image, resize
from ...feeding.objects import ObjectsOf, read_objects
from ...feeding.transform import Place, Transformer, uniforms
from ...proto import caffe_pb2
from ..base import layer_type
from ..prefetched_data import Feed, Ordered, Source, need

CHANCES = 4  # the stream of random numbers
OUTSIDE = 0.4  # of a field that lies in regions that do not count, from which on it does not
FARTHEST = 0.2  # the least overlap of an object's best field
OCTAVE = 2  # scales between a size and its double
ENLARGED = 1.5  # an image that becomes larger than this is cut before
STEP = 0.05  # of ratios of width and height
NOISE = 20  # pixels that a cut is off at most, both ways together
NO_OBJECT = (0, 1, 1, 2, 2, 1, 1)  # the row that is given where there is none


class Item(NamedTuple):
    """An image of the list, its number in the whole run, and the seed of what is drawn."""

    seed: int
    number: int
    entry: ObjectsOf


class Label(NamedTuple):
    """Of each scale what is to be said (6, h, w), and the objects' rows (G, 7) but the image."""

    maps: list[np.ndarray]
    rows: np.ndarray


class Shown(NamedTuple):
    """An image (H, W, C) that is changed with its boxes: objects (G, 4), regions (R, 4)."""

    image: np.ndarray
    objects: np.ndarray
    regions: np.ndarray

    def scaled(self, width: int, height: int, by: Sequence[float] | np.ndarray) -> "Shown":
        """The image in another size; the boxes by these factors of x and y."""
        factor = np.tile(by, 2)
        image = resize(self.image, (height, width))
        return Shown(image, self.objects * factor, self.regions * factor)

    def cut(self, left: int, above: int, width: int, height: int) -> "Shown":
        """A part of the image."""
        image = self.image[above : above + height, left : left + width]
        return self.moved(-left, -above)._replace(image=image)

    def moved(self, x: float, y: float) -> "Shown":
        """The boxes somewhere else."""
        step = np.array([x, y, x, y])
        return self._replace(objects=self.objects + step, regions=self.regions + step)

    def mirrored(self) -> "Shown":
        width = self.image.shape[1]
        objects, regions = (
            np.stack([width - b[:, 2], b[:, 1], width - b[:, 0], b[:, 3]], 1)
            for b in (self.objects, self.regions)
        )
        return Shown(self.image[:, ::-1], objects, regions)


def whole(value: float) -> int:
    """To a whole number, halves up."""
    return math.floor(value + 0.5)


class Draws:
    """Whole numbers at random."""

    def __init__(self, numbers: Iterator[float]) -> None:
        self.numbers = numbers

    def below(self, end: int) -> int:
        return int(next(self.numbers) * end)


def check_mean(mean: np.ndarray) -> None:
    need(len(mean) in (1, 3), f"3 channels need as many mean_value, or one; found {len(mean)}")


class Pixels(NamedTuple):
    """What pixels are less, of each channel, and then times."""

    mean: np.ndarray
    scale: float


def in_scale(shown: Shown, centre: np.ndarray, by: np.ndarray) -> tuple[Shown, np.ndarray]:
    """The image in another size, cut around the centre if it becomes large; and the centre."""
    size = np.array(shown.image.shape[1::-1])
    if by.max() > ENLARGED:
        extent = [min(whole(1.2 * s / f), int(s)) for s, f in zip(size, by, strict=True)]
        start = [
            min(max(whole(c - 0.5 * e), 0), int(s) - e)
            for c, e, s in zip(centre, extent, size, strict=True)
        ]
        shown, centre = shown.cut(*start, *extent), centre - start
        size = np.array(extent)
    new = [max(whole(s * f), 1) for s, f in zip(size, by, strict=True)]
    return shown.scaled(new[0], new[1], by), centre * by


def placed_in(
    size: tuple[int, int], shown: Shown, centre: np.ndarray, draws: Draws, pixels: Pixels
) -> tuple[np.ndarray, Shown, list[tuple[int, int]]]:
    """The image on a canvas of this width and height, around a centre; what it covers of it.

    A canvas (H, W, C) of values; of x and y where the image begins, and how long it is.
    """
    spans, starts = [], []
    for axis, whole_length in enumerate(size):
        noise = draws.below(NOISE) - NOISE // 2
        length = shown.image.shape[1 - axis]
        at, start = 0, 0
        if length < whole_length:
            at = min(max(whole((whole_length - length) / 2) + noise, 0), whole_length - length)
        elif length > whole_length:
            middle = whole(centre[axis]) + noise - whole(whole_length / 2)
            start = min(max(middle, 0), length - whole_length)
        spans.append((at, min(length, whole_length)))
        starts.append(start)
    (left, wide), (above, tall) = spans
    part = shown.cut(starts[0], starts[1], wide, tall)
    canvas = np.zeros((size[1], size[0], part.image.shape[2]), np.float32)
    canvas[above : above + tall, left : left + wide] = (part.image - pixels.mean) * np.float32(
        pixels.scale
    )
    return canvas, part.moved(left, above), spans


def fields_of(
    size: Sequence[int], window: list[tuple[int, int]], scale: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """The fields (h, w, 4) of a scale, and which of them (h, w) have their place in the window.

    size: the image's width and height; window: where on each of them something is shown, and how
    far; scale: the pixels between fields, their width and height.
    """
    rate, *field = scale
    wide, tall = (whole(each / rate) for each in size)
    (left, across), (above, down) = ([whole(v / rate) for v in span] for span in window)
    y, x = ((np.arange(n) + 0.5) * rate for n in (tall, wide))
    middle = np.stack([*np.broadcast_arrays(x, y[:, None])], -1)
    half = np.array(field) / 2
    counts = np.zeros((tall, wide), bool)
    counts[max(above, 0) : above + down, max(left, 0) : left + across] = True
    return np.concatenate([middle - half, middle + half], -1), counts


def write_maps(label: Label, outs: Sequence[np.ndarray]) -> None:
    """The maps of a label to as many tops, its rows to the last one."""
    for out, each in zip(outs, label.maps, strict=False):
        out[0] = each
    write_rows(label.rows, outs[-1][0])


def write_rows(rows: np.ndarray, out: np.ndarray) -> None:
    """Objects (G, K) behind a column of 0; the rest of the rows (R, K + 1) is -1."""
    out[:] = -1
    out[: len(rows), 0], out[: len(rows), 1:] = 0, rows


def given_rows(rows: torch.Tensor, none: Sequence[float]) -> torch.Tensor:
    """Rows (G, C, 1, 1) of all images (N, R, C), each after its image's number; `none` of none."""
    there = rows[:, :, 0] >= 0
    found = rows[there]
    found[:, 0] = there.nonzero()[:, 0].to(found)
    if not len(found):
        found = torch.tensor([none], dtype=rows.dtype)
    return found[:, :, None, None]


class Objects(Ordered):
    """The images of a list, each changed by chance around one of its objects."""

    def __init__(self, spec: caffe_pb2.LayerParameter, entries: list[ObjectsOf]) -> None:
        param = spec.image_gt_data_param
        super().__init__(param.shuffle, entries)
        self.param, self.mirror = param, spec.transform_param.mirror
        self.transformer = Transformer(caffe_pb2.TransformationParameter(), caffe_pb2.TEST)
        self.mean = np.array(spec.transform_param.mean_value or [0], np.float32)
        self.size = self._size(entries[-1])
        rates = [param.downsample_rate, param.field_w, param.field_h]
        self.scales = [tuple(each) for each in zip(*rates, strict=True)]

    def _size(self, last: ObjectsOf) -> tuple[int, int]:
        """Width and height of what is given: the crop's, or the images'."""
        param = self.param
        size = param.resize_width or last.width, param.resize_height or last.height
        return param.crop_width or size[0], param.crop_height or size[1]

    def records(self, seed: int, item: int) -> Iterator[Item]:
        for number, entry in zip(count(item), super().records(seed, item)):
            yield Item(seed, number, entry)

    def place(self, record: Item) -> str:
        return f"{self.param.source}: {record.entry.path}"

    def read(self, record: Item) -> tuple[np.ndarray, Label]:
        entry = record.entry
        draws = Draws(uniforms(record.seed, CHANCES, record.number))
        shown = Shown(read_image(entry.path), entry.objects[:, 2:], entry.regions)
        check_mean(self.mean)
        if self.mirror and draws.below(2):
            shown = shown.mirrored()
        if self.param.resize_width and self.param.resize_height:
            size = self.param.resize_width, self.param.resize_height
            was = shown.image.shape[1::-1]
            shown = shown.scaled(*size, [size[0] / was[0], size[1] / was[1]])
        height, width = shown.image.shape[:2]
        need(
            width >= self.size[0] and height >= self.size[1],
            f"an image of width {width} and height {height} is smaller than the crop, "
            f"{self.size[0]} x {self.size[1]}; lessen crop_width and crop_height, or resize",
        )
        shown, centre = self._rescaled(shown, draws)
        pixels = Pixels(self.mean, self.param.scale)
        canvas, shown, window = placed_in(self.size, shown, centre, draws, pixels)
        return canvas.transpose(2, 0, 1), self._label(entry, shown, window)

    def _rescaled(self, shown: Shown, draws: Draws) -> tuple[Shown, np.ndarray]:
        """The image in another size, so that an object has one of MS-CNN's; and where to look."""
        param = self.param
        if not len(shown.objects):
            room = np.array(shown.image.shape[1::-1]) - self.size + 1
            at = [draws.below(int(each)) for each in room]
            return shown, np.array(at) + np.array(self.size) / 2
        box = shown.objects[draws.below(len(shown.objects))]
        centre = (box[:2] + box[2:]) / 2
        scales = param.do_multiple_scale and param.HasField("min_scale")
        if not (scales and param.HasField("max_scale") and draws.below(2)):
            return shown, centre
        return in_scale(shown, centre, self._factors(box[2:] - box[:2], draws))

    def _factors(self, side: np.ndarray, draws: Draws) -> np.ndarray:
        """Factors of width and height that bring an object of these sides to another scale."""
        param = self.param
        octaves = whole(OCTAVE * math.log2(param.max_scale / param.min_scale) + 1)
        steps = np.arange(max(octaves, 1)) / OCTAVE
        own, fields = side.prod(), (param.min_scale * 2**steps) ** 2
        nearest = (np.minimum(own, fields) / np.maximum(own, fields)).argmax()
        by = np.full(2, 2.0 ** (steps[draws.below(len(steps))] - steps[nearest]))
        ratios = param.HasField("min_whaspect") and param.HasField("max_whaspect")
        if ratios and draws.below(2) and side.min() > 0:
            kinds = max(whole((param.max_whaspect - param.min_whaspect) / STEP), 1)
            ratio = draws.below(kinds) * STEP + param.min_whaspect
            more = ratio / (side[0] / side[1])
            axis = 1 - draws.below(2)
            changed = by[axis] * (1 / more if axis else more)
            if 0.8 * param.min_scale <= side[axis] * changed <= 1.2 * param.max_scale:
                by[axis] = changed
        return by

    def _label(self, entry: ObjectsOf, shown: Shown, window: list[tuple[int, int]]) -> Label:
        boxes = shown.objects
        centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        least = [self.param.min_gt_width, self.param.min_gt_height]
        ignored = (entry.objects[:, 1] != 0) | (side + 1 < least).any(1)
        ignored |= (centre < 0).any(1) | (centre >= self.size).any(1)
        rows = np.c_[boxes, entry.objects[:, 0], ignored]
        maps, best = [], []
        for scale in self.scales:
            label, overlaps = self._at_scale(rows, shown.regions, window, scale)
            maps.append(label)
            best.append(overlaps)
        self._add_missed(maps, rows, best)
        return Label(maps, rows)

    def _at_scale(
        self,
        rows: np.ndarray,
        regions: np.ndarray,
        window: list[tuple[int, int]],
        scale: tuple[int, ...],
    ) -> tuple[np.ndarray, np.ndarray]:
        """The labels (6, h, w) of a scale; how much its fields overlap each object (h, w, G)."""
        fields, counts = fields_of(self.size, window, scale)
        label = np.zeros((6, *counts.shape))
        label[5] = 1
        if len(regions):
            counts &= coverage(fields[:, :, None], regions).sum(-1) < OUTSIDE
        overlaps = overlap(fields[:, :, None], rows[:, :4]) * counts[:, :, None]
        best = overlaps.max(-1, initial=0)
        label[5][counts] = best[counts]
        own = best > self.param.fg_threshold
        if own.any():
            label[:5, own] = _said(rows[overlaps[own].argmax(-1)]).T
        return label, overlaps

    def _add_missed(
        self, maps: list[np.ndarray], rows: np.ndarray, overlaps: list[np.ndarray]
    ) -> None:
        """Set what objects that no field is for are found by: the place of their centre."""
        for number, row in enumerate(rows):
            best = [each[:, :, number].max(initial=0) for each in overlaps]
            at = int(np.argmax(best))
            if row[5] or best[at] < FARTHEST or self._is_matched(number, overlaps):
                continue
            label, rate = maps[at], self.scales[at][0]
            centre = (row[:2] + row[2:4]) / 2
            size = label.shape[:0:-1]
            j, i = (
                min(max(math.floor(c / rate), 0), n - 1) for c, n in zip(centre, size, strict=True)
            )
            if not label[0, i, j] > 0:
                label[:5, i, j] = _said(row[None])[0]

    def _is_matched(self, number: int, overlaps: list[np.ndarray]) -> bool:
        """Whether a field overlaps this object most, and enough."""
        return any(
            ((each.argmax(-1) == number) & (each.max(-1) > self.param.fg_threshold)).any()
            for each in overlaps
        )

    def label_shapes(self, label: Label, records: Sequence[Item]) -> list[tuple[int, ...]]:
        """There is room for the objects of the image that has the most."""
        room = max(len(record.entry.objects) for record in records)
        return [*(each.shape for each in label.maps), (room, 7)]

    def write_label(self, label: Label, place: Place, outs: Sequence[np.ndarray]) -> None:
        write_maps(label, outs)

    def tops(self, tensors: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        """The objects of all images behind one another, each after its image's number."""
        *maps, rows = tensors
        if not self.param.output_gt_boxes:
            return tensors
        return [*maps, given_rows(rows, NO_OBJECT)]


def _said(rows: np.ndarray) -> np.ndarray:
    """The label (K, 5) of objects (K, 6): class, 0 of an ignored one, centre and sides."""
    label = rows[:, 4] * (rows[:, 5] == 0)
    return np.c_[label, (rows[:, :2] + rows[:, 2:4]) / 2, rows[:, 2:4] - rows[:, :2]]


@layer_type("ImageGtData", "MS-CNN")
class ImageGtData(Feed):
    """Images around their objects, what fields of several sizes overlap, and the objects.

    Tops: images N x C x H x W less mean_value; of each downsample_rate labels N x 6 x h x w, as
    DetectionLoss takes them; with output_gt_boxes the batch's objects G x 7 x 1 x 1, the image, x1,
    y1, x2, y2, the class and whether it is ignored; one that is ignored where there is none. An
    image is, by chance mirrored, in resize_width x resize_height; with do_multiple_scale every
    other time so large that one of its objects has a size of min_scale to max_scale, in steps of
    half an octave; then cut or set into crop_width x crop_height around that. A field is of an
    object that it overlaps by more than fg_threshold; an object without one gets the place of its
    centre, if it overlaps some field by 0.2. Fields outside of the image, or in regions that do not
    count, have an overlap of 1.
    """

    tops = (2, None)

    def open(self, seed: int) -> tuple[Source, int, int]:
        param, transform = self.spec.image_gt_data_param, self.spec.transform_param
        given = [len(param.downsample_rate), len(param.field_w), len(param.field_h)]
        need(
            len(set(given)) == 1 and given[0] > 0 and min(param.downsample_rate) > 0,
            "needs downsample_rate, field_w and field_h of each scale; found "
            f"{given[0]}, {given[1]} and {given[2]}",
        )
        expected = 1 + given[0] + param.output_gt_boxes
        need(
            len(self.spec.top) == expected,
            f"{given[0]} scales need {expected} tops; found {len(self.spec.top)}",
        )
        need(param.coord_num == 4, f"knows coord_num 4; found {param.coord_num}")
        need(not transform.HasField("mean_file"), "knows mean_value alone; found mean_file")
        entries = read_objects(param.source, param.root_folder)
        entries = [
            entry
            for entry in entries
            for _ in range(param.fg_img_multiple if (entry.objects[:, 1] == 0).any() else 1)
        ]
        return Objects(self.spec, entries), param.batch_size, 0

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().setup(bottom, top)
        if self.spec.image_gt_data_param.output_gt_boxes:
            top[-1].reshape(1, 7, 1, 1)
