"""Laws of layers/text_list.py: however an editor saves a list, its entries are the same."""

import numpy as np
import pytest
from PIL import Image

from data.custom import class_names
from data.datasets import ids_in
from pascalcontext_layers import read_labels
from text_list import read_list
from voc_layers import VOCSegDataLayer

ENTRIES = ["im 1", "straße", "照片"]
PLAIN = "im 1\nstraße\n照片\n"
SAVED = {
    "as it is": PLAIN.encode(),
    "without a last line end": PLAIN.rstrip().encode(),
    "by Windows": PLAIN.replace("\n", "\r\n").encode(),
    "by Windows' Notepad": PLAIN.replace("\n", "\r\n").encode("utf-8-sig"),
    "by an old Mac": PLAIN.replace("\n", "\r").encode(),
    "with blank lines": b"\n  \n" + PLAIN.replace("\n", "\n\n \t\n").encode(),
    "with space around": PLAIN.replace("\n", " \t\n ").encode(),
    "with comments": b"# the first\n" + PLAIN.replace("\n", "\n  # of these\n").encode(),
    "with a mark and a comment": "#\ufeff\n".encode("utf-8-sig") + PLAIN.encode(),
}


@pytest.mark.parametrize("how", SAVED)
def test_a_list_is_the_same_however_it_was_saved_and_whoever_reads_it(tmp_path, how):
    path = tmp_path / "ImageSets/Segmentation/val.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(SAVED[how])
    for kind, suffix in (("JPEGImages", "jpg"), ("SegmentationClass", "png")):
        (tmp_path / kind).mkdir()
        for name in ENTRIES:
            Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / kind / f"{name}.{suffix}")
    assert read_list(path) == ids_in(path) == ENTRIES
    assert class_names(path) == tuple(ENTRIES)
    layer = VOCSegDataLayer.__new__(VOCSegDataLayer)
    layer.param_str = repr({"voc_dir": str(tmp_path), "split": "val", "mean": (0, 0, 0)})
    layer.open()
    assert layer.indices == ENTRIES


def test_the_numbered_names_of_pascal_context_are_read_alike(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes("1: a b\r\n\r\n# all\r\n2: c\r\n".encode("utf-8-sig"))
    assert read_labels(path) == {1: "ab", 2: "c"}


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("gbk", "line 3 holds the byte 0xd5"),
        ("latin-1", "line 2 holds the byte 0xdf"),
        ("utf-16", "line 1 holds the byte 0xff"),
        ("utf-16-le", "line 1 holds a NUL"),
    ],
)
def test_other_encodings_are_one_error_that_names_file_line_and_cure(tmp_path, encoding, found):
    path = tmp_path / "classes.txt"
    drop = {"gbk": "ß", "latin-1": "照片", "utf-16-le": "ß照片"}.get(encoding, "")
    path.write_bytes("".join(c for c in PLAIN if c not in drop).encode(encoding))
    message = rf"classes\.txt: can't be read as UTF-8 \({found}.*\): save it as UTF-8 \(.*iconv"
    for read in (read_list, ids_in, class_names, read_labels):
        with pytest.raises(OSError, match=message):
            read(path)
