"""The generators write the released nets, layer for layer."""

import ast
import json
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict

import nets
from caffe.proto import caffe_pb2
from caffe.proto.text import read_prototxt
from data.datasets import DATASETS
from nets.__main__ import main

# The released nets, and their layers, which many of them share
RECORD = json.loads((Path(__file__).parents[1] / "records" / "nets.json").read_text())
EVERY_NET = (*nets.NETS, *nets.RGBD_NETS)
PUBLISHED = [name for name, dataset in DATASETS.items() if dataset.published]


@pytest.mark.parametrize("key", RECORD["nets"])
def test_net_equals_the_released_one_layer_for_layer(key):
    folder, name = key.split("/")
    dataset, net = folder.split("-", 1)
    files = {file: split for split, file in nets.file_names(DATASETS[dataset]).items()}
    home = "../../data" if dataset == "context" or key.startswith("voc-fcn16s") else "../data"
    written = [
        MessageToDict(layer, preserving_proto_field_name=True)
        for layer in nets.net_for(dataset, net, files[f"{name}.prototxt"], home=home).layer
    ]
    released = [RECORD["layers"][index] for index in RECORD["nets"][key]]
    assert [layer["name"] for layer in written] == [layer["name"] for layer in released]
    for ours, theirs in zip(written, released, strict=True):
        assert ours == theirs


@pytest.mark.parametrize(
    ("dataset", "net"), [(d, net) for d in PUBLISHED for net in nets.nets_of(d)]
)
def test_deploy_net_is_the_val_net_without_data_layer_dropout_and_loss(dataset, net):
    val = [
        layer
        for layer in nets.net_for(dataset, net, "val").layer
        if layer.type not in ("Python", "Dropout", "SoftmaxWithLoss")
    ]
    deploy = list(nets.net_for(dataset, net, "deploy").layer)
    assert deploy[0].type == "Input"
    assert deploy[1:] == val


@pytest.mark.parametrize("net", EVERY_NET)
def test_width_scales_the_backbone_and_fcs_but_never_the_scores(net):
    full, thin = (
        nets.fcn(net, "deploy", classes=5, data=None, width=width) for width in (1.0, 0.125)
    )
    for a, b in zip(full.layer, thin.layer, strict=True):
        if a.type == "Convolution" and not a.name.startswith("score"):
            b.convolution_param.num_output *= 8
        assert a == b
    assert {a.convolution_param.num_output for a in full.layer if "score" in a.name} <= {0, 5}


def test_fixed_net_is_fcn32s_of_which_only_the_score_layer_learns():
    fixed, free = (nets.net_for("voc", net, "train").layer for net in ("fcn32s-fixed", "fcn32s"))
    for ours, theirs in zip(fixed, free, strict=True):
        rates = [param.lr_mult for param in ours.param]
        assert rates == ([1, 2] if ours.name == "score_fr" else [0] * len(rates))
        for param, other in zip(ours.param, theirs.param, strict=True):
            param.lr_mult = other.lr_mult
        assert ours == theirs


def test_late_fusion_averages_the_scores_of_both_modalities_at_each_stride():
    net = nets.net_for("nyud", "fcn16s-color-hha", "train")
    layers = {layer.name: layer for layer in net.layer}
    for fused, score in (("score_fused", "score_fr"), ("score_pool4", "score_pool4")):
        assert list(layers[fused].bottom) == [f"{score}color", f"{score}hha"]
        assert list(layers[fused].eltwise_param.coeff) == [0.5, 0.5]
    assert list(layers["fuse_pool4"].bottom) == ["upscore2", "score_pool4c"]
    released = {layer.name for layer in nets.net_for("nyud", "fcn32s-color-hha", "train").layer}
    assert released - layers.keys() == {"upscore"}


def test_data_layer_gives_each_rgbd_net_what_it_sees():
    tops = {}
    for net in nets.RGBD_NETS:
        layer = nets.net_for("nyud", net, "train").layer[0]
        tops[net] = ast.literal_eval(layer.python_param.param_str)["tops"]
        assert len(layer.top) == len(tops[net])
        assert layer.top[-1] == "label"
    assert tops["fcn32s-depth"] == ["depth", "label"]
    assert tops["fcn16s-color-hha"] == ["color", "hha", "label"]


def test_loss_is_averaged_or_summed_as_released_unless_told_otherwise():
    def averaged(net, **options):
        loss = nets.net_for("siftflow", net, "train", **options).layer[-1]
        assert loss.name == "loss_geo"
        return loss.loss_param.normalize

    assert (averaged("fcn-alexnet"), averaged("fcn-googlenet"), averaged("fcn8s")) == (1, 1, 0)
    assert averaged("fcn8s", normalize=True)
    assert not averaged("fcn-alexnet", normalize=False)


def test_seg_data_says_what_the_data_layer_needs():
    camvid = DATASETS["camvid"]
    data = nets.seg_data(camvid, "val", home="somewhere", seed=7)
    assert data["layer"] == "VOCSegDataLayer"
    assert data["param_str"] == {
        "voc_dir": "somewhere",
        "seed": 7,
        "split": "val",
        "mean": camvid.mean,
        "n_classes": 11,
    }
    proto = nets.net_for(camvid, "fcn32s", "val", home="somewhere", seed=7)
    assert ast.literal_eval(proto.layer[0].python_param.param_str) == data["param_str"]
    with pytest.raises(ValueError, match="camvid has no split 'x'; it has train, val, test"):
        nets.seg_data(camvid, "x")


def test_command_writes_every_prototxt(tmp_path, capsys):
    assert main(["--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.prototxt")}
    assert {f"{key.rpartition('/')[0]}/deploy.prototxt" for key in RECORD["nets"]} <= written
    assert {f"{key}.prototxt" for key in RECORD["nets"]} <= written
    assert {f"ilsvrc-{net}/deploy.prototxt" for net in nets.CLASSIFIERS} <= written
    assert len(lines) == len(written) == 3 * (12 + 6 + 6 * 3 + len(nets.ZOO)) + 5
    path = tmp_path / "nyud-fcn32s-color-d" / "trainval.prototxt"
    expected = nets.net_for("nyud", "fcn32s-color-d", "train")
    assert read_prototxt(path, caffe_pb2.NetParameter()) == expected


def test_command_says_why_it_cannot_write(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["--out", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("fcn4s", "train"), "no net 'fcn4s'; choose from fcn-alexnet, fcn32s, fcn32s-fixed, "),
        (("fcn8s", "test"), "no split 'test'; choose from train, val, deploy"),
        (("fcn8s", "train"), "a train net needs a data layer"),
    ],
)
def test_what_is_not_there_is_refused(args, complaint):
    with pytest.raises(ValueError, match=complaint):
        nets.fcn(*args, classes=21, data=None)


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("imagenet", "fcn8s", "train"), "no dataset 'imagenet'; choose from voc, "),
        (("voc", "fcn8s", "test"), "no split 'test'"),
        (("voc", "fcn32s-color-hha", "train"), "sees color and hha; voc has color only"),
    ],
)
def test_a_net_that_a_dataset_cannot_feed_is_refused(args, complaint):
    with pytest.raises(ValueError, match=complaint):
        nets.net_for(*args)


def test_score_layers_learn_at_a_rate_of_their_own():
    for net in ("fcn16s", "fcn8s-squeezenet"):
        slow, fast = (nets.net_for("voc", net, "train", score_rate=rate).layer for rate in (1, 10))
        for a, b in zip(slow, fast, strict=True):
            for param in a.param if a.name.startswith("score") else ():
                param.lr_mult *= 10
            assert a == b
        assert [[p.lr_mult for p in x.param] for x in fast if x.name == "score_fr"] == [[10, 20]]


def test_a_net_without_dropout_is_the_net_but_for_those_layers():
    for net in ("fcn16s", "fcn-googlenet", "fcn16s-squeezenet"):
        full, without = (nets.net_for("voc", net, "train", dropout=d).layer for d in (True, False))
        assert [layer for layer in full if layer.type != "Dropout"] == list(without)
        assert len(without) < len(full)
        assert all(layer.bottom == layer.top for layer in full if layer.type == "Dropout")


def test_squeezenets_first_layers_keep_their_weights_where_they_are_told_to():
    layers = nets.net_for("voc", "fcn8s-squeezenet", "train", score_rate=10, keep=True).layer
    rates = {x.name: [param.lr_mult for param in x.param] for x in layers if x.param}
    kept = [name for name, of in rates.items() if not any(of)]
    assert kept[:1] == ["conv1"]
    assert {name.partition("/")[0] for name in kept if "/" in name} == {"fire2", "fire3", "fire4"}
    learned = [name for name, of in rates.items() if of == pytest.approx([0.1, 0.2])]
    assert {name.partition("/")[0] for name in learned} == {f"fire{i}" for i in range(5, 10)}


def test_vggs_first_layers_keep_their_weights_where_they_are_told_to():
    def kept(dataset, net, **options):
        layers = nets.net_for(dataset, net, "train", **options).layer
        return {x.name for x in layers if x.param and not any(p.lr_mult for p in x.param)}

    upsampling = {"upscore2", "upscore16"}
    assert kept("voc", "fcn16s") == upsampling
    first = {"conv1_1", "conv1_2", "conv2_1", "conv2_2"}
    assert kept("voc", "fcn16s", keep=True) == first | upsampling
    for net in ("fcn32s-color-d", "fcn32s-hha"):
        assert kept("nyud", net, keep=True) == {"upscore"}
