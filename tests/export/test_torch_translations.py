"""torch's translations into ONNX are read once, and no export adds to those of the next."""

import pytest
import torch
from support.net_text import input_layer, net_of

from caffe.export import onnx as onnx_export


def test_no_export_reads_them_again_or_finds_what_another_added(tmp_path, monkeypatch):
    text = 'layer { name: "y" type: "Sigmoid" bottom: "data" top: "y" }'
    net = net_of(input_layer("data", 2, 3) + text)
    assert onnx_export.export(net, tmp_path / "first.onnx").differences
    registration = pytest.importorskip("torch.onnx._internal.exporter._registration")
    monkeypatch.setattr(registration, "_torchlib_registry", None)  # where they are read from
    sigmoid, tanh = torch.ops.aten.sigmoid.default, torch.ops.aten.tanh.default
    first = registration.ONNXRegistry.from_torchlib(opset_version=onnx_export.OPSET)
    before = len(first.get_decomps(sigmoid))
    first.register_op(sigmoid, first.get_decomps(tanh)[0].onnx_function)
    assert len(first.get_decomps(sigmoid)) == before + 1
    second = registration.ONNXRegistry.from_torchlib(opset_version=onnx_export.OPSET)
    assert len(second.get_decomps(sigmoid)) == before
    assert onnx_export.export(net, tmp_path / "second.onnx").differences
