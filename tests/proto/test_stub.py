"""caffe_pb2.pyi tells type checkers what caffe_pb2 gives Python."""

import ast
from keyword import iskeyword

from google.protobuf import descriptor_pool

from caffe.proto import caffe_pb2
from caffe.proto.schema import parse
from caffe.proto.stub import STUB, stub


def test_the_kept_stub_is_what_caffe_proto_gives():
    assert STUB.read_text() == stub(caffe_pb2.DESCRIPTOR), "run python -m caffe.proto.stub"


def test_every_name_of_the_stub_is_there_at_run_time():
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.AnnAssign):
            assert hasattr(caffe_pb2, node.target.id)
        elif isinstance(node, ast.ClassDef):
            message = getattr(caffe_pb2, node.name)()
            names = {part.target.id for part in node.body if isinstance(part, ast.AnnAssign)}
            assert all(hasattr(message, name) for name in names)
            fields = {name for name in message.DESCRIPTOR.fields_by_name if not iskeyword(name)}
            assert fields <= names  # `lambda` can be no attribute


def test_fields_are_typed_as_read_and_arguments_as_taken():
    source = """
        syntax = "proto2";
        package p;
        enum Kind { X = 0; }
        message B { optional bytes data = 1; }
        message A {
          enum Own { Y = 2; }
          required float lr_mult = 1;
          repeated Kind kinds = 2;
          repeated B b = 3;
          optional Own own = 4;
          optional B one = 5;
          optional string name = 6;
        }
    """
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(parse(source, "p.proto").SerializeToString())
    text = stub(pool.FindFileByName("p.proto"))
    assert "\nKind: EnumTypeWrapper\nX: int\n" in text
    assert "\nclass A(Message):\n    Own: EnumTypeWrapper\n    Y: int\n" in text
    for field, read, taken in [
        ("data", "bytes", "bytes"),
        ("lr_mult", "float", "float"),
        ("kinds", "RepeatedScalarFieldContainer[int]", "Iterable[int | str]"),
        ("b", "RepeatedCompositeFieldContainer[B]", "Iterable[B | Mapping[str, Any]]"),
        ("own", "int", "int | str"),
        ("one", "B", "B | Mapping[str, Any]"),
        ("name", "str", "str"),
    ]:
        assert f"\n    {field}: {read}\n" in text
        assert f"\n        {field}: {taken} | None = ...,\n" in text
