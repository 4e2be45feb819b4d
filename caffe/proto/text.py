"""Caffe's messages as files: prototxt and binaryproto."""

import codecs
import re
from pathlib import Path
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import DecodeError, Message

from ..core.errors import CaffeError, caffe_error
from ..core.files import PathLike, cannot_be_read
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
    text = _decoded(data, path)
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


_COMMENT_OR_STRING = re.compile(r"""\#[^\n]*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?""")


def _decoded(data: bytes, path: PathLike) -> str:
    """A prototxt's text, lines ended by \\n: UTF-8, or UTF-16 that says so.

    Comments may hold any other encoding's bytes, as for BVLC's parser; strings may not, for a
    Python string has to know which it is. Raises CaffeError.
    """
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16") if wide else data.decode("utf-8-sig", "surrogateescape")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise caffe_error(OSError, f"{path}: not a text file; expected a prototxt")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _COMMENT_OR_STRING.sub(lambda found: _readable_comment(found[0]), text)
    if odd := _BYTE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        column = odd.start() - text.rfind("\n", 0, odd.start())
        raise CaffeError(
            f"{path}:{line}:{column}: this is no UTF-8, which all but comments must be; "
            "save the file as UTF-8"
        )
    return text


_BYTE = re.compile("[\udc80-\udcff]")  # as surrogateescape writes what is no UTF-8


def _readable_comment(text: str) -> str:
    return _BYTE.sub("?", text) if text.startswith("#") else text


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
