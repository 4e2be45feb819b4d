"""Images and labels into an LMDB or LevelDB for a Data layer.

caffe convert_imageset [FLAGS] ROOTFOLDER/ LISTFILE DB_NAME

LISTFILE holds a line `path label` for each image; paths are appended to ROOTFOLDER/ as they are.
Images that can't be read are left out, as in Caffe; the exit status, which there is 0, is then 1.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from ..core.errors import CaffeError, error_context
from ..core.log import LOGGER, info
from ..core.rng import draw_seed
from ..feeding import images
from ..feeding.datum import array_to_datum
from ..feeding.image_list import Entry, read_image_list
from ..feeding.transform import random_words
from ..formats.database import create_database
from ..proto.caffe_pb2 import Datum
from . import flags

AT_ONCE = 64  # images read ahead
COMMIT = 1000


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root_folder", metavar="ROOTFOLDER/")
    parser.add_argument("list_file", metavar="LISTFILE")
    parser.add_argument("db_name", metavar="DB_NAME")
    flags.boolean(parser, "gray", False, "treat images as grayscale ones")
    flags.boolean(parser, "shuffle", False, "randomly shuffle the order of images and labels")
    flags.flag(parser, "backend", choices=("lmdb", "leveldb"), default="lmdb", help="(lmdb)")
    flags.flag(parser, "resize_width", type=int, default=0, help="width to resize to (0: as it is)")
    flags.flag(parser, "resize_height", type=int, default=0, help="height to resize to")
    flags.boolean(parser, "check_size", False, "check that all images have the same size")
    flags.boolean(parser, "encoded", False, "save the encoded image (in the file's own format)")
    flags.flag(parser, "encode_type", default="", help="encode as jpg or png")


def run(args: argparse.Namespace) -> None:
    if args.encode_type and not args.encoded:
        info("convert_imageset.cpp:68", "encode_type specified, assuming encoded=true.")
    entries = read_image_list(args.list_file)
    if args.shuffle:
        info("convert_imageset.cpp:84", "Shuffling data")
        words = random_words(draw_seed(), 0, 0, len(entries))
        entries = [entries[i] for i in np.argsort(words, kind="stable")]
    info("convert_imageset.cpp:88", "A total of %d images.", len(entries))
    count, size = 0, None
    with create_database(args.db_name, args.backend) as database:
        for number, datum in enumerate(_datums(args, entries)):
            if datum is None:
                continue
            if args.check_size:
                size = size or datum.channels * datum.height * datum.width
                if len(datum.data) != size:
                    raise CaffeError(
                        f"{args.list_file}:{entries[number].line}: Incorrect data field size "
                        f"{len(datum.data)}; the first image's is {size}"
                    )
            key = f"{number:08d}_{entries[number].path}"
            database.put(key.encode(errors="surrogateescape"), datum.SerializeToString())
            count += 1
            if count % COMMIT == 0:
                database.commit()
                info("convert_imageset.cpp:147", "Processed %d files.", count)
        if not count:
            raise CaffeError(
                f"{args.list_file}: none of its {len(entries)} images could be read; their paths "
                f"begin with '{args.root_folder}', which usually ends in '/'"
            )
    if count % COMMIT:
        info("convert_imageset.cpp:153", "Processed %d files.", count)
    if count < len(entries):
        raise CaffeError(
            f"{args.list_file}: {len(entries) - count} of its {len(entries)} images could not be "
            f"read, and {args.db_name} lacks them: correct their paths, or take them off the list"
        )


def _datums(args: argparse.Namespace, entries: Sequence[Entry]) -> Iterator[Datum | None]:
    """The datum of each entry, in order; None for an image that cannot be read."""
    with ThreadPoolExecutor() as threads:
        for at in range(0, len(entries), AT_ONCE):
            yield from threads.map(partial(_datum, args), entries[at : at + AT_ONCE])


def _datum(args: argparse.Namespace, entry: Entry) -> Datum | None:
    """ReadImageToDatum of io.cpp: where nothing has to change, the file as it is."""
    path = args.root_folder + entry.path
    resized = (args.resize_height, args.resize_width)
    size = resized if min(resized) > 0 else None
    try:
        image = images.read_image(path, color=not args.gray, size=size)
    except CaffeError as error:
        LOGGER.error("Could not open or find file %s", error, extra={"source": "io.cpp:78"})
        return None
    extension = entry.path.rpartition(".")[2].lower()
    encoding = args.encode_type.lower() or (extension if args.encoded else "")
    if not encoding:
        datum = array_to_datum(image.transpose(2, 0, 1), entry.label)
        datum.encoded = False  # BVLC says so
        return datum
    as_it_is = size is None and extension in _spellings(encoding)
    with error_context(path):
        data = images.read_file(path) if as_it_is else images.encode(image, encoding)
    return Datum(data=data, label=entry.label, encoded=True)


def _spellings(encoding: str) -> tuple[str, ...]:
    return ("jpg", "jpeg") if encoding == "jpg" else (encoding,)
