"""Caffe's messages as files: prototxt and binaryproto."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from ..core.errors import CaffeError, anew, caffe_error, error_context
from ..core.files import PathLike, cannot_be_read, refuse_stand_in
from ..core.log import LOGGER
from ..core.strict import is_strict
from . import caffe_pb2, foreign, foreign_bytes
from .decoding import decoded
from .place import advice, layer_at, type_at
from .plain import plain

M = TypeVar("M", bound=Message)


def read_prototxt(path: PathLike, message: M) -> M:
    """Parse a text-format file into `message`, which is empty.

    Fields of forks that only say how fast they compute are passed over, with a line in the log.
    Raises CaffeError for a missing file, and for a syntax error or an unknown field, with the
    line and column, the layer, and what to write instead if that is known; where `set_strict` says
    so, for every field that Caffe 1.0 does not have.
    """
    text = _text(path)
    try:
        return _parsed(text, message, path)
    except text_format.ParseError as error:
        raise _refusal(path, text, error, message) from None


@dataclass(frozen=True)
class Known(Generic[M]):
    """A prototxt as far as it is known here."""

    message: M
    passed_over: list[str]  # fields that say nothing about what is computed, and whose they are
    unknown: list[str]  # what is left out, as an error says it, from line and column on


def read_known(path: PathLike, message: M) -> Known[M]:
    """As read_prototxt, without what the messages have no place for, which is reported instead.

    Raises CaffeError for a missing file and a syntax error.
    """
    text = _text(path)
    rest = foreign.without(text, message)
    parts = foreign.unknown(rest.text, message)
    said = [_unknown(rest.text, part) for part in parts]
    try:
        text_format.Parse(foreign.blanked(rest.text, parts), message)
    except text_format.ParseError as error:
        raise _refusal(path, text, error, message) from None
    _keep(rest, message)
    return Known(message, rest.log, said)


def _text(path: PathLike) -> str:
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None
    refuse_stand_in(path, data)
    return decoded(data, path)


def _refusal(
    path: PathLike, text: str, error: text_format.ParseError, message: Message
) -> CaffeError:
    """What to raise where a text is no message, with the cure if it is known."""
    line, column = error.GetLine(), error.GetColumn()
    at = f":{line}" + (f":{column}" if column else "") if line else ""
    reason = re.sub(r"^\d+:\d+ : ", "", str(error))
    if "unicodeescape" in reason:
        reason = "a backslash begins an escape in a string: write paths with /"
    if line and (layer := layer_at(text, line, column or 1)):
        reason = f"layer '{layer}': {reason}"
    expected = message.DESCRIPTOR.name
    return CaffeError(f"{path}{at}: not a valid {expected}: {reason}{advice(reason)}")


def _unknown(text: str, part: foreign.Part) -> str:
    """What a part of a text is that is unknown, as protobuf says it, with the cure."""
    line, column = text.count("\n", 0, part.start) + 1, part.start - text.rfind("\n", 0, part.start)
    layer = layer_at(text, line, column)
    reason = f'Message type "{part.holder.full_name}" has no field named "{part.name}".'
    if not part.is_field:
        given = " ".join(text[part.start : part.end].split())
        reason = f'"{given}" is no value of {part.holder.name}\'s {part.name}.'
        if part.holder.fields_by_name[part.name].type == FieldDescriptor.TYPE_STRING:
            reason = f"Expected string but found: '{given.split()[-1]}'"
    return f"{line}:{column}: " + (f"layer '{layer}': " if layer else "") + reason + advice(reason)


def _parsed(text: str, message: M, path: PathLike) -> M:
    if is_strict():
        text_format.Parse(text, plain(message))
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError:
        rest = foreign.without(text, message)
        if is_strict() or rest.text == text:
            raise
    message.Clear()
    text_format.Parse(rest.text, message)
    for line in rest.log:
        LOGGER.info("%s: %s", path, line)
    _keep(rest, message)
    return message


def _keep(rest: foreign.Rest, message: Message) -> None:
    """Give layers of registered types their fields, V1's their types, poolings all of a field."""
    for place, field in rest.kept:
        foreign.holder_at(message, place).own_fields += f"{field} "
    for place, field, values in rest.axes:
        holder = foreign.holder_at(message, place)
        holder.ClearField(field)
        if len(values) == 2:
            stem = "kernel" if field == "kernel_size" else field
            for axis, value in zip("hw", values, strict=True):
                setattr(holder, f"{stem}_{axis}", value)
        else:
            getattr(holder, f"axis_{field}").extend(values)
    for place, kind in rest.types:
        foreign.holder_at(message, place).other_type = kind
    for place in rest.excluding:
        holder = foreign.holder_at(message, place)
        holder.pool, holder.exclude_pad = caffe_pb2.PoolingParameter.AVE, True


@contextmanager
def in_prototxt(path: PathLike) -> Iterator[None]:
    """Put the file in front of a CaffeError raised inside, and the place of its `unknown_layer`."""
    with error_context(path):
        try:
            yield
        except CaffeError as error:
            layer = getattr(error, "unknown_layer", None)
            if layer is None or not (place := place_of(path, layer)):
                raise
            raise anew(error, f"{path}:{place}: {error}") from None


def place_of(path: PathLike, layer: str) -> str:
    """Line and column, `12:3`, of the type of a prototxt's first layer of this name; "" if none."""
    try:
        found = type_at(decoded(Path(path).read_bytes(), path), layer)
    except (OSError, ValueError):  # the file is not what it was, or there is none
        found = None
    return f"{found[0]}:{found[1]}" if found else ""


def read_binaryproto(path: PathLike, message: M) -> M:
    """Parse a file in the binary format into `message`; it is held in memory whole.

    Of a fork's net whose parameters cannot be read as Caffe's, all else is. Raises CaffeError for a
    file that is missing, or no whole message of this kind.
    """
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None
    refuse_stand_in(path, data)
    try:
        try:
            message.ParseFromString(data)
        except DecodeError:
            if not isinstance(message, caffe_pb2.NetParameter):
                raise
            message.ParseFromString(foreign_bytes.names_types_and_blobs(data))
            LOGGER.warning(
                "%s: has fields of a fork under numbers of Caffe's; its layers are read without "
                "their parameters",
                path,
            )
        if not _texts_are_texts(message):
            raise DecodeError
    except (DecodeError, UnicodeDecodeError):
        raise caffe_error(
            OSError,
            f"{path}: not a whole {message.DESCRIPTOR.name} (the file has {len(data)} bytes). "
            "It may be truncated or another kind of file",
        ) from None
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
