"""The message classes and enums of caffe.proto, as protoc's generated module would have them.

What forks add to the messages (contrib.proto) is merged into them: `layer.bn_param` is there as in
a fork's caffe_pb2, and in V1's layers as in today's. plain.py has the messages of Caffe 1.0 alone.

They are made from caffe.proto at import, so this module works with every protobuf release that
has `message_factory.GetMessageClass` (5 and newer). The descriptors live in a pool of their own:
another caffe.proto in the same process does no harm.
"""

from pathlib import Path

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from .blocks import shared_with_v1
from .plain import PLAIN
from .schema import parse

_pool = descriptor_pool.DescriptorPool()
_contrib = Path(__file__).with_name("contrib.proto").read_text()
_file = shared_with_v1(parse(_contrib, "contrib.proto", PLAIN))
_pool.AddSerializedFile(_file.SerializeToString())

DESCRIPTOR = _pool.FindFileByName("caffe.proto")

for _name, _message in DESCRIPTOR.message_types_by_name.items():
    globals()[_name] = message_factory.GetMessageClass(_message)

for _name, _enum in DESCRIPTOR.enum_types_by_name.items():
    globals()[_name] = EnumTypeWrapper(_enum)
    globals().update((value.name, value.number) for value in _enum.values)
