"""AnnotatedData of SSD: images with boxes, changed by chance for training."""

import math
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
import torch

from ...core.blob import Blob
from ...core.ranks import solver_count
from ...feeding import annotations
from ...feeding.annotations import parse_annotated_datum, rows_of
from ...feeding.colours import check_distortion, distorted
from ...feeding.noise import check_noise, noised
from ...feeding.resizing import Size, check_policy, resized, to_uint8
from ...feeding.samplers import check_sampler, jittered, sampled
from ...feeding.transform import Place, Transformer, eight_bits, uniforms
from ...formats.database import Database
from ...proto import caffe_pb2
from ..base import layer_type
from ..prefetched_data import Feed, Records, Source, need, opened

CHANCES, POLICIES = 4, 5  # streams of random numbers
YOLO_OBJECTS = 300  # rows of an image's label with yolo_data_type 1
OWN_FIELDS = ("resize_param", "noise_param", "distort_param", "expand_param", "emit_constraint")


class Item(NamedTuple):
    """An item of the database, its number in the whole run, and the seed of what is drawn."""

    seed: int
    number: int
    key: bytes
    datum: caffe_pb2.AnnotatedDatum


class Label(NamedTuple):
    """What an image's label is: rows (G, 7) on the image as it is read, or its class."""

    rows: np.ndarray
    of_image: int
    policy: caffe_pb2.ResizeParameter | None
    before: Size  # of the image that was resized
    size: Size


class Annotated(Source):
    """The AnnotatedDatums of a database, again and again."""

    def __init__(
        self, path: str, database: Database, param: caffe_pb2.LayerParameter, phase: int
    ) -> None:
        self.param, self.transform = param.annotated_data_param, param.transform_param
        self.batch_size = param.data_param.batch_size
        # The items that all ranks take at once, which one draw is for
        self.round = self.batch_size * (solver_count() if phase == caffe_pb2.TRAIN else 1)
        plain = caffe_pb2.TransformationParameter()
        plain.CopyFrom(self.transform)
        for name in OWN_FIELDS:
            plain.ClearField(name)
        self.transformer = Transformer(plain, phase)
        self.path, self.stored = path, Records(path, database, self.transformer)
        self.check()
        self.boxes = self.has_boxes(next(self.records(0, 0)).datum)

    def __len__(self) -> int:
        return len(self.stored)

    def contents(self) -> str:
        return self.stored.contents()

    def check(self) -> None:
        transform, policies = self.transform, self.transform.resize_param
        need(not self.transformer.augments, "knows nothing of caffe-augmentation's transform_param")
        for policy in policies:
            check_policy(policy)
            need(
                policy.resize_mode != policy.FIT_SMALL_SIZE or self.batch_size == 1,
                "resize_mode FIT_SMALL_SIZE needs batch_size: 1, for images differ in size then; "
                f"found {self.batch_size}",
            )
        chances = sum(policy.prob for policy in policies)
        need(
            len(policies) < 2 or abs(chances - 1) < 0.01,
            f"the prob of {len(policies)} resize_param must add up to 1; found {chances:g}",
        )
        if transform.HasField("noise_param"):
            check_noise(transform.noise_param)
        if transform.HasField("distort_param"):
            check_distortion(transform.distort_param)
        if transform.HasField("expand_param"):
            ratio = transform.expand_param.max_expand_ratio
            need(ratio >= 1, f"max_expand_ratio is at least 1; found {ratio:g}")
            need(
                not transform.HasField("mean_file"),
                "expand_param fills with mean_value; found mean_file",
            )
        for sampler in self.param.batch_sampler:
            check_sampler(sampler.sampler)
        jitter = self.param.yolo_data_jitter
        need(0 <= jitter < 1, f"yolo_data_jitter is at least 0 and below 1; found {jitter:g}")
        need(
            self.param.yolo_data_type in (0, 1),
            f"yolo_data_type is 0 or 1; found {self.param.yolo_data_type}",
        )

    def has_boxes(self, datum: caffe_pb2.AnnotatedDatum) -> bool:
        return datum.HasField("type") or self.param.HasField("anno_type")

    def records(self, seed: int, item: int) -> Iterator[Item]:
        for number, (key, value) in zip(count(item), self.stored.records(seed, item)):
            where = f"{self.path}, key {key!r}"
            yield Item(seed, number, key, parse_annotated_datum(value, where))

    def place(self, record: Item) -> str:
        return f"{self.path}, key {record.key!r}"

    def read(self, record: Item) -> tuple[np.ndarray, Label]:
        datum = record.datum
        need(
            self.has_boxes(datum) == self.boxes,
            "an item without a type of annotation among others with one; set anno_type: BBOX",
        )
        image = self.transformer.array(datum.datum)
        rows = rows_of(datum)
        draws = uniforms(record.seed, CHANCES, record.number)
        transform, policy = self.transform, self._policy(record)
        if transform.HasField("distort_param"):
            image = distorted(eight_bits(image), transform.distort_param, draws).transpose(2, 0, 1)
        if transform.HasField("expand_param"):
            image, rows = self._expanded(image, rows, draws)
        window = self._window(rows, draws)
        if window is not None:
            image, rows = self._cut(image, rows, window)
        before = image.shape[1:]
        if policy:
            image = resized(eight_bits(image), policy, draws).transpose(2, 0, 1)
            rows = annotations.after_resize(rows, policy, before)
        if transform.HasField("noise_param"):
            image = noised(eight_bits(image), transform.noise_param, draws).transpose(2, 0, 1)
        return image, Label(rows, datum.datum.label, policy, before, image.shape[1:])

    def _policy(self, record: Item) -> caffe_pb2.ResizeParameter | None:
        """The resize_param of the item's batch."""
        policies = self.transform.resize_param
        if len(policies) < 2:
            return policies[0] if policies else None
        at = next(uniforms(record.seed, POLICIES, record.number // self.round))
        chances = np.cumsum([policy.prob for policy in policies])
        return policies[int(np.searchsorted(chances, at * chances[-1]))]

    def _emit(self) -> caffe_pb2.EmitConstraint | None:
        has = self.transform.HasField("emit_constraint")
        return self.transform.emit_constraint if has else None

    def _expanded(
        self, image: np.ndarray, rows: np.ndarray, draws: Iterator[float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The image somewhere on a larger one of the mean's colour, as chance has it."""
        param = self.transform.expand_param
        if next(draws) > param.prob:
            return image, rows
        ratio = 1 + (param.max_expand_ratio - 1) * next(draws)
        channels, height, width = image.shape
        tall, wide = int(height * ratio), int(width * ratio)
        above, left = (math.floor(next(draws) * room) for room in (tall - height, wide - width))
        self.transformer.check_values(channels)
        mean = self.transformer.mean
        canvas = np.zeros((channels, tall, wide), image.dtype)
        if mean is not None:
            canvas[:] = to_uint8(mean)
        canvas[:, above : above + height, left : left + width] = image
        window = np.array([-left, -above, wide - left, tall - above]) / np.tile([width, height], 2)
        return canvas, annotations.seen_in(rows, window, self._emit())

    def _window(self, rows: np.ndarray, draws: Iterator[float]) -> np.ndarray | None:
        """The part of the image that is taken; None for all of it."""
        if self.param.batch_sampler:
            return sampled(self.param.batch_sampler, rows[:, annotations.BOX], draws)
        if self.param.yolo_data_type:
            return jittered(self.param.yolo_data_jitter, draws)
        return None

    def _cut(
        self, image: np.ndarray, rows: np.ndarray, window: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """A window's whole pixels, one at least."""
        height, width = image.shape[1:]
        window = window.clip(0, 1)
        corners = window * [width, height, width, height]
        left, above = corners[:2].astype(int)
        wide, tall = np.maximum((corners[2:] - corners[:2]).astype(int), 1)
        left, above = min(left, width - wide), min(above, height - tall)
        cut = image[:, above : above + tall, left : left + wide]
        return cut, annotations.seen_in(rows, window, self._emit())

    def label_shapes(self, label: Label, records: Sequence[Item]) -> list[tuple[int, ...]]:
        """With boxes there is room for those of the item that has the most."""
        if not self.boxes:
            return [(1, 1, 1)]
        if self.param.yolo_data_type:
            return [(1, YOLO_OBJECTS, 5)]
        groups = (record.datum.annotation_group for record in records)
        return [(max(sum(len(g.annotation) for g in each) for each in groups), 8)]

    def write_label(self, label: Label, place: Place, outs: Sequence[np.ndarray]) -> None:
        out = outs[0][0]
        if not self.boxes:
            out[:] = label.of_image
            return
        height, width = label.size
        window = np.array(
            [place.left, place.top, place.left + place.width, place.top + place.height]
        ) / [width, height, width, height]
        rows = annotations.seen_in(label.rows, window, self._emit())
        if place.mirror:
            rows = annotations.mirrored(rows)
        if label.policy:
            rows = annotations.extrapolated(rows, label.policy, label.before, window)
        if not self.param.yolo_data_type:
            out[: len(rows), 0], out[: len(rows), 1:] = 0, rows
            out[len(rows) :] = -1
            return
        need(
            len(rows) <= YOLO_OBJECTS,
            f"{len(rows)} objects; yolo_data_type 1 has room for {YOLO_OBJECTS}",
        )
        corners = rows[:, annotations.BOX]
        out[:] = 0
        out[0, : len(rows), 0] = rows[:, 0] - 1
        out[0, : len(rows), 1:3] = (corners[:, :2] + corners[:, 2:]) / 2
        out[0, : len(rows), 3:] = corners[:, 2:] - corners[:, :2]

    def tops(self, tensors: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        """The rows of all images behind one another, each after its image's number in the batch."""
        if len(tensors) == 1 or not self.boxes or self.param.yolo_data_type:
            return tensors
        images, rows = tensors
        there = rows[:, :, 0] >= 0
        found = rows[there]
        found[:, 0] = there.nonzero()[:, 0].to(found)
        if not len(found):
            found = torch.full((1, 8), -1.0)
        return [images, found.reshape(1, 1, -1, 8)]


@layer_type("AnnotatedData", "SSD")
class AnnotatedData(Feed):
    """Images of a database of AnnotatedDatum, and their boxes, as SSD trains (Liu et al. 2016).

    Tops: images N x C x H x W; 1 x 1 x K x 8, of each box of the batch the image's number, the
    class, the object's number, x1, y1, x2, y2 as parts of the image, and whether it is difficult; a
    row of -1 where there is none. Of items without a type of annotation, their label, N x 1 x 1 x
    1. An image is, in this order: distorted, put on a larger one (expand_param), cut where a
    batch_sampler says, resized, made worse (noise_param), cut by crop_size, mirrored. Its boxes
    follow it; where it is cut those remain that emit_constraint lets. Between these steps SSD packs
    the image as a JPEG each time; here it stays as it is. With yolo_data_type 1 the labels are N x
    1 x 300 x 5, for RegionLoss: of each box the class less 1, centre and size.
    """

    tops = (1, 2)

    def open(self, seed: int) -> tuple[Source, int, int]:
        param = self.spec.data_param
        source = Annotated(param.source, opened(param), self.spec, self.phase)
        return source, param.batch_size, 0

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().setup(bottom, top)
        if len(top) == 2 and len(top[1].shape) == 3:  # rows of each image
            top[1].reshape(1, 1, max(top[1].shape[1], 1), 8)
