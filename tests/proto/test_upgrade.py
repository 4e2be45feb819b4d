"""Files of older formats: every rule of upgrade_proto.cpp, and what BVLC's tools make of files."""

import logging
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from support.net_text import input_layer, net_of

import caffe
from caffe.__main__ import main
from caffe.graph import canonical
from caffe.proto import caffe_pb2, upgrade
from caffe.proto.text import read_binaryproto, read_prototxt
from caffe.proto.upgrade import v0 as upgrade_v0
from caffe.proto.upgrade import v1 as upgrade_v1

LEGACY = Path(__file__).parents[1] / "records" / "legacy"

Net, V1Layer = caffe_pb2.NetParameter, caffe_pb2.V1LayerParameter


def net(text: str) -> Net:
    return text_format.Parse(text, Net())


def upgraded(text: str) -> Net:
    return upgrade.upgrade_net(net(text))


def problems(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]


# BVLC's own upgrades.


@pytest.mark.parametrize("old", ["v0", "v1"])
def test_old_prototxts_become_what_bvlcs_tool_makes_of_them(old):
    theirs = read_prototxt(LEGACY / f"{old}_upgraded.prototxt", Net())
    assert upgrade.read_net(LEGACY / f"{old}.prototxt") == theirs
    assert upgrade.upgrade_net(theirs) == theirs


def test_a_v1_caffemodel_with_4d_blobs_computes_bvlcs_numbers():
    record = np.load(LEGACY / "v1_forward.npz")
    v1 = caffe.Net(str(LEGACY / "v1.prototxt"), str(LEGACY / "v1.caffemodel"), caffe.TEST)
    for name, blobs in v1.params.items():
        for i, blob in enumerate(blobs):
            assert np.array_equal(blob.data, record[f"param/{name}/{i}"])
    v1.forward(data=record["data"])
    for name in ("pool1", "prob"):
        np.testing.assert_allclose(v1.blobs[name].data, record[name], rtol=1e-5, atol=1e-7)


def test_old_prototxts_run_as_their_upgrades_do():
    for old in ("v0", "v1"):
        nets = [
            caffe.Net(str(LEGACY / name), caffe.TEST)
            for name in (f"{old}.prototxt", f"{old}_upgraded.prototxt")
        ]
        assert len({str({n: b.shape for n, b in one.blobs.items()}) for one in nets}) == 1


# V0.


def v0(layer: str, bottoms: str = "") -> str:
    return f'layers {{ layer {{ name: "l" {layer} }} {bottoms} }}'


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (
            'type: "conv" num_output: 3 biasterm: false weight_filler { type: "xavier" } '
            "bias_filler { value: 2 } pad: 1 kernelsize: 3 group: 2 stride: 4",
            "type: CONVOLUTION convolution_param { num_output: 3 bias_term: false "
            'weight_filler { type: "xavier" } bias_filler { value: 2 } pad: 1 kernel_size: 3 '
            "group: 2 stride: 4 }",
        ),
        (
            'type: "innerproduct" num_output: 3 biasterm: true weight_filler { std: 1 } '
            "bias_filler { value: 2 }",
            "type: INNER_PRODUCT inner_product_param { num_output: 3 bias_term: true "
            "weight_filler { std: 1 } bias_filler { value: 2 } }",
        ),
        (
            'type: "pool" pool: STOCHASTIC pad: 1 kernelsize: 3 stride: 2',
            "type: POOLING pooling_param { pool: STOCHASTIC pad: 1 kernel_size: 3 stride: 2 }",
        ),
        (
            'type: "dropout" dropout_ratio: 0.25',
            "type: DROPOUT dropout_param { dropout_ratio: 0.25 }",
        ),
        (
            'type: "lrn" local_size: 3 alpha: 2 beta: 0.5 k: 3',
            "type: LRN lrn_param { local_size: 3 alpha: 2 beta: 0.5 k: 3 }",
        ),
        (
            'type: "data" source: "db" batchsize: 5 rand_skip: 7 scale: 2 meanfile: "m" '
            "cropsize: 9 mirror: true",
            'type: DATA data_param { source: "db" batch_size: 5 rand_skip: 7 } '
            'transform_param { scale: 2 mean_file: "m" crop_size: 9 mirror: true }',
        ),
        (
            'type: "images" source: "list" batchsize: 5 rand_skip: 7 shuffle_images: true '
            "new_height: 8 new_width: 9",
            'type: IMAGE_DATA image_data_param { source: "list" batch_size: 5 rand_skip: 7 '
            "shuffle: true new_height: 8 new_width: 9 }",
        ),
        (
            'type: "window_data" source: "w" batchsize: 5 det_fg_threshold: 0.75 '
            "det_bg_threshold: 0.25 det_fg_fraction: 0.125 det_context_pad: 16 "
            'det_crop_mode: "square"',
            'type: WINDOW_DATA window_data_param { source: "w" batch_size: 5 fg_threshold: 0.75 '
            'bg_threshold: 0.25 fg_fraction: 0.125 context_pad: 16 crop_mode: "square" }',
        ),
        (
            'type: "hdf5_data" source: "list" batchsize: 5',
            'type: HDF5_DATA hdf5_data_param { source: "list" batch_size: 5 }',
        ),
        (
            'type: "hdf5_output" hdf5_output_param { file_name: "f" }',
            'type: HDF5_OUTPUT hdf5_output_param { file_name: "f" }',
        ),
        (
            'type: "infogain_loss" source: "h"',
            'type: INFOGAIN_LOSS infogain_loss_param { source: "h" }',
        ),
        ('type: "concat" concat_dim: 2', "type: CONCAT concat_param { concat_dim: 2 }"),
        (
            'type: "relu" blobs_lr: 1 blobs_lr: 2 weight_decay: 3 blobs { num: 1 data: 5 }',
            "type: RELU blobs_lr: 1 blobs_lr: 2 weight_decay: 3 blobs { num: 1 data: 5 }",
        ),
        ('type: "relu" scale: 2', "type: RELU transform_param { scale: 2 }"),
        ("scale: 2", "transform_param { scale: 2 }"),
    ],
)
def test_each_v0_field_has_its_place_in_v1(layer, expected):
    ends = 'bottom: "a" top: "b" top: "c"'
    out, left_out = upgrade_v0.upgrade_v0_net(net('input: "a"' + v0(layer, ends)))
    assert out == net(f'input: "a" layers {{ name: "l" {expected} {ends} }}')
    assert left_out == []


def test_each_v0_field_is_kept_moved_or_without_meaning():
    fields = set(caffe_pb2.V0LayerParameter.DESCRIPTOR.fields_by_name)
    kept = {"name", "type", "blobs", "blobs_lr", "weight_decay"}
    nowhere = {"new_num", "new_channels"}  # no layer of V1 has them
    assert fields == kept | nowhere | set(upgrade_v0.V0_FIELDS)


@pytest.mark.parametrize("kind", upgrade_v0.V0_TYPES)
def test_each_v0_type_ends_as_a_type_of_today(kind):
    (layer,) = upgraded(v0(f'type: "{kind}"')).layer
    again = {"conv": "Convolution", "images": "ImageData", "pool": "Pooling"}
    squeezed = kind.replace("_", "")
    spelled = again.get(kind, "SoftmaxWithLoss" if kind == "softmax_loss" else squeezed)
    assert layer.type.lower() == spelled.lower()


def test_a_v0_net_keeps_its_name_inputs_and_force_backward_only():
    head = 'name: "n" input: "x" input_dim: 1 force_backward: true '
    out, _ = upgrade_v0.upgrade_v0_net(net(head + "state { level: 2 }" + v0('type: "relu"')))
    assert out == net(head + 'layers { name: "l" type: RELU }')


def test_a_v0_parameter_of_another_type_is_left_out_and_logged(caplog):
    text = v0('type: "relu" num_output: 3 kernelsize: 5 det_crop_mode: "warp"')
    out, success = upgrade.upgrade_net_as_needed(net(text))
    assert not success
    assert out == net('layer { name: "l" type: "ReLU" }')
    *each, last = problems(caplog)
    fields = ("num_output", "kernelsize", "det_crop_mode")
    assert each == [f"Unknown parameter {f} for layer type relu" for f in fields]
    assert "one or more problems upgrading V0NetParameter" in last


def test_an_unknown_v0_type_names_the_layer():
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' .*unknown V0 type 'magic'.* conv, "):
        upgraded(v0('type: "magic"'))


PAD = v0('type: "padding" pad: 2', 'bottom: "x" top: "p"')


@pytest.mark.parametrize("kind", ["conv", "pool"])
def test_padding_folds_into_the_convolution_or_pooling_behind_it(kind):
    behind = v0(f'type: "{kind}" pad: 7', 'bottom: "p" top: "y"')
    out = upgrade_v0.fold_padding_layers(net('input: "x"' + PAD + behind))
    padded = v0(f'type: "{kind}" pad: 2', 'bottom: "x" top: "y"')
    assert out == net('input: "x"' + padded)


def test_a_blob_made_again_in_place_is_no_longer_padding():
    relu = v0('type: "relu"', 'bottom: "x" top: "p"')
    conv = v0('type: "conv" pad: 7', 'bottom: "p" top: "y"')
    out = upgrade_v0.fold_padding_layers(net('input: "x"' + PAD + relu + conv))
    assert out == net('input: "x"' + relu + conv)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PAD + v0('type: "relu"', 'bottom: "p"'), r"'l' \(relu\).*conv or pool"),
        (PAD + v0('type: "conv"', 'bottom: "p" bottom: "x"'), "of one bottom"),
        (PAD.replace("top:", 'top: "q" top:') + v0('type: "conv"', 'bottom: "p"'), "one top"),
        (v0('type: "conv"', 'bottom: "q"'), "unknown bottom blob 'q'"),
    ],
)
def test_padding_that_cannot_be_folded_names_the_layer(text, message):
    with pytest.raises(caffe.CaffeError, match=message):
        upgraded('input: "x"' + text)


# Data transformations.


@pytest.mark.parametrize(
    ("kind", "param"),
    [
        ("DATA", "data_param"),
        ("IMAGE_DATA", "image_data_param"),
        ("WINDOW_DATA", "window_data_param"),
    ],
)
def test_transformations_move_out_of_the_data_layers_parameters(kind, param):
    old = 'scale: 2 mean_file: "m" crop_size: 5 mirror: true'
    other = "layers { type: DATA } layers { type: RELU data_param { scale: 3 } }"
    text = f"layers {{ type: {kind} {param} {{ batch_size: 3 {old} }} }} {other}"
    first, second, third = upgraded(text).layer
    kind = upgrade_v1.V1_TYPES[kind]
    expected = f'type: "{kind}" {param} {{ batch_size: 3 }} transform_param {{ {old} }}'
    assert first == net(f"layer {{ {expected} }}").layer[0]
    assert second == net('layer { type: "Data" data_param { } transform_param { } }').layer[0]
    assert third == net('layer { type: "ReLU" data_param { scale: 3 } }').layer[0]


def test_a_transform_param_given_as_well_keeps_what_the_old_fields_do_not_say():
    data = "data_param { scale: 2 } transform_param { scale: 3 crop_size: 4 }"
    (layer,) = upgraded(f"layers {{ type: DATA {data} }}").layer
    assert (layer.transform_param.scale, layer.transform_param.crop_size) == (2, 4)


# V1.


@pytest.mark.parametrize(("old", "new"), upgrade_v1.V1_TYPES.items())
def test_each_v1_type_is_a_type_of_today(old, new):
    (layer,) = upgraded(f'layers {{ name: "l" type: {old} }}').layer
    assert layer.type == new
    known = {"ELTWISE_PRODUCT": "ELTWISE", "LRN_MAP": "LRN"}.get(old, old)
    assert not new or known.replace("_", "").lower() == new.replace("WithLoss", "Loss").lower()


def test_every_v1_type_is_known():
    assert list(V1Layer.LayerType.keys()) == sorted(
        upgrade_v1.V1_TYPES, key=V1Layer.LayerType.Value
    )


floats = st.lists(st.floats(0, 8, width=32), max_size=3)
names = st.lists(st.text("abc", max_size=2), max_size=3)


@settings(deadline=None)
@given(
    st.builds(
        V1Layer,
        name=st.text(max_size=3),
        bottom=names,
        top=names,
        type=st.sampled_from(V1Layer.LayerType.values()),
        param=names,
        blob_share_mode=st.lists(st.integers(0, 1), max_size=3),
        blobs_lr=floats,
        weight_decay=floats,
        loss_weight=floats,
        blobs=st.lists(st.builds(caffe_pb2.BlobProto, num=st.integers(0, 3), data=floats)),
        include=st.lists(st.builds(caffe_pb2.NetStateRule, phase=st.integers(0, 1)), max_size=2),
        exclude=st.lists(st.builds(caffe_pb2.NetStateRule, stage=names), max_size=2),
    )
)
def test_a_v1_layers_blobs_rules_and_multipliers_are_kept(v1):
    out = upgrade_v1.upgrade_v1_layer(v1)
    for field in ("name", "bottom", "top", "blobs", "include", "exclude", "loss_weight"):
        assert getattr(out, field) == getattr(v1, field)
    for old, new in (
        ("param", "name"),
        ("blob_share_mode", "share_mode"),
        ("blobs_lr", "lr_mult"),
        ("weight_decay", "decay_mult"),
    ):
        values = list(getattr(v1, old))
        assert [getattr(p, new) for p in out.param[: len(values)]] == values
        has = [p.HasField(new) for p in out.param]
        assert has == [i < len(values) for i in range(len(has))]


def test_every_message_of_a_v1_layer_is_kept_as_it_is():
    fields = V1Layer.DESCRIPTOR.fields_by_name
    params = [name for name in fields if name.endswith("_param")]
    v1 = V1Layer()
    for name in params:
        field = getattr(v1, name)
        field.SetInParent() if hasattr(field, "SetInParent") else field.add()
    out = upgrade_v1.upgrade_v1_layer(v1)
    kept = {upgrade_v1.V1_NAMES.get(name, name) for name in params}
    assert {field.name for field, _ in out.ListFields()} == kept
    v1 = V1Layer(loss_param=caffe_pb2.LossParameter(ignore_label=255))
    assert upgrade_v1.upgrade_v1_layer(v1).loss_param == v1.loss_param


@pytest.mark.parametrize(
    ("kind", "block", "today", "field"),
    [
        ("FLIP", "flip_param { flip_height: false }", "Flip", "flip_param"),
        ("SMOOTH_L1_LOSS", "smooth_l1_loss_param { sigma: 3 }", "SmoothL1Loss", ""),
        ("PRELU", "prelu_param { channel_shared: true }", "PReLU", "prelu_param"),
        ("BATCH_NORM", "batch_norm_param { eps: 1e-3 }", "BatchNorm", "batch_norm_param"),
        ("TOPK", "", "TOPK", ""),
    ],
)
def test_a_v1_type_of_a_fork_has_todays_name_and_block(tmp_path, kind, block, today, field):
    path = tmp_path / "net.prototxt"
    path.write_text(f'layers {{ name: "l" # x\n type: # y\n {kind} blobs_lr: 2 {block} }}')
    (layer,) = canonical.filtered(upgrade.read_net(path), caffe_pb2.NetState()).layer
    assert (layer.name, layer.type, layer.param[0].lr_mult) == ("l", today, 2)
    assert not field or layer.HasField(field)
    caffe.set_strict(True)
    try:
        with pytest.raises(caffe.CaffeError, match=f"1:23: .*{kind}|net.prototxt:"):
            upgrade.read_net(path)
    finally:
        caffe.set_strict(False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "type: LRN_MAP lrn_param { local_size: 3 }",
            "type: 'LRN' lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL }",
        ),
        (
            "type: LRN_MAP lrn_map_param { alpha: 2 }",
            "type: 'LRN' lrn_param { alpha: 2 norm_region: WITHIN_CHANNEL }",
        ),
        ("type: ELTWISE_PRODUCT", "type: 'Eltwise' eltwise_param { operation: PROD }"),
    ],
)
def test_caffes_own_types_of_early_2014_say_what_todays_have_fields_for(old, new):
    assert upgraded(f"layers {{ {old} }}") == net(f"layer {{ {new} }}")


def test_a_net_of_both_formats_is_refused():
    with pytest.raises(caffe.CaffeError, match="net 'n' has both"):
        upgraded('name: "n" layers { type: RELU } layer { type: "ReLU" }')


def test_a_v1_layer_of_no_type_is_refused_where_the_net_is_built():
    with pytest.raises(caffe.CaffeError, match="layer 'l': has no type, or none"):
        net_of('layers { name: "l" }')


# Inputs, BatchNorm.


@pytest.mark.parametrize("extra", ["", "input_dim: 9", 'name: "n" layer { type: "ReLU" }'])
def test_input_fields_become_an_input_layer_in_front(extra):
    dims = " ".join(f"input_dim: {i}" for i in range(1, 9))
    out = upgraded(f'input: "a" input: "b" {dims} {extra}')
    shapes = [list(shape.dim) for shape in out.layer[0].input_param.shape]
    assert shapes == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert (out.layer[0].type, out.layer[0].name) == ("Input", "input")
    assert list(out.layer[0].top) == ["a", "b"]
    assert [layer.type for layer in out.layer[1:]] == ["ReLU"] * ("layer" in extra)
    assert not out.input
    assert not out.input_dim


def test_input_shape_counts_more_than_input_dim():
    out = upgraded('input: "a" input_shape { dim: 7 } input_dim: 1')
    assert list(out.layer[0].input_param.shape[0].dim) == [7]


def test_inputs_without_any_shape_are_left_out_as_in_old_caffemodels():
    assert upgraded('name: "n" input: "a"') == net('name: "n"')


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("input_dim: 1 input_dim: 1", "2 inputs need 4 input_dim each; found 2"),
        ("input_shape { dim: 1 }", "2 inputs need 1 input_shape each; found 1"),
    ],
)
def test_inputs_that_lack_dimensions_are_refused(given, message):
    with pytest.raises(caffe.CaffeError, match=f"net 'n': {message}"):
        upgraded(f'name: "n" input: "a" input: "b" {given}')


def test_batch_norm_with_three_params_learns_none_of_them():
    params = 'param { name: "m" lr_mult: 1 } param { lr_mult: 2 decay_mult: 1 } param { }'
    text = f'layer {{ type: "BatchNorm" {params} }} layer {{ type: "Scale" {params} }}'
    norm, scale = upgraded(text).layer
    assert [(p.lr_mult, p.decay_mult) for p in norm.param] == [(0, 0)] * 3
    assert norm.param[0].name == "m"
    assert scale == net(text).layer[1]
    two = 'layer { type: "BatchNorm" param { } param { } }'
    assert upgraded(two) == net(two)


# Entrances.


V1_TEXT = """
name: "n" input: "x" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 3
layers { name: "c" type: CONVOLUTION bottom: "x" top: "c" blobs_lr: 3
         convolution_param { num_output: 2 kernel_size: 3 } }
"""


def test_a_file_of_today_is_read_as_it_is_without_a_word(tmp_path, caplog):
    path = tmp_path / "net.prototxt"
    path.write_text(input_layer("x", 1, 2))
    assert upgrade.read_net(path) == read_prototxt(path, Net())
    assert caplog.records == []


def test_the_log_says_what_bvlc_says(tmp_path, caplog):
    caplog.set_level(logging.INFO, "caffe")
    path = tmp_path / "net.prototxt"
    path.write_text(V1_TEXT)
    caffe.Net(str(path), caffe.TEST)
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        (
            "INFO",
            f"Attempting to upgrade input file specified using deprecated V1LayerParameter: {path}",
        ),
        ("INFO", "Successfully upgraded file specified using deprecated V1LayerParameter"),
        (
            "INFO",
            f"Attempting to upgrade input file specified using deprecated input fields: {path}",
        ),
        ("INFO", "Successfully upgraded file specified using deprecated input fields."),
        (
            "WARNING",
            "Note that future Caffe releases will only support input layers and not input fields.",
        ),
    ]


def test_a_solver_trains_old_nets_from_files_and_inline(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(V1_TEXT)
    base = 'lr_policy: "fixed" base_lr: 0.1 snapshot_after_train: false '
    for i, source in enumerate((f'net: "{path}"', f"net_param {{ {V1_TEXT} }}")):
        solver_file = tmp_path / f"solver{i}.prototxt"
        solver_file.write_text(base + source)
        solver = caffe.SGDSolver(str(solver_file))
        assert solver.net.inputs == ["x"]
        assert solver.net._graph.params[0].lr_mult == 3


@pytest.mark.parametrize(("old", "new"), upgrade.SOLVER_TYPES.items())
def test_solver_type_becomes_the_types_name(old, new):
    param = text_format.Parse(f"solver_type: {old} base_lr: 1", caffe_pb2.SolverParameter())
    assert upgrade.upgrade_solver(param) == caffe_pb2.SolverParameter(type=new, base_lr=1)


def test_snapshots_are_named_after_the_solver_unless_it_says_otherwise(tmp_path):
    path = tmp_path / "my.solver.prototxt"
    for text, prefix in (
        ("", tmp_path / "my.solver"),
        (f'snapshot_prefix: "{tmp_path}"', tmp_path / "my.solver"),
        ('snapshot_prefix: "elsewhere/x"', "elsewhere/x"),
    ):
        path.write_text(text)
        assert upgrade.read_solver(path).snapshot_prefix == str(prefix)


@pytest.mark.parametrize("text", [V1_TEXT, 'name: "n" layer { name: "x" type: "Input" }'])
def test_a_net_in_place_of_a_solver_is_named(tmp_path, text):
    path = tmp_path / "train.prototxt"
    path.write_text(text)
    for read in (upgrade.read_solver, caffe.get_solver, caffe.SGDSolver):
        with pytest.raises(caffe.CaffeError, match="this is a net; give a solver") as error:
            read(path)
        assert str(error.value).startswith(f"{path}: ")


def test_a_solver_in_place_of_a_net_is_named(tmp_path):
    path = tmp_path / "solver.prototxt"
    path.write_text('net: "train.prototxt" base_lr: 1')
    with pytest.raises(caffe.CaffeError, match="this is a solver; give the net") as error:
        caffe.Net(str(path), caffe.TEST)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("read", [upgrade.read_net, upgrade.read_solver])
def test_a_prototxt_of_neither_kind_is_an_error_of_the_kind_asked_for(tmp_path, read):
    path = tmp_path / "x.prototxt"
    path.write_text("no_field: 1")
    kind = {upgrade.read_net: "NetParameter", upgrade.read_solver: "SolverParameter"}[read]
    with pytest.raises(caffe.CaffeError, match=rf":1:1: not a valid {kind}: .*no_field"):
        read(path)


# The three commands.


def run(command: str, *files: Path) -> int:
    return main([command, *map(str, files)])


@pytest.mark.parametrize("old", ["v0", "v1"])
def test_upgrade_net_proto_text_writes_bvlcs_upgrade(old, tmp_path):
    out = tmp_path / "out.prototxt"
    assert run("upgrade_net_proto_text", LEGACY / f"{old}.prototxt", out) == 0
    assert read_prototxt(out, Net()) == read_prototxt(LEGACY / f"{old}_upgraded.prototxt", Net())


def test_upgrade_net_proto_binary_keeps_every_weight(tmp_path):
    source, out = LEGACY / "v1.caffemodel", tmp_path / "out.caffemodel"
    assert run("upgrade_net_proto_binary", source, out) == 0
    old, new = read_binaryproto(source, Net()), read_binaryproto(out, Net())
    assert not new.layers
    blobs = {layer.name: list(layer.blobs) for layer in new.layer if layer.blobs}
    assert blobs == {layer.name: list(layer.blobs) for layer in old.layers if layer.blobs}
    assert new == upgrade.read_net_binary(source) == upgrade.read_net_binary(out)
    loaded = caffe.Net(str(LEGACY / "v1.prototxt"), str(out), caffe.TEST)
    assert np.array_equal(
        loaded.params["conv1"][0].data, np.load(LEGACY / "v1_forward.npz")["param/conv1/0"]
    )


def test_upgrade_solver_proto_text_writes_the_type_and_nothing_else(tmp_path):
    source, out = tmp_path / "in.prototxt", tmp_path / "out.prototxt"
    source.write_text('solver_type: ADAM net: "n"')
    assert run("upgrade_solver_proto_text", source, out) == 0
    expected = caffe_pb2.SolverParameter(type="Adam", net="n")
    assert read_prototxt(out, caffe_pb2.SolverParameter()) == expected


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("upgrade_net_proto_text", "text file as NetParameter"),
        ("upgrade_net_proto_binary", "binary file as NetParameter"),
        ("upgrade_solver_proto_text", "text file as SolverParameter"),
    ],
)
def test_the_commands_say_what_bvlcs_say(command, what, tmp_path, caplog):
    caplog.set_level(logging.INFO, "caffe")
    source, out = tmp_path / "in", tmp_path / "out"
    assert run(command, source, out) == 2
    assert problems(caplog)[-1] == f"Failed to parse input {what}: {source}"
    assert not out.exists()
    caplog.clear()
    source.write_bytes(b"")
    assert run(command, source, out) == 0
    form, _, _, name = what.split()
    assert [r.getMessage() for r in caplog.records] == [
        f"File already in latest proto format: {source}",
        f"Wrote upgraded {name} {form} proto to {out}",
    ]


def test_a_net_upgraded_in_part_is_written_and_the_command_says_so(tmp_path, caplog):
    source, out = tmp_path / "in", tmp_path / "out"
    source.write_text(v0('type: "relu" group: 2'))
    assert run("upgrade_net_proto_text", source, out) == 1
    assert read_prototxt(out, Net()).layer[0].type == "ReLU"
    assert problems(caplog)[-1].startswith("Encountered error(s) while upgrading prototxt")


def test_an_upgrade_that_is_refused_names_the_file(tmp_path, capsys):
    source, out = tmp_path / "in", tmp_path / "out"
    source.write_text(v0('type: "magic"'))
    assert run("upgrade_net_proto_text", source, out) == 1
    assert f"{source}: layer 'l'" in capsys.readouterr().err
    assert not out.exists()
