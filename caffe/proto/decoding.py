"""The bytes of a prototxt as text, whatever editor has saved it."""

from __future__ import annotations

import codecs
import re
from typing import NoReturn

from ..core.errors import CaffeError, caffe_error
from ..core.files import PathLike
from .place import layer_at

_COMMENT_OR_STRING = re.compile(r"""\#[^\n]*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?""")
_NO_UTF8 = re.compile("[\udc80-\udcff]")  # as surrogateescape writes it
_ESCAPE = re.compile(r"\\(.)")
ESCAPES = "abfnrtv\\'\"?01234567xXuU"  # protobuf's, by the letter behind the backslash


def decoded(data: bytes, path: PathLike) -> str:
    """A prototxt's text with lines that end in a line feed; it is UTF-8, or UTF-16 that says so.

    Comments may hold any other encoding's bytes, as for BVLC's parser; strings may not, for a
    Python string has to know which it is. Raises CaffeError with line and column, there and for an
    escape that protobuf does not have: mostly, a path of Windows.
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
    if odd := _NO_UTF8.search(text):
        _refuse(path, text, odd.start(), "no UTF-8, as all but comments must be: save it as UTF-8")
    for string in _COMMENT_OR_STRING.finditer(text):
        for escape in () if string[0].startswith("#") else _ESCAPE.finditer(string[0]):
            if escape[1] not in ESCAPES:
                at = string.start() + escape.start()
                message = f"{escape[0]} is no escape, which a backslash begins: write paths with /"
                _refuse(path, text, at, message)
    return text


def _readable_comment(text: str) -> str:
    return _NO_UTF8.sub("?", text) if text.startswith("#") else text


def _refuse(path: PathLike, text: str, at: int, message: str) -> NoReturn:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    layer = layer_at(text, line, column)
    within = f"layer '{layer}': " if layer else ""
    raise CaffeError(f"{path}:{line}:{column}: {within}{message}")
