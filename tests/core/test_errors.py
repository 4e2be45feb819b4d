"""CaffeError, and those that are another exception too."""

import copy
import os
import pickle

import pytest
from google.protobuf.message import DecodeError

from caffe.core.errors import CaffeError, anew, caffe_error, error_context, printable
from caffe.core.files import cannot_be_read, cannot_be_written, replacing

KINDS = [
    *(ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError),
    *(OSError, FileNotFoundError, PermissionError, ModuleNotFoundError, DecodeError),
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_a_caffe_error_and_of_its_kind_in_every_copy(kind):
    error = caffe_error(kind, "net.prototxt: it's wrong")
    for same in (error, copy.copy(error), anew(error), pickle.loads(pickle.dumps(error))):
        assert type(same) is type(error)
        assert isinstance(same, CaffeError)
        assert isinstance(same, kind)
        assert str(same) == "net.prototxt: it's wrong"


@pytest.mark.parametrize("kind", [RuntimeError, Exception])
def test_what_a_caffe_error_is_already_needs_no_class_of_its_own(kind):
    assert type(caffe_error(kind, "")) is CaffeError


@pytest.mark.parametrize("kind", [ValueError, FileNotFoundError, RuntimeError])
def test_within_puts_the_place_in_front_and_keeps_the_kind(kind):
    with (
        pytest.raises(kind, match=r"^net\.prototxt: layer 'a': wrong$") as error,
        error_context("net"),
    ):
        raise caffe_error(kind, "net.prototxt: layer 'a': wrong")
    assert isinstance(error.value, CaffeError)
    with pytest.raises(kind, match=r"^x: wrong$") as error, error_context("x"):
        raise caffe_error(kind, "wrong")
    assert isinstance(error.value, CaffeError)


def test_a_file_that_cannot_be_read_or_written_tells_what_an_ioerror_tells(tmp_path):
    path = str(tmp_path / "none")
    with pytest.raises(FileNotFoundError) as real:
        os.stat(path)
    for error in (cannot_be_read(path, real.value), cannot_be_written(path, real.value)):
        assert isinstance(error, FileNotFoundError)
        kept = pickle.loads(pickle.dumps(error))
        assert (kept.errno, kept.strerror, kept.filename) == (2, "No such file or directory", path)
        assert str(kept) == str(error)
        assert str(error).startswith(f"{path}: cannot be ")


@pytest.mark.parametrize(
    ("path", "cure"),
    [
        ("https://host/net.prototxt", "download it"),
        ("C:\nets\table", "write paths with /"),
        (r"data\list.txt", "write the path with / instead of \\"),
    ],
)
def test_a_path_that_names_no_file_has_its_cure(path, cure):
    message = str(cannot_be_read(path, FileNotFoundError(2, "No such file or directory")))
    assert cure in message
    assert message.isprintable()


@pytest.mark.parametrize("text", ["a\udcff", "\ud800", "a\udcff\ud800b", "é"])
def test_a_message_is_always_printable(text):
    for made in (printable(text), str(CaffeError(text)), str(caffe_error(KeyError, text))):
        made.encode()
        assert made.isprintable()


def test_bytes_of_a_path_that_are_no_text_are_shown_as_such():
    assert printable("grün-\udcfc") == r"grün-\xfc"


def test_what_goes_wrong_in_the_contents_of_a_file_is_not_its_writing(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match=r"^other: cannot be read"),
        replacing(tmp_path / "x"),
    ):
        raise cannot_be_read("other", FileNotFoundError(2, "No such file"))
    assert not list(tmp_path.iterdir())
