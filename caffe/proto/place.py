"""Where in a prototxt a mistake is, and what was meant: what its error says besides the line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor

from ..core.strict import is_strict
from . import caffe_pb2, forks
from .plain import is_of_forks

TOKEN = re.compile(
    r"""\#[^\n]*|(?P<string>"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|(?P<brace>[{}<>])|[\w.+-]+|\S"""
)
_OWN = "a layer type of your own is made known, with its fields, by caffe.register_layer"
_UNKNOWN = re.compile(r'Message type "caffe\.(?P<message>\w+)" has no field named "(?P<field>\w+)"')


_WORD = re.compile(r"Expected string but found: '(?P<word>[A-Za-z_]\w*)'")
_OF_V1 = re.compile(
    r'Enum type "caffe\.V1LayerParameter\.LayerType" has no value named "?(?P<type>\w+)'
)
_OF_ENUM = re.compile(r'Enum type "caffe\.(?P<enum>[\w.]+)" has no value named (?P<value>\w+)')
_MERGE = re.compile("'(<{7}|={7}|>{7})")


class Block(NamedTuple):
    """A layer's block in a prototxt: its name, and where its type, its start and its end are."""

    name: str
    type_at: int | None
    start: int
    end: int


def _blocks(text: str) -> Iterator[Block]:
    """The layers' blocks at the top of a prototxt; one that is not closed ends with the text."""
    depth, word, opened = 0, "", False
    for token in TOKEN.finditer(text):
        if token[0].startswith("#") or token[0] == ":":
            continue
        if token["brace"] in ("{", "<"):
            if depth == 0:
                opened, name, at, start = word in ("layer", "layers"), "", None, token.start()
            depth += 1
        elif token["brace"]:
            depth = max(depth - 1, 0)
            if depth == 0 and opened:
                yield Block(name, at, start, token.start())
                opened = False
        elif token["string"] and depth == 1 and word == "name":
            name = name or token["string"].strip("\"'")
        elif depth == 1 and token[0] == "type":
            at = token.start()
        word = token[0]
    if opened:
        yield Block(name, at, start, len(text))


def layer_at(text: str, line: int, column: int) -> str:
    """The name of the layer whose block holds this place, counted from 1; "" outside of layers."""
    lines = text.split("\n")
    at = sum(len(before) + 1 for before in lines[: line - 1]) + max(column - 1, 0)
    at = min(at, len(text))
    return next((block.name for block in _blocks(text) if block.start <= at <= block.end), "")


def type_at(text: str, layer: str) -> tuple[int, int] | None:
    """Line and column, from 1, of the field `type` in the first layer of this name."""
    at = next((block.type_at for block in _blocks(text) if block.name == layer), None)
    return None if at is None else (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def advice(reason: str) -> str:
    """What to do about a mistake in a prototxt; "" where that is not known.

    A field that Caffe does not have, a string or a type as another generation of nets spells it,
    what a merge has left.
    """
    if found := _WORD.search(reason):
        v1 = found["word"] in caffe_pb2.V1LayerParameter.LayerType.DESCRIPTOR.values_by_name
        older = f"; {found['word']} without them is a type of the older layers {{ }}" if v1 else ""
        return f'; strings stand in quotes, as in type: "Convolution"{older}'
    if (found := _OF_ENUM.search(reason)) and _is_of_a_fork(found["enum"], found["value"]):
        return " It is not of Caffe 1.0; a fork's is taken after caffe.set_strict(False)"
    if found := _OF_V1.search(reason):
        return (
            f' In layers {{ }} types are words in capitals; "{found["type"]}" is one of today\'s '
            "layer { }"
        )
    if _MERGE.search(reason):
        return " It is what a merge has left that was not finished: take the file of one side"
    if not (found := _UNKNOWN.search(reason)):
        return ""
    message = caffe_pb2.DESCRIPTOR.message_types_by_name.get(found["message"])
    field = found["field"]
    said = forks.of_field(field) or _belongs(message, field) or _meant(message, field)
    said = said or (
        "no fork known here has it either: leave it out if it only says how fast to compute"
    )
    taken = "; caffe.set_strict(False) takes it" if is_strict() and _taken(message, field) else ""
    return f" {said[0].upper()}{said[1:]}{taken}"


def _is_of_a_fork(enum: str, value: str) -> bool:
    """Whether an enum (Message.Enum) has a value in a fork: V1 types may be any fork's."""
    holder, _, name = enum.partition(".")
    message = caffe_pb2.DESCRIPTOR.message_types_by_name.get(holder)
    kinds = message.enum_types_by_name if message else {}
    return enum == "V1LayerParameter.LayerType" or (
        name in kinds and value in kinds[name].values_by_name
    )


def _taken(message: Descriptor | None, field: str) -> bool:
    return message is not None and field in message.fields_by_name


def _belongs(message: Descriptor | None, field: str) -> str:
    """What has the field: the net, its solver, a layer, or blocks of one."""
    layer = caffe_pb2.LayerParameter.DESCRIPTOR
    net = caffe_pb2.NetParameter.DESCRIPTOR
    solver = caffe_pb2.SolverParameter.DESCRIPTOR
    holders = [
        own.name
        for own in layer.fields
        if own.message_type and field in own.message_type.fields_by_name
    ]
    if message is solver:
        of_net = holders or field in net.fields_by_name or field in layer.fields_by_name
        return 'it belongs into the net\'s file, which a solver names: net: "..."' if of_net else ""
    if message is net and field in layer.fields_by_name:
        return "it belongs into a layer { }: is a brace closed too early?"
    if field in ("layer", "layers"):
        return f"a {field} {{ }} belongs into the net itself: is a brace before it not closed?"
    if message in (net, layer) and field in solver.fields_by_name:
        return "it belongs into the solver's file"
    if message is layer and field in caffe_pb2.V1LayerParameter.DESCRIPTOR.fields_by_name:
        return _of_v1(field)
    if message is layer:
        return f"it belongs into {' or '.join(holders)}" if holders else ""
    if field in layer.fields_by_name:
        return "it belongs into the layer itself, outside of this block"
    return f"it is of {' or '.join(holders)}" if holders else ""


def _of_v1(field: str) -> str:
    today = {"blobs_lr": "param { lr_mult: ... }", "weight_decay": "param { decay_mult: ... }"}
    cure = f"write {today[field]}" if field in today else "write the block as layers { }"
    return f"it is of the older layers {{ }}; {cure}"


def _meant(message: Descriptor | None, field: str) -> str:
    fields = message.fields if message else []
    caffes = [known.name for known in fields if not is_of_forks(known)]
    near = difflib.get_close_matches(field, caffes)
    near = near or difflib.get_close_matches(field, [known.name for known in fields])
    meant = f"did you mean {' or '.join(near)}?" if near else ""
    if message is caffe_pb2.LayerParameter.DESCRIPTOR:
        return f"{meant} {_OWN}".strip()
    return meant
