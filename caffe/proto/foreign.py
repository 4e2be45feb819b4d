"""What of a prototxt Caffe's messages have no place for, and what is done about it.

Fields that only say how fast a fork computes are passed over with a line in the log; fields of a
layer type that a script has registered are kept as text for it. All else is the parser's error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from . import caffe_pb2, forks
from .place import TOKEN

OWN_TYPES: set[str] = set()  # layer types of scripts, whose fields are kept

_WORD = re.compile(r"[A-Za-z_]\w*")
_LAYER = caffe_pb2.LayerParameter.DESCRIPTOR
_V1 = caffe_pb2.V1LayerParameter.DESCRIPTOR
_SOLVER = caffe_pb2.SolverParameter.DESCRIPTOR
_QUANTIZATION = caffe_pb2.QuantizationParameter.DESCRIPTOR  # which each fork fills in its way
_POOLING = caffe_pb2.PoolingParameter.DESCRIPTOR
_EXCLUDING = re.compile(r"\b(AVE_EXC_PAD|AVE_TF)\b")  # Synopsys' means without padding
_RENAMED = {"param_str_": "param_str"}  # of one meaning, and no longer
_WORDS = ("type", "regularization_type", "lr_policy")  # strings that some write without quotes
Path = tuple[tuple[str, int], ...]  # from the outermost message: fields, and which of the repeated


class Part(NamedTuple):
    """A part of the text that the messages have no place for: text[start:end], in a field."""

    name: str
    holder: Descriptor
    path: Path  # of the message that holds it
    start: int
    end: int
    is_field: bool  # or else what is wrong is its value


class Rest(NamedTuple):
    """What is left of a prototxt, what is kept of it for registered types, and what to log."""

    text: str  # places in it are what they were, but behind quotes that were missing
    kept: list[tuple[Path, str]]  # the path of a layer, and a field as it stands in the text
    log: list[str]
    # The path of a pooling, a field of one value, and its values where they are several
    axes: list[tuple[Path, str, list[int]]]
    excluding: list[Path]  # the poolings whose means are of what is no padding
    types: list[tuple[Path, str]]  # the path of a V1 layer, and its type where V1 has none of it


def without(text: str, message: Message) -> Rest:
    """A prototxt of such a message without what may be passed over."""
    walk = _Walk(text)
    kept, words, several, excluding, types = [], [], set(), [], []
    passed_over: dict[tuple[str, str], dict[str, None]] = {}
    for part in list(walk.fields(message.DESCRIPTOR, ())):
        by = ""
        if part.name in _RENAMED:
            by = _RENAMED[part.name].ljust(part.end - part.start)
        elif part.name in _WORDS and part.holder is _SOLVER and not part.is_field:
            words.append(part)
            continue
        elif part.is_field and part.holder is _LAYER and walk.types.get(part.path) in OWN_TYPES:
            kept.append((part.path, text[part.start : part.end]))
        elif part.name in forks.PASSED_OVER or (
            part.holder is _QUANTIZATION and not forks.is_quantized(walk.types.get(part.path[:-1]))
        ):
            name = part.name if part.name in forks.PASSED_OVER else "quantization_param"
            passed_over.setdefault(forks.PASSED_OVER[name], {})[part.name] = None
        elif (part.holder, part.name) == (_POOLING, "pool") and _EXCLUDING.search(
            text, part.start, part.end
        ):
            excluding.append(part.path)
        elif (part.holder, part.name) == (_V1, "type"):
            types.append((part.path, _WORD.findall(text[part.start : part.end])[-1]))
        elif part.name in forks.FIRST_COUNTS and not part.is_field:
            several.add(part.name)
        elif part.name in forks.OF_ALL_AXES and not part.is_field:
            pass
        else:
            continue
        text = _replaced(text, part, by)
    for part in reversed(words):  # the quotes move what follows on their line
        text = f'{text[: part.start]}"{text[part.start : part.end]}"{text[part.end :]}'
    log = [
        f"passed over {', '.join(names)} of {fork}: {why}"
        for (fork, why), names in passed_over.items()
    ]
    log += [f"of several {name} the first counts: {forks.FIRST_COUNTS[name]}" for name in several]
    axes = [(*where, values) for where, values in walk.axes.items() if len(set(values)) > 1]
    # One may be left over from before, where Caffe would refuse both.
    log += [
        f"of a pooling's {field}, {' and '.join(map(str, values))}, each is of an axis"
        for _, field, values in axes
    ]
    return Rest(text, kept, log, axes, excluding, types)


def unknown(text: str, message: Message) -> list[Part]:
    """What of a prototxt the message has no place for, in the order of the text."""
    return list(_Walk(text).fields(message.DESCRIPTOR, ()))


def blanked(text: str, parts: Iterable[Part]) -> str:
    """The text without these parts; all else stays in its place."""
    for part in parts:
        text = _replaced(text, part, "")
    return text


def holder_at(message: Any, path: Path) -> Any:
    """The message inside of `message` that a path leads to."""
    for name, index in path:
        field = message.DESCRIPTOR.fields_by_name[name]
        message = getattr(message, name)
        message = message[index] if field.is_repeated else message
    return message


def _replaced(text: str, part: Part, by: str) -> str:
    """The text with a part replaced by another, or blank; of the same length and lines."""
    by = by or re.sub(r"[^\n]", " ", text[part.start : part.end])
    return text[: part.start] + by + text[part.end :]


class _Walk:
    """Goes over a prototxt beside its message; ends where the text is none."""

    def __init__(self, text: str) -> None:
        self.tokens = [t for t in TOKEN.finditer(text) if not t[0].startswith("#")]
        self.at = 0
        self.types: dict[Path, str] = {}  # of the layers
        self.axes: dict[tuple[Path, str], list[int]] = {}  # of OF_ALL_AXES, what a field has

    def next(self) -> str:
        """The token that comes, "" at the end."""
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def fields(self, message: Any, path: Path) -> Iterator[Part]:
        """What of the fields up to a closing brace, or the end, has no place in the message.

        message: a Descriptor; protobuf's own has two names for type checkers.
        """
        seen: Counter[str] = Counter()
        while self.next() not in ("", "}", ">"):
            if self.next() in (",", ";"):
                self.at += 1
                continue
            name, start = self.next(), self.tokens[self.at].start()
            if not _WORD.fullmatch(name):
                self.at = len(self.tokens)
                return
            self.at += 1
            if self.next() == ":":
                self.at += 1
            field = message.fields_by_name.get(name)
            renamed = message.fields_by_name.get(_RENAMED.get(name, ""))
            if field is None and renamed is not None:
                yield Part(name, message, path, start, start + len(name), True)
                self.skip()
            elif field is None:
                self.skip()
                if self.next() in (",", ";"):  # which may follow a field, not stand alone
                    self.at += 1
                yield Part(name, message, path, start, self.end(), True)
            elif field.message_type:
                inside = (*path, (name, seen[name]))
                yield from self.messages(field, inside)
            else:
                yield from self.scalar(field, message, path, start, seen[name])
            seen[name] += 1

    def messages(self, field: FieldDescriptor, path: Path) -> Iterator[Part]:
        if self.next() not in ("{", "<"):
            self.skip()
            return
        self.at += 1
        yield from self.fields(field.message_type, path)
        self.at += 1

    def scalar(
        self, field: FieldDescriptor, holder: Descriptor, path: Path, start: int, before: int
    ) -> Iterator[Part]:
        first = self.at
        self.skip()
        given = [token[0] for token in self.tokens[first : self.at]]
        if holder is _LAYER and field.name == "type":
            self.types[path] = "".join(given).strip("\"'")
        if field.type == field.TYPE_STRING and _WORD.fullmatch("".join(given)):
            start = self.tokens[first].start() if holder is _SOLVER else start
            yield Part(field.name, holder, path, start, self.end(), False)
        first_counts = field.name in forks.FIRST_COUNTS
        if field.name in forks.OF_ALL_AXES and not field.is_repeated:
            values = self.axes.setdefault((path, field.name), [])
            values += [int(value) for value in given if value.isdecimal()]
            first_counts = holder is _POOLING or len(set(values)) == 1
        if first_counts and before:
            yield Part(field.name, holder, path, start, self.end(), False)
        elif first_counts and given[:1] == ["["]:
            bracket = self.tokens[first]
            yield Part(field.name, holder, path, *bracket.span(), False)
            rest = self.tokens[min(first + 2, self.at - 1)].start()
            yield Part(field.name, holder, path, rest, self.end(), False)
        elif field.enum_type and any(
            _WORD.fullmatch(value) and value not in field.enum_type.values_by_name
            for value in given
        ):
            yield Part(field.name, holder, path, start, self.end(), False)

    def skip(self) -> None:
        """Past a value: a message, a list, strings that follow one another, or one token."""
        if self.next() in ("{", "<", "["):
            depth = 0
            while self.next():
                depth += (self.next() in ("{", "<", "[")) - (self.next() in ("}", ">", "]"))
                self.at += 1
                if not depth:
                    return
        elif self.next()[:1] in ("'", '"'):
            while self.next()[:1] in ("'", '"'):
                self.at += 1
        else:
            self.at += 1

    def end(self) -> int:
        """Where the last token that was passed ends in the text."""
        return self.tokens[min(self.at, len(self.tokens)) - 1].end()
