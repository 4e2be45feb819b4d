"""Layers whose tops come from the script, a filler or a class: their laws."""

import numpy as np
import pytest
from support.laws import agree, law, normal
from support.net_text import net_of, run_layer

import caffe
from caffe import CaffeError


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


DUMMY = 'layer { name: "d" type: "DummyData" top: "x" top: "y" dummy_data_param { %s } }'


@law("DummyData")
def test_dummy_data_takes_each_legacy_dimension_once_or_once_a_top():
    net = net_of(DUMMY % "num: 2 num: 3 channels: 4 height: 1 width: 5 width: 6")
    assert [net.blobs[name].shape for name in "xy"] == [(2, 4, 1, 5), (3, 4, 1, 6)]


@pytest.mark.parametrize(
    ("dims", "message"),
    [
        ("", "2 tops need 1 or 2 of shape; found 0"),
        ("num: 1 num: 1 num: 1 channels: 1 height: 1 width: 1", "1 or 2 of num; found 3"),
        ("num: 1 channels: 1 height: 1", "1 or 2 of width; found 0"),
        ("num: 1 shape { dim: 1 }", "either shape or num"),
        ("shape { dim: 1 } data_filler { } data_filler { } data_filler { }", "found 3"),
    ],
)
def test_dummy_data_refuses_other_numbers_of_shapes_and_fillers(dims, message):
    with pytest.raises(CaffeError, match=rf"layer 'd' \(DummyData\): .*{message}"):
        net_of(DUMMY % dims)


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


MEMORY = (
    'layer { name: "m" type: "MemoryData" top: "data" top: "label" '
    "memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 } %s }"
)


@law("MemoryData")
def test_memory_data_goes_through_the_scripts_arrays_in_place_and_begins_again():
    net = net_of(MEMORY % "")
    assert [net.blobs[name].shape for name in ("data", "label")] == [(2, 3, 4, 5), (2,)]
    data, labels = normal(0, 6, 3, 4, 5), np.arange(6, dtype=np.float32)
    net.set_input_arrays(data, labels)
    for first in (0, 2, 4, 0):
        net.forward()
        np.testing.assert_array_equal(net.blobs["data"].data, data[first : first + 2])
        np.testing.assert_array_equal(net.blobs["label"].data.ravel(), [first, first + 1])
    assert net.blobs["label"].shape == (2, 1, 1, 1)
    data[2:4] = 7
    net.forward()
    assert (net.blobs["data"].data == 7).all()
    net.set_input_arrays(data, labels)
    net.forward()
    np.testing.assert_array_equal(net.blobs["label"].data.ravel(), [0, 1])


@law("MemoryData")
def test_memory_data_leaves_the_scripts_arrays_alone_and_resumes_at_its_position():
    relu = 'layer { name: "r" type: "ReLU" bottom: "data" top: "data" }'
    net = net_of(MEMORY % "" + relu)
    data, labels = normal(0, 4, 3, 4, 5), np.arange(4, dtype=np.float32)
    kept = data.copy()
    net.set_input_arrays(data, labels)
    net.forward()
    net.blobs["data"].data[...] = 9
    np.testing.assert_array_equal(data, kept)
    assert net.layers[0].state_dict() == {"item": 2}
    net.layers[0].load_state_dict({"item": 0})
    net.forward()
    np.testing.assert_array_equal(net.blobs["data"].data, np.maximum(kept[:2], 0))


@pytest.mark.parametrize("wrong", [None, {}, {"item": -1}, {"item": 1.0}, {"item": 1, "x": 2}])
def test_memory_data_refuses_a_position_of_another_kind(wrong):
    layer = net_of(MEMORY % "").layers[0]
    with pytest.raises(caffe.CaffeError, match=r"MemoryData.*a position"):
        layer.load_state_dict(wrong)
    assert layer.state_dict() == {"item": 0}


@pytest.mark.parametrize(("item", "first"), [(2, 2), (6, 2), (3, 2), (5, 0)])
def test_memory_data_gives_whole_batches_from_positions_of_other_arrays_and_batches(item, first):
    net = net_of(MEMORY % "")
    net.set_input_arrays(normal(0, 4, 3, 4, 5), np.arange(4, dtype=np.float32))
    net.layers[0].load_state_dict({"item": item})
    net.forward()
    np.testing.assert_array_equal(net.blobs["label"].data.ravel(), [first, first + 1])
    assert net.layers[0].state_dict() == {"item": (first + 2) % 4}


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        ((3, 3, 4, 5), (3,), "a multiple of batch size 2; found 3"),
        ((0, 3, 4, 5), (0,), "a multiple of batch size 2; found 0"),
        ((2, 3, 4, 5), (4,), "same first dimension; found 2, 4"),
        ((2, 3, 4), (2,), r"data array must be 4-d; found shape \(2, 3, 4\)"),
        ((2, 4, 4, 5), (2,), r"data array has the wrong .* \(4, 4, 5\), expected \(3, 4, 5\)"),
        ((2, 3, 4, 5), (2, 2, 1, 1), "labels array has the wrong number"),
    ],
)
def test_memory_data_refuses_arrays_that_do_not_fit(data, labels, message):
    net = net_of(MEMORY % "")
    with pytest.raises(CaffeError, match=rf"layer 'm' \(MemoryData\): .*{message}"):
        net.set_input_arrays(np.zeros(data, np.float32), np.zeros(labels, np.float32))


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ('mean_file: "none.binaryproto"', "none.binaryproto: cannot be read .*correct mean_file"),
        ('mean_file: "a" mean_value: 1', "Cannot specify mean_file and mean_value"),
    ],
)
def test_memory_data_reads_its_mean_file_though_arrays_are_not_transformed(transform, message):
    with pytest.raises(CaffeError, match=rf"layer 'm' \(MemoryData\): {message}"):
        net_of(MEMORY % f"transform_param {{ {transform} }}")


def test_memory_data_refuses_other_types_and_layouts_sizes_of_0_and_forward_without_data(caplog):
    net = net_of(MEMORY % "transform_param { scale: 2 }")
    data, labels = np.zeros((2, 3, 4, 5), np.float32), np.zeros(2, np.float32)
    with pytest.raises(CaffeError, match=r"has no data yet; call net\.set_input_arrays"):
        net.forward()
    with pytest.raises(CaffeError, match="data array must be float32; found float64"):
        net.set_input_arrays(data.astype(np.float64), labels)
    with pytest.raises(CaffeError, match="data array must be C contiguous"):
        net.set_input_arrays(np.zeros((2, 3, 5, 4), np.float32).transpose(0, 1, 3, 2), labels)
    net.set_input_arrays(data, labels)
    assert "does not transform array data" in caplog.text
    with pytest.raises(CaffeError, match="must be specified and positive"):
        net_of((MEMORY % "").replace("width: 5", ""))
