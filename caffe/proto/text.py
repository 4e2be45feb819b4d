"""Caffe's messages as files: prototxt and binaryproto."""

import re
from pathlib import Path
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import DecodeError, Message

from ..core.errors import CaffeError, caffe_error
from ..core.files import PathLike, cannot_be_read
from .decoding import decoded
from .place import advice, layer_at

M = TypeVar("M", bound=Message)


def read_prototxt(path: PathLike, message: M) -> M:
    """Parse a text-format file into `message`.

    Raises CaffeError for a missing file, and for a syntax error or an unknown field, with the
    line and column, the layer, and what to write instead if that is known.
    """
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None
    text = decoded(data, path)
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        line, column = error.GetLine(), error.GetColumn()
        at = f":{line}" + (f":{column}" if column else "") if line else ""
        reason = re.sub(r"^\d+:\d+ : ", "", str(error))
        if "unicodeescape" in reason:
            reason = "a backslash begins an escape in a string: write paths with /"
        if line and (layer := layer_at(text, line, column or 1)):
            reason = f"layer '{layer}': {reason}"
        expected = message.DESCRIPTOR.name
        raise CaffeError(f"{path}{at}: not a valid {expected}: {reason}{advice(reason)}") from None


def read_binaryproto(path: PathLike, message: M) -> M:
    """Parse a file in the binary format into `message`; it is held in memory whole.

    Raises CaffeError for a file that is missing, or no whole message of this kind.
    """
    try:
        data = Path(path).read_bytes()
        message.ParseFromString(data)
        if not _texts_are_texts(message):
            raise DecodeError
    except (DecodeError, UnicodeDecodeError):
        raise caffe_error(
            OSError,
            f"{path}: not a whole {message.DESCRIPTOR.name} (the file has {len(data)} bytes). "
            "It may be truncated or another kind of file",
        ) from None
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None
    return message


def _texts_are_texts(message: Message) -> bool:
    """Protobuf reads any bytes as a string, and gives them as bytes where they are no UTF-8."""
    for field, value in message.ListFields():
        values = [value] if isinstance(value, Message | str | bytes) else value
        if field.type == field.TYPE_MESSAGE and not all(map(_texts_are_texts, values)):
            return False
        if field.type == field.TYPE_STRING and any(isinstance(text, bytes) for text in values):
            return False
    return True


def prototxt(message: Message) -> str:
    """A message in text format, the same under every protobuf release (str() promises nothing)."""
    return text_format.MessageToString(message)
