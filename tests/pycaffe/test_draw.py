"""caffe.draw and `caffe draw_net`: a net as pydot's graph, without Graphviz where it can be."""

import subprocess
import sys

import pytest
from google.protobuf import text_format

import caffe
from caffe import draw
from caffe.__main__ import main
from caffe.proto import caffe_pb2

NET = """
name: "small"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  data_param { batch_size: 64 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" param { lr_mult: 1 }
  param { lr_mult: 2 } convolution_param { num_output: 8 kernel_size: 5 stride: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool1" top: "a:b" param { lr_mult: 0 }
  param { lr_mult: 0 } inner_product_param { num_output: 10 } }
layer { name: "accuracy" type: "Accuracy" bottom: "a:b" bottom: "label" top: "accuracy"
  include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "a:b" bottom: "label" top: "loss"
  exclude { phase: TEST } }
"""


@pytest.fixture
def net():
    return text_format.Parse(NET, caffe_pb2.NetParameter())


def layer(net, name):
    return next(layer for layer in net.layer if layer.name == name)


@pytest.fixture
def no_pydot(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydot", None)


@pytest.fixture
def no_graphviz(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


# Labels and colours, which need no pydot.


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("conv1", "conv1|(Convolution)|kernel size: 5|stride: 2|pad: 0|lr mult: 1.0, 2.0"),
        ("pool1", "pool1|(Pooling AVE)|kernel size: 3|stride: 2|pad: 1"),
        ("ip", "ip|(InnerProduct)"),  # both multipliers are 0
        ("relu1", "relu1|(ReLU)"),
    ],
)
@pytest.mark.parametrize(("rankdir", "separator"), [("LR", r"\n"), ("TB", " "), ("BT", " ")])
def test_a_layers_label_is_its_name_type_kernel_and_multipliers(
    no_pydot, net, name, label, rankdir, separator
):
    found = draw.get_layer_label(layer(net, name), rankdir, display_lrm=True)
    assert found == '"' + label.replace("|", separator) + '"'


def test_multipliers_are_shown_only_when_asked_for(net):
    assert "lr mult" not in draw.get_layer_label(layer(net, "conv1"), "LR")


def test_multipliers_left_out_are_1(net):
    conv = layer(net, "conv1")
    del conv.param[1]
    assert draw.get_layer_lr_mult(conv) == (1, 1)
    conv.param[0].lr_mult = 3
    assert draw.get_layer_lr_mult(conv) == (3, 1)
    with pytest.raises(ValueError, match="ReLU layers do not have a learning rate multiplier"):
        draw.get_layer_lr_mult(layer(net, "relu1"))
    conv.param.add()
    conv.param.add()
    with pytest.raises(ValueError, match="could not parse the learning rate multiplier"):
        draw.get_layer_lr_mult(conv)


def test_edges_carry_the_batch_size_or_the_number_of_outputs(net):
    labels = {one.name: draw.get_edge_label(one) for one in net.layer}
    assert labels.pop("data") == "Batch 64"
    assert (labels.pop("conv1"), labels.pop("ip")) == ("8", "10")
    assert set(labels.values()) == {'""'}


def test_colours_tell_the_layer_types_apart():
    kinds = ("Convolution", "Deconvolution", "Pooling", "InnerProduct", "ReLU")
    colours = [draw.choose_color_by_layertype(kind) for kind in kinds]
    assert colours == ["#FF5050", "#FF5050", "#FF9900", "#CC33FF", "#6495ED"]
    of_caffe = {0: "MAX", 1: "AVE", 2: "STOCHASTIC"}
    assert draw.get_pooling_types_dict().items() >= of_caffe.items()  # forks have more


# The graph.


def names(net, **keywords):
    graph = draw.get_pydot_graph(net, "LR", **keywords)
    return {node.get_name().strip('"').split(r"\n")[0] for node in graph.get_nodes()}


def test_a_phase_leaves_out_the_layers_of_the_other(net):
    assert {"accuracy", "loss", "data"} <= names(net)
    assert {"loss", "data"} <= names(net, phase=caffe.TRAIN)
    assert "accuracy" not in names(net, phase=caffe.TRAIN)
    test = names(net, phase=caffe.TEST)
    assert "accuracy" in test
    assert "loss" not in test
    layer(net, "loss").include.add(phase=caffe.TRAIN)
    with pytest.raises(ValueError, match="layer loss has both include and exclude specified"):
        draw.get_pydot_graph(net, "LR", phase=caffe.TEST)


def test_layers_are_boxes_blobs_octagons_and_layers_in_place_green(net):
    graph = draw.get_pydot_graph(net, "TB")
    assert (graph.get_name(), graph.get_rankdir()) == ("small", "TB")
    styles = {node.get_name(): node for node in graph.get_nodes()}
    assert styles['"relu1 (ReLU)"'].get_fillcolor().strip('"') == "#90EE90"
    conv = styles['"conv1 (Convolution) kernel size: 5 stride: 2 pad: 0"']
    assert (conv.get_shape(), conv.get_fillcolor().strip('"')) == ("record", "#FF5050")
    assert styles['"a:b"'].get_shape() == "octagon"
    edges = {(e.get_source(), e.get_destination(), e.get_label()) for e in graph.get_edges()}
    assert ('"data"', conv.get_name(), '""') in edges
    assert (conv.get_name(), '"conv1"', "8") in edges
    assert ('"relu1 (ReLU)"', '"conv1"', '""') in edges
    unlabelled = draw.get_pydot_graph(net, "TB", label_edges=False)
    assert {edge.get_label() for edge in unlabelled.get_edges()} == {'""'}


# Files, and what is not installed.


@pytest.mark.parametrize("name", ["net.dot", "net.gv"])
def test_a_dot_file_needs_no_graphviz(net, tmp_path, no_graphviz, name):
    draw.draw_net_to_file(net, str(tmp_path / name), "LR")
    text = (tmp_path / name).read_text()
    assert text.startswith("digraph small {")
    assert '"conv1" -> "pool1' in text


@pytest.mark.parametrize("name", ["net.png", "net.svg"])
def test_a_picture_without_graphviz_is_a_clear_error(net, tmp_path, no_graphviz, name):
    with pytest.raises(caffe.CaffeError, match=r"needs Graphviz, whose program 'dot' is not"):
        draw.draw_net_to_file(net, str(tmp_path / name))
    assert not (tmp_path / name).exists()


def test_a_picture_is_what_graphviz_makes_of_it_and_its_failure_an_error(
    net, tmp_path, monkeypatch
):
    (tmp_path / "bin").mkdir()
    dot = tmp_path / "bin" / "dot"
    monkeypatch.setenv("PATH", f"{dot.parent}:/usr/bin:/bin")
    dot.write_text('#!/bin/sh\nprintf "picture $1"\n')
    dot.chmod(0o755)
    draw.draw_net_to_file(net, tmp_path / "net.svg", "LR", caffe.TEST, True)
    assert (tmp_path / "net.svg").read_bytes() == b"picture -Tsvg"
    dot.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(caffe.CaffeError, match="Graphviz could not draw the net as bmp"):
        draw.draw_net_to_file(net, tmp_path / "net.bmp")


def test_drawing_without_pydot_is_a_clear_error(net, tmp_path, no_pydot):
    with pytest.raises(caffe.CaffeError, match="needs the Python package pydot: pip install pydot"):
        draw.draw_net_to_file(net, str(tmp_path / "net.dot"))


def test_a_name_without_an_ending_is_a_clear_error(net, tmp_path):
    with pytest.raises(caffe.CaffeError, match=r"end the name in a format, such as \.png"):
        draw.draw_net_to_file(net, str(tmp_path / "net"))


def test_caffe_draw_is_imported_without_pydot():
    code = "import sys; sys.modules['pydot'] = None; import caffe.draw"
    subprocess.run([sys.executable, "-c", code], check=True)


# The command.


def test_the_command_draws_a_prototxt(tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(NET)
    out = str(tmp_path / "net.dot")
    words = ["--rankdir=TB", "-phase", "TEST", "-display_lrm"]
    assert main(["draw_net", str(tmp_path / "net.prototxt"), out, *words]) == 0
    assert capsys.readouterr().out == f"Drawing net to {out}\n"
    text = (tmp_path / "net.dot").read_text()
    assert "rankdir=TB" in text
    assert "lr mult: 1.0, 2.0" in text
    assert "SoftmaxWithLoss" not in text


def test_the_command_says_what_is_missing(tmp_path, capsys, no_graphviz):
    (tmp_path / "net.prototxt").write_text(NET)
    assert main(["draw_net", str(tmp_path / "net.prototxt"), str(tmp_path / "net.png")]) == 1
    assert "needs Graphviz" in capsys.readouterr().err
    assert main(["draw_net", str(tmp_path / "none.prototxt"), str(tmp_path / "net.png")]) == 1
    assert "none.prototxt: cannot be read" in capsys.readouterr().err
