"""Images with objects of Cascade R-CNN: DetectionData to train on, EvalData to test."""

import math
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
import torch

from ...core.blob import Blob
from ...core.rectangles import coverage, overlap
from ...feeding.colours import check_distortion, distorted
from ...feeding.images import read_image
from ...feeding.objects import ObjectsOf, read_objects
from ...feeding.transform import Place, Transformer, random_words, uniforms
from ...proto import caffe_pb2
from ..base import layer_type
from ..prefetched_data import Feed, Ordered, Source, need
from .image_gt_data import (
    CHANCES,
    Draws,
    Label,
    Pixels,
    Shown,
    check_mean,
    fields_of,
    given_rows,
    in_scale,
    placed_in,
    whole,
    write_maps,
    write_rows,
)

RATIO = 5  # the stream of random numbers that a batch's template_ratio is of
BEHIND = np.array([0, 0, 1, 1])  # from the last pixels to the ends
NONE = [-1.0] * 8  # the row that is given where there is no object
SHUFFLES = ("random", "random_aspect", "random_mix_aspect")
STEP = 32  # pixels that sides are multiples of


class Item(NamedTuple):
    """An image of the list, its number in the whole run, the seed of what is drawn.

    And the image that its batch begins with, and that one's number.
    """

    seed: int
    number: int
    entry: ObjectsOf
    lead: ObjectsOf
    lead_number: int


def is_tall(entry: ObjectsOf) -> bool:
    return entry.height >= entry.width


def stepped(value: float) -> int:
    """The nearest multiple of STEP."""
    return whole(value / STEP) * STEP


class Detections(Ordered):
    """The images of a list, each changed by chance around one of its objects."""

    def __init__(self, spec: caffe_pb2.LayerParameter, entries: list[ObjectsOf]) -> None:
        param = spec.detection_data_param
        super().__init__(param.HasField("shuffle"), entries)
        self.param, self.mirror = param, spec.transform_param.mirror
        self.transformer = Transformer(caffe_pb2.TransformationParameter(), caffe_pb2.TEST)
        mean = np.array(spec.transform_param.mean_value or [0], np.float32)
        self.pixels = Pixels(mean, spec.transform_param.scale)
        self.scales = list(zip(param.stride, param.field_w, param.field_h, strict=True))
        self.together = param.batch_size  # images of a batch, of all ranks

    def records(self, seed: int, item: int) -> Iterator[Item]:
        lead, first = self.entries[0], item
        for number, entry in zip(count(item), super().records(seed, item)):
            if (number - item) % self.together == 0:
                lead, first = entry, number
            yield Item(seed, number, entry, lead, first)

    def _order(self, seed: int, epoch: int) -> np.ndarray:
        """Those that are as tall as wide together, or by turns with the others (by aspect)."""
        order = super()._order(seed, epoch)
        if not self.shuffle or self.param.shuffle == "random":
            return order
        tall = np.array([is_tall(self.entries[index]) for index in order])
        kinds = [order[tall], order[~tall]]
        if random_words(seed, RATIO, epoch << 64, 1)[0] % 2:
            kinds.reverse()
        if self.param.shuffle == "random_aspect":
            return np.concatenate(kinds)
        mixed: list[int] = []
        at = [0, 0]
        while all(n < len(kind) for n, kind in zip(at, kinds, strict=True)):
            which = len(mixed) // self.param.mix_group_size % 2
            mixed.append(int(kinds[which][at[which]]))
            at[which] += 1
        return np.array([*mixed, *kinds[0][at[0] :], *kinds[1][at[1] :]], int)

    def place(self, record: Item) -> str:
        return f"{self.param.source}: {record.entry.path}"

    def read(self, record: Item) -> tuple[np.ndarray, Label]:
        param, entry = self.param, record.entry
        numbers = uniforms(record.seed, CHANCES, record.number)
        draws, ratio = Draws(numbers), self._ratio(record)
        image = read_image(entry.path)
        check_mean(self.pixels.mean)
        if param.HasField("distort_param"):
            image = distorted(image, param.distort_param, numbers)
        shown = Shown(image, entry.objects[:, 3:], entry.regions)
        if self.mirror and draws.below(2):
            shown = shown.mirrored()
        width, height = shown.image.shape[1::-1]
        new = self._resized(width, height, ratio)
        if new != (width, height):
            shown = shown.scaled(*new, [new[0] / width, new[1] / height])
        size = self._size(record.lead, ratio)
        shown, centre = self._rescaled(shown, size, draws, numbers)
        canvas, shown, window = placed_in(size, shown, centre, draws, self.pixels)
        return canvas.transpose(2, 0, 1), self._label(entry, shown, size, window)

    def _ratio(self, record: Item) -> float:
        """What the batch's short_size and long_size are multiplied by."""
        ratios = self.param.template_ratio
        if not ratios:
            return 1.0
        draw = next(uniforms(record.seed, RATIO, record.lead_number))
        return ratios[int(draw * len(ratios))]

    def _resized(self, width: int, height: int, ratio: float) -> tuple[int, int]:
        """The size that an image is brought to."""
        param = self.param
        if param.HasField("resize_width") and param.HasField("resize_height"):
            return param.resize_width, param.resize_height
        by = 1.0
        if param.HasField("resize_ratio"):
            by = param.resize_ratio
        elif param.HasField("short_size") and param.HasField("long_size"):
            by = stepped(param.short_size * ratio) / min(width, height)
        return max(whole(width * by), 1), max(whole(height * by), 1)

    def _size(self, lead: ObjectsOf, ratio: float) -> tuple[int, int]:
        """Width and height of the batch's images."""
        param = self.param
        if param.crop_width and param.crop_height:
            return param.crop_width, param.crop_height
        if param.HasField("crop_short_size") and param.HasField("crop_long_size"):
            short, long = param.crop_short_size, param.crop_long_size
            return (short, long) if is_tall(lead) else (long, short)
        if param.HasField("short_size") and param.HasField("long_size"):
            short, long = (stepped(v * ratio) for v in (param.short_size, param.long_size))
            return (short, long) if is_tall(lead) else (long, short)
        return self._resized(lead.width, lead.height, ratio)

    def _rescaled(
        self, shown: Shown, size: tuple[int, int], draws: Draws, numbers: Iterator[float]
    ) -> tuple[Shown, np.ndarray]:
        """The image in another size by chance, and where to look."""
        param = self.param
        side = np.zeros(2)
        if len(shown.objects):
            box = shown.objects[draws.below(len(shown.objects))]
            centre, side = (box[:2] + box[2:]) / 2, box[2:] - box[:2] + 1
        else:
            extent = shown.image.shape[1::-1]
            centre = np.array(
                [
                    length / 2 if most > length else draws.below(length - most + 1) + most / 2
                    for length, most in zip(extent, size, strict=True)
                ]
            )
        ratios = param.HasField("low_scale_ratio") and param.HasField("high_scale_ratio")
        scales = param.HasField("min_scale") and param.HasField("max_scale")
        if not ((ratios or scales) and next(numbers) < param.multiscale_prob):
            return shown, centre
        own = math.sqrt(side.prod())
        if ratios:
            ends = (param.low_scale_ratio, param.high_scale_ratio)
        else:
            ends = (param.min_scale / own, param.max_scale / own) if own else (2.0, 2.0)
        by = np.full(2, _between(*ends, numbers))
        if param.HasField("min_whaspect") and param.HasField("max_whaspect"):
            aspect = math.sqrt(_between(param.min_whaspect, param.max_whaspect, numbers))
            by *= [aspect, 1 / aspect]
        return in_scale(shown, centre, by)

    def _label(
        self,
        entry: ObjectsOf,
        shown: Shown,
        size: tuple[int, int],
        window: list[tuple[int, int]],
    ) -> Label:
        boxes = shown.objects
        centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2] + 1
        ignored = entry.objects[:, 1] != 0
        ignored |= (side < [self.param.min_gt_width, self.param.min_gt_height]).any(1)
        ignored |= (centre < 0).any(1) | (centre >= size).any(1)
        rows = np.c_[boxes, entry.objects[:, 0], ignored, entry.objects[:, 2]]
        said = np.c_[rows[:, 4] * (rows[:, 5] == 0), centre, side]
        maps, best, found = [], [], np.zeros(len(rows), bool)
        for scale in self.scales:
            label, overlaps = self._at_scale(said, shown, size, window, scale)
            own = overlaps.max(-1, initial=0) > self.param.fg_threshold
            if own.any():
                found[overlaps[own].argmax(-1)] = True
            maps.append(label)
            best.append(overlaps.max((0, 1), initial=0))
        for number in np.flatnonzero(~found & (rows[:, 5] == 0)) if maps else ():
            self._add_missed(maps, said[number], np.array([each[number] for each in best]))
        return Label(maps, rows)

    def _at_scale(
        self,
        said: np.ndarray,
        shown: Shown,
        size: tuple[int, int],
        window: list[tuple[int, int]],
        scale: tuple[int, int, int],
    ) -> tuple[np.ndarray, np.ndarray]:
        """The labels (6, h, w) of a scale; how much its fields overlap each object (h, w, G)."""
        fields, counts = fields_of(size, window, scale)
        counts &= self._inside(fields, np.array(scale[1:]) / 2, window)
        behind = fields[:, :, None] + BEHIND
        overlaps = overlap(behind, shown.objects + BEHIND) * counts[:, :, None]
        label = np.zeros((6, *counts.shape))
        label[5] = 1
        best = overlaps.max(-1, initial=0)
        own = best > self.param.fg_threshold
        if own.any():
            label[:5, own] = said[overlaps[own].argmax(-1)].T
        covered = coverage(behind, shown.regions + BEHIND).sum(-1)
        free = counts & (own | (covered < self.param.ignore_fg_threshold))
        label[5, free] = best[free]
        return label, overlaps

    def _inside(
        self, fields: np.ndarray, half: np.ndarray, window: list[tuple[int, int]]
    ) -> np.ndarray:
        """Which fields (h, w, 4) are as much inside of the image as is asked for."""
        param = self.param
        starts = np.array([span[0] for span in window])
        ends = starts + [span[1] for span in window]
        if param.HasField("anchor_ignore_margin_ratio"):
            margin = param.anchor_ignore_margin_ratio * half
            within = (fields[..., :2] >= starts - margin) & (fields[..., 2:] < ends + margin)
            return np.array(within.all(-1))
        if param.HasField("anchor_ignore_iou_thr"):
            part = coverage(fields + BEHIND, np.concatenate([starts, ends]) + BEHIND)
            return part >= param.anchor_ignore_iou_thr
        return np.ones(fields.shape[:2], bool)

    def _add_missed(self, maps: list[np.ndarray], said: np.ndarray, best: np.ndarray) -> None:
        """Set what an object that no field is for is found by: the place of its centre."""
        at = int(best.argmax())
        if best[at] < self.param.pickup_iou_thr:
            return
        label, rate = maps[at], self.scales[at][0]
        j, i = (
            min(max(math.floor(c / rate), 0), n - 1)
            for c, n in zip(said[1:3], label.shape[:0:-1], strict=True)
        )
        if not label[0, i, j] > 0:
            label[:, i, j] = [*said, best[at]]

    def label_shapes(self, label: Label, records: Sequence[Item]) -> list[tuple[int, ...]]:
        """There is room for the objects of the image that has the most."""
        room = max(len(record.entry.objects) for record in records)
        return [*(each.shape for each in label.maps), (room, 8)]

    def write_label(self, label: Label, place: Place, outs: Sequence[np.ndarray]) -> None:
        write_maps(label, outs)

    def tops(self, tensors: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        """The objects of all images behind one another, each after its image's number."""
        if not self.param.output_gt_boxes:
            return tensors
        return [*tensors[:-1], given_rows(tensors[-1], NONE)]


def _between(low: float, high: float, numbers: Iterator[float]) -> float:
    """A number at random, of which the logarithms are equally likely."""
    return low * (high / low) ** next(numbers)


def listed(spec: caffe_pb2.LayerParameter, source: str, root_folder: str) -> list[ObjectsOf]:
    need(not spec.transform_param.HasField("mean_file"), "knows mean_value alone; found mean_file")
    return read_objects(source, root_folder, difficult=True)


@layer_type("DetectionData", "Cascade R-CNN")
class DetectionData(Feed):
    """Images around their objects, what fields of several sizes overlap, and the objects.

    Tops: images N x C x H x W less mean_value; of each stride labels N x 6 x h x w, as
    DetectionGroupLoss takes them; with output_gt_boxes the batch's objects G x 8 x 1 x 1, the
    image, x1, y1, x2, y2, the class, whether it is ignored, and difficult; -1 where there is none.
    An image is, in other colours (distort_param) and by chance mirrored, in resize_width x
    resize_height, or so that its shorter side is short_size; by chance (multiscale_prob) in another
    scale, from low_scale_ratio to high_scale_ratio, or so that an object has a size of min_scale to
    max_scale; and cut or set, around that object, into crop_width x crop_height, or into short_size
    x long_size (crop_short_size and crop_long_size where these are given), tall or wide as the
    batch's first image. A field is of an object that it overlaps by more than fg_threshold; an
    object without one gets the place of its centre, if it overlaps some field by pickup_iou_thr.
    Fields too far outside, or in regions that do not count, have an overlap of 1. shuffle:
    "random", "random_aspect" (first all tall images, or all wide ones), or "random_mix_aspect"
    (mix_group_size of either by turns).
    """

    tops = (1, None)

    def open(self, seed: int) -> tuple[Source, int, int]:
        param = self.spec.detection_data_param
        given = [len(param.stride), len(param.field_w), len(param.field_h)]
        need(
            len(set(given)) == 1 and min(param.stride, default=1) > 0,
            f"needs stride, field_w and field_h of each top of labels; found {given[0]}, "
            f"{given[1]} and {given[2]}",
        )
        expected = 1 + given[0] + param.output_gt_boxes
        need(
            len(self.spec.top) == expected,
            f"{given[0]} strides need {expected} tops; found {len(self.spec.top)}",
        )
        need(param.coord_num == 4, f"knows coord_num 4; found {param.coord_num}")
        need(
            param.shuffle in SHUFFLES and param.mix_group_size > 0,
            f"shuffle is one of {', '.join(SHUFFLES)}; found '{param.shuffle}'",
        )
        check_distortion(param.distort_param)
        source = Detections(self.spec, listed(self.spec, param.source, param.root_folder))
        return source, param.batch_size, 0

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().setup(bottom, top)
        assert isinstance(self._source, Detections)
        self._source.together = self._share.ranks * self._batch_size
        if self.spec.detection_data_param.output_gt_boxes:
            top[-1].reshape(1, 8, 1, 1)


class Evaluated(Ordered):
    """The images of a list, in order, in sides of multiples of 32."""

    def __init__(self, spec: caffe_pb2.LayerParameter, entries: list[ObjectsOf]) -> None:
        super().__init__(False, entries)
        self.param, self.named = spec.eval_data_param, len(spec.top) > 2
        self.transformer = Transformer(caffe_pb2.TransformationParameter(), caffe_pb2.TEST)
        self.mean = np.array(spec.transform_param.mean_value or [0], np.float32)
        self.scale = np.float32(spec.transform_param.scale)

    def place(self, record: ObjectsOf) -> str:
        return f"{self.param.source}: {record.path}"

    def read(self, record: ObjectsOf) -> tuple[np.ndarray, tuple[np.ndarray, tuple[int, int]]]:
        param = self.param
        check_mean(self.mean)
        shown = Shown(read_image(record.path), record.objects[:, 3:], record.regions)
        was = width, height = shown.image.shape[1::-1]
        if param.HasField("resize_width") and param.HasField("resize_height"):
            width, height = param.resize_width, param.resize_height
        elif param.HasField("short_size") and param.HasField("long_size"):
            by = param.short_size / min(was)
            width, height = (min(whole(side * by), param.long_size) for side in was)
        size = max(stepped(width), STEP), max(stepped(height), STEP)
        if size != was:
            shown = shown.scaled(*size, [size[0] / was[0], size[1] / was[1]])
        image = (shown.image - self.mean) * self.scale
        rows = np.c_[shown.objects, record.objects[:, :3]]
        return image.transpose(2, 0, 1), (rows, (size[1], size[0]))

    def label_shapes(
        self, label: tuple[np.ndarray, tuple[int, int]], records: Sequence[ObjectsOf]
    ) -> list[tuple[int, ...]]:
        return [(max(len(record.objects) for record in records), 8), (2,)]

    def write_label(
        self,
        label: tuple[np.ndarray, tuple[int, int]],
        place: Place,
        outs: Sequence[np.ndarray],
    ) -> None:
        write_rows(label[0], outs[0][0])
        outs[1][0] = label[1]

    def tops(self, tensors: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        images, rows, *sizes = tensors
        return [images, given_rows(rows, NONE), *(each[:, :, None, None] for each in sizes)]


@layer_type("EvalData", "Cascade R-CNN")
class EvalData(Feed):
    """Images, in order, with their objects and sizes.

    Tops: images N x C x H x W less mean_value; the batch's objects G x 8 x 1 x 1, as DetectionData
    gives them; and if named N x 2 x 1 x 1, the images' heights and widths. An image is in
    resize_width x resize_height, or so that its shorter side is short_size and none above
    long_size; and its sides are multiples of 32.
    """

    tops = (2, 3)

    def open(self, seed: int) -> tuple[Source, int, int]:
        param = self.spec.eval_data_param
        need(
            param.batch_size < 2
            or (param.HasField("resize_width") and param.HasField("resize_height")),
            f"without resize_width and resize_height, batch_size is 1; found {param.batch_size}",
        )
        source = Evaluated(self.spec, listed(self.spec, param.source, param.root_folder))
        return source, param.batch_size, 0

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().setup(bottom, top)
        top[1].reshape(1, 8, 1, 1)
        for blob in top[2:]:
            blob.reshape(self._batch_size, 2, 1, 1)
