"""LMDB and LevelDB: written and read back, and read from and by the libraries themselves."""

import random
import struct
from pathlib import Path

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caffe
from caffe import CaffeError
from caffe.formats import leveldb, lmdb_writer
from caffe.formats.database import create_database, open_database
from caffe.formats.leveldb_tables import checksum, log_of, log_records
from caffe.formats.snappy import decompress

RECORDS = Path(__file__).parents[1] / "records" / "data"
BACKENDS = ("lmdb", "leveldb")
ITEMS = st.lists(
    st.tuples(st.binary(min_size=1, max_size=12), st.integers(0, 9000) | st.integers(0, 40)),
    max_size=60,
)


def value(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def write(path: Path, backend: str, items) -> Path:
    with create_database(path, backend) as database:
        for key, content in items:
            database.put(key, content)
    return path


def read(path: Path, backend: str, start: int = 0) -> list[tuple[bytes, bytes]]:
    with open_database(path, backend) as database:
        return [(key, bytes(content)) for key, content in database.cursor(start)]


@pytest.mark.parametrize("backend", BACKENDS)
@given(items=ITEMS, commit=st.integers(1, 20))
@settings(max_examples=30, deadline=None)
def test_what_was_put_comes_back_in_key_order_the_last_value_of_a_key(
    tmp_path_factory, backend, items, commit
):
    path = tmp_path_factory.mktemp("db") / "db"
    with create_database(path, backend) as database:
        for i, (key, size) in enumerate(items, 1):
            database.put(key, value(size))
            if i % commit == 0:
                database.commit()
    expected = sorted((key, value(size)) for key, size in dict(items).items())
    assert read(path, backend) == expected
    start = len(expected) // 3
    assert read(path, backend, start) == expected[start:]
    with open_database(path, backend) as database:
        assert len(database) == len(expected)


@given(items=ITEMS)
@settings(max_examples=30, deadline=None)
def test_an_lmdb_is_what_the_library_reads_and_writes(tmp_path_factory, items):
    folder = tmp_path_factory.mktemp("db")
    ours = write(folder / "ours", "lmdb", [(key, value(size)) for key, size in items])
    with lmdb.open(str(ours), readonly=True, lock=False) as library, library.begin() as reading:
        assert list(reading.cursor()) == read(ours, "lmdb")
    with lmdb.open(str(folder / "theirs"), map_size=1 << 24) as library:
        for key, size in items:  # a transaction each: pages are copied, freed, used again
            with library.begin(write=True) as writing:
                writing.put(key, value(size))
        for key, _ in items[::3]:
            with library.begin(write=True) as writing:
                writing.delete(key)
        with library.begin() as reading:
            assert list(reading.cursor()) == read(folder / "theirs", "lmdb")


def test_a_deep_lmdb_in_a_single_file_is_read_from_any_item_on(tmp_path):
    path = tmp_path / "single.mdb"
    keys = [b"%0200d" % i for i in range(3000)]  # some twenty in a page
    with lmdb.open(str(path), subdir=False, map_size=1 << 24) as library:
        with library.begin(write=True) as writing:
            for key in keys:
                writing.put(key, key[-4:])
        with library.begin() as reading:
            assert reading.stat()["depth"] > 2
    for start in (0, 1, 1234, 2999, 3000, 5000):
        assert [key for key, _ in read(path, "lmdb", start)] == keys[start:]


def test_values_of_an_lmdb_are_views_that_outlive_the_database(tmp_path):
    path = write(tmp_path / "db", "lmdb", [(b"a", b"x" * 5000), (b"b", b"y")])
    with open_database(path, "lmdb") as database:
        values = [content for _, content in database.cursor()]
    assert all(isinstance(content, memoryview) for content in values)
    assert bytes(values[0]) == b"x" * 5000


def plyvel():
    return pytest.importorskip("plyvel", reason="the library's Python binding is not installed")


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_library_opens_a_leveldb_of_ours_and_goes_on_writing(tmp_path, monkeypatch, shuffled):
    library = plyvel()
    monkeypatch.setattr(leveldb, "PENDING", 1 << 14)  # so that there are several tables
    items = [(b"%05d" % i, value(i % 700)) for i in range(500)]
    if shuffled:
        items = random.Random(0).choices(items, k=700)
    path = write(tmp_path / "db", "leveldb", items)
    assert len(list(path.glob("*.ldb"))) > 3
    expected = sorted(dict(items).items())
    database = library.DB(str(path))
    assert list(database) == expected
    assert all(database.get(key) == content for key, content in expected)
    database.put(b"zz", b"new")
    database.delete(expected[0][0])
    database.close()
    assert read(path, "leveldb") == [*expected[1:], (b"zz", b"new")]


@pytest.mark.parametrize("compression", [None, "snappy"])
def test_a_leveldb_with_levels_deletions_and_a_log_is_read(tmp_path, compression):
    library = plyvel()
    draw = random.Random(0)
    database = library.DB(
        str(tmp_path), create_if_missing=True, compression=compression, write_buffer_size=1 << 16
    )
    expected = {}
    for i in range(4000):
        key = b"k%04d" % draw.randrange(1500)
        if draw.random() < 0.2:
            database.delete(key)
            expected.pop(key, None)
        else:
            expected[key] = b"number %d " % i * draw.randrange(40)
            database.put(key, expected[key])
    with database.write_batch() as batch:
        for i in range(50):
            expected[b"batch%d" % i] = value(1000 + i)
            batch.put(b"batch%d" % i, value(1000 + i))
    database.close()
    assert read(tmp_path, "leveldb") == sorted(expected.items())


@pytest.mark.parametrize("name", ["plain_lmdb", "encoded_lmdb", "plain_leveldb"])
def test_databases_of_bvlc_caffe_are_read_in_a_folder_without_the_right_to_write(tmp_path, name):
    for file in (RECORDS / name).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / file.name).chmod(0o444)
    before = sorted(tmp_path.iterdir())
    tmp_path.chmod(0o555)
    try:
        items = read(tmp_path, name.split("_")[1])
    finally:
        tmp_path.chmod(0o755)
    assert [key[9:] for key, _ in items] == [
        line.split()[0].encode() for line in (RECORDS / "list.txt").read_text().splitlines()
    ]
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_database_takes_its_place_whole_or_not_at_all(tmp_path, backend):
    def interrupted() -> None:
        with create_database(tmp_path / "half", backend) as database:
            database.put(b"a", b"1")
            database.commit()
            assert not (tmp_path / "half").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "new" / "db", backend, [(b"a", b"1")])
    with pytest.raises(CaffeError, match="db: exists already"):
        write(tmp_path / "new" / "db", backend, [])
    assert read(tmp_path / "new" / "db", backend) == [(b"a", b"1")]


def test_an_lmdb_grows_beyond_its_first_map_and_commits_unasked(tmp_path, monkeypatch):
    monkeypatch.setattr(lmdb_writer, "PENDING", 1 << 20)
    items = [(b"%03d" % i, value(100_000 + i)) for i in range(40)]
    assert read(write(tmp_path / "db", "lmdb", items), "lmdb") == items


@pytest.mark.parametrize("key", [b"", b"k" * 600])
def test_a_key_that_an_lmdb_cannot_hold_is_an_error(tmp_path, key):
    with pytest.raises(CaffeError, match=f"1 to 511 bytes; found one of {len(key)}"):
        write(tmp_path / "db", "lmdb", [(b"good", b""), (key, b"")])
    assert list(tmp_path.iterdir()) == []


def test_the_wrong_backend_and_a_missing_database_are_named(tmp_path):
    with pytest.raises(CaffeError, match=r"plain_lmdb: .*LMDB.*Set backend: LMDB"):
        open_database(RECORDS / "plain_lmdb", caffe.proto.caffe_pb2.DataParameter.LEVELDB)
    with pytest.raises(CaffeError, match=r"plain_leveldb: .*Set backend: LEVELDB"):
        open_database(RECORDS / "plain_leveldb", "LMDB")
    with pytest.raises(CaffeError, match="unknown database backend 'sqlite'"):
        open_database(RECORDS / "plain_lmdb", "sqlite")
    with pytest.raises(CaffeError, match=r"none.*cannot be read \(No such file"):
        open_database(tmp_path / "none", "lmdb")
    with pytest.raises(CaffeError, match=r"none: not a LevelDB folder.*No such file"):
        open_database(tmp_path / "none", "leveldb")


def damaged_lmdb(tmp_path: Path, offset: int, fmt: str, number: int) -> Path:
    data = bytearray((RECORDS / "plain_lmdb" / "data.mdb").read_bytes())
    struct.pack_into(fmt, data, offset, number)
    path = tmp_path / "data.mdb"
    path.write_bytes(data)
    return tmp_path


META, TREE = 4096 + 16, 4096 + 16 + 24 + 48  # of the newer meta page
ROOT = 5 * 4096


@pytest.mark.parametrize(
    ("offset", "fmt", "number", "message"),
    [
        (META, "<I", 1, "meta page 1 holds the magic number 0x1"),
        (META + 4, "<I", 2, "data version 2; expected 1"),
        (16 + 24, "<I", 1000, "meta page 0 claims pages of 1000 bytes"),
        (TREE + 4, "<H", 4, "of a kind that Caffe does not write"),
        (TREE + 6, "<H", 40, "40 pages deep"),
        (TREE + 32, "<Q", 2**60, f"meta page 1 claims {2**60} items"),
        (TREE + 32, "<Q", 5, "holds 4 items; its meta page counts 5"),
        (TREE + 32, "<Q", 3, "holds more than the 3 items"),
        (TREE + 40, "<Q", 2**50, "lies beyond its end"),
        (TREE + 40, "<Q", 2, "page 2 calls itself page 2 of kind 0x2"),
        (ROOT + 12, "<H", 9, "claims free space from 9 to"),
        (ROOT + 16, "<H", 4095, "node outside of it"),
        (2 * 4096 + 0xA32, "<H", 4000, "reaches beyond it"),
    ],
)
def test_a_damaged_lmdb_says_what_is_wrong(tmp_path, offset, fmt, number, message):
    with pytest.raises(CaffeError, match=rf"data\.mdb: damaged, .*{message}"):
        read(damaged_lmdb(tmp_path, offset, fmt, number), "lmdb")


@pytest.mark.parametrize("kind", [{"dupsort": True}, {}])
def test_an_lmdb_of_databases_or_duplicates_is_refused(tmp_path, kind):
    with lmdb.open(str(tmp_path), max_dbs=2, map_size=1 << 20) as library:
        inner = library.open_db(b"inner", **kind)
        with library.begin(write=True, db=inner) as writing:
            writing.put(b"a", b"1")
            writing.put(b"a", b"2")
    with pytest.raises(CaffeError, match="a node has flags 0x2; Caffe writes plain values only"):
        read(tmp_path, "lmdb")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("CURRENT", lambda data: b"../secret\n", "CURRENT: .*does not name a manifest"),
        ("CURRENT", lambda data: b"MANIFEST-000009\n", "MANIFEST-000009: cannot be read"),
        ("MANIFEST-000004", lambda data: data[:-1], "ends within a record"),
        ("MANIFEST-000004", lambda data: b"x" + data[1:], "checksum of the record at byte 0"),
        ("MANIFEST-000004", lambda data: log_of(b"\1\4ours"), "keys are ordered by b'ours'"),
        ("MANIFEST-000004", lambda data: log_of(b"\7\11"), "a number has no end"),
        ("000005.ldb", lambda data: data[:-1], r"000005\.ldb: .*manifest says 6037"),
        ("000005.ldb", lambda data: data[:-1] + b"x", "magic number"),
        ("000005.ldb", lambda data: data[:99] + b"x" + data[100:], "checksum of the block"),
        ("000006.log", lambda data: b"\1" * 6, "ends within a record"),
        ("000006.log", lambda data: log_of(b"1" * 11), "ends within a field"),
        ("000006.log", lambda data: log_of(bytes(8) + b"\2\0\0\0"), "of 2 entries holds 0"),
    ],
)
def test_a_damaged_leveldb_says_what_is_wrong(tmp_path, name, change, message):
    for file in (RECORDS / "plain_leveldb").iterdir():
        data = file.read_bytes()
        (tmp_path / file.name).write_bytes(change(data) if file.name == name else data)
    with pytest.raises(CaffeError, match=message):
        read(tmp_path, "leveldb")


def test_a_missing_table_is_named(tmp_path):
    for name in ("CURRENT", "MANIFEST-000004"):
        (tmp_path / name).write_bytes((RECORDS / "plain_leveldb" / name).read_bytes())
    with pytest.raises(CaffeError, match=r"000005\.ldb: .*and it is missing"):
        read(tmp_path, "leveldb")


@given(st.integers(1, 100_000))
@settings(max_examples=20, deadline=None)
def test_a_log_gives_back_its_record(size):
    assert list(log_records(log_of(value(size)))) == [value(size)]


def unmasked(data):
    """The CRC-32C behind what LevelDB stores (crc32c.h: rotated, and a constant added)."""
    rotated = (checksum(data) - 0xA282EAD8) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def test_crc32c_is_what_rfc_3720_says():
    assert unmasked(bytes(32)) == 0x8A9136AA
    assert unmasked(b"\xff" * 32) == 0x62A8AB43
    assert unmasked(bytes(range(32))) == 0x46DD794E


@given(st.integers(0, 20_000))
@settings(max_examples=30, deadline=None)
def test_crc32c_of_much_at_once_is_that_of_bit_by_bit(size):
    data = value(size)
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (crc & 1) * 0x82F63B78
    assert unmasked(memoryview(data)) == crc ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("packed", "plain"),
    [
        (b"\0", b""),
        (b"\3\x08abc", b"abc"),
        (b"\x0c\x08abc\x15\3", b"abc" * 4),  # a copy of nine bytes from three back
        (b"\x06\x08abc\x0a\3\0", b"abcabc"),
        (b"\x06\x08abc\x0b\3\0\0\0", b"abcabc"),
        (b"\x46\xf0\x45" + b"x" * 70, b"x" * 70),
        (b"\xac\2\xf4\x2b\1" + b"y" * 300, b"y" * 300),
    ],
)
def test_snappy_literals_and_copies(packed, plain):
    assert decompress(packed) == plain


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (b"", "no length"),
        (b"\xff\xff\xff\xff\xff\x0f", "no length"),
        (b"\x05\x08abc", "claims 5 bytes and holds 3"),
        (b"\x02\x08abc", "claims 2 bytes and holds 3"),
        (b"\x03\x0cabc", "beyond its end"),
        (b"\x0c\x08abc\x15\4", "a copy from 4 bytes back, where 3 are known"),
        (b"\x0c\x08abc\x15\0", "a copy from 0 bytes back"),
        (b"\x0c\x08abc\x16\3", "within an element"),
    ],
)
def test_snappy_that_is_not_valid_is_refused(packed, message):
    with pytest.raises(ValueError, match=message):
        decompress(packed)
