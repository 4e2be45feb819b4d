"""Laws of layers/mat_file.py: what scipy reads of MATLAB's files, and an error for damaged ones."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.fuzzing import survive, survives

import caffe
from mat_file import HEADER, MOST, read_mat_file
from seg_data_layer import read_mat

KINDS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "?"]
arrays = st.sampled_from(KINDS).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=5))
)
names = st.from_regex("[a-z][a-zA-Z0-9_]{0,9}", fullmatch=True)
structs = st.dictionaries(names, arrays, min_size=1, max_size=3)
OTHERS = {
    "cell": np.array([np.eye(2), "text"], object),
    "sparse": scipy.sparse.csc_matrix(np.eye(3)),
    "text": "text",
    "complex": np.array([[1 + 2j]]),
    "structs": np.zeros((2, 2), [("a", "O")]),
}


def saved(variables, compressed):
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=compressed)
    return file.getvalue()


def swapped(data):
    """A file of one uncompressed uint16 matrix in the other order of bytes."""
    (name,) = (name for name, *_ in scipy.io.whosmat(io.BytesIO(data)))
    array = scipy.io.loadmat(io.BytesIO(data))[name]
    encoded = name.encode()
    parts = [
        element(6, struct.pack(">II", 11, 0)),
        element(5, struct.pack(f">{array.ndim}i", *array.shape)),
        element(1, encoded) if len(encoded) > 4 else struct.pack(">HH4s", len(encoded), 1, encoded),
        element(4, array.astype(">u2").tobytes("F")),
    ]
    return data[: HEADER - 4] + b"\1\0MI" + element(14, b"".join(parts))


def element(kind, content):
    return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)


def assert_same(found, expected):
    assert found.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, expected)
    assert found.shape == expected.shape


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("mat") / "a.mat"


@given(variables=st.dictionaries(names, arrays | structs, max_size=3), compressed=st.booleans())
def test_arrays_and_structs_are_read_as_scipy_reads_them(path, variables, compressed):
    path.write_bytes(saved(variables, compressed))
    found, expected = read_mat_file(path), scipy.io.loadmat(path)
    assert list(found) == list(variables)
    for name, value in variables.items():
        if isinstance(value, dict):
            assert list(found[name]) == list(value)
            for field in value:
                assert_same(found[name][field], expected[name][field][0, 0])
        else:
            assert_same(found[name], expected[name])


@given(
    array=hnp.arrays("u2", hnp.array_shapes(min_dims=2, max_side=4)),
    name=names,
)
def test_either_order_of_bytes_is_read(path, array, name):
    path.write_bytes(swapped(saved({name: array}, compressed=False)))
    assert_same(scipy.io.loadmat(path)[name], array)
    assert_same(read_mat_file(path)[name], array)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("other", OTHERS)
def test_what_is_neither_is_none_and_the_rest_is_read(path, other, compressed):
    field = {"other": OTHERS[other], "deep": {"x": np.eye(2)}, "map": np.eye(3)}
    path.write_bytes(saved({"a": OTHERS[other], "b": np.eye(2), "c": field}, compressed))
    found = read_mat_file(path)
    assert found["a"] is None
    np.testing.assert_array_equal(found["b"], np.eye(2))
    assert list(found["c"]) == list(field)
    assert found["c"]["other"] is None
    assert found["c"]["deep"] is None
    np.testing.assert_array_equal(found["c"]["map"], np.eye(3))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no MATLAB file of version 5 to 7"),
        (b"x" * 200, "no MATLAB file of version 5 to 7"),
        (saved({"a": 1}, False)[:124] + b"\0\2IM", "no MATLAB file of version 5 to 7"),
        (saved({"a": 1}, False)[:-3], "of 56 bytes, where 53 are left"),
        (saved({"a": 1}, True)[:-3], "are left"),
        (saved({}, False) + b"abc", "3 bytes, where an element begins"),
        (saved({}, False) + struct.pack("<II", 9, 0), "element of type 9, expected a matrix"),
        (saved({}, False) + struct.pack("<II", 15, 4) + b"abcd", "compressed element: Error -3"),
    ],
    ids=["empty", "another", "version 7.3", "cut", "compressed cut", "tail", "type", "no zlib"],
)
def test_a_damaged_or_other_file_is_one_error_that_names_it(path, data, message):
    path.write_bytes(data)
    with pytest.raises(OSError, match=rf"a\.mat: can't be read \(.*{message}.*get the file again"):
        read_mat(path)


def test_a_small_file_that_inflates_to_a_huge_one_is_refused(path):
    bomb = zlib.compress(bytes(MOST + 1))
    path.write_bytes(saved({}, False) + struct.pack("<II", 15, len(bomb)) + bomb)
    with pytest.raises(OSError, match=f"cut off, or of more than {MOST} bytes"):
        read_mat(path)


# ---- damaged files ----


def with_one_bit_flipped():
    """A 2 x 2 matrix of uint8 whose numbers, at the end of the file, claim to be of type 0."""
    data = bytearray(saved({"a": np.zeros((2, 2), np.uint8)}, compressed=False))
    data[-8] ^= 2
    return bytes(data)


def test_one_flipped_bit_is_an_error_that_names_the_file(path):
    path.write_bytes(with_one_bit_flipped())
    with pytest.raises(OSError, match=r"a\.mat: can't be read \(element of type 0 in a matrix"):
        read_mat(path)


def test_scipy_ends_the_process_there_which_is_why_this_reader_is_ours(path):
    path.write_bytes(with_one_bit_flipped())
    script = """
import contextlib, scipy.io, sys
with contextlib.suppress(Exception):
    scipy.io.loadmat(sys.argv[1])
"""
    ended = subprocess.run([sys.executable, "-c", script, path], capture_output=True)
    assert ended.returncode != 0, "scipy has learnt to refuse it: read_mat_file can use loadmat"


TRUTH = {
    "GTcls": {
        "Boundaries": OTHERS["cell"],
        "Segmentation": np.arange(48, dtype=np.uint8).reshape(6, 8),
        "CategoriesPresent": np.arange(3, dtype=np.uint8)[:, None],
    },
    "S": np.arange(12, dtype=np.int16).reshape(3, 4),
}


def refuses(path):
    try:
        read_mat(path)
    except OSError as error:
        raise caffe.CaffeError(str(error)) from error


@pytest.mark.fuzz
@pytest.mark.parametrize("compressed", [False, True])
def test_damages_of_a_file_are_read_or_refused(path, compressed):
    survives(path, saved(TRUTH, compressed), refuses)


@pytest.mark.fuzz
def test_damages_within_a_compressed_element_are_read_or_refused(path):
    data = saved(TRUTH, False)

    def read(damaged):
        inner = zlib.compress(damaged)
        path.write_bytes(data[:HEADER] + struct.pack("<II", 15, len(inner)) + inner)
        refuses(path)

    survive(data[HEADER:], read)


# ---- deep: what a net's weights are stored as ----

PAIRS = [("first", np.eye(2)), ("second", np.ones((2, 1)))]
DEEP = {
    "cell": np.array([[np.eye(2), "text", {"a": np.ones((1, 2))}]], object),
    "nested": {"a": {"b": {"c": np.arange(3.0)[None]}}, "name": "größer"},
    "array": np.array(
        [[("first", np.eye(2)), ("second", np.ones((2, 1)))]], [("n", "O"), ("v", "O")]
    ),
    "empty": np.zeros((0, 0), object),
    "plain": np.eye(3, dtype="f4"),
}


@pytest.mark.parametrize("compressed", [False, True])
def test_deep_cells_structs_and_text_are_read(path, compressed):
    path.write_bytes(saved(DEEP, compressed))
    found = read_mat_file(path, deep=True)
    eye, text, struct_ = found["cell"]
    assert_same(eye, np.eye(2))
    assert (text, list(struct_)) == ("text", ["a"])
    assert_same(found["nested"]["a"]["b"]["c"], np.arange(3.0)[None])
    assert found["nested"]["name"] == "größer"
    assert [one["n"] for one in found["array"]] == ["first", "second"]
    np.testing.assert_array_equal(found["array"][1]["v"], np.ones((2, 1)))
    assert found["empty"] == []
    assert_same(found["plain"], np.eye(3, dtype="f4"))
    shallow = read_mat_file(path)
    assert [name for name, value in shallow.items() if value is None] == ["cell", "array", "empty"]


@pytest.mark.fuzz
@pytest.mark.parametrize("compressed", [False, True])
def test_deep_damaged_files_are_value_errors(path, compressed):
    def read(name):
        try:
            read_mat_file(name, deep=True)
        except ValueError as error:
            raise caffe.CaffeError(str(error)) from None

    survives(path, saved(DEEP, compressed), read)
