"""Reads a .proto file into a descriptor, without protoc.

Code that protoc generates is tied to one major release of protobuf; a descriptor is not.
Understood is the part of proto2 that caffe.proto uses: messages, enums (top-level or nested in a
message), optional / required / repeated fields, and the field options packed and default. `extend`
adds fields, and values to enums, to a message of another file as if they stood there.
"""

import re

from google.protobuf import descriptor_pb2

_Enum = descriptor_pb2.EnumDescriptorProto
_Field = descriptor_pb2.FieldDescriptorProto
_File = descriptor_pb2.FileDescriptorProto
_Message = descriptor_pb2.DescriptorProto
_SCALARS = {name[len("TYPE_") :].lower(): number for name, number in _Field.Type.items()}
_LABELS = {name[len("LABEL_") :].lower(): number for name, number in _Field.Label.items()}
_TOKEN = re.compile(r"""(?://[^\n]*|\s)*([\w.+-]+|"[^"\n]*"|'[^'\n]*'|[{}\[\]=;,]|$|.)""")
_END = ""


def parse(text: str, name: str, base: _File | None = None) -> _File:
    """Descriptor of the .proto source `text`; `name` is the file's name, there and in errors.

    With `base` the result is that descriptor, its name too, and what `text` adds to it. Raises
    ValueError with file and line at anything outside the understood part of proto2.
    """
    return _Parser(text, name, base).result


class _Parser:
    def __init__(self, text: str, name: str, base: _File | None = None):
        self.text, self.name = text, name
        self.tokens = _TOKEN.finditer(text)
        self.token = next(self.tokens)
        self.result = _File(name=name)
        if base is not None:
            self.result.CopyFrom(base)
        # (message, field, token of its type)
        self.unresolved: list[tuple[_Message, _Field, re.Match]] = []
        self.file(self.result)
        self.resolve()

    def error(self, token: re.Match, expected: str) -> ValueError:
        line = self.text.count("\n", 0, token.start(1)) + 1
        found = token[1] or "the end of the file"
        return ValueError(f"{self.name}:{line}: expected {expected}, found {found}")

    def take(self, *expected: str) -> str:
        """The next token, which has to be one of `expected` if any is given."""
        token = self.token
        if expected and token[1] not in expected:
            raise self.error(token, " or ".join(expected))
        if token[1] != _END:
            self.token = next(self.tokens)
        return token[1]

    def number(self) -> int:
        if not self.token[1].isdecimal():
            raise self.error(self.token, "a number")
        return int(self.take())

    def file(self, file: _File) -> None:
        for word in ("syntax", "=", '"proto2"', ";", "package"):
            self.take(word)
        file.syntax = "proto2"
        file.package = self.take()
        self.take(";")
        while self.token[1] != _END:
            word = self.take("message", "enum", "extend")
            if word == "extend":
                self.extend()
            elif word == "enum":
                self.enum(file.enum_type.add())
            else:
                self.message(file.message_type.add())

    def extend(self) -> None:
        messages = {message.name: message for message in self.result.message_type}
        if self.token[1] not in messages:
            raise self.error(self.token, "a message")
        self.fields(messages[self.take()])

    def enum(self, enum: _Enum) -> None:
        enum.name = self.take()
        self.take("{")
        while self.token[1] != "}":
            value = enum.value.add(name=self.take())
            self.take("=")
            value.number = self.number()
            self.take(";")
        self.take("}")

    def message(self, message: _Message) -> None:
        message.name = self.take()
        self.fields(message)

    def fields(self, message: _Message) -> None:
        self.take("{")
        while self.token[1] != "}":
            word = self.take("enum", *_LABELS)
            if word == "enum":
                known = (enum for enum in message.enum_type if enum.name == self.token[1])
                enum = next(known, None) or message.enum_type.add()
                self.enum(enum)
            else:
                self.field(message, message.field.add(label=_LABELS[word]))
        self.take("}")

    def field(self, message: _Message, field: _Field) -> None:
        kind = self.token
        if self.take() in _SCALARS:
            field.type = _SCALARS[kind[1]]
        else:
            self.unresolved.append((message, field, kind))
        field.name = self.take()
        self.take("=")
        field.number = self.number()
        if self.take("[", ";") == "[":
            self.option(field)
            self.take("]")
            self.take(";")

    def option(self, field: _Field) -> None:
        option = self.take("packed", "default")
        self.take("=")
        if option == "packed":
            field.options.packed = self.take("true", "false") == "true"
        else:
            field.default_value = self.take().strip("\"'")

    def resolve(self) -> None:
        """Field types that are no scalars, now that every message and enum is known."""
        package = f".{self.result.package}"
        enums = {enum.name for enum in self.result.enum_type} | {
            f"{message.name}.{enum.name}"
            for message in self.result.message_type
            for enum in message.enum_type
        }
        messages = {message.name for message in self.result.message_type}
        for message, field, kind in self.unresolved:
            name = kind[1]
            if any(enum.name == name for enum in message.enum_type):
                field.type, field.type_name = _Field.TYPE_ENUM, f"{package}.{message.name}.{name}"
            elif name in enums:
                field.type, field.type_name = _Field.TYPE_ENUM, f"{package}.{name}"
            elif name in messages:
                field.type, field.type_name = _Field.TYPE_MESSAGE, f"{package}.{name}"
            else:
                raise self.error(kind, "a type")
