"""Mean images: a BlobProto in a binaryproto file."""

import math

import numpy as np
from google.protobuf.message import DecodeError

from ..core.errors import CaffeError, caffe_error
from ..core.files import PathLike, replacing
from ..proto import caffe_pb2
from .images import read_file


def read_mean(path: PathLike) -> np.ndarray:
    """The mean image (C, H, W) float32, BGR. Raises CaffeError for what is no binaryproto of one.

    As Blob::FromProto and Blob::channels, height and width read it: missing axes count as 1, and
    of several images in it the first is taken.
    """
    proto = _read(path)
    if proto.HasField("shape"):
        shape = tuple(proto.shape.dim)
    else:
        shape = (proto.num, proto.channels, proto.height, proto.width)
    values = np.array(proto.double_data or proto.data, np.float32)
    if not 0 < len(shape) <= 4 or min(shape) < 1 or math.prod(shape) != values.size:
        raise CaffeError(
            f"{path}: holds a blob of shape {shape} with {values.size} values; expected a mean "
            "image (1, C, H, W)"
        )
    return values.reshape((1,) * (4 - len(shape)) + shape)[0]


def read_values(path: PathLike) -> np.ndarray:
    """The values of a mean of any shape, float32, one after the other. Raises CaffeError."""
    proto = _read(path)
    return np.array(proto.double_data or proto.data, np.float32)


def _read(path: PathLike) -> caffe_pb2.BlobProto:
    try:
        return caffe_pb2.BlobProto.FromString(read_file(path))
    except DecodeError:
        raise caffe_error(
            OSError, f"{path}: not a whole binaryproto (a BlobProto was expected)"
        ) from None


def write_mean(path: PathLike, mean: np.ndarray) -> None:
    """Write a mean image (C, H, W) as a binaryproto (1, C, H, W), whole or not at all."""
    channels, height, width = mean.shape
    proto = caffe_pb2.BlobProto(num=1, channels=channels, height=height, width=width)
    proto.data.extend(mean.astype(np.float32).ravel().tolist())
    with replacing(path) as file:
        file.write(proto.SerializeToString())
