"""Layers that make blobs: their laws, against float64 references written here."""

import numpy as np
from laws import agree, law, normal
from net_text import net_of, run_layer

import caffe


@law("Input")
def test_input_has_a_shape_for_each_top_or_one_for_all_and_the_script_may_reshape():
    one = "input_param { shape { dim: 2 dim: 3 } }"
    net = net_of(f'layer {{ name: "i" type: "Input" top: "a" top: "b" {one} }}')
    assert [net.blobs[n].shape for n in "ab"] == [(2, 3), (2, 3)]
    net.blobs["a"].reshape(4, 5)
    net.blobs["a"].data[...] = 7
    net.forward()
    assert net.blobs["a"].shape == (4, 5)
    assert np.all(net.blobs["a"].data == 7)


@law("DummyData")
def test_dummy_data_fills_constants_when_built_and_the_rest_anew_on_each_forward():
    net = net_of(
        'layer { name: "d" type: "DummyData" top: "c" top: "u" dummy_data_param {'
        "shape { dim: 2 dim: 3 } data_filler { value: 5 }"
        'data_filler { type: "uniform" min: 1 max: 2 } } }'
    )
    constant, uniform = net.blobs["c"], net.blobs["u"]
    assert np.all(constant.data == 5)
    assert np.all(uniform.data == 0)
    constant.data[0, 0] = 9  # stays: constants are filled once
    net.forward()
    first = uniform.data.copy()
    assert constant.data[0, 0] == 9
    assert np.all((first >= 1) & (first <= 2))
    net.forward()
    assert constant.data[0, 0] == 9
    assert not np.array_equal(uniform.data, first)


@law("DummyData")
def test_dummy_data_takes_legacy_dimensions_and_no_filler_means_zero():
    dims = "num: 2 channels: 3 height: 4 width: 5"
    net = net_of(f'layer {{ name: "d" type: "DummyData" top: "x" dummy_data_param {{ {dims} }} }}')
    assert net.forward()["x"].shape == (2, 3, 4, 5)
    assert not net.blobs["x"].data.any()


class Double(caffe.Layer):
    def setup(self, bottom, top):
        self.factor = float(self.param_str)

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.factor * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = self.factor * top[0].diff


@law("Python")
def test_a_python_layer_computes_what_its_class_says():
    x, dy = normal(0, 2, 3), normal(1, 2, 3)
    body = f'python_param {{ module: "{__name__}" layer: "Double" param_str: "2" }}'
    ran = run_layer("Python", body, [x], diffs=[dy])
    agree(ran.y[0], 2 * x)
    agree(ran.dx[0], 2 * dy)
