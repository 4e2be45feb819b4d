"""NetSpec writes the nets that pycaffe's net_spec writes."""

import copy

import numpy as np
import pytest
from google.protobuf import text_format

from caffe import NetSpec, to_proto
from caffe import layers as L
from caffe import params as P
from caffe.net_spec import Function, Top, assign_proto, param_name_dict
from caffe.proto import caffe_pb2

pytestmark = pytest.mark.smoke


def net(text):
    return text_format.Parse(text, caffe_pb2.NetParameter())


def names(proto):
    return [layer.name for layer in proto.layer]


def data():
    return L.Input(shape=dict(dim=[1, 3, 8, 8]))


def test_a_net_is_written_layer_by_layer_with_parameters_where_they_belong():
    n = NetSpec()
    n.data, n.label = L.Python(module="m", layer="l", ntop=2, param_str="{'a': 1}")
    n.conv = L.Convolution(
        n.data,
        num_output=np.int64(2),
        kernel_size=3,
        pad=[1, 2],
        weight_filler=dict(type="gaussian", std=0.5),
        param=[dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)],
        include=dict(phase=caffe_pb2.TRAIN, stage=["a", "b"]),
    )
    n.relu = L.ReLU(n.conv, in_place=True)
    n.pool = L.Pooling(n.relu, pool=P.Pooling.AVE, kernel_size=2, stride=2)
    n.up = L.Deconvolution(n.pool, convolution_param=dict(num_output=2), param=dict(lr_mult=0))
    n.loss = L.SoftmaxWithLoss(n.up, n.label, loss_weight=2, loss_param=dict(normalize=False))
    assert n.to_proto() == net("""
        layer { name: "data" type: "Python" top: "data" top: "label"
                python_param { module: "m" layer: "l" param_str: "{'a': 1}" } }
        layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
                param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
                include { phase: TRAIN stage: "a" stage: "b" }
                convolution_param { num_output: 2 kernel_size: 3 pad: 1 pad: 2
                                    weight_filler { type: "gaussian" std: 0.5 } } }
        layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
        layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
                pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
        layer { name: "up" type: "Deconvolution" bottom: "pool" top: "up" param { lr_mult: 0 }
                convolution_param { num_output: 2 } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "up" bottom: "label" top: "loss"
                loss_weight: 2 loss_param { normalize: false } }
    """)


def test_what_is_not_assigned_is_named_by_type_and_number():
    n = NetSpec()
    n.out = L.ReLU(L.Convolution(L.Convolution(data())))
    proto = n.to_proto()
    assert names(proto) == ["Input1", "Convolution1", "Convolution2", "out"]
    assert list(proto.layer[3].bottom) == ["Convolution2"]
    assert names(to_proto(n.out)) == ["Input1", "Convolution1", "Convolution2", "ReLU1"]
    assert n.out.to_proto() == to_proto(n.out)


def test_name_renames_the_layer_but_not_its_top():
    n = NetSpec()
    n.a = L.Input(name="other")
    layer = n.to_proto().layer[0]
    assert (layer.name, list(layer.top)) == ("other", ["a"])


def test_a_layer_without_tops_is_a_function_and_can_be_named():
    n = NetSpec()
    n.data = data()
    n.quiet = L.Silence(n.data, ntop=0)
    assert isinstance(n.quiet, Function)
    layer = n.to_proto().layer[1]
    assert (layer.name, list(layer.bottom), list(layer.top)) == ("quiet", ["data"], [])
    assert names(to_proto(L.Silence(data(), ntop=0))) == ["Input1", "Silence1"]


def test_a_layer_used_by_two_is_written_once_and_before_both():
    shared = L.Convolution(data())
    proto = to_proto(L.ReLU(shared), L.TanH(shared))
    assert names(proto) == ["Input1", "Convolution1", "ReLU1", "TanH1"]
    assert proto.layer[2].bottom == proto.layer[3].bottom == ["Convolution1"]


def test_several_tops_come_as_a_tuple_in_order():
    tops = L.Slice(data(), ntop=3)
    assert [top.n for top in tops] == [0, 1, 2]
    assert all(isinstance(top, Top) for top in tops)
    layer = to_proto(L.ReLU(tops[2])).layer
    assert list(layer[1].top) == ["Slice1", "Slice2", "Slice3"]
    assert list(layer[2].bottom) == ["Slice3"]


def test_attributes_and_items_are_the_same():
    n = NetSpec()
    n["fc-1"] = top = data()
    assert n["fc-1"] is top
    assert getattr(n, "fc-1") is top
    n.b = L.ReLU(top)
    n.update({"c": L.ReLU(n.b)})
    assert n.keys() == ["fc-1", "b", "c"]
    assert n.vals()[0] is top
    del n.c
    del n["b"]
    assert n.keys() == ["fc-1"]
    assert copy.deepcopy(n).to_proto() == n.to_proto()
    assert not hasattr(n, "b")
    with pytest.raises(KeyError):
        n["b"]


def test_writing_a_net_does_not_change_it():
    n = NetSpec()
    n.data = data()
    n.out = L.ReLU(L.Convolution(n.data))
    assert n.to_proto() == n.to_proto()


def test_layer_type_gives_its_parameter():
    table = param_name_dict()
    assert table["Convolution"] == "convolution"
    assert table["HDF5Data"] == "hdf5_data"
    assert table["InnerProduct"] == "inner_product"
    assert table["Transformation"] == "transform"
    assert table["Accuracy"] == "accuracy"  # of three layers that share its message
    assert table["Exp"] == "exp"


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("Accuracy", "accuracy_param", dict(top_k=5)),
        ("Exp", "exp_param", dict(base=2)),
        ("ROIPooling", "roi_pooling_param", dict(pooled_h=7)),
        ("Normalize", "norm_param", dict(across_spatial=False)),
        ("ReduceMean", "reduce_mean_param", dict(axis=[2, 3])),
        ("SpaceToDepth", "space_to_depth_param", dict(block_size=2)),
    ],
)
def test_fields_are_of_the_types_own_parameter_where_layers_share_a_message(kind, field, value):
    (layer,) = to_proto(getattr(L, kind)(**value)).layer
    assert [given.name for given, _ in layer.ListFields()] == ["name", "type", "top", field]


@pytest.mark.parametrize("value", [dict(dim=[2, 3]), [dict(dim=[2, 3])], (dict(dim=(2, 3)),)])
def test_assign_proto_takes_one_message_as_a_list_of_one(value):
    proto = caffe_pb2.InputParameter()
    assign_proto(proto, "shape", value)
    assert proto == caffe_pb2.InputParameter(shape=[caffe_pb2.BlobShape(dim=[2, 3])])


def test_assign_proto_takes_an_empty_list():
    proto = caffe_pb2.InputParameter()
    assign_proto(proto, "shape", [])
    assert not proto.shape


def test_params_hold_the_enums():
    assert P.Data.LMDB == caffe_pb2.DataParameter.LMDB == 1
    assert P.Eltwise.MAX == caffe_pb2.EltwiseParameter.MAX


@pytest.mark.parametrize(
    ("layer", "kind", "complaint"),
    [
        (lambda: L.Convolution(data(), kernal=3), AttributeError, r"Convolution1 .*kernal = 3"),
        (lambda: L.Convolution(data(), pad="x"), TypeError, r"Convolution1 .*pad = 'x'"),
        (lambda: L.Crop(data(), crop_param=dict(of=1)), AttributeError, r"Crop1 \(Crop\)"),
        (
            lambda: L.ReLU("data"),
            TypeError,
            r"^ReLU input 0 is not a Top \(type is <class 'str'>\)$",
        ),
        (lambda: L.ReLU(L.Slice(data(), ntop=2)), TypeError, r"ReLU input 0 is not a Top .*tuple"),
    ],
)
def test_a_mistake_names_layer_field_and_value(layer, kind, complaint):
    with pytest.raises(kind, match=complaint):
        to_proto(layer())
