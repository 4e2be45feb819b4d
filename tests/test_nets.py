"""The generators write the released nets, layer for layer."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict

import caffe
import nets
from caffe.files import read_prototxt, write_text
from caffe.proto import caffe_pb2
from data.datasets import DATASETS
from nets.__main__ import main

VOC = DATASETS["voc"]
# The released nets, one object per layer
RELEASED = json.loads((Path(__file__).parent / "records" / "nets.json").read_text())


def voc_net(net, split, home="../data"):
    dataset_split = {"train": VOC.train_split, "val": VOC.val_split}.get(split)
    data = dataset_split and nets.seg_data(VOC, dataset_split, home=home)
    return nets.fcn(net, split, classes=21, data=data)


@pytest.mark.parametrize("key", RELEASED)
def test_net_equals_the_released_one_layer_for_layer(key):
    net, split = key.removeprefix("voc-").split("/")
    home = "../../data" if net == "fcn16s" else "../data"
    written = [
        MessageToDict(layer, preserving_proto_field_name=True)
        for layer in voc_net(net, split, home).layer
    ]
    assert [layer["name"] for layer in written] == [layer["name"] for layer in RELEASED[key]]
    for ours, theirs in zip(written, RELEASED[key], strict=True):
        assert ours == theirs


@pytest.mark.parametrize("net", nets.NETS)
def test_deploy_net_is_the_val_net_without_data_layer_dropout_and_loss(net):
    val = [
        layer
        for layer in voc_net(net, "val").layer
        if layer.type not in ("Python", "Dropout", "SoftmaxWithLoss")
    ]
    deploy = list(voc_net(net, "deploy").layer)
    assert deploy[0].type == "Input"
    assert deploy[1:] == val


def test_width_scales_the_trunk_and_fcs_but_never_the_scores():
    full, thin = (
        nets.fcn("fcn8s-atonce", "deploy", classes=5, data=None, width=width)
        for width in (1.0, 0.125)
    )
    for a, b in zip(full.layer, thin.layer, strict=True):
        if a.name.startswith(("conv", "fc")):
            b.convolution_param.num_output *= 8
        assert a == b
    assert {a.convolution_param.num_output for a in full.layer if "score" in a.name} == {0, 5}


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
    proto = nets.fcn("fcn32s", "val", classes=11, data=data)
    assert ast.literal_eval(proto.layer[0].python_param.param_str) == data["param_str"]
    with pytest.raises(ValueError, match="camvid has no split 'x'; it has train, val, test"):
        nets.seg_data(camvid, "x")


@pytest.mark.parametrize("size", [(1, 1), (37, 64), (500, 375)])
@pytest.mark.parametrize("net", nets.NETS)
def test_scores_are_as_large_as_the_image(tmp_path, net, size):
    path = tmp_path / "deploy.prototxt"
    proto = nets.fcn(net, "deploy", classes=3, data=None, width=1 / 64)
    write_text(path, str(proto))
    engine = caffe.Net(str(path), caffe.TEST)
    engine.blobs["data"].reshape(1, 3, *size)
    engine.reshape()
    assert tuple(engine.blobs["score"].shape) == (1, 3, *size)


@pytest.mark.parametrize("width", [1 / 64, 0.1])
@pytest.mark.parametrize("net", nets.NETS)
def test_a_caffemodel_tells_its_net(tmp_path, net, width):
    """(net, classes, width) that build a net which the caffemodel fits."""
    path, weights = tmp_path / "deploy.prototxt", tmp_path / "w.caffemodel"
    proto = nets.fcn(net, "deploy", classes=4, data=None, width=width)
    write_text(path, str(proto))
    caffe.Net(str(path), caffe.TEST).save(str(weights))
    found, classes, found_width = nets.net_of_weights(str(weights))
    assert (found, classes) == (net, 4)
    assert nets.fcn(found, "deploy", classes=classes, data=None, width=found_width) == proto


def test_a_foreign_caffemodel_is_refused(tmp_path):
    net = caffe_pb2.NetParameter(layer=nets.classifier("deploy", classes=3, width=1 / 64).layer)
    path = tmp_path / "classifier.prototxt"
    write_text(path, str(net))
    weights = tmp_path / "classifier.caffemodel"
    caffe.Net(str(path), caffe.TEST).save(str(weights))
    with pytest.raises(ValueError, match=r"classifier.caffemodel: its layers .*fc8.* fcn32s"):
        nets.net_of_weights(str(weights))


def test_classifier_has_vgg16s_parameters():
    """Counts of the published VGG_ILSVRC_16_layers: 138,357,544 in all."""
    layers = nets.classifier("deploy", classes=1000).layer
    count, fan_in, size = 0, 3, 224
    for layer in layers:
        if layer.type == "Pooling":
            size //= 2
        elif layer.type == "Convolution":
            outputs = layer.convolution_param.num_output
            count += outputs * (9 * fan_in + 1)
            fan_in = outputs
        elif layer.type == "InnerProduct":
            outputs = layer.inner_product_param.num_output
            count += outputs * (fan_in * size * size + 1)
            fan_in, size = outputs, 1
    assert count == 138_357_544


def test_classifier_splits_end_as_they_should():
    data = dict(module="m", layer="l", param_str={"a": 1})
    ends = {
        split: {
            layer.type
            for layer in nets.classifier(split, classes=20, data=data).layer
            if list(layer.bottom)[:1] == ["fc8"]
        }
        for split in ("train", "val", "deploy")
    }
    assert ends == {
        "train": {"SoftmaxWithLoss"},
        "val": {"SoftmaxWithLoss", "Accuracy"},
        "deploy": {"Softmax"},
    }


def test_classifier_starts_with_weights_that_keep_the_signal(tmp_path):
    """msra: a deep net from scratch whose features neither vanish nor explode."""
    path = tmp_path / "deploy.prototxt"
    write_text(path, str(nets.classifier("deploy", classes=10, width=1 / 16)))
    caffe.set_random_seed(0)
    net = caffe.Net(str(path), caffe.TEST)
    net.blobs["data"].data[...] = np.random.RandomState(0).standard_normal((1, 3, 224, 224))
    net.forward()
    assert 0.05 < net.blobs["fc7"].data.std() < 20


def test_command_writes_every_prototxt(tmp_path, capsys):
    assert main(["--out", str(tmp_path)]) == 0
    for net in nets.NETS:
        for split in ("train", "val", "deploy"):
            path = tmp_path / f"voc-{net}" / f"{split}.prototxt"
            home = VOC.home.as_posix()
            assert read_prototxt(path, caffe_pb2.NetParameter()) == voc_net(net, split, home)
    assert len(capsys.readouterr().out.splitlines()) == 12


def test_command_says_why_it_cannot_write(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["--out", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("fcn4s", "train"), "no net 'fcn4s'; choose from fcn32s, fcn16s, fcn8s, fcn8s-atonce"),
        (("fcn8s", "test"), "no split 'test'; choose from train, val, deploy"),
        (("fcn8s", "train"), "a train net needs a data layer"),
    ],
)
def test_what_is_not_there_is_refused(args, complaint):
    with pytest.raises(ValueError, match=complaint):
        nets.fcn(*args, classes=21, data=None)
