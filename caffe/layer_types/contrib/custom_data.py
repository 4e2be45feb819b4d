"""CustomData of FlowNet: records whose channels are stored in several ways, a top for each."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from pathlib import Path

import numpy as np

from ...core.errors import CaffeError
from ...feeding.datum import parse_datum
from ...feeding.mean_file import read_mean
from ...feeding.transform import Place, Transformer, random_words
from ...formats.database import Database
from ...proto import caffe_pb2
from ..base import layer_type
from ..prefetched_data import ORDER, Feed, Source, need, opened

Param = caffe_pb2.DataParameter


def numbers_of_glibc(seed: int) -> Iterator[int]:
    """What rand() of the GNU C library gives after srand(seed), with which FlowNet permutes."""
    state = [seed - (seed >> 31 << 32)]  # an int there
    for _ in range(30):
        state.append(16807 * state[-1] % 2147483647)
    state += state[:3]
    for i in range(34, 344):
        state.append((state[i - 31] + state[i - 3]) % 2**32)
    while True:
        state = [*state[-31:], (state[-31] + state[-3]) % 2**32]
        yield state[-1] >> 1


def permuted(values: Sequence[int], block: int, numbers: Iterator[int]) -> list[int]:
    """As std::random_shuffle permutes them; each block by itself, its last value where it is."""
    found = list(values)
    for first in range(0, len(found), block) if block else [0]:
        last = min(first + block, len(found)) - 1 if block else len(found)
        for i in range(first + 1, last):
            j = first + next(numbers) % (i - first + 1)
            found[i], found[j] = found[j], found[i]
    return found


class Slices(Source):
    """The records of an LMDB, each as float32 arrays (C, H, W) of its slices, and a label."""

    def __init__(self, param: Param, database: Database) -> None:
        self.param, self.path = param, param.source
        self.transformer = Transformer(caffe_pb2.TransformationParameter(), caffe_pb2.TEST)
        self.values = list(database.cursor())  # views of the file
        self.keys = [bytes(key) for key, _ in self.values]
        self.chosen = list(range(len(self.values)))
        if param.HasField("preselection_file"):
            self.chosen = self._preselected()
        last = len(self.chosen) - 1
        start = min(max(param.range_start, 0), last)
        end = param.range_end if 0 <= param.range_end < last else last
        need(start <= end, f"range_end is before range_start; found {end} and {start}")
        self.range = slice(start, end + 1)
        self.shape = _shape(self._datum(self.values[0]))
        bounds = [0, *param.slice_point, self.shape[0]]
        need(
            all(low < high for low, high in pairwise(bounds)),
            f"{self.path}: slice_point increases, between 0 and the {bounds[-1]} channels; "
            f"found {bounds[1:-1]}",
        )
        self.slices = list(pairwise(bounds))
        self.mean = self._mean()

    def _mean(self) -> np.ndarray:
        param, channels = self.param, self.shape[0]
        if param.HasField("mean_file"):
            mean = read_mean(param.mean_file)
            need(
                mean.shape == self.shape,
                f"{param.mean_file}: a mean of shape {mean.shape}; the records are of {self.shape}",
            )
            return mean
        need(
            len(param.subtract) <= channels,
            f"subtract has a value for each of {channels} channels at most; found "
            f"{len(param.subtract)}",
        )
        mean = np.zeros((channels, 1, 1), np.float32)
        mean[: len(param.subtract), 0, 0] = param.subtract
        return mean

    def _order(self, seed: int) -> list[int]:
        """The numbers of the records, from first to last."""
        param, order = self.param, self.chosen
        if not param.rand_permute:
            return order[self.range]
        numbers = self._numbers(seed, 0)
        if param.rand_permute_seed:
            numbers = numbers_of_glibc(param.rand_permute_seed)
        if param.rand_permute_order == param.FIRST_RANGE_THEN_PERMUTE:
            return permuted(order[self.range], param.block_size, numbers)
        return permuted(order, param.block_size, numbers)[self.range]

    def _preselected(self) -> list[int]:
        path, label = self.param.preselection_file, self.param.preselection_label
        need(
            self.param.HasField("preselection_label"),
            f"preselection_label is missing, of which {path} tells the records",
        )
        try:
            labels = [int(word) for word in Path(path).read_text().split()]
        except (OSError, ValueError) as error:
            raise CaffeError(
                f"{path}: needs a label, an integer, for each record; {error}"
            ) from None
        need(
            len(labels) == len(self.values),
            f"{path}: needs a label for each of {len(self.values)} records; found {len(labels)}",
        )
        found = [i for i, each in enumerate(labels) if each == label]
        need(bool(found), f"{path}: no record has preselection_label {label}")
        return found

    def _numbers(self, seed: int, epoch: int) -> Iterator[int]:
        yield from random_words(seed, ORDER, epoch << 64, len(self.chosen)).tolist()

    def __len__(self) -> int:
        return len(self.chosen[self.range])

    def contents(self) -> str:
        return f"{len(self)} records, the first {self.keys[0]!r} of {len(self.values[0][1])} bytes"

    def records(self, seed: int, item: int) -> Iterator[tuple[bytes, memoryview]]:
        period = self.param.permute_every_iter * max(self.param.batch_size, 1)
        period = period if self.param.rand_permute else 0
        first = order = self._order(seed)
        of_epoch = 0
        for number in count(item):
            epoch = number // period if period else 0
            if epoch != of_epoch:
                numbers = self._numbers(seed, epoch)
                order, of_epoch = permuted(first, self.param.block_size, numbers), epoch
            index = order[number % len(order)]
            place = bisect_left(self.keys, b"%08d" % index)
            need(place < len(self.keys), f"{self.path}: no key is {index:08d} or behind it")
            yield self.values[place]

    def _datum(self, record: tuple[bytes, memoryview]) -> caffe_pb2.Datum:
        return parse_datum(record[1], self.place(record))

    def read(self, record: tuple[bytes, memoryview]) -> tuple[np.ndarray, list[np.ndarray]]:
        datum = self._datum(record)
        need(
            _shape(datum) == self.shape,
            f"a Datum of shape {_shape(datum)}; the first is of {self.shape}, as all must be",
        )
        found = (self._decoded(datum) - self.mean) * np.float32(self.param.scale)
        first, *others = (found[low:high] for low, high in self.slices)
        if not self.param.slice_point:
            others = [np.full((1, 1, 1), datum.label, np.float32)]
        return first, others

    def _decoded(self, datum: caffe_pb2.Datum) -> np.ndarray:
        """All channels, (C, H, W)."""
        shape, size = self.shape, datum.height * datum.width
        if datum.float_data:
            need(not self.param.encoding, "float_data have no encoding; leave it out")
            need(
                len(datum.float_data) == shape[0] * size,
                f"a Datum of shape {shape} has {len(datum.float_data)} float_data",
            )
            return np.array(datum.float_data, np.float32).reshape(shape)
        left, found = np.frombuffer(datum.data, np.uint8), []
        encodings = [*self.param.encoding, *[Param.UINT8] * len(self.slices)]
        stored = [
            _bytes(encoding, high - low, size)
            for encoding, (low, high) in zip(encodings, self.slices, strict=False)
        ]
        need(
            len(left) == sum(stored),
            f"a Datum of shape {shape} has {sum(stored)} bytes as `encoding` says it; found "
            f"{len(left)}",
        )
        for encoding, part in zip(encodings, stored, strict=False):
            found.append(_values(encoding, left[:part], size).reshape(-1, *shape[1:]))
            left = left[part:]
        return np.concatenate(found)

    def label_shapes(
        self, label: list[np.ndarray], records: Sequence[object]
    ) -> list[tuple[int, ...]]:
        return [each.shape for each in label]

    def write_label(
        self, label: list[np.ndarray], place: Place, outs: Sequence[np.ndarray]
    ) -> None:
        for each, out in zip(label, outs, strict=True):
            out[0] = each

    def place(self, record: tuple[bytes, memoryview]) -> str:
        return f"{self.path}, key {bytes(record[0])!r}"


def _shape(datum: caffe_pb2.Datum) -> tuple[int, int, int]:
    return datum.channels, datum.height, datum.width


def _bytes(encoding: int, channels: int, size: int) -> int:
    """How many a slice of so many pixels is stored in."""
    if encoding == Param.BOOL1:
        need(channels == 1, f"a slice of encoding BOOL1 has 1 channel; found {channels}")
        return (size - 1) // 8 + 1
    return channels * size * (2 if encoding == Param.UINT16FLOW else 1)


def _values(encoding: int, stored: np.ndarray, size: int) -> np.ndarray:
    """A slice's numbers, float32; size: pixels."""
    if encoding == Param.BOOL1:
        return np.unpackbits(stored, bitorder="little")[:size].astype(np.float32)
    if encoding == Param.UINT16FLOW:
        flow = stored.view("<i2")
        return np.where(flow == 32767, np.float32(np.nan), flow / np.float32(32))
    return stored.astype(np.float32)


@layer_type("CustomData", "FlowNet")
class CustomData(Feed):
    """Records of an LMDB, N x C x H x W, a top for each slice of their channels.

    slice_point: the channel each top but the first begins with; without it top 1 has labels N x 1 x
    1 x 1. encoding, of each slice: UINT8, UINT16FLOW (32nds; NaN where a flow is not known), BOOL1
    (one channel of bits). Records: those of preselection_label, from range_start to range_end; with
    rand_permute in an order that is FlowNet's own for a rand_permute_seed, and another after each
    permute_every_iter batches. What is read is less mean_file or `subtract`, times scale.
    """

    tops = (1, None)

    def open(self, seed: int) -> tuple[Source, int, int]:
        param = self.spec.data_param
        need(param.backend == param.LMDB, "reads an LMDB alone; write backend: LMDB")
        for name in ("rand_skip", "crop_size", "mirror"):
            need(not getattr(param, name), f"has no {name}; leave it out")
        slices, tops = len(param.slice_point) + 1, len(self.spec.top)
        need(
            tops == slices or (slices == 1 and tops == 2),
            f"needs a top for each of {slices} slices, and of 1 slice one for labels if any; found "
            f"{tops}",
        )
        size = param.batch_size if param.HasField("batch_size") else 1
        return Slices(param, opened(param)), size, 0
