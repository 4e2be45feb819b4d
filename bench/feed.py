"""How fast Data layers feed a net: images a second out of an LMDB, decoded and transformed.

On two cores, with nothing else to do; the transform is AlexNet's: crop of 227, mirror, mean image.
"""

import io
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import caffe
from caffe.databases import create_database
from caffe.feeding.mean_file import write_mean
from caffe.proto import caffe_pb2

from .measure import WARM_UP, in_process

CORES = 2
DISTINCT = 8  # images that a database repeats
NET = """layer {{ name: "data" type: "Data" top: "data" top: "label"
  data_param {{ source: "{folder}/lmdb" backend: LMDB batch_size: 64 }}
  transform_param {{ crop_size: 227 mirror: true mean_file: "{folder}/mean.binaryproto" }} }}"""


@dataclass(frozen=True)
class Feed:
    """A kind of database, and the images/s that issue 3 promises of it."""

    title: str
    size: tuple[int, int]  # height and width
    encoded: bool
    goal: float
    items: int  # in the database
    batches: int  # of 64, in each round


FEEDS = (
    Feed("LMDB of 256 x 256 raw images", (256, 256), False, 2000, items=256, batches=32),
    Feed("LMDB of 500 x 375 JPEGs", (375, 500), True, 300, items=256, batches=8),
)


@dataclass(frozen=True)
class FeedRow:
    feed: Feed
    rates: list[float]  # images/s of each round
    bytes: int  # of an item, on average


def measure(feed: Feed, rounds: int) -> FeedRow:
    """Write the database and time the layer, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="fcn-bench-") as folder:
        in_process(_run, feed, rounds, Path(folder))
        return FeedRow(feed, **json.loads((Path(folder) / "result.json").read_text()))


def _run(feed: Feed, rounds: int, folder: Path) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    size = write(feed, folder)
    result = dict(rates=rates(feed, rounds, folder), bytes=size)
    (folder / "result.json").write_text(json.dumps(result))


def rates(feed: Feed, rounds: int, folder: Path) -> list[float]:
    """Images/s of each round, of the database that `write` wrote to the folder."""
    path = folder / "net.prototxt"
    path.write_text(NET.format(folder=folder))
    net = caffe.Net(path, caffe.TRAIN)
    found = []
    for _ in range(WARM_UP + rounds):
        start = time.perf_counter()
        for _ in range(feed.batches):
            net.forward()
        found.append(64 * feed.batches / (time.perf_counter() - start))
    return found[WARM_UP:]


def write(feed: Feed, folder: Path) -> int:
    """Write the database and a mean image; returns the bytes of an item."""
    height, width = feed.size
    datums = [_datum(feed, seed).SerializeToString() for seed in range(DISTINCT)]
    with create_database(folder / "lmdb", "lmdb") as database:
        for i in range(feed.items):
            database.put(b"%08d" % i, datums[i % DISTINCT])
    write_mean(folder / "mean.binaryproto", np.full((3, height, width), 110, np.float32))
    return sum(map(len, datums)) // DISTINCT


def _datum(feed: Feed, seed: int) -> caffe_pb2.Datum:
    """An image of soft shapes and fine noise, which compresses about as a photograph does."""
    random = np.random.RandomState(seed)
    height, width = feed.size
    shapes = Image.fromarray(random.randint(0, 256, (12, 16, 3)).astype(np.uint8))
    noise = random.normal(0, 8, (height, width, 3))
    soft = np.asarray(shapes.resize((width, height), Image.Resampling.BICUBIC))
    image = np.clip(soft + noise, 0, 255).astype(np.uint8)
    if feed.encoded:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=90)
        return caffe_pb2.Datum(data=file.getvalue(), encoded=True, label=seed)
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))
    return caffe_pb2.Datum(
        channels=3, height=height, width=width, data=planes.tobytes(), label=seed
    )
