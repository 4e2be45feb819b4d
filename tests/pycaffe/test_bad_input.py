"""What is wrong with a prototxt, weights or a call: one clear error that says where and the cure.

Damaged binary files: tests/fuzz. Solvers: test_solver.py. Datasets: test_voc_layers.py.
"""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.proto import caffe_pb2
from caffe.proto.text import read_prototxt

X = input_layer("x", 2, 3)


def python(module, name, param_str=""):
    param = f'python_param {{ module: "{module}" layer: "{name}" param_str: "{param_str}" }}'
    return f'layer {{ name: "py" type: "Python" top: "a" top: "b" {param} }}'


def relu(bottom, top, name="r"):
    return f'layer {{ name: "{name}" type: "ReLU" bottom: "{bottom}" top: "{top}" }}'


# The prototxt.


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('name: "n"\nlayer {\n  name: "x" type "Input"\n}\n', ":3:18", 'Expected "."'),
        ('name: "n"\nlayer {\n  nome: "x"\n}\n', ":3:3", 'no field named "nome"'),
        ('name: "n"\nlayer {\n', ":3:1|:2:", "Expected"),
        ("layer {\n  pooling_param { pool: FAST }\n}", ":2:25", "FAST"),
        ('layer {\n  name: "a\n}', ":2:", "name"),
        ("force_backward: perhaps", ":1:17", "perhaps"),
        ("layer { convolution_param { num_output: -1 } }", ":1:41", "-1"),
        ('name: "a"\nname: "b"', ":2:7", "multiple"),
    ],
)
def test_a_syntax_error_or_unknown_field_has_file_line_and_column(tmp_path, text, place, message):
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    with pytest.raises(caffe.CaffeError, match=message) as error:
        caffe.Net(str(path), caffe.TEST)
    assert any(f"{path}{p}" in str(error.value) for p in place.split("|"))
    assert "NetParameter" in str(error.value)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_to_a_prototxt_is_an_error_that_names_it(tmp_path_factory, data):
    text = list(X + relu("x", "y"))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] = data.draw(st.characters(codec="utf-8"))
    path = tmp_path_factory.mktemp("damage") / "net.prototxt"
    path.write_text("".join(text), encoding="utf-8")
    message = str(path)
    try:
        read_prototxt(path, caffe_pb2.NetParameter())
    except caffe.CaffeError as error:
        message = str(error)
    assert message.startswith(str(path))


def test_a_file_that_is_missing_a_folder_or_no_text_is_named(tmp_path):
    binary = tmp_path / "binary.prototxt"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, message in (
        (tmp_path / "none.prototxt", "No such file"),
        (tmp_path, "Is a directory"),
        (binary, "not a text file"),
    ):
        with pytest.raises(caffe.CaffeError, match=message) as error:
            caffe.Net(str(path), caffe.TEST)
        assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (X + 'layer { name: "l" type: "Magic" }', "'l': unknown type 'Magic'; nearest are "),
        (
            X + 'layer { name: "l" type: "INNER_PRODUCT" }',
            "unknown type 'INNER_PRODUCT'; V1 name; write \"InnerProduct\" or use layers "
            "{ type: INNER_PRODUCT }",
        ),
        (X + relu("y", "z"), r"'r' \(ReLU\): unknown bottom blob 'y'.*Blobs so far: x"),
        (relu("y", "z") + X, "unknown bottom blob 'y'.*Blobs so far: none"),
        (X + relu("x", "y") + relu("x", "y", "s"), "'s'.*top blob 'y' is made already by.*'r'"),
        (X + relu("x", "y") + relu("x", "x", "s"), "top blob 'x' is made already by layer 'x'"),
        ('layer { name: "i" type: "Input" top: "a" top: "a" }', "top blob 'a' twice"),
        (X + 'layer { name: "l" type: "Crop" bottom: "x" top: "y" }', "takes 2 bottom.*found 1"),
        (X + 'layer { name: "l" type: "ReLU" bottom: "x" }', "takes 1 top.*found 0"),
        (
            X + 'layer { name: "l" type: "Eltwise" top: "y" }',
            "takes 1 to any number bottom.*found 0",
        ),
        (
            X + relu("x", "y").replace("}", "loss_weight: 1 loss_weight: 2 }"),
            "loss_weight needs one value for each of 1 tops; found 2",
        ),
        (
            X + relu("x", "y").replace("}", "propagate_down: true propagate_down: true }"),
            "propagate_down needs one value for each of 1 bottoms; found 2",
        ),
        (X + 'layers { name: "a" type: RELU }', "both layer .* and the older layers"),
    ],
)
def test_a_net_that_cannot_be_wired_names_layer_and_blob(text, message):
    with pytest.raises(caffe.CaffeError, match=message) as error:
        net_of(text)
    assert re.search(r"\.prototxt(:\d+:\d+)?: ", str(error.value))


CONV = "convolution_param {{ num_output: 2 kernel_size: 3 {} }}"


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "tops", "message"),
    [
        ("Convolution", CONV.format(""), [(1, 2, 2, 2)], 1, r"\(1, 2, 2, 2\).*smaller than kernel"),
        ("Convolution", CONV.format(""), [(3,)], 1, r"axis 1 is out of range.*\(3,\)"),
        ("Convolution", CONV.format("group: 2"), [(1, 3, 4, 4)], 1, "group 2.*channels 3"),
        ("Convolution", CONV.format("kernel_h: 3 kernel_w: 3"), [(1, 2, 4, 4)], 1, "not both"),
        ("Convolution", CONV.format("stride: 0"), [(1, 2, 4, 4)], 1, "stride must be positive"),
        ("Convolution", CONV.format("pad: 1 pad: 2 pad: 1"), [(1, 2, 4, 4)], 1, "pad needs 1"),
        ("Convolution", "convolution_param { num_output: 2 }", [(1, 2, 4, 4)], 1, "kernel_size"),
        ("Convolution", CONV.format(""), [(1, 2, 4, 4), (1, 3, 4, 4)], 2, "expects 2 channels"),
        ("Convolution", CONV.format(""), [(1, 2, 4, 4)], 2, "as many tops as bottoms"),
        ("Pooling", "", [(1, 2, 4, 4)], 1, "kernel_size.*missing"),
        ("Pooling", "pooling_param { kernel_size: 2 pad: 2 }", [(1, 2, 4, 4)], 1, "pad .* smaller"),
        ("Pooling", "pooling_param { kernel_h: 2 }", [(1, 2, 4, 4)], 1, "together"),
        ("Pooling", "pooling_param { kernel_size: 2 }", [(1, 2, 4)], 1, r"4 axes.*\(1, 2, 4\)"),
        (
            "Pooling",
            "pooling_param { global_pooling: true stride: 2 }",
            [(1, 2, 4, 4)],
            1,
            "stride 1 and pad 0",
        ),
        ("Pooling", "pooling_param { kernel_size: 2 pool: AVE }", [(1, 2, 4, 4)], 2, "only MAX"),
        ("InnerProduct", "", [(2, 3)], 1, "num_output must be positive"),
        ("Concat", "", [(2, 3), (3, 3)], 1, r"'x1' is \(3, 3\)"),
        ("Concat", "concat_param { axis: 2 }", [(2, 3)], 1, r"axis 2 is out of range.*\(2, 3\)"),
        ("Slice", "", [(2, 3)], 2, "does not divide into 2 tops"),
        ("Slice", "slice_param { slice_point: 4 }", [(2, 3)], 2, "increasing slice_points"),
        ("Crop", "crop_param { axis: 1 offset: 2 }", [(2, 3), (2, 2)], 1, "offset 2 and extent 2"),
        ("Crop", "crop_param { offset: 1 offset: 1 }", [(1, 1, 9)] * 2, 1, "offset needs"),
        ("Eltwise", "", [(2, 3), (3, 2)], 1, r"'x0' is \(2, 3\), 'x1' is \(3, 2\)"),
        ("Eltwise", "eltwise_param { coeff: 1 }", [(2, 3)] * 2, 1, "coeff needs"),
        ("Scale", "", [(2, 3), (4,)], 1, r"factor's shape \(4,\).*\(2, 3\)"),
        ("Dropout", "dropout_param { dropout_ratio: 1 }", [(2,)], 1, r"\[0, 1\); found 1"),
        ("LRN", "lrn_param { local_size: 4 }", [(1, 2, 3, 4)], 1, "odd; found 4"),
        ("SoftmaxWithLoss", "", [(2, 3, 4), (2, 3)], 1, r"2 x 4 predictions.*'x1' are \(2, 3\)"),
        ("Accuracy", "accuracy_param { top_k: 4 }", [(2, 3), (2,)], 1, "top_k 4 exceeds the 3"),
    ],
)
def test_parameters_that_do_not_fit_the_bottoms_name_the_layer_and_both(
    kind, body, shapes, tops, message
):
    with pytest.raises(caffe.CaffeError, match=message) as error:
        run_layer(kind, body, [np.zeros(shape) for shape in shapes], tops=tops)
    assert f"layer 'l' ({kind}): " in str(error.value)


@pytest.mark.parametrize(
    ("body", "labels", "message"),
    [
        ("", [0, 3], "holds 3 .*expected 0 to 2. Check num_output"),
        ("", [-1, 0], "holds -1 "),
        (
            "{} {{ ignore_label: 255 }}",
            [255, 254],
            r"holds 254 .*expected 0 to 2, or 255 to ignore",
        ),
    ],
)
@pytest.mark.parametrize(
    ("kind", "param"), [("SoftmaxWithLoss", "loss_param"), ("Accuracy", "accuracy_param")]
)
def test_a_label_out_of_range_names_blob_value_and_classes(kind, param, body, labels, message):
    with pytest.raises(caffe.CaffeError, match=f"'x1' {message}"):
        run_layer(kind, body.format(param), [np.zeros((2, 3)), labels])


# Python layers.


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        ("no_such_module", "A", "there is no module 'no_such_module'.*PYTHONPATH"),
        ("no_such.module", "A", "there is no module 'no_such.module'"),
        (__name__, "Absent", f"module '{__name__}' has no class 'Absent'"),
        (__name__, "relu", "no class 'relu' derived from caffe.Layer"),
        ("", "", "needs a module and a layer"),
    ],
)
def test_a_python_layer_that_is_not_there_names_module_and_class(module, name, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'py' .*{message}"):
        net_of(python(module, name))


def test_an_error_inside_a_python_layers_module_is_shown_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        net_of(python("needs_more", "A"))


def test_a_python_layer_without_forward_says_what_to_define():
    with pytest.raises(NotImplementedError, match="Bare must define reshape"):
        net_of(python(__name__, "Bare"))


class Bare(caffe.Layer):
    pass


@pytest.mark.parametrize("param_str", ["{'voc_dir': ", "voc_dir=1", "open('x')", "[1]", ""])
def test_a_param_str_that_is_no_literal_dict_names_the_layer_and_the_text(param_str):
    with pytest.raises(ValueError, match="param_str") as error:
        net_of(python("voc_layers", "VOCSegDataLayer", param_str))
    assert "VOCSegDataLayer" in str(error.value)


# Weights.


def ip(outputs, name="ip"):
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "x" top: "{name}" '
        f"inner_product_param {{ num_output: {outputs} }} }}"
    )


def test_weights_that_do_not_fit_name_layer_file_and_both_shapes_and_load_nothing(tmp_path):
    path = str(tmp_path / "w.caffemodel")
    source = net_of(X + ip(2, "first") + ip(2))
    for blobs in source.params.values():
        blobs[0].data[...] = 5
    source.save(path)
    target = net_of(X + ip(2, "first") + ip(4))
    with pytest.raises(caffe.CaffeError) as error:
        target.copy_from(path)
    for part in ("layer 'ip'", path, "(2, 3)", "(4, 3)", "rename it", "surgery.transplant"):
        assert part in str(error.value)
    assert not target.params["first"][0].data.any()


def test_another_number_of_parameters_is_an_error_also_if_one_side_has_none(tmp_path):
    path = str(tmp_path / "w.caffemodel")
    for theirs, ours, counts in (
        (ip(2), ip(2).replace("num_output: 2", "num_output: 2 bias_term: false"), (2, 1)),
        (ip(2), relu("x", "ip", "ip"), (2, 0)),
        (relu("x", "ip", "ip"), ip(2), (0, 2)),
    ):
        net_of(X + theirs).save(path)
        with pytest.raises(
            caffe.CaffeError, match=rf"has {counts[1]} parameter.*holds {counts[0]} for it"
        ):
            net_of(X + ours).copy_from(path)


@pytest.mark.parametrize("phase", [caffe.TEST, caffe.TRAIN])
@pytest.mark.parametrize(("i", "shape"), [(0, (5, 3)), (0, (4, 4)), (1, (5,)), (1, (1,))])
def test_a_parameter_that_was_reshaped_names_both_shapes_and_the_cure(phase, i, shape):
    net = net_of(X + ip(4), phase)
    net.forward()
    needed = net.params["ip"][i].shape
    net.params["ip"][i].reshape(*shape)
    with pytest.raises(caffe.CaffeError) as error:
        net.forward()
    for part in ("layer 'ip'", f"parameter {i} was reshaped to {shape}", f"needs {needed}"):
        assert part in str(error.value)
    assert ".data[...]" in str(error.value)
    net.params["ip"][i].reshape(*needed)
    net.forward()


@pytest.mark.parametrize(("i", "shape"), [(0, (1, 1, 4, 3)), (0, (12,)), (1, (1, 1, 1, 4))])
def test_a_parameter_reshaped_to_the_same_count_keeps_its_values_as_in_bvlc(i, shape):
    net = net_of("force_backward: true " + X + ip(4))
    for blob in net.params["ip"]:
        blob.data[...] = np.arange(blob.count).reshape(blob.shape)
    net.blobs["x"].data[...] = 1
    y = net.forward()["ip"].copy()
    net.params["ip"][i].reshape(*shape)
    assert np.array_equal(net.forward()["ip"], y)
    net.backward()


# Calls.


@pytest.fixture(scope="module")
def prototxt(tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "net.prototxt"
    path.write_text(X)
    return str(path)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("weights.caffemodel",),
        (5,),
        (None,),
        ("weights.caffemodel", "other.caffemodel"),
        (0, 0, "deploy"),
    ],
)
def test_wrong_arguments_of_net_are_a_type_error(prototxt, arguments):
    with pytest.raises(TypeError, match="phase"):
        caffe.Net(prototxt, *arguments)


@pytest.mark.parametrize("weights", ["w.caffemodel", Path("w.caffemodel")])
def test_weights_in_the_place_of_the_level_say_how_they_are_given(prototxt, weights):
    with pytest.raises(TypeError, match=r"weights by name: Net\(.*, 1, weights=.*w\.caffemodel"):
        caffe.Net(prototxt, caffe.TEST, weights)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_asked_for_where_none_is_names_it_and_the_cure_and_the_mode_stays():
    for call in (caffe.set_mode_gpu, lambda: caffe.set_device(0), lambda: caffe.set_device(3)):
        with pytest.raises(caffe.CaffeError, match=r"GPU \d was asked for.*set_mode_cpu"):
            call()
    assert net_of(X).forward()["x"].shape == (2, 3)


def test_expected_errors_come_without_the_librarys_own_traceback(tmp_path):
    """`from None`: a user sees one error, not protobuf's as well."""
    (tmp_path / "net.prototxt").write_text("layer { nome: 1 }")
    code = f"import caffe; caffe.Net({str(tmp_path / 'net.prototxt')!r}, caffe.TEST)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(caffe.__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr.count("Traceback") == 1
    assert "ParseError" not in ran.stderr
