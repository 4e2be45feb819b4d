"""WindowData: windows of images as an R-CNN is trained on them (window_data_layer.cpp)."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..core.digest import digest
from ..core.log import info
from ..core.ranks import solver_count
from ..feeding.images import decode, read_data_file
from ..feeding.transform import Transformer, random_words
from ..feeding.windows import IMAGE, LABEL, X1, Y2, Warp, WindowFile, expand, read_windows
from ..proto import caffe_pb2
from .base import layer_type
from .prefetched_data import Feed, Source, need

WINDOW = 1  # the stream of random numbers that windows are drawn from


class Sample(NamedTuple):
    """A window drawn from a window file."""

    window: np.ndarray
    mirror: bool


class Windows(Source):
    """Windows drawn at random from those of a window file: of each batch, the last are foreground.

    With shuffle: false (Zhao et al.'s saliency) all of the file's, one after the other.
    What a window becomes is ready when it is read; the transformer has nothing left to do.
    """

    def __init__(
        self,
        param: caffe_pb2.WindowDataParameter,
        transform: caffe_pb2.TransformationParameter,
        found: WindowFile,
        ranks: int,
    ) -> None:
        self.param, self.transform, self.found = param, transform, found
        self.transformer = Transformer(caffe_pb2.TransformationParameter(), caffe_pb2.TEST)
        self.means = Transformer(transform, caffe_pb2.TEST)
        self.foreground = int(np.float32(param.batch_size) * np.float32(param.fg_fraction))
        self.cached = [read_data_file(path) for path in found.paths] if param.cache_images else None
        self.ranks = ranks  # that a round's windows are dealt out to, one after another

    def __len__(self) -> int:
        if not self.param.shuffle:
            return len(self.found.in_order)
        return len(self.found.foreground) + len(self.found.background)

    def contents(self) -> str:
        windows = self.found.foreground.tobytes() + self.found.background.tobytes()
        return f"{len(self)} windows, digest {digest(repr(self.found.paths).encode() + windows)}"

    def records(self, seed: int, item: int) -> Iterator[Sample]:
        size = self.param.batch_size
        while True:
            is_foreground = item // self.ranks % size >= size - self.foreground
            windows = self.found.foreground if is_foreground else self.found.background
            index, mirror = random_words(seed, WINDOW, item, 2).tolist()
            if not self.param.shuffle:
                windows, index = self.found.in_order, item
            yield Sample(windows[index % len(windows)], bool(self.transform.mirror and mirror % 2))
            item += 1

    def read(self, record: Sample) -> tuple[np.ndarray, int]:
        number = record.window[IMAGE]
        path = self.found.paths[number]
        image = decode(self.cached[number] if self.cached else read_data_file(path), color=True)
        crop = self.transform.crop_size
        box = record.window[X1 : Y2 + 1].tolist()
        square = self.param.crop_mode == "square"
        if self.param.context_pad or square:
            pad = self.param.context_pad
            warp = expand(box, image.shape[:2], crop, pad, square, record.mirror)
        else:
            x1, y1, x2, y2 = box
            warp = Warp(x1, y1, x2, y2, crop, crop)
        out = np.zeros((self.found.channels, crop, crop), np.float32)
        inner = out[:, warp.pad_h :, warp.pad_w :][:, : warp.height, : warp.width]
        inner[...] = warp(image, record.mirror)
        if self.means.mean is not None:
            inner -= self._mean(self.means.mean, warp)
        inner *= np.float32(self.transform.scale)
        return out, record.window[LABEL]

    def _mean(self, mean: np.ndarray, warp: Warp) -> np.ndarray:
        if self.means.mean_file is None:
            return mean
        middle = (mean.shape[2] - self.transform.crop_size) // 2
        mean = mean[:, middle + warp.pad_h :, middle + warp.pad_w :]
        return mean[:, : warp.height, : warp.width]

    def place(self, record: Sample) -> str:
        path = self.found.paths[record.window[IMAGE]]
        return f"{self.param.source}: window {record.window[X1 : Y2 + 1].tolist()} of {path}"


@layer_type("WindowData")
class WindowData(Feed):
    """Windows of a window file's images, warped to crop_size, and their classes."""

    def open(self, seed: int) -> tuple[Source, int, int]:
        param, transform = self.spec.window_data_param, self.spec.transform_param
        crop = transform.crop_size
        need(crop > 0, "needs a crop_size greater than 0 in transform_param")
        need(
            2 * param.context_pad < crop,
            f"context_pad {param.context_pad} on both sides leaves nothing of crop_size {crop}",
        )
        need(param.batch_size > 0, "Positive batch size required; found batch_size 0")
        found = read_windows(
            param.source, param.root_folder, param.fg_threshold, param.bg_threshold
        )
        self._log(found)
        need(
            found.channels == 3,
            f"{param.source}: gives {found.channels} channels; images are read in colour, so 3 "
            "were expected",
        )
        ranks = solver_count() if self.phase == caffe_pb2.TRAIN else 1
        source = Windows(param, transform, found, ranks)
        for windows, wanted, kind in (
            (found.foreground, source.foreground, "foreground"),
            (found.background, param.batch_size - source.foreground, "background"),
        ):
            need(
                len(windows) > 0 or wanted == 0 or not param.shuffle,
                f"{param.source}: has no {kind} windows; of each batch {wanted} should be some",
            )
        need(len(source) > 0, f"{param.source}: has no windows")
        source.means.check_values(channels=3)
        if source.means.mean_file and source.means.mean is not None:
            shape = source.means.mean.shape
            need(
                shape[0] == 3 and crop <= shape[1] == shape[2],
                f"mean file {source.means.mean_file} is of shape {shape}; expected 3 channels, "
                f"square, and at least as large as crop_size {crop}",
            )
        return source, param.batch_size, 0

    def _log(self, found: WindowFile) -> None:
        param = self.spec.window_data_param
        info("window_data_layer.cpp:154", "Number of images: %d", len(found.paths))
        labels, counts = np.unique(found.foreground[:, LABEL], return_counts=True)
        for label, count in [(0, len(found.background)), *zip(labels, counts, strict=True)]:
            info("window_data_layer.cpp:158", "class %d has %d samples", label, count)
        info("window_data_layer.cpp:162", "Amount of context padding: %d", param.context_pad)
        info("window_data_layer.cpp:165", "Crop mode: %s", param.crop_mode)
