"""Layers of one name: SSH's nets run one twice, on parameters that are shared by their names."""

import numpy as np
import pytest
import torch
from support.laws import normal
from support.net_text import input_layer, net_of

import caffe
from caffe.export import onnx

LAYER = (
    'layer {{ name: "{}" type: "Convolution" bottom: "x" top: "{}" {} convolution_param {{ '
    'num_output: 2 kernel_size: 1 weight_filler {{ type: "gaussian" std: 1 }} }} {} }}\n'
)
NAMES = 'param {{ {} name: "w" }} param {{ {} name: "b" }}'


def twice(first, second):
    return (
        input_layer("x", 1, 2, 3, 3)
        + LAYER.format("s", "a", first, "propagate_down: false")
        + LAYER.format("s", "y", second, "")
        + 'layer { name: "e" type: "Eltwise" bottom: "a" bottom: "y" top: "z" }'
    )


SHARED = twice(
    NAMES.format("", ""), NAMES.format("lr_mult: 1 decay_mult: 1", "lr_mult: 2 decay_mult: 0")
)


def test_a_name_may_stand_twice_where_the_parameters_are_shared(tmp_path):
    net = net_of(SHARED, caffe.TRAIN)
    assert [p.lr_mult for p in net._graph.params] == [1, 2]
    net.blobs["x"].data[...] = normal(0, 1, 2, 3, 3)
    net.forward()
    np.testing.assert_array_equal(net.blobs["a"].data, net.blobs["y"].data)
    net.save(tmp_path / "weights.caffemodel")
    for with_diff in (False, True):
        net.save_hdf5(tmp_path / f"{with_diff}.h5", with_diff)
    for file in ("weights.caffemodel", "False.h5", "True.h5"):
        other = net_of(SHARED, caffe.TEST)
        other.copy_from(tmp_path / file)
        for one, theirs in zip(net.params["s"], other.params["s"], strict=True):
            np.testing.assert_array_equal(one.data, theirs.data)


def test_such_a_net_is_torchs_and_is_written_as_onnx(tmp_path):
    net = net_of(SHARED)
    x = normal(0, 1, 2, 3, 3)
    net.blobs["x"].data[...] = x
    expected = net.forward()["z"].copy()
    module = net.to_torch()
    assert [name for name, _ in module.named_parameters()] == ["s.weight", "s.bias"]
    found = module(torch.from_numpy(x))
    found = found["z"] if isinstance(found, dict) else found
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-5)
    onnx.export(net, tmp_path / "net.onnx")


X, NAMED = input_layer("x", 1, 2, 3, 3), NAMES.format("", "")
THIRD = X + LAYER.format("t", "b", NAMED, "")
OWN = {
    "own": twice("", ""),
    "a bias of its own": twice(NAMED, 'param { name: "w" }'),
    "a third layer's": THIRD + twice("", NAMED).removeprefix(X),
}


@pytest.mark.parametrize("text", OWN.values(), ids=OWN)
def test_of_two_layers_with_parameters_of_their_own_a_file_fills_the_first(text, tmp_path, caplog):
    """As Net::CopyTrainedLayersFrom does. Both would be stored as one: that is refused."""
    one = net_of(X + LAYER.format("s", "a", "", ""))
    one.save(tmp_path / "one.caffemodel")
    caplog.clear()
    net = net_of(text)
    assert "layer 's': another layer with parameters has this name" in caplog.text
    first, second = (
        layer for layer, name in zip(net.layers, net._layer_names, strict=True) if name == "s"
    )
    before = second.blobs[1].data.copy() + 1
    second.blobs[1].data[...] = before
    net.copy_from(tmp_path / "one.caffemodel")
    np.testing.assert_array_equal(first.blobs[0].data, one.params["s"][0].data)
    np.testing.assert_array_equal(second.blobs[1].data, before)
    assert net.params["s"][1] is second.blobs[1]
    for save in (net.save, net.save_hdf5):
        with pytest.raises(caffe.CaffeError, match=r"'s'.*rename one, or share its parameters"):
            save(tmp_path / "new.caffemodel.h5")
    assert not list(tmp_path.glob("new*"))


def test_such_a_net_is_not_trained(tmp_path):
    (tmp_path / "net.prototxt").write_text(OWN["own"])
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{tmp_path}/net.prototxt" base_lr: 1 lr_policy: "fixed"'
    )
    with pytest.raises(caffe.CaffeError, match=r"'s'.*rename one, or share its parameters"):
        caffe.SGDSolver(str(tmp_path / "solver.prototxt"))


def test_the_parameters_may_be_shared_with_a_third_layer_too():
    assert not net_of(THIRD + twice(NAMED, NAMED).removeprefix(X))._graph.ambiguous
