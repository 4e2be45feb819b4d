"""caffe inspect: what a net consists of, where all of it is known and where not."""

import re
from pathlib import Path

import pytest
from support.layer_text import conv, conv_relu, input_dim, layer, max_pool
from support.net_text import net_of

import caffe
from caffe.__main__ import main

LENET = (
    'name: "small"\n'
    + input_dim(20, 24)
    + conv_relu("conv1", "data", 4)
    + max_pool("pool1", "conv1")
    + layer("ip", "InnerProduct", "pool1", "inner_product_param { num_output: 5 }")
    + layer("prob", "Softmax", "ip")
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(capsys, text, *words):
    """What inspecting a net prints; its table is a dict of rows, split at two spaces or more."""
    Path("net.prototxt").write_text(text)
    assert main(["inspect", "net.prototxt", *words]) == 0
    out = capsys.readouterr().out
    table = out.split("\n\n")[1].splitlines()
    return out, {row.split()[0]: re.split(r"\s{2,}", row) for row in table}


def test_a_net_has_shapes_parameters_products_memory_and_fields(here, capsys):
    out, rows = report(capsys, LENET)
    params = 4 * 27 + 4, 480 * 5 + 5
    assert out.startswith(f"net.prototxt, 'small': 6 layers, {sum(params):,} parameters, in TEST\n")
    products = 4 * 27 * 480 / 1e6
    assert rows["conv1"][2:] == [
        "1x4x20x24",
        f"{params[0]}",
        f"{products:.3f}",
        f"{4 * 1920 / 1e6:.3f}",
        "3",
        "1",
    ]
    assert rows["relu1"][2:] == ["1x4x20x24", "3", "1"]  # in place: no memory of its own
    assert rows["pool1"][-2:] == ["4", "2"]
    assert rows["ip"][2:4] == ["1x5", f"{params[1]:,}"]
    values = 3 * 480 + 4 * 480 + 480 + 5 + 5
    assert rows["total"][1:] == [
        f"{sum(params):,}",
        f"{products + 2400 / 1e6:.3f}",
        f"{4 * values / 1e6:.3f}",
    ]
    assert "unknown" not in out
    assert "not of Caffe 1.0" not in out


def test_what_is_unknown_is_named_with_its_place_and_the_rest_is_reported(here, capsys):
    out, rows = report(
        capsys,
        LENET
        + layer("odd", "Oddity", "pool1", "oddity_param { depth: 2 }")
        + conv("behind", "odd", 2)
        + layer("more", "ReLU", "behind")
        + layer("small", "Pooling", "ip", "pooling_param { kernel_size: 2 }"),
    )
    assert rows["odd"][1:] == ["Oddity", *"??????"]
    assert rows["behind"][1:] == ["Convolution", *"??????"]
    assert rows["prob"][2] == "1x5"
    unknown = out.partition("\nunknown:\n")[2].splitlines()
    place = r"net\.prototxt:12:\d+: layer 'odd': "
    assert re.match(rf"  {place}Message .* no field named \"oddity_param\"", unknown[0])
    assert re.match(rf"  {place}unknown type 'Oddity'; .*caffe\.register_layer", unknown[1])
    assert "layer 'small' (Pooling): " in unknown[2]
    assert unknown[3] == "  and what is computed from it: behind, more"


def test_a_bottom_of_the_other_phase_is_said_to_be_one(here, capsys):
    data = layer(
        "data",
        "Data",
        body='include { phase: TRAIN } data_param { source: "none" batch_size: 2 } '
        "transform_param { crop_size: 8 }",
        tops="data label",
    )
    net = data + conv("conv1", "data", 4) + conv("conv2", "conv1", 4)
    out, rows = report(capsys, net)
    assert "unknown bottom blob 'data'" in out
    assert "open the net as caffe.TRAIN" in out
    assert rows["conv2"][2] == "?"
    out, rows = report(capsys, net, "-phase", "TRAIN")
    assert rows["data"][2] == "2x3x8x8, 2"
    assert rows["conv2"][2:4] == ["2x4x8x8", "148"]
    assert "unknown" not in out
    assert re.search(r"crop_size:\n  net\.prototxt:1:\d+: layer 'data' \(Data\): .*none", out)


def test_what_is_of_forks_is_said_to_be(here, capsys):
    fork = LENET.replace("kernel_size: 3", "kernel_size: 3 engine: MKLDNN")
    out, _ = report(capsys, fork + layer("s", "ReLU6", "ip") + layer("t", "ReLU6", "ip"))
    _, _, said = out.partition("not of Caffe 1.0:\n")
    assert said.splitlines() == [
        "  ReLU6, of MobileNet: 2 layers",
        "  passed over engine of Intel's or another fork: it chooses who computes, not what",
    ]


def test_weights_that_fit_those_that_do_not_and_what_only_one_side_has(here, capsys):
    net_of(LENET).save("w.caffemodel")
    out, _ = report(capsys, LENET, "w.caffemodel")
    assert out.endswith("w.caffemodel: fits 2 of 2 layers with parameters\n")
    text = LENET.replace("num_output: 5", "num_output: 6").replace('"conv1"', '"first"')
    out, _ = report(capsys, text, "w.caffemodel")
    said = out.partition("\nw.caffemodel: ")[2].splitlines()
    assert said[0] == "fits 0 of 2 layers with parameters"
    assert said[1].startswith("  layer 'ip' (InnerProduct): parameter 0 has shape (6, 480), but ")
    assert said[2:] == ["  not in the file: first", "  only in the file: conv1"]
    text = LENET.replace('type: "Convolution"', 'type: "Oddity"')
    out, _ = report(capsys, text, "w.caffemodel")
    assert "  of layers that are unknown here: conv1, ip\n" in out


def test_a_folder_has_a_line_for_each_net(here, capsys):
    folder = here / "nets"
    folder.mkdir()
    (folder / "a.prototxt").write_text(LENET)
    (folder / "b.prototxt").write_text(LENET.replace("Softmax", "Softest"))
    (folder / "c.prototxt").write_text("layer {")
    (folder / "solver.prototxt").write_text('net: "a.prototxt" base_lr: 1 lr_policy: "fixed"')
    assert main(["inspect", "nets"]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "nets/a.prototxt: 6 layers, 2,517 parameters"
    assert re.match(r"not taken: nets/b\.prototxt: layer 'prob': unknown type 'Softest'", second)
    assert re.match(r"not taken: nets/c\.prototxt:1.* not a valid NetParameter", third)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.prototxt"], "none.prototxt: cannot be read"),
        (["solver.prototxt"], "this is a solver; give the net that it names"),
        (["net.prototxt", "none.caffemodel"], "none.caffemodel: cannot be read"),
        (["torn.prototxt"], "torn.prototxt:1"),
    ],
)
def test_errors_are_those_of_the_other_commands(here, capsys, words, said):
    Path("net.prototxt").write_text(LENET)
    Path("torn.prototxt").write_text("layer {")
    Path("solver.prototxt").write_text('net: "a.prototxt" base_lr: 1 lr_policy: "fixed"')
    assert main(["inspect", *words]) == 1
    assert f"error: {said}" in capsys.readouterr().err.replace("solver.prototxt: ", "")


def test_a_crop_between_layers_that_are_not_known_is_left_as_it_is(here, capsys):
    text = (
        layer("x", "Input", body="input_param { shape { dim: 1 dim: 1 dim: 8 dim: 8 } }")
        + layer("odd", "Oddity", "x")
        + layer("crop", "Crop", "odd x", "crop_param { automatic_offset: true }")
    )
    _, rows = report(capsys, text)
    assert rows["crop"][2] == "?"
    assert rows["x"][2] == "1x1x8x8"
    with pytest.raises(caffe.CaffeError, match="no coordinates lead"):
        net_of(text)


def test_what_stands_in_for_python_layers_is_named(here, capsys):
    body = "python_param { module: 'roi_data_layer.layer' layer: 'RoIDataLayer' " + (
        "param_str: \"'num_classes': 3\" }"
    )
    out, rows = report(
        capsys,
        layer("input-data", "Python", body=body, tops="data im_info gt_boxes")
        + conv("conv1", "data", 2),
    )
    assert rows["input-data"][1:3] == ["Input", "1x3x600x1000, 1x3, 1x5"]
    assert "unknown" not in out
    assert out.endswith(
        "in place of Python layers whose modules are not there to import:\n"
        "  layer 'input-data': Input, for RoIDataLayer of roi_data_layer.layer (Fast R-CNN, "
        "py-faster-rcnn or R-FCN); a script fills its tops\n"
    )
