"""A state_dict of torch's, by an explicit table of names, gives a Caffe net the same output."""

import numpy as np
import pytest
import torch
from support.net_text import net_of

from surgery.state_dict import load_state_dict

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
NAMES = {"0": ("conv",), "1": ("bn", "bn.scale"), "2": ("up",), "4": ("ip",)}


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


@pytest.mark.smoke
def test_every_kind_of_layer_gives_torchs_output():
    model, net = of_torch(), net_of(NET)
    load_state_dict(net, model.state_dict(), NAMES, source="model.pth")
    data = np.random.default_rng(0).normal(size=(1, 2, 5, 6)).astype(np.float32)
    net.blobs["data"].data[...] = data
    with torch.no_grad():
        expected = model(torch.from_numpy(data)).numpy()
    np.testing.assert_allclose(net.forward()["ip"], expected, rtol=0, atol=1e-5)


def test_names_and_shapes_that_do_not_fit_are_told_five_of_each_and_nothing_is_changed():
    state, net = of_torch().state_dict(), net_of(NET)
    before = {layer: [blob.data.copy() for blob in blobs] for layer, blobs in net.params.items()}
    state |= {f"head.{i}": torch.zeros(1) for i in range(7)}
    del state["1.running_var"], state["2.bias"]
    state["4.weight"] = state["4.weight"][:, :10]
    with pytest.raises(ValueError, match="does not fit") as caught:
        load_state_dict(net, state, NAMES, source="model.pth")
    assert str(caught.value) == (
        "model.pth: does not fit the net: missing: 1.running_var, 2.bias; surplus: head.0, head.1, "
        "head.2, head.3, head.4 and 2 more; of another shape: 4.weight is (7, 10), expected "
        "(7, 192); give the state_dict of the same net, with as many classes and channels"
    )
    for layer, blobs in net.params.items():
        for blob, old in zip(blobs, before[layer], strict=True):
            np.testing.assert_array_equal(blob.data, old)


def test_what_the_table_leaves_out_and_torchs_counters_are_not_surplus():
    state = of_torch().state_dict() | {"aux.0.weight": torch.zeros(2, 2)}
    assert any(name.endswith("num_batches_tracked") for name in state)
    load_state_dict(net_of(NET), state, NAMES | {"aux": ()}, source="model.pth")
    with pytest.raises(ValueError, match=r"surplus: aux\.0\.weight; give"):
        load_state_dict(net_of(NET), state, NAMES, source="model.pth")
