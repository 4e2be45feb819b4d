"""Layers whose batches background threads read: Data and ImageData."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch

from ..core.blob import Blob
from ..core.device import current_device
from ..core.digest import digest
from ..core.errors import CaffeError, error_context
from ..core.log import LOGGER, info
from ..core.ranks import Share, training_share
from ..core.rng import draw_seed
from ..feeding.datum import parse_datum
from ..feeding.image_list import Entry, ManyLabels, read_image_list, read_many_labels
from ..feeding.images import at_least, read_image
from ..feeding.prefetch import Batch, Prefetcher, empty
from ..feeding.transform import Place, Transformer, random_words
from ..formats.database import Database, open_database
from ..formats.lmdb import LmdbReader
from ..proto import caffe_pb2
from .base import layer_type
from .reader import Reader

# Streams of random numbers of a layer's seed; the transformer's are 0 and 3.
ORDER, SKIP = 1, 2


def need(condition: bool, message: str) -> None:
    """Raise CaffeError; the layer that opens its source adds its own name."""
    if not condition:
        raise CaffeError(message)


def opened(param: caffe_pb2.DataParameter) -> Database:
    """The database of a layer's data_param, which names one that has records."""
    need(bool(param.source), "data_param { source } is missing")
    database = open_database(param.source, param.backend)
    need(any(database.cursor()), f"{param.source}: the database is empty")
    return database


class Source(ABC):
    """Where a layer's items come from. The threads share it; it does not know the layer."""

    transformer: Transformer

    @abstractmethod
    def __len__(self) -> int:
        """How many items there are."""

    @abstractmethod
    def contents(self) -> str:
        """What tells the source's items from another's: ranks compare it."""

    @abstractmethod
    def records(self, seed: int, item: int) -> Iterator[Any]:
        """What it takes to read the items from number `item` on, without end."""

    @abstractmethod
    def read(self, record: Any) -> tuple[np.ndarray, Any]:
        """An item's image (C, H, W) and label: a class, or what `write_label` takes."""

    def label_shapes(self, label: Any, records: Sequence[Any]) -> list[tuple[int, ...]]:
        """The shapes of an item's label in the tops behind the image's, in a batch of records."""
        return [()]

    def write_label(self, label: Any, place: Place, outs: Sequence[np.ndarray]) -> None:
        """Write a label into arrays (1, *shape), one a shape; its image is cut at that place."""
        outs[0][0] = label

    def tops(self, tensors: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        """The tops, once all items of a batch are in the tensors: images and labels (N, *shape)."""
        return tensors

    @abstractmethod
    def place(self, record: Any) -> str:
        """How an error names the item."""


def batches(
    source: Source, size: int, tops: int, share: Share, seed: int, item: int
) -> Iterator[Batch]:
    """All batches of a share from an item on, images (N, C, H, W) and labels; of equal images each.

    `item` begins a round of all ranks, and so does a batch's position.
    """
    records = source.records(seed, item)
    offsets = share.offsets(size)
    while True:
        of_all = list(islice(records, share.ranks * size))
        taken = [of_all[offset] for offset in offsets]
        with error_context(source.place(taken[0])):
            first = source.read(taken[0])
            shape = source.transformer.shape(first[0].shape)
        images = empty(size, *shape)
        labels = [empty(size, *each) for each in source.label_shapes(first[1], taken)]
        outs = zip(images.numpy(), *(each.numpy()[:, None] for each in labels), strict=True)
        jobs = [
            partial(_fill, source, record, seed, item + offset, image, label, known)
            for record, offset, (image, *label), known in zip(
                taken, offsets, outs, [first, *[None] * (size - 1)], strict=True
            )
        ]
        item += share.ranks * size
        yield Batch([images, *labels][:tops], jobs, {"seed": seed, "item": item})


def _fill(
    source: Source,
    record: Any,
    seed: int,
    item: int,
    image_out: np.ndarray,
    label_outs: Sequence[np.ndarray],
    known: tuple[np.ndarray, Any] | None,
) -> None:
    with error_context(source.place(record)):
        image, label = known or source.read(record)
        place = source.transformer(image, seed, item, image_out)
        source.write_label(label, place, label_outs)


class Feed(Reader):
    """Base of the layers here: tops are a batch of images (N, C, H, W) and of labels (N).

    What item number k becomes is a function of (seed, k); `state_dict` holds both, and is the same
    on all ranks that read together. Nothing is read ahead before the first forward.
    """

    tops: tuple[int, int | None] = (2, 2)

    def open(self, seed: int) -> tuple[Source, int, int]:
        """The source, the batch size, and the number of the first item; CaffeError by `need`."""
        raise NotImplementedError

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        seed = draw_seed()
        self._ahead = self.spec.data_param.prefetch
        self.check(self._ahead > 0, "prefetch is at least 1; found 0")
        self._prefetcher: Prefetcher | None = None
        with self._named():
            self._source, self._batch_size, first = self.open(seed)
            need(self._batch_size > 0, "Positive batch size required; found batch_size 0")
            record = next(self._source.records(seed, first))
            with error_context(self._source.place(record)):
                image, label = self._source.read(record)
                shape = self._source.transformer.shape(image.shape)
        self._position = {"seed": seed, "item": first}
        self._share = Share()
        if self.phase == caffe_pb2.TRAIN:
            with self._named():
                self._share = training_share(self._source, "its source")
        top[0].reshape(self._batch_size, *shape)
        info("data_layer.cpp:42", "output data size: %d,%d,%d,%d", *top[0].shape)
        shapes = self._source.label_shapes(label, [record])
        for blob, each in zip(top[1:], shapes, strict=False):
            blob.reshape(self._batch_size, *each)

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        if self._prefetcher is None or self._prefetcher.stopped:
            size, share = self._batch_size, self._share
            made = batches(self._source, size, len(top), share, **self._position)
            self._prefetcher = Prefetcher(made, self._ahead)
        with self._named():
            batch = self._prefetcher.take()
        self._position = batch.position
        for blob, tensor in zip(top, self._source.tops(batch.tensors), strict=True):
            blob.reshape(*tensor.shape)
            blob._data.assign(tensor.to(current_device(), non_blocking=True))

    def take_turns(self, rank: int, count: int) -> None:
        """Of each `count` passes from here on, read the one that is number `rank`."""
        self._share = Share(rank, count, by_pass=True)
        self._go_to(self._position)

    def skip(self, passes: int) -> None:
        """Go on with the pass that comes so many later."""
        item = self._position["item"] + passes * self._batch_size
        self._go_to(self._position | {"item": item})

    def contents(self) -> str:
        """What tells this layer's data from other data."""
        return self._source.contents()

    def _go_to(self, position: dict[str, int]) -> None:
        if self._prefetcher:
            self._prefetcher.close()
        self._prefetcher, self._position = None, dict(position)

    def _named(self) -> AbstractContextManager[None]:
        return error_context(f"layer '{self.name}' ({self.type})")


class Records(Source):
    """The Datums of a database, in key order, again and again."""

    def __init__(self, path: str, database: Database, transformer: Transformer) -> None:
        self.path, self.database, self.transformer = path, database, transformer

    def __len__(self) -> int:
        return len(self.database)

    def contents(self) -> str:
        key, value = next(self.database.cursor())
        return f"{len(self)} records, the first {key!r} of {len(value)} bytes"

    def records(self, seed: int, item: int) -> Iterator[tuple[bytes, memoryview]]:
        start = item % len(self.database) if item else 0
        while True:
            yield from self.database.cursor(start)
            info("data_layer.cpp:81", "Restarting data prefetching from start.")
            start = 0

    def read(self, record: tuple[bytes, memoryview]) -> tuple[np.ndarray, int]:
        datum = parse_datum(record[1], "its value")
        return self.transformer.array(datum), datum.label

    def place(self, record: tuple[bytes, memoryview]) -> str:
        return f"{self.path}, key {record[0]!r}"


@layer_type("Data")
class Data(Feed):
    """Images from an LMDB or LevelDB, and their labels (data_layer.cpp)."""

    tops = (1, 2)

    def open(self, seed: int) -> tuple[Source, int, int]:
        param, transform = self.spec.data_param, self.spec.transform_param
        if param.rand_skip:
            LOGGER.warning("rand_skip: Data layers ignore it, as in Caffe 1.0")
        database, transformer = opened(param), Transformer(transform, self.phase)
        make = ShuffledRecords if param.shuffle else Records
        return make(param.source, database, transformer), param.batch_size, 0


class Ordered(Source):
    """The entries of a list: in order, or in another order each time through.

    together: so many that follow one another do so in any order; what is over at the end is left
    out then.
    """

    def __init__(self, shuffle: bool, entries: Sequence[Any], together: int = 1) -> None:
        left_out = len(entries) % together if shuffle else 0
        self.shuffle, self.together = shuffle, together
        self.entries = entries[: len(entries) - left_out] if left_out else entries

    def __len__(self) -> int:
        return len(self.entries)

    def contents(self) -> str:
        return f"{len(self)} lines, digest {digest(repr(self.entries).encode())}"

    def records(self, seed: int, item: int) -> Iterator[Any]:
        while True:
            epoch, start = divmod(item, len(self.entries))
            for index in self._order(seed, epoch)[start:]:
                yield self.entries[index]
                item += 1

    def _order(self, seed: int, epoch: int) -> np.ndarray:
        count = len(self.entries)
        if not self.shuffle:
            return np.arange(count)
        groups = count // self.together
        order = np.argsort(random_words(seed, ORDER, epoch << 64, groups), kind="stable")
        return (order[:, None] * self.together + np.arange(self.together)).ravel()


class ShuffledRecords(Ordered):
    """The Datums of an LMDB, in another order each time through."""

    def __init__(self, path: str, database: Database, transformer: Transformer) -> None:
        need(isinstance(database, LmdbReader), f"{path}: shuffle needs an LMDB; found a LevelDB")
        super().__init__(True, list(database.cursor()))  # of values that are views of the file
        self.in_order = Records(path, database, transformer)
        self.transformer = transformer

    def contents(self) -> str:
        return self.in_order.contents()

    def read(self, record: tuple[bytes, memoryview]) -> tuple[np.ndarray, int]:
        return self.in_order.read(record)

    def place(self, record: tuple[bytes, memoryview]) -> str:
        return self.in_order.place(record)


class Images(Ordered):
    """The images of a list and their classes."""

    def __init__(
        self, param: caffe_pb2.ImageDataParameter, entries: list[Entry], transformer: Transformer
    ) -> None:
        super().__init__(param.shuffle, entries, param.pair_size)
        self.param, self.transformer = param, transformer
        self.size = (param.new_height, param.new_width) if param.new_height else None
        self.least = (param.min_height, param.min_width)

    def read(self, record: Entry) -> tuple[np.ndarray, int]:
        path = self.param.root_folder + record.path
        image = read_image(path, self.param.is_color, self.size)
        if not self.size:
            image = at_least(image, self.least)
        return image.transpose(2, 0, 1), record.label

    def place(self, record: Entry) -> str:
        return f"{self.param.source}:{record.line}"


class ManyLabelled(Ordered):
    """The images of a list and their labels, as many of each."""

    def __init__(self, images: Images, entries: list[ManyLabels]) -> None:
        super().__init__(images.shuffle, entries, images.together)
        self.images, self.transformer = images, images.transformer

    def read(self, record: ManyLabels) -> tuple[np.ndarray, tuple[float, ...]]:
        image, _ = self.images.read(Entry(record.path, 0, record.line))
        return image, record.label

    def label_shapes(
        self, label: tuple[float, ...], records: Sequence[ManyLabels]
    ) -> list[tuple[int, ...]]:
        return [(len(label),)]

    def place(self, record: ManyLabels) -> str:
        return f"{self.images.param.source}:{record.line}"


def first_item(param: Any, count: int, seed: int, listed: str = "") -> int:
    """The number of the item that a list of so many begins with: rand_skip draws it."""
    if not param.rand_skip:
        return 0
    skip = int(random_words(seed, SKIP, 0, 1)[0]) % param.rand_skip
    info("image_data_layer.cpp:71", "Skipping first %d data points.", skip)
    listed = listed or param.source
    need(skip < count, f"Not enough points to skip: {skip}, and {listed} has {count}")
    return skip


@layer_type("ImageData")
class ImageData(Feed):
    """Images from a list of files and labels (image_data_layer.cpp).

    With label_dim, label_size or label_num (forks) each line has so many: N x that. With pair_size
    (Wang & Gupta 2015) a list that is shuffled keeps so many lines together, but for those that are
    over at its end, which it leaves out. With min_height and min_width (LRCN), and no new_height,
    images that are smaller are enlarged in proportion.
    """

    def param(self) -> caffe_pb2.ImageDataParameter:
        """What says where the images are."""
        return self.spec.image_data_param

    def open(self, seed: int) -> tuple[Source, int, int]:
        param = self.param()
        need(
            bool(param.new_height) == bool(param.new_width),
            "Current implementation requires new_height and new_width to be set at the same time",
        )
        need(
            bool(param.min_height) == bool(param.min_width),
            "Current implementation requires min_height and min_width to be set at the same time",
        )
        info("image_data_layer.cpp:38", "Opening file %s", param.source)
        labels = self.labels()
        many = read_many_labels(param.source, labels) if labels else []
        entries = [] if labels else read_image_list(param.source)
        count = len(many or entries)
        need(count > 0, f"{param.source}: File is empty")
        need(
            0 < param.pair_size <= count,
            f"{param.source}: pair_size is 1 to {count}, its lines; found {param.pair_size}",
        )
        if param.shuffle:
            info("image_data_layer.cpp:53", "Shuffling data")
        info("image_data_layer.cpp:63", "A total of %d images.", count)
        skip = first_item(param, count, seed)
        source = Images(param, entries, Transformer(self.spec.transform_param, self.phase))
        return ManyLabelled(source, many) if many else source, param.batch_size, skip

    def labels(self) -> int:
        """How many labels a line of the list has, 0 where it has a class."""
        param = self.param()
        return param.label_dim or param.label_size or param.label_num
