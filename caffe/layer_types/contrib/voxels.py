"""C3D's layers of videos whose every pixel has a label.

VideoSegmentationData, VideoWithVoxelTruthData and their losses.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from ...core.blob import Blob
from ...core.files import cannot_be_read
from ...feeding.image_list import read_lines
from ...feeding.mean_file import read_values
from ...feeding.transform import Place, Transformer
from ...proto import caffe_pb2
from ..base import Shape, layer_type
from ..loss import Loss, Softmax, SoftmaxWithLoss, with_gradient
from ..prefetched_data import Feed, Source, first_item, need
from .labelled_images import LabelMap, Pair, Pairs

HEAD = 5  # little-endian int32 in front of a video's values: how many, channels, length, height
# and width
HEAD_BYTES = 4 * HEAD


def _read_volume(path: str, kind: type[np.number]) -> np.ndarray:
    """A file's values, (C, L, H, W); CaffeError where their number is not what it says."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise cannot_be_read(path, error) from None
    shape = data[:HEAD_BYTES].view("<i4").tolist() if len(data) >= HEAD_BYTES else []
    each = np.dtype(kind).itemsize
    need(
        len(shape) == HEAD
        and shape[0] == 1
        and min(shape) > 0
        and len(data) == HEAD_BYTES + each * math.prod(shape),
        f"{path}: expected 5 numbers (1, channels, length, height, width) and as many values of "
        f"{each} byte(s); found {shape} and {max(len(data) - HEAD_BYTES, 0)} bytes",
    )
    return data[HEAD_BYTES:].view(np.dtype(kind).newbyteorder("<")).reshape(shape[1:])


class Volumes(Pairs):
    """The videos of a list: frames as channels (C L, H, W), label maps (L, H, W)."""

    length = 1

    def read(self, record: Pair) -> tuple[np.ndarray, LabelMap]:
        values = _read_volume(record.image, np.uint8)
        frames = self.frames(values[:-1])
        return frames, LabelMap(values[-1], frames.shape[1:])

    def frames(self, values: np.ndarray) -> np.ndarray:
        """Values (C, L, H, W) as (C L, H, W), and the mean alike."""
        _, self.length, height, width = values.shape
        mean = self.transformer.mean
        if self.transformer.mean_file and mean is not None and mean.ndim == 1:
            need(
                mean.size == values.size,
                f"{self.transformer.mean_file}: has {mean.size} values, a video {values.size}",
            )
            self.transformer.mean = mean.reshape(-1, height, width)
        return values.reshape(-1, height, width)

    def label_shapes(self, label: LabelMap, records: Sequence[Pair]) -> list[tuple[int, ...]]:
        height, width = self.transformer.crop
        return [(self.length, height or label.map.shape[1], width or label.map.shape[2])]

    def write_label(self, label: LabelMap, place: Place, outs: Sequence[np.ndarray]) -> None:
        outs[0][0] = place.cut(label.map)

    def tops(self, tensors: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        frames, labels = tensors
        return [frames.unflatten(1, (-1, self.length)), labels.unsqueeze(1)]


class TruthVolumes(Volumes):
    """The videos of a list: frames as channels (C L, H, W), what is true of them (T, L, H, W)."""

    param: caffe_pb2.ImageDataParameter

    def read(self, record: Pair) -> tuple[np.ndarray, LabelMap]:
        values = _read_volume(record.image, np.uint8 if self.param.use_byte_input else np.float32)
        true, channels = self.param.num_truth_channels, len(values)
        need(
            0 < true < channels,
            f"num_truth_channels must be positive and below the {channels} channels of "
            f"{record.image}; found {true}",
        )
        frames = self.frames(values[:-true])
        return frames, LabelMap(values[-true:], frames.shape[1:])

    def label_shapes(self, label: LabelMap, records: Sequence[Pair]) -> list[tuple[int, ...]]:
        height, width = self.transformer.shape((1, *label.map.shape[2:]))[1:]
        return [(*label.map.shape[:2], height, width)]

    def write_label(self, label: LabelMap, place: Place, outs: Sequence[np.ndarray]) -> None:
        param, out = self.param, outs[0][0]
        out[...] = place.cut(label.map)
        if not any(self.transformer.crop):
            return
        if param.is_flow and place.mirror:
            out[0] *= -1
        if param.HasField("clip_min"):
            out -= param.clip_min
            out /= param.clip_max - param.clip_min
            out.clip(0, 1, out=out)
        else:
            out *= param.truth_scale

    def tops(self, tensors: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        frames, true = tensors
        return [frames.unflatten(1, (-1, self.length)), true]


@layer_type("VideoSegmentationData", "C3D")
class VideoSegmentationData(Feed):
    """Videos (N, C, L, H, W) and the classes of their pixels (N, 1, L, H, W).

    image_data_param's source lists files, each of 1 x (C + 1) x L x H x W bytes behind these five
    sizes as int32; the last channel is the classes. They are cut to crop_size and mirrored alike.
    """

    tops = (2, 2)
    source: type[Volumes] = Volumes

    def open(self, seed: int) -> tuple[Source, int, int]:
        param = self.spec.image_data_param
        entries = [Pair(line.strip(), "", number) for number, line in read_lines(param.source)]
        need(bool(entries), f"{param.source}: the list is empty")
        plain = caffe_pb2.TransformationParameter()
        plain.CopyFrom(self.spec.transform_param)
        plain.ClearField("mean_file")
        if param.HasField("mean_value"):
            plain.mean_value.append(param.mean_value)
        transformer = Transformer(plain, self.phase)
        if path := self.spec.transform_param.mean_file:
            transformer.mean_file, transformer.mean = path, read_values(path)
        first = first_item(param, len(entries), seed)
        return self.source(param, entries, transformer), param.batch_size, first

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().setup(bottom, top)
        assert isinstance(self._source, Volumes)
        n, channels, *size = top[0].shape
        length = self._source.length
        top[0].reshape(n, channels // length, length, *size)
        top[1].reshape(n, top[1].count // (n * length * size[0] * size[1]), length, *size)


@layer_type("VideoWithVoxelTruthData", "C3D")
class VideoWithVoxelTruthData(VideoSegmentationData):
    """Videos (N, C, L, H, W) and what is true of each pixel (N, T, L, H, W), such as its flow.

    As VideoSegmentationData, of files of float32 (of bytes with use_byte_input) whose last
    num_truth_channels are what is true. Where the videos are cut, that is times truth_scale, or
    with clip_min brought from clip_min and clip_max to 0 and 1; is_flow: of a mirrored video the
    first of these channels, how far to the right, changes its sign.
    """

    source = TruthVolumes

    def open(self, seed: int) -> tuple[Source, int, int]:
        param, transform = self.spec.image_data_param, self.spec.transform_param
        need(
            not transform.mirror or any(Transformer(transform, self.phase).crop),
            "mirror needs a crop_size, without which what is true is taken as it is",
        )
        need(
            not param.HasField("clip_min") or param.clip_max > param.clip_min,
            f"clip_max must be above clip_min; found {param.clip_max:g} and {param.clip_min:g}",
        )
        return super().open(seed)


@layer_type("VoxelSoftmax", "C3D")
class VoxelSoftmax(Softmax):
    """Softmax over the channels of N x C x L x H x W."""


@layer_type("VoxelSoftmaxLoss", "C3D")
class VoxelSoftmaxLoss(SoftmaxWithLoss):
    """SoftmaxWithLoss over the channels of N x C x L x H x W, each voxel with its label."""


@layer_type("VoxelCustomLoss", "C3D")
class VoxelCustomLoss(Loss):
    """The mean of d^2, d being x - t, at least -1 and at most 1; its gradient is d / N."""

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(shapes[0] == shapes[1], f"needs bottoms of one shape; found {shapes}")
        return super().top_shapes(shapes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, target = bottoms
        apart = (x - target).detach().clamp(-1, 1)
        return with_gradient(apart.square() / x.numel(), x, apart / len(x)).sum()
