"""A state_dict of torch's, by an explicit table of names, gives a Caffe net the same output."""

import numpy as np
import pytest
import torch
from support.net_text import net_of
from support.torchvision_nets import torchvision_net

import caffe
import nets
from caffe.proto import caffe_pb2
from surgery import from_torch
from surgery.from_torch import BGR_MEAN, DEVIATION, MEAN, load_state_dict, take_bgr
from surgery.torchvision_names import FIRST, IGNORED, table

NET = """
input: "data" input_shape { dim: 1 dim: 2 dim: 5 dim: 6 }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 3 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" }
layer { name: "bn.scale" type: "Scale" bottom: "bn" top: "bn" scale_param { bias_term: true } }
layer { name: "up" type: "Deconvolution" bottom: "bn" top: "up"
  convolution_param { num_output: 4 kernel_size: 2 stride: 2 weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "up" top: "ip"
  inner_product_param { num_output: 7 weight_filler { type: "xavier" } } }
"""
TABLE = {"conv": "0", "bn": "1", "bn.scale": "1", "up": "2", "ip": "4"}


def of_torch() -> torch.nn.Sequential:
    torch.manual_seed(1)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3),
        torch.nn.BatchNorm2d(3, momentum=1.0),
        torch.nn.ConvTranspose2d(3, 4, 2, 2),
        torch.nn.Flatten(),
        torch.nn.Linear(4 * 6 * 8, 7),
    )
    with torch.no_grad():
        model[1].weight.uniform_(0.5, 2)
        model[1].bias.normal_()
        model(torch.randn(8, 2, 5, 6))
    return model.eval()


def arrays(model: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def build(spec: caffe_pb2.NetParameter) -> caffe.Net:
    return caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))


@pytest.mark.smoke
def test_every_kind_of_layer_gives_torchs_output():
    model, net = of_torch(), net_of(NET)
    load_state_dict(net, arrays(model), TABLE, source="model.pth")
    data = np.random.default_rng(0).normal(size=(1, 2, 5, 6)).astype(np.float32)
    net.blobs["data"].data[...] = data
    with torch.no_grad():
        expected = model(torch.from_numpy(data)).numpy()
    np.testing.assert_allclose(net.forward()["ip"], expected, rtol=0, atol=1e-5)


def test_names_and_shapes_that_do_not_fit_are_told_five_of_each_and_nothing_is_changed():
    state, net = arrays(of_torch()), net_of(NET)
    before = {layer: [blob.data.copy() for blob in blobs] for layer, blobs in net.params.items()}
    state |= {f"head.{i}": np.zeros(1) for i in range(7)}
    del state["1.running_var"], state["2.bias"]
    state["4.weight"] = state["4.weight"][:, :10]
    with pytest.raises(ValueError, match="does not fit") as caught:
        load_state_dict(net, state, TABLE, source="model.pth")
    assert str(caught.value) == (
        "model.pth: does not fit the net: missing: 1.running_var, 2.bias; surplus: head.0, head.1, "
        "head.2, head.3, head.4 and 2 more; of another shape: 4.weight is (7, 10), expected "
        "(7, 192); give the state_dict of the same net, with as many classes and channels"
    )
    for layer, blobs in net.params.items():
        for blob, old in zip(blobs, before[layer], strict=True):
            np.testing.assert_array_equal(blob.data, old)


def test_a_head_that_is_ignored_and_torchs_counters_are_not_surplus():
    state = arrays(of_torch()) | {"aux_classifier.0.weight": np.zeros((2, 2))}
    assert any(name.endswith("num_batches_tracked") for name in state)
    load_state_dict(net_of(NET), state, TABLE, source="model.pth", ignored=IGNORED)
    with pytest.raises(ValueError, match=r"surplus: aux_classifier\.0\.weight; give"):
        load_state_dict(net_of(NET), state, TABLE, source="model.pth")


@pytest.mark.slow
@pytest.mark.parametrize("name", nets.TORCHVISION)
def test_nets_of_torchvision_give_its_output(name):
    """Of BGR images less the mean that Caffe's data layers subtract, at any multiple of 8."""
    images = torch.randn(1, 3, 64, 104, generator=torch.Generator().manual_seed(2))
    model = torchvision_net(name)
    net = build(nets.torchvision(name))
    load_state_dict(net, arrays(model), table(net), source="weights.pth", ignored=IGNORED)
    take_bgr(net, FIRST)
    with torch.no_grad():
        expected = model(images).numpy()
    rgb = images.numpy() * np.reshape(DEVIATION, (3, 1, 1)) + np.reshape(MEAN, (3, 1, 1))
    net.blobs["data"].reshape(*images.shape)
    net.blobs["data"].data[...] = 255 * rgb[:, ::-1] - np.reshape(BGR_MEAN, (3, 1, 1))
    np.testing.assert_allclose(net.forward()["score"], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", nets.TORCHVISION)
def test_the_stand_in_has_the_names_of_torchvision(name):
    """Where torchvision can be imported: the tests' own nets are called, and compute, as its."""
    try:
        from torchvision.models import segmentation
    except (ImportError, RuntimeError) as error:  # another build of torch than it was made for
        pytest.skip(f"torchvision can't be imported: {error}")
    theirs = getattr(segmentation, name.replace("-", "_"))(
        weights=None, weights_backbone=None, num_classes=21
    ).eval()
    images = torch.randn(2, 3, 65, 80)
    ours = torchvision_net(name)
    theirs.load_state_dict(ours.state_dict())  # strict: the same names and shapes
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images)["out"], rtol=1e-4, atol=1e-4)


def test_torchvisions_mean_is_that_of_ilsvrc_in_bgr_of_0_to_255():
    assert pytest.approx(from_torch.BGR_MEAN) == (103.53, 116.28, 123.675)
