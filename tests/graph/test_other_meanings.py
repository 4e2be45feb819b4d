"""What the log says of types that mean something else in a net's fork."""

import pytest
from google.protobuf import text_format
from support.layer_text import layer

import caffe
from caffe.graph.other_meanings import warn_of_losses
from caffe.proto import caffe_pb2

LOSS = layer("edges", "SigmoidCrossEntropyLoss", "x t")
OTHER = layer("edges", "ClassBalancedSigmoidCrossEntropyLoss", "x t")


@pytest.mark.parametrize(
    ("data", "loss", "says"),
    [
        ("ImageLabelmapData", LOSS, True),
        ("ImageLabelmapData", OTHER, False),
        ("ImageData", LOSS, False),
    ],
)
def test_heds_loss_is_said_to_be_another(caplog, data, loss, says):
    net = text_format.Parse(layer("d", data, tops="x t") + loss, caffe_pb2.NetParameter())
    warn_of_losses(net)
    message = "'edges' is Caffe's; that of HED's Caffe"
    assert (message in caplog.text) == says
    assert ("ClassBalanced" in caplog.text) == says


@pytest.mark.parametrize("crops", [False, True])
def test_rcfs_loss_weighs_otherwise_again(caplog, crops):
    more = layer("crop", "AutoCrop", "x t") if crops else ""
    text = layer("d", "ImageLabelmapData", tops="x t") + LOSS + more
    warn_of_losses(text_format.Parse(text, caffe_pb2.NetParameter()))
    assert ("1.1 times more" in caplog.text) == crops


@pytest.mark.parametrize("data", ["ImageLabelmapData", "DenseImageData"])
def test_deepskeletons_loss_is_said_to_be_another(caplog, data):
    text = layer("d", data, tops="x t") + layer("scales", "SoftmaxWithLoss", "x t")
    warn_of_losses(text_format.Parse(text, caffe_pb2.NetParameter()))
    assert ("'scales' is Caffe's" in caplog.text) == (data == "ImageLabelmapData")


@pytest.mark.parametrize("on", [False, True])
def test_a_net_says_so_where_it_is_made_unless_strict(tmp_path, caplog, monkeypatch, on):
    seen = []
    monkeypatch.setattr("caffe.graph.build.warn_of_losses", seen.append)
    path = tmp_path / "net.prototxt"
    path.write_text(layer("x", "DummyData", tops="x", body="dummy_data_param { shape { dim: 1 } }"))
    caffe.set_strict(on)
    try:
        caffe.Net(path, caffe.TEST)
    finally:
        caffe.set_strict(False)
    assert len(seen) == (not on)
