"""Lists of images with labels, as people and other programs write them."""

import pytest

from caffe import CaffeError
from caffe.feeding.image_list import read_image_list

PLAIN = b"a.png 0\nd/b c.png 12\ne.png -1\n"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        b"\xef\xbb\xbf" + PLAIN,
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.replace(b"\n", b"\n\n \t\n"),
    ],
)
def test_a_list_is_the_same_however_it_was_saved(tmp_path, data):
    (tmp_path / "list.txt").write_bytes(data)
    entries = read_image_list(tmp_path / "list.txt")
    found = [(entry.path, entry.label) for entry in entries]
    assert found == [("a.png", 0), ("d/b c.png", 12), ("e.png", -1)]
    lines = data.split(b"\n")
    assert all(entry.path.encode() in lines[entry.line - 1] for entry in entries)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a.png\n", "list.txt:1: expected 'path label' with an integer label; found 'a.png'"),
        (b"a.png 0\n 1\n", "list.txt:2: expected 'path label'"),
        (b"a.png 0.5", "integer label; found 'a.png 0.5'"),
        (b"a.png 3000000000", "integer label"),
        (b"a.png\t0\n", "write one space before the label, and none behind it"),
        (b"a.png 0 \n", "write one space before the label, and none behind it"),
        ("a.png 0\n".encode("utf-16"), "UTF-16: save it as UTF-8"),
    ],
)
def test_a_line_of_something_else_is_named(tmp_path, data, message):
    (tmp_path / "list.txt").write_bytes(data)
    with pytest.raises(CaffeError, match=message) as error:
        read_image_list(tmp_path / "list.txt")
    str(error.value).encode()  # can be printed
