"""VideoData of four forks, and MultiFrameData: frames, clips or segments of videos."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from ...core.blob import Blob
from ...core.log import info
from ...feeding.frames import (
    VIDEO,
    check_pattern,
    count_frames,
    decoded,
    folder_frames,
    segment_modality,
    video_frames,
)
from ...feeding.image_list import read_lines
from ...feeding.mean_file import read_values
from ...feeding.transform import Transformer, random_words
from ...proto import caffe_pb2
from ..base import layer_type
from ..prefetched_data import Feed, Ordered, Source, first_item, need

STARTS = 6  # a stream of random numbers
FRAMES = 1 << 20  # a camera's number of frames
C3D_NAMES, NAMES, FLOW_NAMES = "%06d.jpg", "image_%04d.jpg", "flow_%c_%04d.jpg"


class Frame(NamedTuple):
    """A frame of a video, (H, W, 3), and its number."""

    image: np.ndarray
    number: int


class Frames(Source):
    """The frames of a file, again and again, or of a camera."""

    def __init__(self, param: caffe_pb2.VideoDataParameter, transformer: Transformer) -> None:
        self.transformer, self.every = transformer, param.skip_frames + 1
        self.from_file = param.video_type == VIDEO.VIDEO
        need(not self.from_file or bool(param.video_file), "video_type VIDEO needs a video_file")
        self.video: str | int = param.video_file if self.from_file else param.device_id
        self.count = count_frames(param.video_file) if self.from_file else FRAMES
        need(
            self.count >= self.every,
            f"{param.video_file}: has {self.count} frames; skip_frames leaves none of them",
        )

    def __len__(self) -> int:
        return self.count // self.every

    def contents(self) -> str:
        return f"{len(self)} frames of {self.video}"

    def records(self, seed: int, item: int) -> Iterator[Frame]:
        """Of every skip_frames + 1 frames the last."""
        start = item % (self.count // self.every) * self.every if self.from_file else 0
        while True:
            taken = 0
            for number, image in enumerate(decoded(self.video, start), start):
                if (number + 1) % self.every == 0:
                    taken += 1
                    yield Frame(image, number)
            need(taken > 0, f"{self.video}: no frame can be read from {start} on")
            info("video_data_layer.cpp:124", "Finished processing video.")
            start = 0

    def read(self, record: Frame) -> tuple[np.ndarray, int]:
        return record.image.transpose(2, 0, 1), 0

    def place(self, record: Frame) -> str:
        return f"{self.video}, frame {record.number}"


class Entry(NamedTuple):
    """A line of a list: a video's file or folder, a frame's number or how many, and the class."""

    path: str
    number: int
    label: int
    line: int


class Item(NamedTuple):
    """An entry, and what is drawn for it."""

    entry: Entry
    draws: list[int]


def read_entries(path: str, words: int) -> list[Entry]:
    """The lines of a list, of a path, a number (words 3) and a class."""
    found = []
    for line_number, line in read_lines(path):
        name, *numbers = line.split()
        need(
            len(numbers) == words - 1 and all(n.lstrip("-").isdigit() for n in numbers),
            f"{path}:{line_number}: expected a path{', a number' * (words - 2)} and a class; "
            f"found {line!r}",
        )
        number = int(numbers[0]) if words == 3 else 0
        found.append(Entry(name, number, int(numbers[-1]), line_number))
    return found


class Clips(Ordered):
    """The videos of a list; of each some frames, as channels behind one another (C L, H, W)."""

    def __init__(self, spec: caffe_pb2.LayerParameter, phase: int) -> None:
        video = self.param_of(spec)
        self.of_c3d = video is None
        # Any: of C3D's fields those that are read here are the others' too
        param: Any = spec.image_data_param if video is None else video
        self.param: Any = param
        need(param.new_length > 0, "new_length must be positive; found 0")
        need(param.sampling_rate > 0, "sampling_rate must be positive; found 0")
        need(
            bool(param.new_height) == bool(param.new_width),
            "needs new_height and new_width, or none of them",
        )
        self.size = (param.new_height, param.new_width) if param.new_height else None
        self.train = phase == caffe_pb2.TRAIN
        self.segments = 1 if video is None else video.num_segments
        need(self.segments > 0, "num_segments must be positive; found 0")
        modality = None if video is None else self.modality_of(video)
        self.of_segments = modality is not None
        self.modality = VIDEO.RGB if modality is None else modality
        self.channels_first = video is not None and self.of_segments and video.length_first
        self.step, self.draws_frames = 1, False
        if video is not None and self.channels_first and self.modality != VIDEO.FLOW:
            self.step, self.draws_frames = video.step, video.rand_step and self.train
        need(
            self.step > 0 and param.new_length % self.step == 0,
            f"step must be positive and divide new_length {param.new_length}; found {self.step}",
        )
        self.color = param.is_color and self.modality != VIDEO.FLOW
        self.names = C3D_NAMES if self.of_c3d or param.use_image else NAMES
        if self.of_segments:
            self.names = FLOW_NAMES if self.modality == VIDEO.FLOW else NAMES
            self.names = param.name_pattern or self.names
        need(
            self.modality in (VIDEO.RGB, VIDEO.FLOW, VIDEO.VIDEO),
            "modality is RGB, FLOW or VIDEO; found WEBCAM",
        )
        check_pattern(self.names, self.modality == VIDEO.FLOW)
        words = 2 if param.use_temporal_jitter and not param.use_image else 3
        entries = read_entries(param.source, words)
        need(bool(entries), f"{param.source}: the list is empty")
        super().__init__(param.shuffle, entries)
        self.transformer = self._transformer(spec.transform_param, phase)

    def param_of(self, spec: caffe_pb2.LayerParameter) -> caffe_pb2.VideoDataParameter | None:
        """The settings; None where they are image_data_param's, C3D's."""
        return spec.video_data_param if spec.HasField("video_data_param") else None

    def modality_of(self, param: caffe_pb2.VideoDataParameter) -> int | None:
        """What segments are read of; None where clips are."""
        return segment_modality(param)

    @property
    def frames(self) -> int:
        """How many channels of an image follow one another for each of the frame's channels."""
        return 1 if self.of_segments else self.param.new_length

    def _transformer(self, param: caffe_pb2.TransformationParameter, phase: int) -> Transformer:
        """The transformer for frames as channels: a mean's values hold for each frame."""
        need(
            not (param.resize_param or param.HasField("noise_param")),
            "knows no resize_param and noise_param for clips; write new_height and new_width",
        )
        plain = caffe_pb2.TransformationParameter()
        plain.CopyFrom(param)
        plain.ClearField("mean_file")
        values = list(param.mean_value)
        if self.of_c3d and self.param.HasField("mean_value"):
            values = [self.param.mean_value]
        need(
            not (values and param.HasField("mean_file")),
            "Cannot specify mean_file and mean_value at the same time",
        )
        del plain.mean_value[:]
        plain.mean_value.extend(self.mean_values(values))
        transformer = Transformer(plain, phase)
        if param.HasField("mean_file"):
            transformer.mean_file = param.mean_file
            transformer.mean = read_values(param.mean_file)
        return transformer

    def mean_values(self, values: list[float]) -> list[float]:
        """A value for each channel of what `read` gives, or for all."""
        each = len(values) > 1 and not self.of_segments
        return np.repeat(values, self.frames).tolist() if each else values

    def records(self, seed: int, item: int) -> Iterator[Item]:
        for number, entry in zip(count(item), super().records(seed, item)):
            draws = self.segments + self.draws_frames * self.segments * self.param.new_length
            words = random_words(seed, STARTS, number << 64, draws)
            yield Item(entry, words.tolist())

    def read(self, record: Item) -> tuple[np.ndarray, int]:
        entry = record.entry
        path = self.param.root_folder + entry.path
        frames = self._images(path, record)
        sizes = {image.shape for image in frames}
        need(len(sizes) == 1, f"{path}: frames differ in size: {sorted(sizes)}")
        clip = np.stack(frames)  # L x H x W x C
        channels = clip.transpose(0, 3, 1, 2) if self.of_segments else clip.transpose(3, 0, 1, 2)
        if self.channels_first:
            of_each = 2 if self.modality == VIDEO.FLOW else clip.shape[3]
            channels = channels.reshape(self.segments, -1, of_each, *clip.shape[1:3])
            channels = channels.swapaxes(1, 2)
        channels = channels.reshape(-1, *clip.shape[1:3])
        if self.transformer.mean_file and self.transformer.mean is not None:
            self._shape_mean(channels.shape)
        return channels, entry.label

    def _images(self, path: str, record: Item) -> list[np.ndarray]:
        """The frames of an entry."""
        of_folder = Path(path).is_dir()
        if not self.of_segments:
            numbers = self._clip(path, record, of_folder)
            if of_folder:
                return folder_frames(path, self.names, numbers, self.color, self.size)
            return video_frames(path, numbers, self.color, self.size)
        frames = self._segments(record)
        if self.modality == VIDEO.VIDEO:
            return video_frames(path, [number for number, _ in frames], self.color, self.size)
        names = [self.names]
        if self.modality == VIDEO.FLOW:
            folders = ["flow_x/", "flow_y/"] if self.channels_first else ["", ""]
            names = [
                of + self.names.replace("%c", letter)
                for of, letter in zip(folders, "xy", strict=True)
            ]
        found = []
        for number in self._there(path, names, frames):
            for name in names:
                found += folder_frames(path, name, [number + 1], self.color, self.size)
        return found

    def _there(
        self, path: str, names: Sequence[str], frames: Sequence[tuple[int, int]]
    ) -> Iterator[int]:
        """The frames to read: ECO has the last one of the segment for one that is missing."""
        of_segment, last = len(frames) // self.segments, 0
        for i, (number, plain) in enumerate(frames):
            if i % of_segment == 0:
                last = plain - 1
            files = (Path(path, name % (number + 1)) for name in names)
            if not self.channels_first or all(file.is_file() for file in files):
                last = plain
                yield number
            else:
                yield last

    def _clip(self, path: str, record: Item, of_folder: bool) -> list[int]:
        """The numbers of a clip's frames: of a folder by their names, of a file from 0 on."""
        param, entry = self.param, record.entry
        extent = param.new_length * param.sampling_rate
        start, first = entry.number, 1 if of_folder else 0
        if param.use_temporal_jitter:
            there = entry.number if param.use_image else count_frames(path)
            need(there >= extent, f"{path}: has {there} frames; a clip needs {extent}")
            start = first + (record.draws[0] % (there - extent + 1) if self.train else 0)
        elif not (of_folder or self.of_c3d or param.use_image):
            start = max(start - 2, 0)  # where video-caffe begins
        return list(range(start, start + extent, param.sampling_rate))

    def _segments(self, record: Item) -> list[tuple[int, int]]:
        """The numbers of the frames of all segments, from 0 on, with and without rand_step."""
        length = self.param.new_length
        each = record.entry.number // self.segments
        numbers: list[tuple[int, int]] = []
        for i, word in enumerate(record.draws[: self.segments]):
            start = 1
            if self.channels_first:
                start = i * each if self.train else 0
            if each >= length:
                within = word % (each - length + 1) if self.train else (each - length + 1) // 2
                start = i * each + within
            frames = range(start, start + length, self.step)
            if self.draws_frames and each >= length:
                later = record.draws[self.segments + i * length :]
                moved = zip(frames, later, strict=False)
                numbers += [(n + word % self.step, n) for n, word in moved]
            else:
                numbers += [(n, n) for n in frames]
        return numbers

    def _shape_mean(self, shape: tuple[int, ...]) -> None:
        """Give a mean file's values the shape of a clip: its fork stores them with five axes."""
        mean, path = self.transformer.mean, self.transformer.mean_file
        assert mean is not None
        need(
            mean.size == np.prod(shape),
            f"mean file {path} has {mean.size} values; a clip of {shape} needs {np.prod(shape)}",
        )
        self.transformer.mean = mean.reshape(shape)

    def tops(self, tensors: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        if self.of_segments:
            return tensors
        images, *labels = tensors
        return [images.unflatten(1, (-1, self.frames)), *labels]

    def place(self, record: Item) -> str:
        return f"{self.param.source}:{record.entry.line}"


class MultiFrames(Clips):
    """The frames of segments as RGB images, with labels N x 1 x 1 x 1."""

    def param_of(self, spec: caffe_pb2.LayerParameter) -> caffe_pb2.VideoDataParameter:
        return spec.multi_frame_data_param

    def modality_of(self, param: caffe_pb2.VideoDataParameter) -> int:
        return VIDEO.RGB

    def mean_values(self, values: list[float]) -> list[float]:
        return values * self.segments * self.param.new_length if len(values) == 3 else values

    def label_shapes(self, label: int, records: Sequence[Item]) -> list[tuple[int, ...]]:
        return [(1, 1, 1)]


@layer_type("VideoData", "SSD, C3D, video-caffe and the temporal segment networks")
class VideoData(Feed):
    """Videos, of which one of four forks reads what its fields ask for; second top: classes.

    SSD, by video_type, video_file and device_id: the frames of a video or a camera, N x 3 x H x W;
    of data_param the batch_size. video-caffe, and C3D with image_data_param: for each line of
    `source`, a path, its first frame and a class, a clip of new_length frames, sampling_rate
    apart, N x C x new_length x H x W. The temporal segment networks, by num_segments, modality or
    name_pattern: for each line, a path, its number of frames and a class, new_length frames of each
    segment, in TRAIN from anywhere in it, N x (segments, frames, channels) x H x W; of FLOW, which
    is what they read where no modality is given, the images of x and y. length_first (ECO): N x
    (segments, channels, frames) x H x W, and of each `step` frames one alone, the first, or in
    TRAIN with rand_step any; of a frame that is missing the last one before it, and of
    FLOW, which has no `step`, the images in flow_x and flow_y. A path is a folder of frames or a
    video, which OpenCV decodes.
    """

    tops = (1, 2)

    def open(self, seed: int) -> tuple[Source, int, int]:
        param = self.spec.video_data_param
        if self.spec.HasField("video_data_param") and not param.source:
            transformer = Transformer(self.spec.transform_param, self.phase)
            return Frames(param, transformer), self.spec.data_param.batch_size, 0
        clips = Clips(self.spec, self.phase)
        first = first_item(clips.param, len(clips.entries), seed)
        return clips, clips.param.batch_size, first

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().setup(bottom, top)
        if isinstance(self._source, Clips) and not self._source.of_segments:
            n, channels, *size = top[0].shape
            frames = self._source.frames
            top[0].reshape(n, channels // frames, frames, *size)


@layer_type("MultiFrameData", "hidden two-stream networks")
class MultiFrameData(Feed):
    """The frames of segments of videos, N x (segments, frames, 3) x H x W; classes N x 1 x 1 x 1.

    multi_frame_data_param is as the temporal segment networks' of RGB in VideoData; mean_value has
    a value of each colour, or of each channel.
    """

    tops = (1, 2)

    def open(self, seed: int) -> tuple[Source, int, int]:
        frames = MultiFrames(self.spec, self.phase)
        first = first_item(frames.param, len(frames.entries), seed)
        return frames, frames.param.batch_size, first
