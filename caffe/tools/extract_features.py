"""Extract blobs of a net into databases, an item a Datum of floats.

caffe extract_features WEIGHTS PROTO BLOB[,BLOB...] DB[,DB...] BATCHES lmdb|leveldb [GPU [ID]]
"""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack

from ..core.blob import Blob
from ..core.errors import CaffeError
from ..core.log import info
from ..feeding.datum import array_to_datum
from ..formats.database import create_database
from ..net import Net
from ..proto.caffe_pb2 import TEST, Datum
from . import flags


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("weights", help="caffemodel")
    parser.add_argument("model", help="net prototxt with a data layer")
    parser.add_argument("blobs", help="names of blobs, separated by ','")
    parser.add_argument("databases", help="names of databases to make, one for each blob")
    parser.add_argument("batches", type=flags.positive, help="number of forward passes")
    parser.add_argument("db_type", choices=("lmdb", "leveldb"))
    parser.add_argument("mode", nargs="?", choices=("CPU", "GPU"), default="CPU")
    parser.add_argument("device_id", nargs="?", type=int, default=0, help="(0)")


def run(args: argparse.Namespace) -> None:
    blobs, paths = args.blobs.split(","), args.databases.split(",")
    if len(blobs) != len(paths):
        raise CaffeError(
            "the number of blob names and dataset names must be equal; "
            f"found {len(blobs)} ({args.blobs}) and {len(paths)} ({args.databases})"
        )
    flags.choose_device([args.device_id] if args.mode == "GPU" else [])
    info("extract_features.cpp:56", "Using %s", args.mode)
    net = Net(args.model, TEST, weights=args.weights)
    for name in blobs:
        if name not in net.blobs:
            raise CaffeError(
                f"Unknown feature blob name {name} in the network {args.model}; "
                f"it has {', '.join(net.blobs)}"
            )
    with ExitStack() as stack:
        writers = []
        for path in paths:
            info("extract_features.cpp:128", "Opening dataset %s", path)
            writers.append(stack.enter_context(create_database(path, args.db_type)))
        info("extract_features.cpp:135", "Extracting Features")
        written = [0] * len(blobs)
        for _ in range(args.batches):
            net.forward()
            for i, name in enumerate(blobs):
                for datum in _datums(net.blobs[name]):
                    writers[i].put(b"%010d" % written[i], datum.SerializeToString())
                    written[i] += 1
                    if written[i] % 1000 == 0:
                        writers[i].commit()
                        _log_count(name, written[i])
        for name, count in zip(blobs, written, strict=True):
            _log_count(name, count)
    info("extract_features.cpp:189", "Successfully extracted the features!")


def _datums(blob: Blob) -> Iterator[Datum]:
    """The items of a blob of at most 4 axes."""
    shape = blob.num, blob.channels, blob.height, blob.width
    return map(array_to_datum, blob.data.reshape(shape))


def _log_count(name: str, count: int) -> None:
    text = "Extracted features of %d query images for feature blob %s"
    info("extract_features.cpp:170", text, count, name)
