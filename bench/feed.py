"""How fast data layers feed a net, and what part of a training waits for them.

Databases on two cores, decoded and transformed as AlexNet's are: crop of 227, mirror, mean image.
Then the Python layers of segmentation, on a synthetic set in VOC's and SBD's layouts and sizes.
"""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

import caffe
import nets
from caffe.feeding.mean_file import write_mean
from caffe.formats.database import create_database
from caffe.proto import caffe_pb2
from data import synthetic
from data.datasets import DATASETS, Dataset

from . import ours
from .photographs import jpeg, photograph
from .processes import in_process
from .result_tables import Row, Table
from .work import NET, WARM_UP, Size, Work

TITLE = "Data layers alone, on 2 cores"
RATE = "images/s"
WAITING = "FCN-8s in training on VOC's JPEGs"
WAITS = "% of the time in the data layer"

CORES = 2
DISTINCT = 8  # images that a database repeats
BATCH = 64
DATABASE_NET = """layer {{ name: "data" type: "Data" top: "data" top: "label"
  data_param {{ source: "{folder}/lmdb" backend: LMDB batch_size: {batch} }}
  transform_param {{ crop_size: 227 mirror: true mean_file: "{folder}/mean.binaryproto" }} }}"""


@dataclass(frozen=True)
class Database:
    """A database of photographs of one size, raw or as JPEGs."""

    title: str
    size: Size
    encoded: bool
    items: int  # in the database
    batches: int  # in each round


DATABASES = (
    Database("Data, LMDB of 256 x 256 raw images", (256, 256), False, items=256, batches=32),
    Database("Data, LMDB of 500 x 375 JPEGs", (375, 500), True, items=256, batches=8),
)
VOC_SIZE = (375, 500)
VOC_IMAGES = 32  # of each split
SBDD = "SBDDSegDataLayer, 500 x 375 JPEG and .mat"
# The split of the set that data.synthetic writes, by the layer that reads it
SEGMENTATION = {SBDD: "train", "VOCSegDataLayer, 500 x 375 JPEG and PNG": "val"}


def measure(rounds: int) -> Table:
    """The images that every data layer gives in a second."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="fcn-bench-") as folder:
        for database in tqdm(DATABASES, "databases", disable=None):
            values = in_process(database_rates, database, rounds, Path(folder))
            rows.append(Row(database.title, {RATE: values}))
        dataset = voc(Path(folder))
        for title, split in SEGMENTATION.items():
            values = in_process(segmentation_rates, dataset, split, rounds)
            rows.append(Row(title, {RATE: values}))
    return Table(TITLE, rows)


def rates(images: int, passes: Callable[[], object], rounds: int) -> list[float]:
    """Images/s of each round of some passes over so many images."""
    found = []
    for _ in range(WARM_UP + rounds):
        start = time.perf_counter()
        passes()
        found.append(images / (time.perf_counter() - start))
    return found[WARM_UP:]


def _on_few_cores() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


# Databases.


def database_rates(database: Database, rounds: int, folder: Path) -> list[float]:
    """Write the database to a folder of its own below, and time the layer that reads it."""
    _on_few_cores()
    with tempfile.TemporaryDirectory(dir=folder) as own:
        write(database, Path(own))
        path = Path(own) / "net.prototxt"
        path.write_text(DATABASE_NET.format(folder=own, batch=BATCH))
        net = caffe.Net(path, caffe.TRAIN)

        def passes() -> None:
            for _ in range(database.batches):
                net.forward()

        return rates(BATCH * database.batches, passes, rounds)


def write(database: Database, folder: Path) -> None:
    """Write the database and a mean image."""
    datums = [_datum(database, seed).SerializeToString() for seed in range(DISTINCT)]
    with create_database(folder / "lmdb", "lmdb") as file:
        for i in range(database.items):
            file.put(b"%08d" % i, datums[i % DISTINCT])
    mean = np.full((3, *database.size), 110, np.float32)
    write_mean(folder / "mean.binaryproto", mean)


def _datum(database: Database, seed: int) -> caffe_pb2.Datum:
    image = photograph(database.size, seed)
    if database.encoded:
        return caffe_pb2.Datum(data=jpeg(image), encoded=True, label=seed)
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))
    height, width = database.size
    return caffe_pb2.Datum(
        channels=3, height=height, width=width, data=planes.tobytes(), label=seed
    )


# Segmentation.


def voc(folder: Path) -> Dataset:
    """A synthetic set, written to the folder."""
    home = folder / "voc"
    synthetic.generate(home, train=VOC_IMAGES, val=VOC_IMAGES, size=VOC_SIZE)
    return replace(DATASETS["synthetic"], home=home)


def segmentation_rates(dataset: Dataset, split: str, rounds: int) -> list[float]:
    """Images/s of the split's data layer, in a net without any other layer."""
    _on_few_cores()
    layer = nets.net_for(dataset, NET, split).layer[0]
    state = caffe_pb2.NetState(phase=caffe.TRAIN)
    net = caffe.Net.from_proto(caffe_pb2.NetParameter(layer=[layer]), state)

    def passes() -> None:
        for _ in range(VOC_IMAGES):
            net.forward()

    return rates(VOC_IMAGES, passes, rounds)


def waiting(work: Work, iterations: int) -> Table:
    """What part of the training's time passes in the data layer: waiting, and handing over."""
    with tempfile.TemporaryDirectory(prefix="fcn-bench-") as folder:
        share, seconds = in_process(_train, work, voc(Path(folder)), iterations)
    row = Row(SBDD, {WAITS: [100 * share], "s an iteration": [seconds]})
    return Table(WAITING, [row])


def _train(work: Work, dataset: Dataset, iterations: int) -> tuple[float, float]:
    """The share of the time, and the seconds of an iteration."""
    net = nets.net_for(dataset, NET, "train", width=work.width)
    solver = caffe.SGDSolver(ours.solver(net))
    solver.net.copy_from(work.caffemodel)
    solver.step(WARM_UP)
    taken: list[float] = []
    layer = solver.net.layers[0]
    for method in ("reshape", "forward"):
        setattr(layer, method, _timed(getattr(layer, method), taken))
    start = time.perf_counter()
    solver.step(iterations)
    seconds = time.perf_counter() - start
    return sum(taken) / seconds, seconds / iterations


def _timed(function: Callable[..., None], taken: list[float]) -> Callable[..., None]:
    """The function, which notes the seconds that it takes."""

    def timed(*args: object) -> None:
        start = time.perf_counter()
        function(*args)
        taken.append(time.perf_counter() - start)

    return timed
