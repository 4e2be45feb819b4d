"""Reading, resizing and encoding 8-bit images with the pixels that OpenCV gives Caffe (io.cpp).

The resizing is ours, since no other library rounds as OpenCV does, bit for bit, and OpenCV itself
would be a second decoder beside Pillow.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ..core.errors import CaffeError, caffe_error, error_context
from ..core.files import PathLike, cannot_be_read
from ..core.local_copy import local_copy

if TYPE_CHECKING:  # Pillow is loaded by the first image: a net on blobs needs none
    from PIL import Image

# What OpenCV reads too. Pillow knows many more, some of which start other programs.
FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
# Memory is taken for as many pixels as the header claims. No JPEG or PNG packs more into a byte
# than this; what is small may claim what it likes.
PIXELS_PER_BYTE = {"JPEG": 400}
MOST_PIXELS_PER_BYTE = 8 * 1032
FREE_PIXELS = 1 << 22


def decode(data: bytes, color: bool | None = None) -> np.ndarray:
    """An encoded image as (H, W, C) uint8, channels in BGR order (cv::imdecode).

    color: True for C = 3, False for gray (C = 1), None for the channels the file has, alpha
    included. As in OpenCV, only with True or False is the picture turned as its EXIF data says.
    Raises CaffeError for what is no whole image, and for more than 8 bits with None.
    """
    from PIL import ImageOps

    with opened(data) as image:
        if color is False:
            image.draft("L", image.size)  # a JPEG's gray is its own luma
        image.load()
        if color is not None:
            ImageOps.exif_transpose(image, in_place=True)
        return _pixels(image, color)


@contextmanager
def opened(data: bytes, formats: tuple[str, ...] = FORMATS) -> Iterator[Image.Image]:
    """An encoded image, nothing but its header read; what is wrong with it is a CaffeError."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=formats) as image:
            _check_size(image, len(data))
            yield image
    except CaffeError:
        raise
    except Exception as error:  # what PIL raises for a damaged file depends on the format
        raise caffe_error(
            OSError,
            f"an encoded image of {len(data)} bytes cannot be decoded: {error}; expected a whole "
            f"file in one of the formats {', '.join(formats)}",
        ) from None


def read_image(
    path: PathLike, color: bool = True, size: tuple[int, int] | None = None
) -> np.ndarray:
    """An image file as (H, W, C) uint8 BGR or gray, resized to `size` (height, width).

    ReadImageToCVMat of io.cpp. Raises CaffeError naming the file.
    """
    data = read_data_file(path)
    with error_context(path):
        image = decode(data, color)
    return resize(image, size) if size else image


def read_file(path: PathLike) -> bytes:
    """A file's bytes. Raises OSError for one that is missing or empty."""
    return _read(path, path)


def read_data_file(path: PathLike) -> bytes:
    """A file's bytes, for layers that read it every epoch: of its copy where CAFFE_CACHE is set.

    Raises OSError for a file that is missing or empty.
    """
    return _read(path, local_copy(path))


def _read(path: PathLike, at: PathLike) -> bytes:
    try:
        with open(at, "rb") as file:
            data = file.read()
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None
    return _unless_empty(data, path)


def read_open_file(file: BinaryIO) -> bytes:
    """All bytes of an open file, from its beginning. Raises OSError for an empty one.

    TypeError where it gives text, for it is to be opened with "rb", and for what is no file.
    """
    if not hasattr(file, "read"):
        cure = "; give encoded bytes as io.BytesIO(bytes)" if isinstance(file, bytes) else ""
        raise caffe_error(
            TypeError, f"expected the path of a file, or an open one; found {type(file)}{cure}"
        )
    if hasattr(file, "seekable") and file.seekable():
        file.seek(0)
    data = file.read()
    if not isinstance(data, bytes):
        raise caffe_error(TypeError, f'{named(file)}: gives text; open it with mode "rb"')
    return _unless_empty(data, named(file))


def named(file: PathLike | BinaryIO) -> object:
    """What messages call a file: its path, of an open one its name, or else its type."""
    return getattr(file, "name", type(file).__name__) if hasattr(file, "read") else file


def _unless_empty(data: bytes, place: object) -> bytes:
    if not data:
        raise caffe_error(OSError, f"{place}: the file is empty")
    return data


def _check_size(image: Image.Image, size: int) -> None:
    most = max(FREE_PIXELS, size * PIXELS_PER_BYTE.get(image.format or "", MOST_PIXELS_PER_BYTE))
    if math.prod(image.size) > most:
        raise CaffeError(
            f"an encoded image claims {image.width} x {image.height} pixels, more than its {size} "
            "bytes can hold"
        )


def _pixels(image: Image.Image, color: bool | None) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        if color is None or image.mode == "F":
            raise CaffeError("an encoded image of 16 bits; expected 8 (or force_color, force_gray)")
        high = np.clip(np.asarray(image) >> 8, 0, 255).astype(np.uint8)
        image = _image(high)
    if image.mode == "CMYK":
        bgr = _cmyk_to_bgr(image)
        return gray(bgr) if color is False else bgr
    if image.mode in ("L", "1") or (image.mode == "LA" and color is False):
        luma = np.asarray(image.convert("L"))[:, :, None]
        return np.repeat(luma, 3, axis=2) if color else luma
    has_alpha = "A" in image.mode or "transparency" in image.info
    if color is None and has_alpha:
        return np.ascontiguousarray(np.asarray(image.convert("RGBA"))[:, :, [2, 1, 0, 3]])
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    bgr = np.asarray(rgb)[:, :, ::-1]
    if color is not False:
        return bgr
    return _luma(bgr, (3737, 19234, 9797), 0, 15) if image.format == "PNG" else gray(bgr)


def _image(pixels: np.ndarray) -> Image.Image:
    from PIL import Image

    return Image.fromarray(pixels)


def gray(bgr: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 BGR to (H, W, 1): OpenCV's luma."""
    return _luma(bgr, (1868, 9617, 4899), 1 << 13, 14)


def _luma(bgr: np.ndarray, weights: tuple[int, int, int], half: int, bits: int) -> np.ndarray:
    luma = bgr.astype(np.int32) @ np.array(weights, np.int32)
    return ((luma + half) >> bits).astype(np.uint8)[:, :, None]


def _cmyk_to_bgr(image: Image.Image) -> np.ndarray:
    """OpenCV's conversion, which works on the stored values; PIL has turned Adobe's over."""
    cmyk = np.asarray(image).astype(np.int32)
    if "adobe" in image.info:
        cmyk = 255 - cmyk
    k = cmyk[:, :, 3:]
    rgb = k - ((255 - cmyk[:, :, :3]) * k >> 8)
    return np.ascontiguousarray(rgb[:, :, ::-1].astype(np.uint8))


# Resizing.

COEFFICIENT_BITS = 11


def at_least(image: np.ndarray, least: tuple[int, int]) -> np.ndarray:
    """An image (H, W, C) uint8, in proportion enlarged where it is lower or narrower than `least`.

    The side that lacks more gets as long as it must be at least (LRCN's io.cpp).
    """
    sides = np.asarray(image.shape[:2], np.float32)
    lacking = [want - side for want, side in zip(least, image.shape[:2], strict=True)]
    if max(lacking) <= 0:
        return image
    which = int(lacking[1] > lacking[0])
    size = list(least)
    size[1 - which] = int(float(np.float32(least[which]) * (sides[1 - which] / sides[which])) + 0.5)
    return resize(image, (size[0], size[1]))


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W, C) uint8 to (height, width, C): cv::resize with INTER_LINEAR, to the bit.

    OpenCV interpolates in fixed point, and averages where both sides are halved exactly.
    """
    height, width = image.shape[:2]
    if size == (height, width):
        return image
    if (height, width) == (2 * size[0], 2 * size[1]):
        four = image.reshape(size[0], 2, size[1], 2, -1).sum((1, 3), dtype=np.uint16)
        return ((four + 2) >> 2).astype(np.uint8)
    rows, row_weights = _taps(height, size[0])
    columns, column_weights = _taps(width, size[1])
    beyond = (columns < 0) | (columns >= width - 1)  # there one column counts alone
    column_weights[:, 0][beyond[:, 0]], column_weights[:, 1][beyond[:, 0]] = 1 << 11, 0
    rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)

    result = np.full((*size, image.shape[2]), 2, np.int32)
    for row, weight in zip(rows.T, row_weights.T, strict=True):
        lines = image[row]
        across = lines[:, columns[:, 0]] * column_weights[:, 0, None]
        across += lines[:, columns[:, 1]] * column_weights[:, 1, None]
        across >>= 4
        across *= weight[:, None, None]
        across >>= 16
        result += across
    result >>= 2
    return result.astype(np.uint8)


def _taps(length: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """For each new pixel the two old ones it lies between, and their weights in 2**-11."""
    scale = 1 / (new / length)  # in this order: the last bit of the double counts
    at = ((np.arange(new) + 0.5) * scale - 0.5).astype(np.float32)
    first = np.floor(at).astype(np.int32)
    part = at - first.astype(np.float32)
    weights = np.stack([np.float32(1) - part, part], axis=1) * np.float32(1 << COEFFICIENT_BITS)
    return np.stack([first, first + 1], axis=1), np.rint(weights).astype(np.int32)


# Encoding.


def encode(image: np.ndarray, extension: str, quality: int = 95) -> bytes:
    """(H, W, 1 or 3) uint8 BGR as a JPEG or PNG file (cv::imencode with its defaults).

    quality: a JPEG's. Raises CaffeError for another extension.
    """
    if extension.lower() == "png":
        return _png(image)
    if extension.lower() not in ("jpg", "jpeg", "jpe"):
        raise CaffeError(f"images are encoded as jpg or png; found '{extension}'")
    is_gray = image.shape[2] == 1
    pixels = image[:, :, 0] if is_gray else image[:, :, ::-1]
    file = io.BytesIO()
    _image(np.ascontiguousarray(pixels)).save(
        file, "JPEG", quality=quality, subsampling=-1 if is_gray else "4:2:0"
    )
    return file.getvalue()


def _png(image: np.ndarray) -> bytes:
    """As OpenCV writes it: lines filtered by SUB, run-length coding, parts of 8192 bytes.

    PIL chooses filters by a rule of its own, so its files of the same pixels differ.
    """
    height, width, channels = image.shape
    rgb = image[:, :, ::-1]
    lines = np.empty((height, 1 + width * channels), np.uint8)
    lines[:, 0] = 1
    lines[:, 1:] = rgb.reshape(height, -1)
    lines[:, 1 + channels :] -= rgb[:, :-1].reshape(height, -1)
    window = min(max((lines.size - 1).bit_length(), 9), 15)  # libpng: as small as holds the image
    deflate = zlib.compressobj(1, zlib.DEFLATED, window, 8, zlib.Z_RLE)
    packed = deflate.compress(lines.tobytes()) + deflate.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    parts = [packed[at : at + 8192] for at in range(0, len(packed), 8192)]
    chunks = [(b"IHDR", header), *((b"IDAT", part) for part in parts), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
