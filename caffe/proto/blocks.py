"""Blocks of today's layers in V1's: a fork has a block in both, whatever its generation."""

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

FIRST = 20000  # number of V1's, beside the number in LayerParameter


def shared_with_v1(file: FileDescriptorProto) -> FileDescriptorProto:
    """The messages, with V1LayerParameter's having each `..._param` of LayerParameter's."""
    out = FileDescriptorProto()
    out.CopyFrom(file)
    messages = {message.name: message for message in out.message_type}
    v1 = messages["V1LayerParameter"]
    own = {field.name for field in v1.field}
    for field in messages["LayerParameter"].field:
        is_block = field.type == FieldDescriptorProto.TYPE_MESSAGE and field.name.endswith("_param")
        if is_block and field.name not in own:
            v1.field.add().CopyFrom(field)
            v1.field[-1].number = FIRST + field.number
    return out
