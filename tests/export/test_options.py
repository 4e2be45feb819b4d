"""`caffe export`'s options: --half, --batch dynamic, .pt2; and what it says."""

import logging

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from support.net_text import input_layer, net_of

import caffe
from caffe.__main__ import main
from caffe.export import onnx as onnx_export
from caffe.export import torch_file
from caffe.export.agreement import farthest

CONV = (
    'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" '
    "convolution_param { num_output: 8 kernel_size: 3 weight_filler { type: 'xavier' } } }"
    'layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }'
)
POOLED = (
    CONV + 'layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" '
    "pooling_param { pool: AVE global_pooling: true } }"
    'layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" '
    "inner_product_param { num_output: 4 weight_filler { type: 'xavier' } } }"
)
DATA = input_layer("data", 1, 3, 20, 24)


def files(tmp_path, text, kind):
    (tmp_path / "net.prototxt").write_text(text)
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    net.save(tmp_path / "net.caffemodel")
    names = [str(tmp_path / name) for name in ("net.prototxt", "net.caffemodel", f"net.{kind}")]
    return net, names


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_the_batch_is_left_open_on_demand(tmp_path, capsys, kind):
    net, names = files(tmp_path, DATA + POOLED, kind)
    assert main(["export", "--batch", "dynamic", *names]) == 0
    said = capsys.readouterr().out
    assert "(3, 3, 33, 69): agrees" in said
    assert "any height and width and any batch (dynamic axes: data: batch, height, width)" in said
    data = np.random.RandomState(0).randn(5, 3, 30, 21).astype(np.float32)
    if kind == "onnx":
        (theirs,) = onnxruntime.InferenceSession(names[2]).run(["ip"], {"data": data})
    else:
        theirs = torch.export.load(names[2]).module()(torch.from_numpy(data)).detach().numpy()
    net.blobs["data"].reshape(*data.shape)
    np.testing.assert_allclose(theirs, net.forward(data=data)["ip"], atol=1e-5)


def test_a_layer_that_names_the_batch_is_named(tmp_path, capsys):
    reshape = (
        'layer { name: "r" type: "Reshape" bottom: "conv" top: "r" '
        "reshape_param { shape { dim: 1 dim: 3168 } } }"
    )
    _, names = files(tmp_path, DATA + CONV + reshape, "onnx")
    assert main(["export", "--batch=dynamic", *names]) == 1
    error = capsys.readouterr().err
    assert "no other batch than 1: layer 'r' (Reshape)" in error
    assert "write dim: 0" in error


ONE_BY_ONE = {
    "Lstm": ("lstm_param { num_output: 3 }", (3, 2, 4)),
    "BoxOutput": (
        "box_output_param { field_w: 9 field_h: 9 downsample_rate: 8 fg_thr: -9 max_nms_num: 5 }",
        (2, 6, 3, 4),
    ),
}


@pytest.mark.parametrize(
    ("kind", "export"),
    [
        ("Lstm", onnx_export.export),
        ("Lstm", torch_file.export),
        # The same words; and it leaves as ONNX in its own tests.
        pytest.param("BoxOutput", onnx_export.export, marks=pytest.mark.long),
        ("BoxOutput", torch_file.export),
    ],
)
def test_a_layer_that_goes_from_item_to_item_is_named(tmp_path, kind, export):
    body, shape = ONE_BY_ONE[kind]
    net = net_of(
        input_layer("x", *shape)
        + f'layer {{ name: "l" type: "{kind}" bottom: "x" top: "y" {body} }}'
    )
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' .{kind}.*leave its first axis closed"):
        export(net, tmp_path / "net", batch=True)
    assert export(net, tmp_path / "net").differences


@pytest.mark.usefixtures("no_type_stays")
@pytest.mark.parametrize("export", [onnx_export.export, torch_file.export])
def test_a_size_that_python_has_asked_for_is_not_said_to_be_open(tmp_path, export):
    @caffe.register_layer("Counts")
    class Counts:
        def top_shapes(self, shapes):
            return shapes

        def expression(self, bottoms, params):
            return bottoms[0] * len(bottoms[0])

    net = net_of(DATA + CONV + 'layer { name: "l" type: "Counts" bottom: "conv" top: "y" }')
    with pytest.raises(caffe.CaffeError, match=r"batch of 'data' cannot be left open.*itself, 1"):
        export(net, tmp_path / "net", batch=True)


@pytest.mark.parametrize("export", [onnx_export.export, torch_file.export])
def test_a_convolution_by_columns_is_open_in_its_batch(tmp_path, export):
    """Of four axes of places, torch has none."""
    body = "convolution_param { num_output: 2 kernel_size: 2 weight_filler { type: 'xavier' } }"
    text = f'layer {{ name: "l" type: "Convolution" bottom: "x" top: "y" {body} }}'
    net = net_of(input_layer("x", 1, 2, 3, 2, 2, 2) + text)
    found = export(net, tmp_path / "net", batch=True)
    assert list(found.differences) == [(n, 2, 3, 2, 2, 2) for n in (1, 2, 3)]


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_half_stores_the_weights_of_products_as_float16(tmp_path, capsys, kind):
    text = (DATA + POOLED).replace("num_output: 8", "num_output: 8 bias_filler { value: 1 }")
    net, names = files(tmp_path, text, kind)
    before = net.params["conv"][0].data.copy()
    assert main(["export", "-half", *names]) == 0
    said = capsys.readouterr().out
    assert "weights are float16, inputs and outputs float32" in said
    if kind == "onnx":
        graph = onnx.load(names[2]).graph
        types = {each.name: each.data_type for each in graph.initializer}
        assert types["conv.weight"] == types["ip.weight"] == onnx.TensorProto.FLOAT16
        assert types["conv.bias"] == onnx.TensorProto.FLOAT
        assert {each.type.tensor_type.elem_type for each in (*graph.input, *graph.output)} == {1}
    else:
        weights = torch.export.load(names[2]).state_dict
        assert weights["conv.weight"].dtype == weights["ip.weight"].dtype == torch.float16
        assert weights["conv.bias"].dtype == torch.float32
    np.testing.assert_array_equal(net.params["conv"][0].data, before)


def test_weights_that_float16_has_not_stay_float32(tmp_path):
    net = net_of(DATA + POOLED)
    net.params["ip"][0].data[0, 0] = 1e6
    before = net.params["conv"][0].data.copy()
    exported = onnx_export.export(net, tmp_path / "net.onnx", half=True)
    assert 0 < exported.rounding < 1e-3
    np.testing.assert_array_equal(net.params["conv"][0].data, before)
    graph = onnx.load(tmp_path / "net.onnx").graph
    types = {each.name: each.data_type for each in graph.initializer}
    assert types["conv.weight"] == onnx.TensorProto.FLOAT16
    assert types["ip.weight"] == onnx.TensorProto.FLOAT


def test_a_pt2_file_needs_torch_alone_and_says_what_is_in_it(tmp_path):
    net = net_of(DATA + CONV)
    torch_file.export(net, tmp_path / "net.pt2")
    stated = {"inputs": "", "outputs": "", "dynamic_axes": ""}
    program = torch.export.load(tmp_path / "net.pt2", extra_files=stated)
    assert stated == {"inputs": "data", "outputs": "conv", "dynamic_axes": "data: height, width"}
    assert "caffe" not in str(program.graph)


def test_another_kind_of_file_is_an_error(tmp_path, capsys):
    _, names = files(tmp_path, DATA + CONV, "tflite")
    assert main(["export", *names]) == 1
    assert "writes .onnx or .pt2; found '.tflite'" in capsys.readouterr().err


@pytest.mark.usefixtures("no_type_stays")
def test_a_layer_that_cannot_be_followed_is_named(tmp_path):
    @caffe.register_layer("LooksAtValues")
    class LooksAtValues:
        def top_shapes(self, shapes):
            return shapes

        def expression(self, bottoms, params):
            return bottoms[0] * 2 if bottoms[0].sum() > 0 else bottoms[0]

    last = 'layer { name: "mine" type: "LooksAtValues" bottom: "conv" top: "y" }'
    net = net_of(DATA + CONV + last)
    for export in (onnx_export.export, torch_file.export):
        with pytest.raises(
            caffe.CaffeError, match=r"layer 'mine' .LooksAtV.*cannot export it.*looks at values"
        ):
            export(net, tmp_path / "net")


@pytest.mark.parametrize("export", [onnx_export.export, torch_file.export])
def test_an_input_that_no_layer_reads_is_none_of_an_onnx_file(tmp_path, export):
    net = net_of(DATA + input_layer("im_info", 1, 3) + CONV)
    assert net.outputs == ["conv", "im_info"]
    assert max(export(net, tmp_path / "net").differences.values()) < 1e-6
    if export is onnx_export.export:
        graph = onnx.load(tmp_path / "net").graph
        assert [value.name for value in graph.input] == ["data"]
        assert [value.name for value in graph.output] == ["conv"]


def test_a_top_that_is_input_and_output_needs_another_name_in_onnx(tmp_path):
    net = net_of(DATA + 'layer { name: "r" type: "ReLU" bottom: "data" top: "data" }')
    with pytest.raises(caffe.CaffeError, match=r"layer 'r' .ReLU.*Give the top another name"):
        onnx_export.export(net, tmp_path / "net.onnx")
    assert torch_file.export(net, tmp_path / "net.pt2").differences


@pytest.mark.parametrize("tops", ["a", "ab"])
@pytest.mark.parametrize("export", [onnx_export.export, torch_file.export])
def test_tops_that_are_an_inputs_values_have_their_own_names(tmp_path, export, tops):
    """Dropout in TEST; of two outputs the second has the first one's values too."""
    drop = 'layer { name: "%s" type: "Dropout" bottom: "data" top: "%s" }'
    net = net_of(DATA + "".join(drop % (top, top) for top in tops))
    found = export(net, tmp_path / "net", batch=True)
    assert set(found.differences.values()) == {0}
    if export is onnx_export.export:
        graph = onnx.load(tmp_path / "net").graph
        assert [value.name for value in (*graph.input, *graph.output)] == ["data", *tops]


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_a_map_that_becomes_larger_in_one_size_and_smaller_in_another_is_open(tmp_path, kind):
    """FlowNet's Resample has wider filters where the top is smaller, and Downsample a step."""
    net = net_of(
        input_layer("data", 1, 2, 6, 7)
        + 'layer { name: "r" type: "Resample" bottom: "data" top: "r" '
        "resample_param { height: 5 width: 6 type: LINEAR } }"
        'layer { name: "d" type: "Downsample" bottom: "data" top: "d" '
        "downsample_param { top_height: 3 top_width: 4 } }"
    )
    export = {"onnx": onnx_export.export, "pt2": torch_file.export}[kind]
    assert export(net, tmp_path / "net").open_axes == {"data": {2: "height", 3: "width"}}
    rng = np.random.RandomState(0)
    for size in ((5, 6), (3, 4), (3, 9), (9, 3)):
        data = rng.randn(1, 2, *size).astype(np.float32)
        net.blobs["data"].reshape(*data.shape)
        ours = {name: value.copy() for name, value in net.forward(data=data).items()}
        if kind == "onnx":
            session = onnxruntime.InferenceSession(tmp_path / "net")
            theirs = session.run(net.outputs, {"data": data})
        else:
            module = torch.export.load(tmp_path / "net").module()
            theirs = [value.numpy() for value in module(torch.from_numpy(data))]
        for name, value in zip(net.outputs, theirs, strict=True):
            np.testing.assert_allclose(value, ours[name], atol=1e-5)


@pytest.mark.parametrize("export", [onnx_export.export, torch_file.export])
def test_what_a_crop_takes_off_at_one_size_and_not_at_another_is_open(tmp_path, export):
    """As in U-Net: of odd sizes what is pooled and enlarged again is a row longer, of even none."""
    net = net_of(
        input_layer("data", 1, 2, 19, 19)
        + 'layer { name: "p" type: "Pooling" bottom: "data" top: "p" '
        "pooling_param { kernel_size: 2 stride: 2 } }"
        'layer { name: "u" type: "Upsample" bottom: "p" top: "u" upsample_param { scale: 2 } }'
        'layer { name: "c" type: "Crop" bottom: "u" bottom: "data" top: "c" }'
        'layer { name: "y" type: "Concat" bottom: "c" bottom: "data" top: "y" }'
    )
    found = export(net, tmp_path / "net")
    sizes = [(1, 2, 19, 19), (1, 2, 51, 19), (1, 2, 32, 64), (1, 2, 10, 13)]
    assert list(found.differences) == sizes


@pytest.mark.usefixtures("no_type_stays")
def test_a_layer_that_onnx_has_no_operator_for_is_named(tmp_path):
    @caffe.register_layer("Determinants")
    class Determinants:
        def top_shapes(self, shapes):
            return [shapes[0][:2]]

        def expression(self, bottoms, params):
            return torch.linalg.eigvalsh(bottoms[0])[..., 0]

    last = 'layer { name: "mine" type: "Determinants" bottom: "c" top: "y" }'
    square = CONV.replace('top: "conv"', 'top: "c"', 1).split('layer { name: "relu"')[0]
    net = net_of(input_layer("data", 1, 3, 20, 20) + square + last)
    with pytest.raises(caffe.CaffeError, match=r"layer 'mine' .Determinants.*to ONNX"):
        onnx_export.export(net, tmp_path / "net.onnx")


def test_values_that_are_no_numbers_count_as_differences_where_only_one_has_them():
    ours = {"y": np.array([1.0, 2, np.inf, np.nan])}
    assert farthest({"y": ours["y"].copy()}, ours) == 0
    assert farthest({"y": np.array([1.0, 2.5, np.inf, np.nan])}, ours) == 0.25
    assert np.isnan(farthest({"y": np.array([np.nan, 2, np.inf, np.nan])}, ours))
    assert np.isinf(farthest({"y": np.array([1, 2, -np.inf, np.nan])}, ours))


def test_rows_in_the_order_of_scores_may_stand_elsewhere():
    ours = {"y": np.array([[[[0, 1, 0.9], [0, 1, 0.8], [1, 2, 0.8]]]])}
    swapped = {"y": ours["y"][:, :, [1, 0, 2]]}
    assert farthest(swapped, ours) > 0.04
    assert farthest(swapped, ours, ["y"]) == 0
    for rows in ([0, 0, 2], [0, 1, 1]):  # one lacks, another is there twice
        assert farthest({"y": ours["y"][:, :, rows]}, ours, ["y"]) > 0.04


def test_where_only_the_own_size_goes_well_it_is_written_for_that(tmp_path, capsys):
    spp = (
        'layer { name: "spp" type: "SPP" bottom: "conv" top: "y" spp_param { pyramid_height: 2 } }'
    )
    _, names = files(tmp_path, DATA + CONV + spp, "onnx")
    assert main(["export", *names]) == 0
    assert "for the prototxt's size only (dynamic axes: none)" in capsys.readouterr().out


@pytest.mark.parametrize("export", [onnx_export.export, torch_file.export])
def test_sizes_stay_open_where_a_map_is_one_pixel_at_the_nets_own(tmp_path, export):
    """As the last of SSD-300's maps is, and larger in larger images."""
    small = CONV.replace("kernel_size: 3", "kernel_size: 3 stride: 8 pad: 1")
    last = CONV.replace('"conv"', '"last"').replace('bottom: "data"', 'bottom: "conv"')
    rows = (
        'layer { name: "turned" type: "Permute" bottom: "last" top: "turned" '
        "permute_param { order: [0, 2, 3, 1] } }"
        'layer { name: "flat" type: "Flatten" bottom: "turned" top: "flat" }'
    )
    last = last.replace('"relu"', '"relu2"')
    net = net_of(input_layer("data", 1, 3, 20, 20) + small + last + rows)
    assert net.blobs["last"].shape[2:] == (1, 1)
    found = export(net, tmp_path / "net", batch=True)
    assert found.open_axes == {"data": {0: "batch", 2: "height", 3: "width"}}


@pytest.mark.parametrize(
    "export", [onnx_export.export, pytest.param(torch_file.export, marks=pytest.mark.long)]
)
def test_layers_that_compute_sizes_are_exported_for_tall_and_for_wide_images(tmp_path, export):
    """Of 52 x 24 and 33 x 69 neither side is always the longer one."""
    layers = (
        ("Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }"),
        ("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 3 pad: 1 }"),
        ("Pooling", "pooling_param { kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 3 pad: 1 }"),
        ("BatchNorm", "batch_norm_param { use_global_stats: false }"),
        ("Interp", "interp_param { zoom_factor: 3 shrink_factor: 2 pad_end: -1 }"),
        ("Interp", "interp_param { height: 5 width: 3 }"),
        ("Upsample", "upsample_param { scale: 2 }"),
        ("Unpooling", "unpooling_param { unpool: TILE kernel_size: 3 stride: 2 }"),
        ("Deconvolution", "convolution_param { num_output: 2 kernel_size: 4 stride: 2 }"),
        ("LRN", "lrn_param { norm_region: WITHIN_CHANNEL }"),
    )
    text = "".join(
        f'layer {{ name: "l{i}" type: "{kind}" bottom: "conv" top: "y{i}" {body} }}'
        for i, (kind, body) in enumerate(layers)
    )
    found = export(net_of(DATA + CONV + text), tmp_path / "net")
    assert found.open_axes == {"data": {2: "height", 3: "width"}}
    assert not found.refusals


def test_torch_says_nothing_of_sizes_that_it_cannot_simplify(tmp_path, caplog):
    pools = "".join(
        f'layer {{ name: "{top}" type: "Pooling" bottom: "{bottom}" top: "{top}" '
        f"pooling_param {{ kernel_size: {size} stride: 2 }} }}"
        for bottom, top, size in (("data", "pool1", 2), ("pool1", "pool2", 3))
    )
    logger = logging.getLogger("torch.fx.experimental.symbolic_shapes")
    logger.addHandler(caplog.handler)
    net = net_of(input_layer("data", 1, 3, 13, 17) + pools)
    found = torch_file.export(net, tmp_path / "net.pt2")
    logger.removeHandler(caplog.handler)
    assert found.open_axes == {"data": {2: "height", 3: "width"}}
    assert logger.name not in {record.name for record in caplog.records}


STREAMS = input_layer("x", 3, 2, 4) + input_layer("cont", 3, 2)
NUMBERS = "num_output: 3 weight_filler { type: 'uniform' min: -0.5 max: 0.5 }"
MEMORIES = {
    "LSTM": f"recurrent_param {{ {NUMBERS} }}",
    "RNN": f"recurrent_param {{ {NUMBERS} }}",
    "Lstm": f"lstm_param {{ {NUMBERS} }}",
}


@pytest.mark.parametrize("export", [onnx_export.export, torch_file.export])
@pytest.mark.parametrize("kind", MEMORIES)
def test_a_file_starts_from_zeros_wherever_the_net_is_in_a_sequence(tmp_path, kind, export):
    last = f'layer {{ name: "l" type: "{kind}" bottom: "x" bottom: "cont" top: "y" '
    net = net_of(f"{STREAMS} {last} {MEMORIES[kind]} }}")
    net.blobs["x"].data[...] = net.blobs["cont"].data[...] = 1
    first = net.forward()["y"].copy()
    assert (net.forward()["y"] != first).all()
    assert max(export(net, tmp_path / "net").differences.values()) < 1e-6
