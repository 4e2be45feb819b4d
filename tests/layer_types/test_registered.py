"""Layer types of scripts."""

import numpy as np
import pytest
import torch
from support.net_text import input_layer, net_of

import caffe
from caffe.layer_types import REGISTRY

X = input_layer("x", 2, 3)


pytestmark = pytest.mark.usefixtures("no_type_stays")


def layer(body=""):
    return f'layer {{ name: "l" type: "Mine" bottom: "x" top: "y" {body} }}'


class Times:
    """Times a number, and a parameter of each column."""

    def setup_from(self, shapes):
        filler = caffe.proto.caffe_pb2.FillerParameter(type="constant", value=2)
        self.add_param(shapes[0][1:], filler)

    def top_shapes(self, shapes):
        self.check(len(shapes[0]) == 2, "needs two axes")
        return [shapes[0]]

    def expression(self, bottoms, params):
        return bottoms[0] * params[0] * self.fields.get("times", 1)


def test_a_registered_class_is_a_layer_type_with_its_gradient_and_fields():
    made = caffe.register_layer("Mine")(Times)
    assert REGISTRY["Mine"] is made
    assert caffe.contrib_layer_types()["Mine"] == "this script"
    net = net_of("force_backward: true " + X + layer("times: 3"))
    net.blobs["x"].data[...] = x = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(net.forward()["y"], 6 * x)
    net.blobs["y"].diff[...] = 1
    net.backward()
    np.testing.assert_array_equal(net.blobs["x"].diff, np.full((2, 3), 6))
    np.testing.assert_array_equal(net.params["l"][0].diff, 3 * x.sum(0))
    assert caffe.layers.Mine is not None


def test_fields_are_read_as_prototxt_writes_them():
    @caffe.register_layer("Mine")
    class Mine:
        def top_shapes(self, shapes):
            return [shapes[0]]

        def expression(self, bottoms, params):
            return bottoms[0]

    body = """mine_param { a: 1 a: -2.5e1 b < c: "d e" on: true > f: [1, 2], g: SUM }  # h: 1
              k: 'x';"""
    (_, found) = net_of(X + layer(body)).layers
    assert found.fields == {
        "mine_param": {"a": [1, -25.0], "b": {"c": "d e", "on": True}, "f": [1, 2], "g": "SUM"},
        "k": "x",
    }
    assert net_of(X + layer()).layers[1].fields == {}


def test_what_is_known_of_a_registered_layer_is_read_as_ever():
    caffe.register_layer("Mine")(Times)
    net = net_of(X + layer("param { lr_mult: 3 } times: 2"))
    assert net._graph.params[0].lr_mult == 3
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' .Mine.: needs two axes"):
        net_of(input_layer("x", 1) + layer())


def test_a_type_must_be_registered_before_its_fields_are_taken():
    with pytest.raises(caffe.CaffeError, match=r"no field named .times.*caffe\.register_layer"):
        net_of(X + layer("times: 3"))
    with pytest.raises(caffe.CaffeError, match="unknown type 'Mine'"):
        net_of(X + layer())


def test_a_class_may_be_replaced_and_extended():
    first = caffe.register_layer("Mine")(Times)

    @caffe.register_layer("Mine")
    class Twice(first):
        def expression(self, bottoms, params):
            return 2 * super().expression(bottoms, params)

    net = net_of(X + layer())
    net.blobs["x"].data[...] = 1
    assert (net.forward()["y"] == 4).all()


def test_a_registered_layer_becomes_a_torch_module_and_is_refused_where_strict():
    caffe.register_layer("Mine")(Times)
    net = net_of(X + layer())
    module = net.to_torch()
    assert torch.equal(module(torch.ones(2, 3)), torch.full((2, 3), 2.0))
    caffe.set_strict(True)
    with pytest.raises(caffe.CaffeError, match=r"of this script, not of Caffe 1\.0"):
        net_of(X + layer())


@pytest.mark.parametrize(
    ("name", "cls", "message"),
    [
        ("Mine", type("A", (), {}), "class A has no top_shapes and no expression"),
        ("Mine", type("A", (), {"top_shapes": 1}), "class A has no expression"),
        ("ReLU", Times, "a layer type of Caffe 1.0; choose another name"),
    ],
)
def test_what_cannot_be_registered_says_why(name, cls, message):
    with pytest.raises(caffe.CaffeError, match=message):
        caffe.register_layer(name)(cls)
