"""Images as OpenCV reads, resizes and writes them: against OpenCV 3.4.18's own results.

tests/records/data/opencv.npz holds them: resize/N/{in,out}; decode/NAME/{file,color,gray,stored};
encode/N/{in,png,jpg}. OpenCV 5.0.0 gave the same.
"""

import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from caffe import CaffeError
from caffe.feeding import images

RECORD = np.load(Path(__file__).parents[1] / "records" / "data" / "opencv.npz")


def names(part: str) -> list[str]:
    return sorted({key.split("/")[1] for key in RECORD.files if key.startswith(f"{part}/")})


def written(image: np.ndarray, kind: str = "PNG", **keywords) -> bytes:
    """An RGB or gray array as a file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **keywords)
    return file.getvalue()


@pytest.mark.parametrize("case", names("resize"))
def test_resizing_agrees_with_opencv_to_the_bit(case):
    expected = RECORD[f"resize/{case}/out"]
    resized = images.resize(RECORD[f"resize/{case}/in"], expected.shape[:2])
    assert resized.dtype == np.uint8
    np.testing.assert_array_equal(resized, expected)


@settings(max_examples=50, deadline=None)
@given(*[st.integers(1, 40)] * 4, st.sampled_from([1, 3]), st.integers(0, 255))
def test_resizing_keeps_what_is_the_same_everywhere(height, width, tall, wide, channels, value):
    image = np.full((height, width, channels), value, np.uint8)
    resized = images.resize(image, (tall, wide))
    assert resized.shape == (tall, wide, channels)
    assert (abs(resized.astype(int) - value) <= 1).all()  # OpenCV's fixed point may lose one


@pytest.mark.parametrize("how", ["color", "gray", "stored"])
@pytest.mark.parametrize("case", names("decode"))
def test_decoding_agrees_with_opencv_to_the_bit(case, how):
    data = RECORD[f"decode/{case}/file"].tobytes()
    color = {"color": True, "gray": False, "stored": None}[how]
    key = f"decode/{case}/{how}"
    if key not in RECORD.files:
        with pytest.raises(CaffeError, match="16 bits"):
            images.decode(data, color)
    else:
        np.testing.assert_array_equal(images.decode(data, color), RECORD[key])


def unpacked(png: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG, its pixels inflated."""
    chunks, at = [], 8
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        data, (crc,) = png[at + 8 :][:size], struct.unpack_from(">I", png, at + 8 + size)
        assert crc == zlib.crc32(kind + data)
        chunks.append((kind, data))
        at += 12 + size
    packed = b"".join(data for kind, data in chunks if kind == b"IDAT")
    assert all(len(data) <= 8192 for _, data in chunks)
    return [chunks[0], (b"IDAT", zlib.decompress(packed)), chunks[-1]]


@pytest.mark.parametrize("case", names("encode"))
def test_encoding_agrees_with_opencv(case):
    """JPEG to the byte; PNG up to zlib, whose releases pack the same lines differently."""
    image = RECORD[f"encode/{case}/in"]
    assert images.encode(image, "jpg") == RECORD[f"encode/{case}/jpg"].tobytes()
    png = images.encode(image, "png")
    assert unpacked(png) == unpacked(RECORD[f"encode/{case}/png"].tobytes())
    np.testing.assert_array_equal(images.decode(png), image)


def test_encoding_knows_jpg_and_png_alone():
    with pytest.raises(CaffeError, match="jpg or png; found 'gif'"):
        images.encode(np.zeros((2, 2, 3), np.uint8), "gif")


def test_a_file_is_read_in_colour_or_gray_and_resized(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(RECORD["decode/png/file"].tobytes())
    color = RECORD["decode/png/color"]
    np.testing.assert_array_equal(images.read_image(path), color)
    np.testing.assert_array_equal(images.read_image(path, False), RECORD["decode/png/gray"])
    resized = images.read_image(path, size=(8, 9))
    np.testing.assert_array_equal(resized, images.resize(color, (8, 9)))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of a damaged TIFF
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(names("decode")), st.integers(0), st.integers(0, 255), st.booleans())
def test_a_damaged_file_is_decoded_or_refused_never_worse(case, place, value, cut):
    data = bytearray(RECORD[f"decode/{case}/file"].tobytes())
    place %= len(data)
    data[place] = value
    try:
        image = images.decode(bytes(data[:place] if cut else data), True)
    except CaffeError:
        return
    assert image.dtype == np.uint8
    assert image.shape[2] == 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"GIF89a", "cannot be decoded"),
        (written(np.zeros((3, 3), np.uint8))[:-30], "cannot be decoded"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot be decoded"),
    ],
)
def test_what_is_no_whole_image_is_refused(tmp_path, data, message):
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(CaffeError, match=f"{re.escape(str(path))}: .*{message}"):
        images.read_image(path)


def test_a_missing_and_an_empty_file_are_named(tmp_path):
    with pytest.raises(CaffeError, match=r"none\.jpg: cannot be read"):
        images.read_image(tmp_path / "none.jpg")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(CaffeError, match=r"empty\.jpg: the file is empty"):
        images.read_image(tmp_path / "empty.jpg")


def test_memory_is_not_taken_because_a_header_claims_a_size():
    png = bytearray(written(np.zeros((3, 3), np.uint8)))
    png[16:24] = struct.pack(">II", 60000, 60000)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    with pytest.raises(CaffeError, match=r"cannot be decoded|claims 60000 x 60000"):
        images.decode(bytes(png), True)
