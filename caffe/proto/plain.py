"""The messages as Caffe 1.0 has them, without what forks add: what is strict is held against."""

from functools import cache
from pathlib import Path

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from .schema import parse

PLAIN = parse(Path(__file__).with_name("caffe.proto").read_text(), "caffe.proto")
FIRST_OF_FORKS = 10000  # the lowest number of a field that contrib.proto adds to a message


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(PLAIN.SerializeToString())
    return pool


def plain(message: Message) -> Message:
    """An empty message of the same name, with the fields of Caffe 1.0 alone."""
    descriptor = _pool().FindMessageTypeByName(message.DESCRIPTOR.full_name)
    return message_factory.GetMessageClass(descriptor)()


def is_of_forks(field: FieldDescriptor) -> bool:
    """Whether contrib.proto adds the field to a message of caffe.proto."""
    return field.number >= FIRST_OF_FORKS
