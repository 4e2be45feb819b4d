"""A loss layer without a top: net.cpp makes one and calls it `(automatic)`."""

import logging

import pytest
from support.net_text import input_layer, net_of

import caffe
from caffe.proto.upgrade import read_net_binary

X = input_layer("x", 2, 3) + input_layer("y", 2, 3)


def loss(name, more=""):
    return f'layer {{ name: "{name}" type: "EuclideanLoss" bottom: "x" bottom: "y" {more} }}'


@pytest.fixture
def net():
    """Two losses without a top around one that has one; each is 1.5."""
    net = net_of(X + loss("a") + loss("b", 'top: "b"') + loss("c", "loss_weight: 3"))
    net.blobs["x"].data[...] = 1
    return net


def test_it_is_called_automatic_and_is_no_output(net):
    assert net.outputs == ["b"]
    assert net.forward().keys() == {"b"}
    assert net._blob_names[-3:] == ["(automatic)", "b", "(automatic)"]
    assert net.top_names["a"] == net.top_names["c"] == ["(automatic)"]
    assert list(net._top_ids(net._layer_names.index("c"))) == [len(net._blob_names) - 1]


def test_of_several_a_dict_shows_the_last_in_the_place_of_the_first(net):
    assert list(net.blobs)[-2:] == ["(automatic)", "b"]
    assert net.blobs["(automatic)"] is net._blobs[-1]
    assert net._blobs[-1] is not net._blobs[-3]
    assert net.blob_loss_weights["(automatic)"] == 3
    assert net._blob_loss_weights[-3:] == [1, 1, 3]


def test_it_counts_as_a_loss_and_can_be_read(net):
    assert net._forward(0, len(net.layers) - 1) == 1.5 * (1 + 1 + 3)
    assert net.forward(end="a").keys() == {"(automatic)"}
    assert net.forward(blobs=["(automatic)"]) == {"b": 1.5, "(automatic)": 1.5}
    net.set_debug_info(True)
    assert net._forward(0, len(net.layers) - 1) == 7.5


def test_debug_info_calls_it_so(net, caplog):
    net.set_debug_info(True)
    with caplog.at_level(logging.INFO, "caffe"):
        net.forward()
    assert "    [Forward] Layer a, top blob (automatic) data: 1.5" in caplog.messages


def test_a_caffemodel_does_not_name_it(net, tmp_path):
    net.save(tmp_path / "w.caffemodel")
    stored = {
        layer.name: list(layer.top) for layer in read_net_binary(tmp_path / "w.caffemodel").layer
    }
    assert stored["a"] == stored["c"] == []
    assert stored["b"] == ["b"]


def test_losses_of_one_name_and_a_blob_that_is_called_so_are_told_apart():
    relu = 'layer { name: "r" type: "ReLU" bottom: "x" top: "(automatic)" }'
    net = net_of(X + relu + loss("a") + loss("a"))
    assert list(net._blob_names[-3:]) == ["(automatic)"] * 3
    assert net.outputs == ["(automatic)"]
    assert net.blobs["(automatic)"].shape == ()


def test_no_layer_can_read_it():
    with pytest.raises(caffe.CaffeError, match=r"unknown bottom blob '\(automatic\)'"):
        net_of(X + loss("a") + 'layer { name: "r" type: "ReLU" bottom: "(automatic)" top: "r" }')
