"""caffe.proto says what BVLC Caffe's says, and the parser reads it as protoc would."""

from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, text_format, unknown_fields

from caffe.proto import caffe_pb2
from caffe.proto.schema import parse

RECORDS = Path(__file__).parents[1] / "records"

# message.field: (number, default), as files of BVLC Caffe need them
FIELDS = {
    "BlobShape.dim": (1, None),
    "BlobProto.shape": (7, None),
    "BlobProto.data": (5, None),
    "BlobProto.double_diff": (9, None),
    "BlobProto.num": (1, 0),
    "Datum.label": (5, 0),
    "Datum.encoded": (7, False),
    "FillerParameter.type": (1, "constant"),
    "FillerParameter.sparse": (7, -1),
    "NetParameter.name": (1, ""),
    "NetParameter.layers": (2, None),
    "NetParameter.layer": (100, None),
    "SolverParameter.clip_gradients": (35, -1.0),
    "SolverParameter.delta": (31, pytest.approx(1e-8)),
    "SolverParameter.momentum2": (39, pytest.approx(0.999)),
    "SolverParameter.rms_decay": (38, pytest.approx(0.99)),
    "SolverParameter.snapshot_format": (37, caffe_pb2.SolverParameter.BINARYPROTO),
    "SolverParameter.solver_mode": (17, caffe_pb2.SolverParameter.GPU),
    "SolverParameter.type": (40, "SGD"),
    "SolverParameter.regularization_type": (29, "L2"),
    "SolverParameter.random_seed": (20, -1),
    "SolverParameter.layer_wise_reduce": (41, True),
    "SolverParameter.weights": (42, None),
    "SolverState.history": (3, None),
    "NetState.phase": (1, caffe_pb2.TEST),
    "ParamSpec.lr_mult": (3, 1.0),
    "LayerParameter.name": (1, ""),
    "LayerParameter.loss_weight": (5, None),
    "LayerParameter.blobs": (7, None),
    "LayerParameter.phase": (10, caffe_pb2.TRAIN),
    "LayerParameter.propagate_down": (11, None),
    "LayerParameter.convolution_param": (106, None),
    "LayerParameter.python_param": (130, None),
    "LayerParameter.batch_norm_param": (139, None),
    "LayerParameter.elu_param": (140, None),
    "LayerParameter.bias_param": (141, None),
    "LayerParameter.scale_param": (142, None),
    "LayerParameter.input_param": (143, None),
    "LayerParameter.crop_param": (144, None),
    "LayerParameter.parameter_param": (145, None),
    "LayerParameter.recurrent_param": (146, None),
    "LayerParameter.swish_param": (147, None),
    "LayerParameter.clip_param": (148, None),
    "LossParameter.ignore_label": (1, 0),
    "LossParameter.normalization": (3, caffe_pb2.LossParameter.VALID),
    "ConvolutionParameter.kernel_size": (4, None),
    "ConvolutionParameter.dilation": (18, None),
    "ConvolutionParameter.group": (5, 1),
    "PoolingParameter.round_mode": (13, caffe_pb2.PoolingParameter.CEIL),
    "BatchNormParameter.eps": (3, pytest.approx(1e-5)),
    "CropParameter.axis": (1, 2),
    "CropParameter.offset": (2, None),
    "DropoutParameter.dropout_ratio": (1, 0.5),
    "EltwiseParameter.operation": (1, caffe_pb2.EltwiseParameter.SUM),
    "ExpParameter.base": (1, -1.0),
    "PythonParameter.param_str": (3, ""),
    "DataParameter.prefetch": (10, 4),
    "V1LayerParameter.layer": (1, None),
    "V1LayerParameter.type": (5, caffe_pb2.V1LayerParameter.NONE),
    "V1LayerParameter.blob_share_mode": (1002, None),
    "V0LayerParameter.det_crop_mode": (59, "warp"),
    "V0LayerParameter.hdf5_output_param": (1001, None),
}


@pytest.mark.parametrize("path", FIELDS)
def test_field_has_caffes_number_and_default(path):
    message, name = path.split(".")
    field = getattr(caffe_pb2, message).DESCRIPTOR.fields_by_name[name]
    number, default = FIELDS[path]
    assert field.number == number
    if default is not None:
        assert getattr(getattr(caffe_pb2, message)(), name) == default


@pytest.mark.parametrize("name", ["dim", "data", "diff", "double_data", "double_diff"])
def test_blob_values_are_packed_and_nothing_else_is(name):
    """Packing shows in the bytes: one length-delimited record (wire type 2), not one per value."""
    message = caffe_pb2.BlobShape if name == "dim" else caffe_pb2.BlobProto
    data = message(**{name: [1, 2, 3]}).SerializeToString()
    number = message.DESCRIPTOR.fields_by_name[name].number
    assert data[0] == number << 3 | 2
    assert len(caffe_pb2.NetParameter(input_dim=[1, 2, 3]).SerializeToString()) == 6


def test_module_offers_what_generated_code_does():
    assert (caffe_pb2.TRAIN, caffe_pb2.TEST) == (0, 1)
    assert caffe_pb2.Phase.Name(1) == "TEST"
    assert caffe_pb2.PoolingParameter.MAX == 0
    assert caffe_pb2.PoolingParameter.PoolMethod.Value("AVE") == 1
    assert caffe_pb2.V1LayerParameter.DECONVOLUTION == 39
    assert caffe_pb2.BlobProto.FromString(b"") == caffe_pb2.BlobProto()
    assert caffe_pb2.DESCRIPTOR.package == "caffe"
    assert set(caffe_pb2.DESCRIPTOR.message_types_by_name) <= set(vars(caffe_pb2))


@pytest.mark.parametrize("old", ["v0", "v1"])
@pytest.mark.parametrize("form", ["{}.prototxt", "{}_upgraded.prototxt"])
def test_prototxt_of_every_age_parses(old, form):
    text = (RECORDS / "legacy" / form.format(old)).read_text()
    net = text_format.Parse(text, caffe_pb2.NetParameter())
    assert net.layer or net.layers


def unknown(message):
    """Paths of the fields in `message`'s bytes that caffe.proto does not have."""
    paths = [str(field.field_number) for field in unknown_fields.UnknownFieldSet(message)]
    for field, value in message.ListFields():
        if field.message_type:
            for part in value if hasattr(value, "__len__") else [value]:
                paths += [f"{field.name}.{path}" for path in unknown(part)]
    return paths


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("solvers/snapshot/adam_iter_5.caffemodel", caffe_pb2.NetParameter),
        ("solvers/snapshot/adam_iter_5.solverstate", caffe_pb2.SolverState),
        ("legacy/v1.caffemodel", caffe_pb2.NetParameter),
    ],
)
def test_every_byte_of_bvlcs_files_is_known_and_written_back_the_same(file, message):
    data = (RECORDS / file).read_bytes()
    parsed = message.FromString(data)
    assert unknown(parsed) == []
    assert parsed.SerializeToString() == data


def test_unknown_fields_are_seen():
    """The check above can fail: field 200 is none of LayerParameter's."""
    layer = caffe_pb2.LayerParameter.FromString(b"\xc0\x0c\x01")
    net = caffe_pb2.NetParameter(layer=[layer])
    assert unknown(net) == ["layer.200"]


def test_parser_gives_protocs_descriptor():
    source = """
        syntax = "proto2";  // as protoc has it
        package p;
        message A {
          enum Kind { X = 0; Y = 7; }
          required float f = 1 [default = -1e-3];  // [packed = true]
          optional Kind kind = 2 [default = Y];
          repeated int64 dim = 3 [packed = true];
          optional B b = 4;
          optional Top top = 5;
          optional string s = 6 [default = 'a // b'];
        }
        message B {}
        enum Top { T = 3; }
    """
    expected = """
        name: "p.proto" package: "p" syntax: "proto2"
        message_type {
          name: "A"
          field { name: "f" number: 1 label: LABEL_REQUIRED type: TYPE_FLOAT
                  default_value: "-1e-3" }
          field { name: "kind" number: 2 label: LABEL_OPTIONAL type: TYPE_ENUM
                  type_name: ".p.A.Kind" default_value: "Y" }
          field { name: "dim" number: 3 label: LABEL_REPEATED type: TYPE_INT64
                  options { packed: true } }
          field { name: "b" number: 4 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".p.B" }
          field { name: "top" number: 5 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".p.Top" }
          field { name: "s" number: 6 label: LABEL_OPTIONAL type: TYPE_STRING
                  default_value: "a // b" }
          enum_type { name: "Kind" value { name: "X" number: 0 } value { name: "Y" number: 7 } }
        }
        message_type { name: "B" }
        enum_type { name: "Top" value { name: "T" number: 3 } }
    """
    expected = text_format.Parse(expected, descriptor_pb2.FileDescriptorProto())
    assert parse(source, "p.proto") == expected


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("message A {\n  optional int32 x = one;\n}", r"p.proto:4: expected a number, found one"),
        ("message A {\n  optional C c = 1;\n}", r"p.proto:4: expected a type, found C"),
        ("message A {\n  map x = 1;\n}", r"p.proto:4: expected enum or .*, found map"),
        ("message A {", r"p.proto:3: expected enum or .*, found the end of the file"),
        ("message A { optional int32 x = 1 }", r"p.proto:3: expected \[ or ;, found }"),
    ],
)
def test_parser_refuses_what_it_does_not_understand(body, complaint):
    with pytest.raises(ValueError, match=complaint):
        parse(f'syntax = "proto2";\npackage p;\n{body}', "p.proto")
