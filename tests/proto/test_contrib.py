"""What forks add to the messages: taken by name, passed over, renamed, or refused where strict."""

import logging
import re

import numpy as np
import pytest
from google.protobuf import text_format
from support.net_text import input_layer, net_of

import caffe
import nets
from caffe.proto import caffe_pb2, forks
from caffe.proto.plain import FIRST_OF_FORKS, PLAIN, is_of_forks, plain
from caffe.proto.schema import parse
from caffe.proto.text import prototxt, read_binaryproto, read_prototxt
from caffe.proto.upgrade import read_net, upgrade_net

X = input_layer("x", 1, 2, 8, 8)


def layer(kind, body):
    return f'layer {{ name: "l" type: "{kind}" bottom: "x" top: "y" {body} }}'


# The definitions.


def test_what_caffe_has_is_as_it_was_and_what_forks_add_has_numbers_of_its_own():
    for message in PLAIN.message_type:
        merged = caffe_pb2.DESCRIPTOR.message_types_by_name[message.name]
        own = {field.name: field.number for field in message.field}
        found = {field.name: field.number for field in merged.fields}
        assert own.items() <= found.items()
        added = [merged.fields_by_name[name] for name in found.keys() - own.keys()]
        assert all(map(is_of_forks, added))
        assert all(field.number < FIRST_OF_FORKS for field in message.field)


def test_extend_adds_fields_and_values_to_a_message_of_another_file():
    head = 'syntax = "proto2"; package p;'
    base = parse(f"{head} message A {{ enum K {{ X = 0; }} optional K k = 1; }}", "a.proto")
    more = "extend A { enum K { Y = 7; } optional B b = 9; optional K j = 8 [default = Y]; }"
    found = parse(f"{head} {more} message B {{ optional A.K k = 1; }}", "b.proto", base)
    a, b = found.message_type
    assert [(f.name, f.number) for f in a.field] == [("k", 1), ("b", 9), ("j", 8)]
    assert [v.name for v in a.enum_type[0].value] == ["X", "Y"]
    assert b.field[0].type_name == ".p.A.K"
    assert (found.name, len(base.message_type[0].field)) == ("a.proto", 1)
    with pytest.raises(ValueError, match=r"b.proto:1: expected a message, found Z"):
        parse(f"{head} extend Z {{ }}", "b.proto", base)


def test_our_own_nets_are_plain_caffe():
    for net in ("fcn32s", "fcn8s", "fcn-alexnet", "fcn-googlenet"):
        spec = nets.fcn(net, "deploy", classes=21, data=None)
        text_format.Parse(prototxt(spec), plain(spec))


# Fields that are passed over.


def test_what_tunes_speed_is_passed_over_with_a_line_for_each_fork(tmp_path, caplog):
    path = tmp_path / "net.prototxt"
    path.write_text(
        f"default_forward_type: FLOAT16 default_backward_math: FLOAT\n{X}"
        + layer(
            "Convolution",
            'forward_type: FLOAT16 engine: "MKLDNN:CAFFE" multinode { num_nodes: 2 } '
            "convolution_param { num_output: 1 kernel_size: 3 engine: MKL2017 "
            "conv_algos_override: [1, -1] cudnn_math_override: -1 }",
        )
    )
    with caplog.at_level(logging.INFO, "caffe"):
        net = caffe.Net(path, caffe.TEST)
    assert net.blobs["y"].shape == (1, 1, 6, 6)
    said = [message for message in caplog.messages if "passed over" in message]
    assert len(said) == 4
    assert all(message.startswith(f"{path}: passed over ") for message in said)
    assert "forward_type" in said[0]
    assert not net._graph.spec.layer[1].convolution_param.HasField("engine")


def test_all_that_is_said_to_be_passed_over_is():
    for name in forks.PASSED_OVER:
        block = f"{name} {{ a: [1, 2] b <c: '}}'>; }}"
        net_of(f"{name}: 1 {X} {layer('ReLU', block)}")


def test_a_pooling_may_have_the_same_value_for_each_axis():
    body = "kernel_size: 3 kernel_size: 3 stride: 2 stride: 2 stride: 2 dilation: 1 pad: 0 pad: 0"
    net = net_of(X + layer("Pooling", f"pooling_param {{ {body} }}"))
    param = net._graph.spec.layer[1].pooling_param
    assert (param.kernel_size, param.stride) == (3, 2)
    assert net.blobs["y"].shape == (1, 2, 4, 4)
    net = net_of(X + layer("Pooling", "pooling_param { kernel_size: 2 kstride: 2 }"))
    assert list(net._graph.spec.layer[1].pooling_param.dilation) == [2]


def test_a_pooling_may_have_other_values_for_each_axis(caplog):
    body = "kernel_size: 2 kernel_size: 3 stride: [1, 2] pad: 0 pad: 1"
    with caplog.at_level(logging.INFO, "caffe"):
        net = net_of(X + layer("Pooling", f"pooling_param {{ {body} }}"))
    assert any("kernel_size, 2 and 3, each is of an axis" in line for line in caplog.messages)
    param = net._graph.spec.layer[1].pooling_param
    assert (param.kernel_h, param.kernel_w, param.stride_w, param.pad_w) == (2, 3, 2, 1)
    assert not param.HasField("kernel_size")
    assert net.blobs["y"].shape == (1, 2, 7, 5)
    with pytest.raises(caffe.CaffeError, match=r"has 4 axes, and kernel_size for 3: \[2, 3, 3\]"):
        net_of(X + layer("Pooling", "pooling_param { kernel_size: [2, 3, 3] }"))
    with pytest.raises(caffe.CaffeError, match="should not have multiple"):
        net_of(X + layer("Reorg", "reorg_param { stride: 2 stride: 4 }"))


def test_a_convolution_keeps_a_value_for_each_axis():
    body = "convolution_param { num_output: 1 kernel_size: 3 kernel_size: 3 pad: 1 pad: 1 }"
    net = net_of(X + layer("Convolution", body))
    assert list(net._graph.spec.layer[1].convolution_param.kernel_size) == [3, 3]


def test_a_memory_data_may_have_its_shape_axis_by_axis():
    dims = "dim: 2 dim: 3 dim: 4 dim: 5"
    text = 'layer { name: "d" type: "MemoryData" top: "x" top: "y" memory_data_param { %s } }'
    net = net_of(text % dims)
    assert net.blobs["x"].shape == (2, 3, 4, 5)
    with pytest.raises(caffe.CaffeError, match="must be specified and positive"):
        net_of(text % "dim: 2 dim: 3")


def test_each_of_several_memory_data_may_have_five_axes_and_is_given_its_arrays():
    text = 'layer { name: "%s" type: "MemoryData" top: "%s" top: "%s_i" memory_data_param { %s } }'
    dims = "dim: 1 dim: 2 dim: 3 dim: 2 dim: 2"
    net = net_of(text % ("a", "a", "a", dims) + text % ("b", "b", "b", dims.replace("3", "4")))
    arrays = [np.random.RandomState(0).rand(1, 2, n, 2, 2).astype(np.float32) for n in (3, 4)]
    net.set_input_arrays(arrays[0], np.zeros(1, np.float32))
    with pytest.raises(caffe.CaffeError, match="must be 5-d; found shape"):
        net.layers[1].set_input_arrays(arrays[1][0], np.zeros((1, 1, 1, 1), np.float32))
    net.layers[1].set_input_arrays(arrays[1], np.zeros((1, 1, 1, 1), np.float32))
    net.forward()
    for name, array in zip("ab", arrays, strict=True):
        np.testing.assert_array_equal(net.blobs[name].data, array)


@pytest.mark.parametrize("ids", ["[1, 2, 3]", "1 device_id: 2", "[1]", "1"])
def test_of_several_devices_the_first_counts(tmp_path, ids):
    path = tmp_path / "solver.prototxt"
    path.write_text(f"device_id: {ids}\nbase_lr: 2")
    found = read_prototxt(path, caffe_pb2.SolverParameter())
    assert (found.device_id, found.base_lr) == (1, 2)


def test_an_error_behind_what_is_passed_over_keeps_its_place():
    with pytest.raises(caffe.CaffeError, match=r":2:25: .*layer 'l'.*\"num_outptu\""):
        net_of(
            "default_forward_type: FLOAT\nlayer { forward_type: A num_outptu: 3 "
            'name: "l" type: "ReLU" }'
        )


@pytest.mark.parametrize("text", ["{", "}", "a", "a:", "a: [", "x { y: ", "[a]: 3"])
def test_what_is_no_prototxt_is_the_parsers_error(text):
    with pytest.raises(caffe.CaffeError, match="not a valid NetParameter"):
        net_of(f"forward_type: A {text}")


# Other names for what Caffe has.


@pytest.mark.parametrize(
    ("kind", "theirs", "ours"),
    [
        ("Pooling", "ceil_mode: false", "round_mode: FLOOR"),
        ("Pooling", "ceil_mode: true", "round_mode: CEIL"),
        ("Pooling", "torch_pooling: true", "round_mode: FLOOR"),
        ("Pooling", "torch_pooling: false", "round_mode: CEIL"),
        ("Convolution", "num_output: 1 hole: 2", "num_output: 1 dilation: 2"),
        ("Convolution", "num_output: 1 hole_h: 2 hole_w: 3", "num_output: 1 dilation: [2, 3]"),
        ("Convolution", "num_output: 1 hole_w: 3", "num_output: 1 dilation: [1, 3]"),
    ],
)
def test_a_field_with_another_name_becomes_caffes(tmp_path, kind, theirs, ours):
    read = []
    for i, field in enumerate((theirs, ours)):
        path = tmp_path / f"{i}.prototxt"
        path.write_text(
            X + layer(kind, f"{kind.lower()}_param {{ kernel_size: 2 stride: 3 {field} }}")
        )
        read.append(read_net(path))
    assert read[0] == read[1]
    assert caffe.Net(tmp_path / "0.prototxt", caffe.TEST).blobs["y"].shape[2] in (2, 3)


def test_layers_of_dilated_windows_had_types_of_their_own(tmp_path, strict):
    path = tmp_path / "net.prototxt"
    window = "kernel_size: 3 kstride: 2"
    text = X + layer("ConvolutionSK", f"convolution_param {{ num_output: 1 {window} }}")
    path.write_text(text + layer("PoolingSK", f"pooling_param {{ {window} }}"))
    with pytest.raises(caffe.CaffeError, match="kstride"):
        read_net(path)
    with pytest.raises(caffe.CaffeError, match="PoolingSK"):
        net_of(X + layer("PoolingSK", "pooling_param { kernel_size: 3 }"))
    caffe.set_strict(False)
    convolution, pooling = read_net(path).layer[-2:]
    assert (convolution.type, pooling.type) == ("Convolution", "Pooling")
    assert convolution.convolution_param.dilation == pooling.pooling_param.dilation == [2]


def test_a_crop_of_two_sides_has_other_names(tmp_path):
    read = []
    for fields in ("crop_height: 4 crop_width: 3", "crop_h: 4 crop_w: 3"):
        path = tmp_path / "net.prototxt"
        path.write_text(f'layer {{ type: "Data" top: "x" transform_param {{ {fields} }} }}')
        read.append(read_net(path))
    assert read[0] == read[1]


def test_images_have_colours_by_another_name(tmp_path):
    read = []
    for field in ("images_in_color: false", "is_color: false"):
        path = tmp_path / "net.prototxt"
        path.write_text(f"layers {{ type: IMAGE_DATA top: 'x' image_data_param {{ {field} }} }}")
        read.append(read_net(path))
    assert read[0] == read[1]


RELU = 'layer { name: "%s" type: "ReLU" bottom: "%s" top: "%s" }'


@pytest.mark.parametrize(
    ("fused", "apart"),
    [
        (
            layer("Convolution", "convolution_param { num_output: 1 fuse_type: FUSED_CONV_RELU }"),
            layer("Convolution", "convolution_param { num_output: 1 }")
            + (RELU % ("l_relu", "y", "y")).replace("}", "relu_param { } }"),
        ),
        (
            'layer { name: "l" type: "Convolution" bottom: "x" bottom: "w" top: "y" top: "z" '
            "convolution_param { relu_param { negative_slope: 2 } fuse_type: FUSED_CONV_RELU } }",
            'layer { name: "l" type: "Convolution" bottom: "x" bottom: "w" top: "y" top: "z" '
            "convolution_param { } }"
            + "".join(
                (RELU % (f"{top}_relu", top, top)).replace(
                    "}", "relu_param { negative_slope: 2 } }"
                )
                for top in "yz"
            ),
        ),
        (
            layer("Convolution", "convolution_param { num_output: 1 fuse_type: UNFUSED }"),
            layer("Convolution", "convolution_param { num_output: 1 }"),
        ),
        (
            layer(
                "LRN",
                "lrn_param { alpha: 2 fuse_type: FUSED_POOL_MAX pooling_param { stride: 2 } }",
            ),
            'layer { name: "l" type: "LRN" bottom: "x" top: "l_norm" lrn_param { alpha: 2 } } '
            'layer { name: "l_pool" type: "Pooling" bottom: "l_norm" top: "y" '
            "pooling_param { stride: 2 } }",
        ),
        (
            layer(
                "ConvolutionReLUPoolLRN",
                "param { lr_mult: 2 } convolution_param { num_output: 1 } "
                "pooling_param { stride: 2 } lrn_param { alpha: 2 } include { phase: TEST }",
            ),
            'layer { name: "l" type: "Convolution" bottom: "x" top: "l_conv" '
            "param { lr_mult: 2 } convolution_param { num_output: 1 } include { phase: TEST } } "
            'layer { name: "l_relu" type: "ReLU" bottom: "l_conv" top: "l_conv" relu_param { } '
            'include { phase: TEST } } layer { name: "l_pool" type: "Pooling" bottom: "l_conv" '
            'top: "l_pool" pooling_param { stride: 2 } include { phase: TEST } } '
            'layer { name: "l_norm" type: "LRN" bottom: "l_pool" top: "y" lrn_param { alpha: 2 } '
            "include { phase: TEST } }",
        ),
        (
            layer("InnerProductReLUDropout", "dropout_param { dropout_ratio: 0.3 }"),
            layer("InnerProduct", "")
            + (RELU % ("l_relu", "y", "y")).replace("}", "relu_param { } }")
            + 'layer { name: "l_drop" type: "Dropout" bottom: "y" top: "y" '
            "dropout_param { dropout_ratio: 0.3 } }",
        ),
        (
            layer("ReLUPooling", "pooling_param { stride: 2 }"),
            RELU % ("l", "x", "l_relu") + 'layer { name: "l_pool" type: "Pooling" bottom: "l_relu" '
            'top: "y" pooling_param { stride: 2 } }',
        ),
        (layer("MKLLRN", "lrn_param { alpha: 2 }"), layer("LRN", "lrn_param { alpha: 2 }")),
    ],
)
def test_a_layer_that_does_the_work_of_several_becomes_these(fused, apart):
    assert upgrade_net(text_format.Parse(fused, caffe_pb2.NetParameter())) == text_format.Parse(
        apart, caffe_pb2.NetParameter()
    )


def test_a_layer_that_does_the_work_of_several_is_what_its_type_says(monkeypatch):
    text = X + layer("ConvolutionReLU", "convolution_param { num_output: 3 kernel_size: 3 }")
    net = net_of(text)
    assert net._layer_names == ["x", "l", "l_relu"]
    assert list(net.params) == ["l"]
    assert (net.forward()["y"] >= 0).all()
    with pytest.raises(caffe.CaffeError, match=r"layer .l. .ReLUPooling.: takes one bottom"):
        net_of(X + layer("ReLUPooling", 'top: "mask" pooling_param { kernel_size: 2 }'))
    monkeypatch.setattr("caffe.proto.upgrade.fused.is_strict", lambda: True)
    with pytest.raises(caffe.CaffeError, match="unknown type 'ConvolutionReLU'"):
        net_of(text)


def test_python_layers_take_the_parameter_under_its_older_name(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text('layer { python_param { param_str_: "{\'a\': 1}" module: "m" } }')
    (found,) = read_net(path).layer
    assert (found.python_param.param_str, found.python_param.module) == ("{'a': 1}", "m")


@pytest.mark.parametrize(
    "field",
    [
        'weighted_softmax_param { positions: "0,2" weights: "3,5" }',
        "weighted_softmax_loss_param { class_weight: 2 }",
    ],
)
def test_fields_that_weigh_in_another_way_in_each_fork_say_what_to_write(field):
    with pytest.raises(caffe.CaffeError, match=r"It is of several forks.*pos_cid: 0 pos_mult: 3"):
        net_of(X + layer("WeightedSoftmaxWithLoss", field))


# Strict.


def test_strict_refuses_a_forks_field_with_its_place_and_cure(strict):
    pool = layer("Pooling", "pooling_param {\n kernel_size: 2 ceil_mode: false }")
    with pytest.raises(
        caffe.CaffeError,
        match=r":2:17: .*layer 'l'.*of many forks, not of Caffe 1.0; .*round_mode: FLOOR.*"
        r"set_strict\(False\) takes it",
    ):
        net_of(X + pool)


@pytest.mark.parametrize("field", ["forward_type: FLOAT", "bn_param { }", "own_fields: 'a: 1'"])
def test_strict_refuses_every_other_field_too(strict, field):
    with pytest.raises(caffe.CaffeError, match="no field named"):
        net_of(X + layer("ReLU", field))


def test_every_type_of_a_fork_is_refused_where_strict(strict):
    for kind, source in caffe.contrib_layer_types().items():
        with pytest.raises(caffe.CaffeError, match=re.escape(f"it is of {source}, not of Caffe")):
            net_of(X + layer(kind, ""))
        assert kind not in caffe.layer_type_list()


def test_strict_takes_what_is_caffes(strict):
    assert net_of(X + layer("Pooling", "pooling_param { kernel_size: 2 }")).blobs["y"].count


def test_the_types_of_forks_are_told_apart():
    forks_own = caffe.contrib_layer_types()
    assert forks_own.keys() < set(caffe.layer_type_list())
    assert "Convolution" not in forks_own
    assert all(forks_own.values())


# Binary files.


def test_fields_of_a_fork_under_caffes_numbers_do_no_harm(tmp_path, caplog):
    net = caffe_pb2.NetParameter(name="n")
    made = net.layer.add(name="bn", type="BN", top=["y"])
    made.blobs.add(data=[1, 2]).shape.dim.append(2)
    foreign = b"\xca\x08\x03\xff\xff\xff"  # field 137, embed_param in Caffe, holds no message
    data = bytearray(net.SerializeToString())
    whole = made.SerializeToString() + foreign
    path = tmp_path / "x.caffemodel"
    path.write_bytes(bytes(data[:3]) + b"\xa2\x06" + bytes([len(whole)]) + whole + b"\xa8\x1f\x05")
    found = read_binaryproto(path, caffe_pb2.NetParameter())
    assert found.layer[0].blobs == made.blobs
    assert (found.name, found.layer[0].type, list(found.layer[0].top)) == ("n", "BN", ["y"])
    assert "fields of a fork" in caplog.text
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(caffe.CaffeError, match="not a whole NetParameter"):
        read_binaryproto(path, caffe_pb2.NetParameter())


@pytest.mark.parametrize("in_place", [True, False])
def test_a_relu_may_say_where_its_bottom_is_positive(in_place):
    top = "c" if in_place else "r"
    net = net_of(
        'force_backward: true input: "x" input_dim: 2 input_dim: 3 input_dim: 4 input_dim: 5 '
        'layers { name: "conv" type: CONVOLUTION bottom: "x" top: "c" '
        "convolution_param { num_output: 2 kernel_size: 1 } } "
        f'layers {{ name: "relu" type: RELU bottom: "c" top: "{top}" top: "mask" }} '
        f'layers {{ type: ELTWISE bottom: "{top}" bottom: "mask" top: "{top}" '
        "eltwise_param { operation: PROD } }"
    )
    assert net._graph.spec.layer[2].type == "ReLUMask"
    rng = np.random.RandomState(0)
    x, weight, diff = rng.randn(2, 3, 4, 5), rng.randn(2, 3), rng.randn(2, 2, 4, 5)
    net.blobs["x"].data[...], net.params["conv"][0].data[..., 0, 0] = x, weight
    net.forward()
    scores = np.einsum("oi,nihw->nohw", weight, x)
    positive = scores > 0
    np.testing.assert_array_equal(net.blobs["mask"].data, positive)
    np.testing.assert_allclose(net.blobs[top].data, scores * positive, rtol=1e-4, atol=1e-5)
    net.blobs[top].diff[...] = diff
    net.backward()
    expected = np.einsum("oi,nohw->nihw", weight, diff * positive)
    np.testing.assert_allclose(net.blobs["x"].diff, expected, rtol=1e-4, atol=1e-5)


def test_strict_takes_no_second_top_of_a_relu(strict):
    with pytest.raises(caffe.CaffeError, match="takes 1 top"):
        net_of(f'{X} layer {{ name: "l" type: "ReLU" bottom: "x" top: "y" top: "mask" }}')


@pytest.mark.parametrize(
    ("kind", "block"),
    [
        ("Pooling", "pooling_param { pool: MIN }"),
        ("Reduction", "reduction_param { operation: TOPK }"),
    ],
)
def test_a_value_that_forks_alone_know_is_said_to_be_theirs(tmp_path, kind, block):
    path = tmp_path / "net.prototxt"
    path.write_text(f'layer {{ name: "l" type: "{kind}" {block} }}')
    caffe.set_strict(True)
    try:
        with pytest.raises(
            caffe.CaffeError, match=r"no value named .*\. It is not of Caffe 1\.0; a"
        ):
            caffe.Net(str(path), caffe.TEST)
    finally:
        caffe.set_strict(False)
