"""The mean image of a database, for transform_param's mean_file.

caffe compute_image_mean [-backend lmdb|leveldb] INPUT_DB [OUTPUT_FILE]
"""

import argparse

import numpy as np

from ..core.errors import CaffeError, error_context
from ..core.log import info
from ..feeding.datum import datum_to_array, parse_datum
from ..feeding.mean_file import write_mean
from ..formats.database import open_database
from . import flags


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input_db", metavar="INPUT_DB")
    parser.add_argument("output_file", metavar="OUTPUT_FILE", nargs="?", help="a binaryproto")
    flags.flag(parser, "backend", choices=("lmdb", "leveldb"), default="lmdb", help="(lmdb)")


def run(args: argparse.Namespace) -> None:
    total, count = None, 0
    info("compute_image_mean.cpp:70", "Starting iteration")
    with open_database(args.input_db, args.backend) as database:
        for key, value in database.cursor():
            with error_context(f"{args.input_db}, key {key!r}"):
                image = datum_to_array(parse_datum(value, "its value"))
                if total is None:
                    total = np.zeros(image.shape, np.float32)
                if image.shape != total.shape:
                    raise CaffeError(
                        f"an image of shape {image.shape}; the first is of {total.shape}, and a "
                        "mean needs equal ones (convert_imageset -resize_width -resize_height)"
                    )
                total += image
            count += 1
            if count % 10000 == 0:
                info("compute_image_mean.cpp:95", "Processed %d files.", count)
    if total is None:
        raise CaffeError(f"{args.input_db}: the database is empty")
    if count % 10000:
        info("compute_image_mean.cpp:101", "Processed %d files.", count)
    mean = total / np.float32(count)
    if args.output_file:
        info("compute_image_mean.cpp:108", "Write to %s", args.output_file)
        write_mean(args.output_file, mean)
    channels, pixels = len(mean), mean[0].size
    info("compute_image_mean.cpp:114", "Number of channels: %d", channels)
    for channel in range(channels):
        # One after the other in float32, as Caffe adds them up: the printed digits depend on it.
        value = np.add.accumulate(mean[channel].ravel())[-1] / pixels
        info("compute_image_mean.cpp:119", "mean_value channel [%d]: %g", channel, value)
