"""Laws of surgery/from_torch.py: modules by a table, batch normalisation as two layers."""

import numpy as np
import pytest
import torch
from support.filled_nets import build
from torch import nn

import caffe
from caffe import layers as L
from surgery.compare_layers import fill
from surgery.from_torch import first, from_torch, table_of
from surgery.torch_names import TABLES

TABLE = {"0": ("conv",), "1": ("bn", "scale"), "3": ("fc",), "aux": ()}


@pytest.fixture
def source():
    """A small net with a batch normalisation that has seen something."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(5 * 16, 2)
    )
    nn.init.normal_(net[1].weight)
    nn.init.normal_(net[1].bias)
    for _ in range(3):
        net(3 * torch.randn(8, 3, 6, 6) + 1)
    return net.eval()


def target():
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[2, 3, 6, 6]))
    n.conv = L.Convolution(n.data, num_output=5, kernel_size=3, bias_term=False)
    n.bn = L.BatchNorm(n.conv, use_global_stats=True)
    n.scale = L.Scale(n.bn, bias_term=True)
    n.fc = L.InnerProduct(n.scale, num_output=2)
    return build(n)


def test_the_caffe_net_gives_the_torch_nets_output(source):
    state = {**source.state_dict(), "aux.0.weight": torch.zeros(1)}
    net = target()
    fill(net, from_torch(state, TABLE))
    x = torch.randn(2, 3, 6, 6)
    net.blobs["data"].data[...] = x
    expected = source(x).detach().numpy()
    np.testing.assert_allclose(net.forward()["fc"], expected, rtol=0, atol=1e-5)


def test_a_deconvolution_gives_torchs_output():
    torch.manual_seed(0)
    source = nn.Sequential(nn.ConvTranspose2d(3, 4, 2, 2))
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 5, 6]))
    n.up = L.Deconvolution(n.data, convolution_param=dict(num_output=4, kernel_size=2, stride=2))
    net = build(n)
    fill(net, from_torch(source.state_dict(), {"0": ("up",)}))
    x = torch.randn(1, 3, 5, 6)
    net.blobs["data"].data[...] = x
    expected = source(x).detach().numpy()
    np.testing.assert_allclose(net.forward()["up"], expected, rtol=0, atol=1e-5)


def test_what_the_table_leaves_out_is_not_surplus_and_anything_else_is(source):
    state = {**source.state_dict(), "aux.0.weight": torch.zeros(2, 2)}
    assert any(name.endswith("num_batches_tracked") for name in state)
    assert from_torch(state, TABLE).keys() == {"conv", "bn", "scale", "fc"}
    strict = {module: layers for module, layers in TABLE.items() if layers}
    with pytest.raises(ValueError, match=r"not in the table: aux\.0$"):
        from_torch(state, strict)


def test_the_first_five_missing_and_surplus_modules_are_named(source):
    names = {str(i): (str(i),) for i in range(20, 27)}
    with pytest.raises(
        ValueError, match=r"missing: 20, 21, 22, 23, 24 and 2 more; not in the table: 0, 1, 3$"
    ):
        from_torch(source.state_dict(), names)
    assert first([]) == "none"


def test_parameters_that_a_module_should_not_have_are_named(source):
    with pytest.raises(
        ValueError, match=r"module 1 has weight, bias, running_mean.*; expected bias, weight"
    ):
        from_torch(source.state_dict(), {**TABLE, "1": ("bn",)})
    with pytest.raises(ValueError, match="module 3 has weight, bias; expected bias, num_batches"):
        from_torch(source.state_dict(), {**TABLE, "3": ("fc", "scale")})


def test_the_first_five_misfits_are_named_and_nothing_is_changed():
    net = target()
    before = {name: [blob.data.copy() for blob in blobs] for name, blobs in net.params.items()}
    layers = {name: [blob.data + 1 for blob in blobs] for name, blobs in net.params.items()}
    layers["conv"][0] = layers["conv"][0][:, :2]
    layers["fc"] = layers["fc"][:1]
    layers["more"] = []
    del layers["bn"]
    message = (
        "layers missing: bn; left over: more; of another shape: conv 5x2x3x3 for 5x3x3x3, "
        "fc 2x80 for 2x80 2"
    )
    with pytest.raises(ValueError, match=message):
        fill(net, layers)
    for name, blobs in net.params.items():
        for blob, old in zip(blobs, before[name], strict=True):
            np.testing.assert_array_equal(blob.data, old)


@pytest.mark.parametrize("name", TABLES)
def test_a_state_finds_the_table_of_its_modules(name):
    state = {f"{module}.weight": torch.zeros(1) for module in TABLES[name]}
    assert table_of(state) is TABLES[name]
