"""Laws of layer_types/winograd.py: the sums of a 3 x 3 convolution, to rounding."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from support.filtering import everywhere, in_small_parts
from support.laws import SEED, drawn
from support.net_text import input_layer
from support.plain_path import conv, image, layer, ran_fast, twins

import caffe
from caffe.layer_types import winograd

ROUNDING = 2e-5  # of the largest value


def near(ours: torch.Tensor, theirs: torch.Tensor, summands: torch.Tensor) -> None:
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= ROUNDING * summands.max()


PAD = st.integers(0, 9)


@given(
    SEED,
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(3, 19), st.integers(3, 19)),
    st.integers(1, 5),
    st.tuples(PAD, PAD, PAD, PAD),
    st.booleans(),
    st.sampled_from([torch.contiguous_format, torch.channels_last]),
)
@drawn(100)
def test_it_is_the_convolution(seed, shape, outputs, pads, biased, order):
    above, below, left, right = pads
    x, weight, bias = (
        torch.from_numpy(image(seed + i, *s))
        for i, s in enumerate([shape, (outputs, shape[1], 3, 3), (outputs,)])
    )
    last = torch.channels_last
    with in_small_parts():
        ours = winograd.convolve(
            x.contiguous(memory_format=last),
            weight.contiguous(memory_format=order),
            bias if biased else None,
            ((above, below), (left, right)),
        )
    padded = F.pad(x.double(), (left, right, above, below))
    if not biased:
        bias = torch.zeros(outputs)
    near(
        ours,
        F.conv2d(padded, weight.double(), bias.double()),
        F.conv2d(padded.abs(), weight.double().abs(), bias.double().abs()),
    )
    assert ours.is_contiguous(memory_format=last)


@given(
    SEED,
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(3, 14), st.integers(3, 14)),
    st.integers(1, 5),
    st.tuples(*[st.integers(0, 2)] * 2),
    st.booleans(),
)
@drawn(60)
def test_its_gradients_are_the_convolutions(seed, shape, outputs, padding, biased):
    leaves = [
        torch.from_numpy(image(seed + i, *s)).requires_grad_()
        for i, s in enumerate([shape, (outputs, shape[1], 3, 3), (outputs,)])
    ]
    leaves = leaves if biased else leaves[:2]

    def gradients(leaves, diff, convolve):
        top = convolve(leaves[0], leaves[1], leaves[2] if biased else None)
        return [top, *torch.autograd.grad(top, leaves, diff)]

    def direct(x, weight, bias):
        return F.conv2d(x, weight, bias, padding=padding)

    diff = torch.from_numpy(image(seed + 3, *direct(*leaves[:2], None).shape))
    with everywhere() as filtered:
        ours = gradients(leaves, diff, lambda *args: winograd.recorded(*args, padding))
    assert filtered == [leaves[0].shape, diff.shape]
    double = [x.detach().double().requires_grad_() for x in leaves]
    theirs = gradients(double, diff.double(), direct)
    positive = [x.detach().abs().requires_grad_() for x in double]
    summands = gradients(positive, diff.double().abs(), direct)
    for x, y, z in zip(ours, theirs, summands, strict=True):
        near(x, y, z)


def test_the_gradient_of_the_first_layers_weights():
    """Of 3 channels and 62,500 positions, where that of the image is not wanted."""
    x, weight, diff = (
        torch.from_numpy(image(i, *shape))
        for i, shape in enumerate([(1, 3, 250, 250), (64, 3, 3, 3), (1, 64, 250, 250)])
    )
    found = []
    for dtype in (torch.float32, torch.float64):
        leaf = weight.to(dtype).requires_grad_()
        convolve = winograd.recorded if dtype == torch.float32 else F.conv2d
        top = convolve(x.to(dtype), leaf, None, padding=(1, 1))
        found += torch.autograd.grad(top, leaf, diff.to(dtype))
    ours, theirs = found
    assert (ours - theirs).abs().max() <= 1e-4 * theirs.abs().max()


def test_training_after_a_pass_in_inference_mode():
    x, weight = (torch.from_numpy(image(i, 1 + 2 * i, 3, 3, 3)) for i in range(2))
    winograd._kept.__dict__.clear()
    with torch.inference_mode():
        winograd.convolve(x, weight, None, ((1, 1), (1, 1)))
    leaf = weight.requires_grad_()
    winograd.recorded(x, leaf, None, (1, 1)).sum().backward()
    assert leaf.grad is not None


def test_a_part_of_an_image_in_memory():
    """As a plan cuts it from a blob: its lines lie further apart than they are long."""
    x = torch.from_numpy(image(0, 1, 3, 12, 14)).contiguous(memory_format=torch.channels_last)
    x = x[:, :, 2:11, 1:12]
    weight = torch.from_numpy(image(1, 2, 3, 3, 3)).contiguous(memory_format=torch.channels_last)
    ours = winograd.convolve(x, weight, None, ((0, 0), (0, 0)))
    near(ours, F.conv2d(x, weight), F.conv2d(x.abs(), weight.abs()))


WIDE = input_layer("data", 1, 128, 48, 49)
THREE = "num_output: 130 kernel_size: 3 pad: 1"


def outputs_of(text: str, on: bool) -> np.ndarray:
    """What a plan computes of the net's output y."""
    net, _ = twins(text)
    caffe.set_winograd(on)
    net.blobs["data"].data[...] = image(0, *net.blobs["data"].shape)
    y = net.forward()["y"].copy()
    assert ran_fast(net)
    return y


def counted(monkeypatch: pytest.MonkeyPatch) -> list[torch.Size]:
    """The shapes that are convolved from now on."""
    shapes = []
    convolve = winograd.convolve
    monkeypatch.setattr(
        winograd, "convolve", lambda x, *args: shapes.append(x.shape) or convolve(x, *args)
    )
    return shapes


def test_the_switch_gives_the_sums_bit_for_bit(monkeypatch):
    shapes = counted(monkeypatch)
    text = WIDE + conv("y", "data", THREE) + layer("ReLU", "relu", "y", "y")
    _, plain = twins(text)
    data = image(0, 1, 128, 48, 49)
    weight, bias = (torch.from_numpy(b.data.copy()) for b in plain.params["y"])
    sums = F.conv2d(
        torch.from_numpy(data).contiguous(memory_format=torch.channels_last),
        weight.contiguous(memory_format=torch.channels_last),
        bias,
        padding=1,
    ).relu_()
    direct = outputs_of(text, on=False)
    np.testing.assert_array_equal(direct, sums.numpy())
    assert not shapes
    filtered = outputs_of(text, on=True)
    assert shapes == [(1, 128, 48, 49)]
    assert (filtered != direct).any()
    np.testing.assert_allclose(filtered, direct, rtol=0, atol=ROUNDING * np.abs(direct).max())
    plain.blobs["data"].data[...] = data
    expected = plain.forward()["y"]
    assert len(shapes) == 1, "layer by layer Caffe's sums are computed"
    np.testing.assert_allclose(filtered, expected, rtol=0, atol=ROUNDING * np.abs(expected).max())


def test_a_net_goes_by_the_switch_from_its_next_pass_on(monkeypatch):
    shapes = counted(monkeypatch)
    net, _ = twins(WIDE + conv("y", "data", THREE))
    for on, passes in ((True, 1), (False, 1), (True, 2)):
        caffe.set_winograd(on)
        net.forward()
        assert len(shapes) == passes


@pytest.mark.parametrize("on", [True, False])
def test_weights_are_laid_out_anew_for_the_sums_alone(on):
    net, _ = twins(WIDE + conv("y", "data", THREE))
    *_, kind = net._graph.layers
    params = [blob.data_tensor() for blob in kind.blobs]
    caffe.set_winograd(on)
    weight, _ = kind.arranged(params, net.blobs["data"].shape)
    assert (weight is params[0]) == on


@pytest.mark.parametrize(
    ("data", "body"),
    {
        "stride": (WIDE, f"{THREE} stride: 2"),
        "dilation": (WIDE, f"{THREE} dilation: 2"),
        "group": (WIDE, f"{THREE} group: 2"),
        "another window": (WIDE, "num_output: 130 kernel_h: 3 kernel_w: 1"),
        "few outputs": (WIDE, "num_output: 63 kernel_size: 3"),
        "few channels": (input_layer("data", 1, 63, 32, 33), THREE),
        "few channels on both sides": (
            input_layer("data", 1, 64, 32, 33),
            "num_output: 64 kernel_size: 3",
        ),
        "few positions": (input_layer("data", 1, 128, 15, 33), THREE),
    }.values(),
)
def test_what_it_is_not_for(monkeypatch, data, body):
    shapes = counted(monkeypatch)
    ours, theirs = twins(data + conv("y", "data", body))
    for net in (ours, theirs):
        net.blobs["data"].data[...] = image(0, *net.blobs["data"].shape)
    np.testing.assert_allclose(ours.forward()["y"], theirs.forward()["y"], rtol=0, atol=1e-4)
    assert not shapes
