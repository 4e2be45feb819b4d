"""Damaged databases, Datums and HDF5 files: a CaffeError, or what Caffe would make of them.

Never another exception, a crash, a hang, or memory by the size that a file claims.
"""

from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import pytest
from support.fuzzing import FUZZ_INPUTS, mutations, survive, survives

from caffe.feeding import images
from caffe.feeding.datum import array_to_datum, datum_to_array, parse_datum
from caffe.formats import hdf5, leveldb_tables
from caffe.formats.database import create_database, open_database
from caffe.formats.snappy import decompress

pytestmark = pytest.mark.fuzz

RECORDS = Path(__file__).parents[1] / "records" / "data"
SMALL = [(b"%04d" % i, b"%d" % i) for i in range(300)]
LARGE = [(b"%04d" % i, bytes(3000)) for i in range(5)]


def read_lmdb(path: str) -> None:
    with open_database(path, "lmdb") as database:
        sizes = [len(bytes(value)) for _, value in database.cursor()]
        assert len(sizes) == len(database)
        assert sum(sizes) <= Path(path).stat().st_size
        assert len(list(database.cursor(3))) == max(0, len(sizes) - 3)


@pytest.mark.parametrize("items", [SMALL, LARGE], ids=["small", "large"])
def test_a_damaged_lmdb(tmp_path, items):
    with create_database(tmp_path / "db", "lmdb") as database:
        for key, value in items:
            database.put(key, value)
    data = (tmp_path / "db" / "data.mdb").read_bytes()
    survives(tmp_path / "damaged", data, read_lmdb, FUZZ_INPUTS // 2)


def test_an_lmdb_damaged_where_its_structure_is(tmp_path):
    """The meta page in use, and every page's header."""
    data = (RECORDS / "plain_lmdb" / "data.mdb").read_bytes()
    places = [*range(4096, 4096 + 168), *(p * 4096 + i for p in range(2, 6) for i in range(64))]
    structure = bytes(data[place] for place in places)

    def read(damaged: bytes) -> None:
        whole = bytearray(data)
        for place, byte in zip(places, damaged, strict=False):
            whole[place] = byte
        (tmp_path / "damaged").write_bytes(whole)
        read_lmdb(str(tmp_path / "damaged"))

    survive(structure, read)


def leveldb(folder: Path) -> Path:
    """A LevelDB of BVLC's with a log of ours."""
    for file in (RECORDS / "plain_leveldb").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    batch = bytes(8) + b"\2\0\0\0" + b"\1\3new\5value" + b"\0\3old"
    (folder / "000006.log").write_bytes(leveldb_tables.log_of(batch))
    return folder


@pytest.mark.parametrize("checked", [True, False], ids=["checksums", "no checksums"])
@pytest.mark.parametrize("name", ["CURRENT", "MANIFEST-000004", "000005.ldb", "000006.log"])
def test_a_damaged_leveldb(tmp_path, monkeypatch, name, checked):
    """Without checksums the damages reach what is read behind them."""
    folder = leveldb(tmp_path)
    if not checked:
        monkeypatch.setattr(leveldb_tables, "checksum", lambda data: mock.ANY)

    def read(path: str) -> None:
        with open_database(folder, "leveldb") as database:
            assert sum(len(value) for _, value in database.cursor()) < 10_000

    read("")
    survives(folder / name, (folder / name).read_bytes(), read, FUZZ_INPUTS // 4)


def test_damaged_snappy():
    data = b"\x58\x08abc" + b"\x15\3\x0a\3\0\x0b\3\0\0\0" + b"\xf0\x45" + b"x" * 70
    assert len(decompress(data)) == 88
    for damaged in mutations(data, 0, 4 * FUZZ_INPUTS):
        try:
            assert len(decompress(damaged)) <= 32 * len(damaged)
        except ValueError:
            continue


@pytest.mark.parametrize("kind", ["raw", "float", "jpeg", "png"])
def test_a_damaged_datum(kind):
    array = np.arange(60, dtype=np.uint8 if kind == "raw" else np.float32).reshape(3, 4, 5)
    datum = array_to_datum(array, 7)
    if kind in ("jpeg", "png"):
        with open_database(RECORDS / "encoded_lmdb", "lmdb") as database:
            datum = parse_datum(next(database.cursor())[1], "a record")
    if kind == "png":
        datum.data = images.encode(images.decode(datum.data), "png")

    def read(damaged: bytes) -> None:
        array = datum_to_array(parse_datum(damaged, "a test"))
        assert array.dtype in (np.uint8, np.float32)
        assert array.ndim == 3

    survive(datum.SerializeToString(), read)


def packed(path: Path) -> bytes:
    """Datasets in chunks, packed and not."""
    with h5py.File(path, "w") as file:
        data = np.arange(60, dtype=np.float32).reshape(5, 3, 4)
        file.create_dataset("data", data=data, chunks=(2, 3, 4), compression="gzip")
        file.create_dataset("label", data=np.arange(5.0), chunks=(2,), maxshape=(None,))
    return path.read_bytes()


def newest(path: Path) -> bytes:
    with h5py.File(path, "w", libver="latest") as file:
        file["data"], file["label"] = np.ones((5, 3, 4), np.float32), np.arange(5)
    return path.read_bytes()


@pytest.mark.parametrize(
    "write", [lambda path: (RECORDS / "data.h5").read_bytes(), packed, newest], ids="123"
)
def test_a_damaged_hdf5_file(tmp_path, write):
    def read(path: str) -> None:
        with hdf5.reading(path, "a test") as file:
            for name in ("data", "label"):
                assert hdf5.array(file, name).nbytes < 100_000

    survives(tmp_path / "damaged.h5", write(tmp_path / "sound.h5"), read, FUZZ_INPUTS // 2)
