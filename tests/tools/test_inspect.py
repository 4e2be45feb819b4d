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


def data_layer(name, kind, param, more="", tops="data label"):
    return layer(name, kind, body=f'{param} {{ source: "none" batch_size: 2 }} {more}', tops=tops)


@pytest.mark.parametrize(
    ("data", "shapes"),
    [
        (
            data_layer("d", "AnnotatedData", "data_param", "transform_param { crop_size: 9 }"),
            "2x3x9x9, 1x1x1x8",
        ),
        (
            data_layer(
                "d",
                "AnnotatedData",
                "data_param",
                "transform_param { resize_param { height: 6 width: 8 } }",
            ),
            "2x3x6x8, 1x1x1x8",
        ),
        (
            layer(
                "d",
                "ImageData",
                body='image_data_param { source: "none" batch_size: 4 new_height: 5 new_width: 7 '
                "is_color: false }",
                tops="data label",
            ),
            "4x1x5x7, 4",
        ),
        (
            data_layer(
                "d",
                "ImageSegData",
                "image_data_param",
                "transform_param { crop_size: 6 }",
                "data label size",
            ),
            "2x3x6x6, 2x1x6x6, 2x1x1x2",
        ),
        (
            data_layer(
                "d", "WindowSegData", "image_data_param", "transform_param { crop_size: 6 }"
            ),
            "2x3x6x6, 2x1x6x6",
        ),
        (
            layer(
                "d",
                "ImageLabelData",
                body='image_label_data_param { image_list_path: "none" batch_size: 2 '
                "label_slice { dim: 3 dim: 2 } } transform_param { crop_size: 6 }",
                tops="data label",
            ),
            "2x3x6x6, 2x1x3x2",
        ),
        (
            layer(
                "d",
                "VideoData",
                body="data_param { batch_size: 2 } video_data_param { video_type: VIDEO "
                'video_file: "none" } transform_param { resize_param { height: 6 width: 8 } }',
                tops="data",
            ),
            "2x3x6x8",
        ),
        (
            layer(
                "d",
                "VideoData",
                body='image_data_param { source: "none" batch_size: 2 new_length: 8 } '
                "transform_param { crop_size: 6 }",
                tops="data label",
            ),
            "2x3x8x6x6, 2",
        ),
        (
            layer(
                "d",
                "VideoData",
                body='video_data_param { source: "none" batch_size: 2 new_length: 5 modality: FLOW '
                "num_segments: 3 } transform_param { crop_size: 6 }",
                tops="data label",
            ),
            "2x30x6x6, 2",
        ),
        (
            layer(
                "d",
                "Data",
                body="data_param { batch_size: 2 } transform_param { crop_size: 6 }",
                tops="data label",
            ),
            "2x3x6x6, 2",
        ),
        (
            layer(
                "d",
                "ImageData",
                body='image_data_param { source: "none" batch_size: 2 label_dim: 5 } '
                "transform_param { crop_size: 6 }",
                tops="data label",
            ),
            "2x3x6x6, 2x5",
        ),
        (
            layer(
                "d",
                "DenseImageData",
                body='dense_image_data_param { source: "none" batch_size: 2 new_height: 6 '
                "new_width: 9 label_divide_factor: 2 }",
                tops="data label",
            ),
            "2x3x6x9, 2x1x3x4",
        ),
    ],
)
def test_data_without_their_files_have_the_size_that_is_given(here, capsys, data, shapes):
    out, rows = report(capsys, data + layer("l", "ReLU", "data"))
    assert ", ".join(rows["d"][2:]).startswith(shapes)
    assert rows["l"][2] == shapes.partition(",")[0]
    assert "or crop_size:\n  net.prototxt:1:" in out
    assert "unknown" not in out


def test_behind_data_of_no_known_size_only_types_and_fields_are_judged(here, capsys):
    net = data_layer("d", "HDF5Data", "hdf5_data_param") + conv("conv", "data", 4)
    out, rows = report(capsys, net)
    assert rows["conv"][1:3] == ["Convolution", "?"]
    assert "unknown" not in out
    assert "nothing behind it has a shape that is known:\n  net.prototxt:1:" in out
    out, _ = report(capsys, net + layer("odd", "Oddity", "conv"))
    assert "unknown type 'Oddity'" in out


def test_a_file_that_a_layer_lacks_is_not_the_nets_fault(here, capsys):
    loss = layer("loss", "InfogainLoss", "ip label", 'infogain_loss_param { source: "H" }')
    label = layer("label", "Input", body="input_param { shape { dim: 1 } }")
    Path("nets").mkdir()
    Path("nets/a.prototxt").write_text(LENET + label + loss)
    assert main(["inspect", "nets"]) == 0
    line = capsys.readouterr().out
    assert line.startswith("nets/a.prototxt: 8 layers, 2,517 parameters, known only up to what is")
    # An error of another kind is one, though the layer reads data.
    out, _ = report(capsys, data_layer("d", "WindowData", "window_data_param"))
    assert "unknown:\n" in out
    assert "needs a crop_size greater than 0" in out


def test_a_module_of_a_python_layer_is_a_file_that_is_not_there(here, capsys):
    python = 'python_param { module: "nowhere.such" layer: "Data" }'
    out, rows = report(
        capsys, layer("d", "Python", body=python, tops="data") + conv("c", "data", 2)
    )
    assert "unknown" not in out
    assert re.search(r"known:\n  net\.prototxt:1:\d+: layer 'd' .*no module 'nowhere.such'", out)
    assert rows["c"][2] == "?"


STAGED = (
    layer("x", "Input", body='input_param { shape { dim: 1 dim: 3 } } include { stage: "train" }')
    + layer("y", "ReLU", "x")
    + layer("z", "Softmax", "y", 'include { stage: "deploy" }')
)


def test_a_net_of_stages_is_inspected_in_those_that_are_asked_for(here, capsys):
    out, rows = report(capsys, STAGED)
    assert "or open the net with stages=['train']" in out
    out, rows = report(capsys, STAGED, "-stage", "train,deploy")
    assert "unknown" not in out
    assert rows["z"][2] == "1x3"


def test_in_a_folder_the_stages_are_tried_that_a_nets_rules_name(here, capsys):
    Path("nets").mkdir()
    Path("nets/a.prototxt").write_text(STAGED)
    assert main(["inspect", "nets"]) == 0
    assert capsys.readouterr().out == "nets/a.prototxt: 3 layers, 0 parameters\n"


def test_two_data_layers_of_one_top_are_an_error_though_their_files_are_not_there(here, capsys):
    data = data_layer("d", "AnnotatedData", "data_param", "transform_param { crop_size: 9 }")
    out, _ = report(capsys, data + data.replace('"d"', '"e"') + layer("l", "ReLU", "data"))
    assert "top blob 'data' is made already by a layer above; a blob may" in out


def test_what_a_layer_sees_in_its_fillers_is_seen(here, capsys):
    rates = "".join(f"param {{ lr_mult: {rate} }} " for rate in (1, 1, 0, 0))
    norm = "batch_norm_param { scale_filler { value: 1 } bias_filler { } } "
    net = input_dim(4, 4) + layer("n", "BatchNorm", "data", norm + rates)
    out, rows = report(capsys, net)
    assert "unknown" not in out
    assert rows["n"][3] == "13"


def test_a_solver_that_holds_its_net_is_inspected(here, capsys):
    solver = 'base_lr: 1 lr_policy: "fixed" odd_rate: 3\n'
    out, rows = report(capsys, f"{solver} net_param {{\n{LENET}}}")
    assert rows["ip"][2] == "1x5"
    assert re.search(r'  net\.prototxt:1:\d+: .*no field named "odd_rate"', out)
    train, test = (LENET.replace("num_output: 5", f"num_output: {n}") for n in (6, 7))
    both = f"{solver} train_net_param {{\n{train}}} test_net_param {{\n{test}}}"
    assert report(capsys, both, "-phase", "TRAIN")[1]["ip"][2] == "1x6"
    assert report(capsys, both)[1]["ip"][2] == "1x7"
    assert report(capsys, f"{solver} train_net_param {{\n{train}}}")[1]["ip"][2] == "1x6"


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
