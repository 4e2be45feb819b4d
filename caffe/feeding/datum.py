"""Datum, the item of Caffe's databases: its array, and the way back (io.cpp, io.py)."""

import math

import numpy as np
from google.protobuf.message import DecodeError

from ..core.errors import CaffeError, caffe_error
from ..proto import caffe_pb2
from . import images


def parse_datum(data: bytes | memoryview, where: object) -> caffe_pb2.Datum:
    """The Datum that an item's value holds; `where` names the item in the CaffeError."""
    try:
        # types-protobuf wants bytes, of which a memoryview would be a copy
        return caffe_pb2.Datum.FromString(data)  # type: ignore[arg-type]
    except DecodeError:
        raise CaffeError(f"{where}: not a Datum ({len(data)} bytes that do not parse)") from None


def datum_to_array(
    datum: caffe_pb2.Datum, force_color: bool = False, force_gray: bool = False
) -> np.ndarray:
    """The values (channels, height, width): uint8, or float32 from float_data.

    An encoded image is decoded, as BGR or gray: as it is stored, or as forced to be. Raises
    ValueError where sizes and data disagree, OSError for an image that cannot be decoded.
    """
    if datum.encoded:
        if force_color and force_gray:
            raise CaffeError("force_color and force_gray exclude each other")
        color = True if force_color else False if force_gray else None
        return images.decode(datum.data, color).transpose(2, 0, 1)
    shape = datum.channels, datum.height, datum.width
    if min(shape) < 1:
        raise caffe_error(
            ValueError, f"a Datum of channels x height x width {shape}; expected at least 1 each"
        )
    data = datum.data
    array = np.frombuffer(data, np.uint8) if data else np.array(datum.float_data, np.float32)
    if array.size != math.prod(shape):
        field = "data" if data else "float_data"
        raise caffe_error(
            ValueError,
            f"a Datum of channels x height x width {shape} needs {math.prod(shape)} values; its "
            f"{field} holds {array.size}",
        )
    return array.reshape(shape)


def array_to_datum(array: np.ndarray, label: int | None = None) -> caffe_pb2.Datum:
    """A Datum of an array (channels, height, width): uint8 as data, all else as float_data."""
    array = np.asarray(array)
    if array.ndim != 3:
        raise caffe_error(
            ValueError, f"a Datum takes an array of 3 axes (C, H, W); found {array.shape}"
        )
    datum = caffe_pb2.Datum(channels=array.shape[0], height=array.shape[1], width=array.shape[2])
    if array.dtype == np.uint8:
        datum.data = array.tobytes()
    else:
        datum.float_data.extend(array.astype(np.float32).ravel().tolist())
    if label is not None:
        datum.label = label
    return datum
