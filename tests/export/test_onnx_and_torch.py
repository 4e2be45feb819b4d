"""Out of Caffe: Net.to_torch() and `caffe export`."""

import copy
import itertools
import pickle
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from support.net_text import input_layer, net_of
from support.plain_path import close
from support.tiny_fcn import write_deploy

import caffe
from caffe.__main__ import main
from caffe.export import onnx as onnx_export

RECORDS = sorted((Path(__file__).parents[1] / "records" / "layers").glob("*.npz"))


def record_net(path):
    record = np.load(path)
    net = net_of(str(record["prototxt"]), getattr(caffe, str(record["phase"])))
    for key in record.files:
        kind, _, name = key.partition("/")
        if kind == "in":
            net.blobs[name].data[...] = record[key]
        if kind == "param":
            layer, index = name.rsplit("/", 1)
            net.params[layer][int(index)].data[...] = record[key]
    return net


@pytest.mark.parametrize("path", RECORDS, ids=lambda p: p.stem)
def test_the_module_computes_what_the_net_computes(path):
    net = record_net(path)
    module = net.to_torch()
    inputs = [torch.from_numpy(net.blobs[name].data.copy()) for name in net.inputs]
    outputs = module(*inputs)
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else outputs
    net.forward()
    assert module.outputs == net.outputs
    for name, output in zip(module.outputs, outputs, strict=True):
        np.testing.assert_array_equal(output.detach().numpy(), net.blobs[name].data)


CONV = (
    'layer { name: "%s" type: "Convolution" bottom: "%s" top: "%s" '
    "convolution_param { num_output: %d kernel_size: 3 pad: 1 "
    "weight_filler { type: 'xavier' } } %s}"
)


def test_state_dict_keeps_layer_names_and_the_parameters_are_the_modules_own():
    net = net_of(
        input_layer("data", 1, 3, 5, 5)
        + CONV % ("conv1", "data", "conv1", 2, "")
        + 'layer { name: "bn/1" type: "BatchNorm" bottom: "conv1" top: "bn" }'
        + CONV % ("fixed", "bn", "out", 1, "param { lr_mult: 0 } param { lr_mult: 0 }")
    )
    module = net.to_torch()
    assert {key: tuple(value.shape) for key, value in module.state_dict().items()} == {
        "conv1.weight": (2, 3, 3, 3),
        "conv1.bias": (2,),
        "bn/1.mean": (2,),
        "bn/1.variance": (2,),
        "bn/1.scale": (1,),
        "fixed.weight": (1, 2, 3, 3),
        "fixed.bias": (1,),
    }
    learned = {name for name, param in module.named_parameters() if param.requires_grad}
    assert learned == {"conv1.weight", "conv1.bias"}
    before = net.params["conv1"][0].data.copy()
    with torch.no_grad():
        module.state_dict()["conv1.weight"].zero_()
    np.testing.assert_array_equal(net.params["conv1"][0].data, before)


def test_what_follows_a_dot_in_a_layers_name_is_a_module_inside():
    """Nets converted from PyTorch are full of such names; the order of the layers is no matter."""
    names = ["layer1.0.conv1", "layer1.0", "layer1.0.conv1.scale"]
    bottoms = ["data", *names]
    layers = [CONV % (n, b, n, 3, "") for n, b in zip(names, bottoms, strict=False)]
    net = net_of(input_layer("data", 1, 3, 5, 5) + "".join(layers))
    module = net.to_torch()
    assert sorted(module.state_dict()) == sorted(
        f"{name}.{param}" for name in names for param in ("weight", "bias")
    )
    data = torch.randn(1, 3, 5, 5)
    close(module(data).detach().numpy(), net.forward(data=data.numpy())[names[-1]])


def test_a_layers_name_that_a_module_has_for_something_else_gets_a_line_behind():
    names = ["forward", "bn", "bn.scale", "a..b", "a._.b", ".", "data_"]
    text = input_layer("data", 1, 3, 5, 5)
    for i, name in enumerate(names):
        bottom = f"top{i - 1}" if i else "data"
        if name == "bn":
            text += f'layer {{ name: "bn" type: "BatchNorm" bottom: "{bottom}" top: "top{i}" }}'
        else:
            text += CONV % (name, bottom, f"top{i}", 3, "")
    net = net_of(text)
    module = net.to_torch()
    keys = [key for key in module.state_dict() if key.endswith(".weight")]
    assert sorted(keys) == sorted(
        f"{name}.weight" for name in ("forward_", "bn.scale_", "a._.b", "a._.b_", "_._", "data_")
    )
    data = torch.randn(1, 3, 5, 5)
    close(module(data).detach().numpy(), net.forward(data=data.numpy())["top6"])


def test_gradients_reach_the_parameters_and_shared_ones_stay_shared():
    shared = "param { name: 'w' } param { name: 'b' }"
    net = net_of(
        "force_backward: true "
        + input_layer("data", 1, 2, 4, 4)
        + CONV % ("a", "data", "a", 2, shared)
        + CONV % ("b", "a", "b", 2, shared),
        caffe.TRAIN,
    )
    module = net.to_torch()
    assert module.get_submodule("a").weight is module.get_submodule("b").weight
    data = torch.randn(1, 2, 4, 4)
    module(data).sum().backward()
    net.forward(data=data.numpy())
    net.backward(b=np.ones(net.blobs["b"].shape))
    np.testing.assert_allclose(
        module.get_submodule("a").weight.grad, net.params["a"][0].diff, rtol=1e-5, atol=1e-6
    )


def test_layers_that_make_their_own_data_cannot_become_a_module():
    dummy = "dummy_data_param { shape { dim: 1 } }"
    net = net_of(f'layer {{ name: "d" type: "DummyData" top: "x" {dummy} }}')
    with pytest.raises(caffe.CaffeError, match=r"layer 'd' \(DummyData\).*deploy prototxt"):
        net.to_torch()


def exported(tmp_path, capsys, net_text, shape):
    (tmp_path / "net.prototxt").write_text(net_text)
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    rng = np.random.RandomState(0)
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = rng.standard_normal(blob.shape) * 0.3
    net.save(str(tmp_path / "net.caffemodel"))
    files = [str(tmp_path / name) for name in ("net.prototxt", "net.caffemodel", "net.onnx")]
    assert main(["export", *files]) == 0
    session = onnxruntime.InferenceSession(files[2])
    data = rng.standard_normal(shape).astype(np.float32)
    net.blobs["data"].reshape(*shape)
    net.forward(data=data)
    (ours,) = (net.blobs[name].data for name in net.outputs)
    (theirs,) = session.run(net.outputs, {"data": data})
    np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-4 * np.abs(ours).max())
    return capsys.readouterr().out


@pytest.mark.slow
def test_an_fcn_is_exported_for_any_height_and_width(tmp_path, capsys):
    text = write_deploy(tmp_path, "fcn8s", 5).read_text()
    assert text.count("dim: 500") == 2
    small = text.replace("dim: 500", "dim: 60", 1).replace("dim: 500", "dim: 50", 1)
    printed = exported(tmp_path, capsys, small, (1, 3, 37, 90))
    assert "any height and width" in printed


def test_a_classifier_is_exported_for_its_own_size(tmp_path, capsys):
    text = (
        input_layer("data", 2, 3, 17, 18)
        + CONV % ("conv", "data", "conv", 6, "")
        + 'layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }'
        + 'layer { name: "norm" type: "LRN" bottom: "conv" top: "norm" }'
        + 'layer { name: "pool" type: "Pooling" bottom: "norm" top: "pool" '
        + "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }"
        + 'layer { name: "drop" type: "Dropout" bottom: "pool" top: "pool" }'
        + 'layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" '
        + "inner_product_param { num_output: 4 } }"
        + 'layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }'
    )
    printed = exported(tmp_path, capsys, text, (2, 3, 17, 18))
    assert "the prototxt's size only" in printed


def test_a_net_that_torch_cannot_export_is_an_error_and_leaves_an_older_file(tmp_path, capsys):
    dummy = 'layer { name: "d" type: "DummyData" top: "x" dummy_data_param { shape { dim: 1 } } }'
    (tmp_path / "net.prototxt").write_text(dummy)
    (tmp_path / "net.onnx").write_text("older")
    caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST).save(str(tmp_path / "net.caffemodel"))
    files = [str(tmp_path / name) for name in ("net.prototxt", "net.caffemodel", "net.onnx")]
    assert main(["export", *files]) == 1
    assert "no inputs" in capsys.readouterr().err
    assert (tmp_path / "net.onnx").read_text() == "older"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["AVE", "MAX"])
def test_every_way_to_cut_off_a_pooling_is_exported(tmp_path, method):
    """At 10 and 11 pixels a last window is whole, cut off, or dropped, as stride and pad will."""
    ways = itertools.product((2, 3), (1, 2, 3), (0, 1, 2), ("CEIL", "FLOOR"))
    layers = [
        f'layer {{ name: "{kernel}{stride}{pad}{rounding}" type: "Pooling" bottom: "c" '
        f'top: "{kernel}{stride}{pad}{rounding}" pooling_param {{ pool: {method} '
        f"kernel_size: {kernel} stride: {stride} pad: {pad} round_mode: {rounding} }} }}"
        for kernel, stride, pad, rounding in ways
        if pad < kernel
    ]
    layers.append(  # onnxruntime 1.23 averages wrongly over padding that the sides don't share
        f'layer {{ name: "sides" type: "Pooling" bottom: "c" top: "sides" pooling_param {{ '
        f"pool: {method} kernel_h: 3 kernel_w: 2 stride: 1 pad_h: 1 pad_w: 0 }} }}"
    )
    # Behind a convolution of 16 channels onnxruntime pools in another layout.
    conv = CONV % ("c", "data", "c", 16, "")
    ip = (
        'layer { name: "ip" type: "InnerProduct" bottom: "c" top: "ip" '
        "inner_product_param { num_output: 1 weight_filler { type: 'xavier' } } }"
    )
    net = net_of(input_layer("data", 2, 3, 10, 11) + conv + ip + "".join(layers))
    assert len(net.outputs) == len(layers) + 1
    assert list(onnx_export.export(net, tmp_path / "net.onnx").differences) == [(2, 3, 10, 11)]
    graph = onnx.load(tmp_path / "net.onnx").graph
    padded = {node.output[0] for node in graph.node if node.op_type == "Pad"}
    pools = [node for node in graph.node if node.op_type in ("AveragePool", "MaxPool")]
    assert pools
    for node in pools:  # what not all versions of onnxruntime compute alike is not used
        found = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        assert node.op_type == "MaxPool" or not (found["ceil_mode"] or any(found["pads"]))
        assert node.op_type == "MaxPool" or node.input[0] not in padded
        if found["ceil_mode"]:
            kernel, stride, pad = (found[key][0] for key in ("kernel_shape", "strides", "pads"))
            assert pad <= kernel - stride


def test_poolings_are_exported_for_any_height_and_width(tmp_path):
    pools = "".join(
        f'layer {{ name: "{method}" type: "Pooling" bottom: "data" top: "{method}" pooling_param '
        f"{{ pool: {method} kernel_size: 3 stride: 3 pad: 1 }} }}"
        for method in ("AVE", "MAX")
    )
    net = net_of(input_layer("data", 1, 2, 13, 17) + pools)
    assert len(onnx_export.export(net, tmp_path / "net.onnx").differences) == 4


def test_a_module_is_copied_and_pickled_though_a_net_is_not():
    net = net_of(
        input_layer("x", 1, 3, 8, 8)
        + 'layer { name: "c" type: "Convolution" bottom: "x" top: "c" '
        + 'convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }'
        + 'layer { name: "r" type: "ReLU" bottom: "c" top: "c" }'
    )
    module = net.to_torch()
    x = torch.ones(1, 3, 8, 8)
    for same in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(same(x), module(x))
        assert same.c.weight is not module.c.weight
