"""The driving-scene zoo: the published layers, scores of any image's size, shared parameters."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.net_text import net_of
from torch.nn import functional as F

import caffe
import nets
from caffe import NetSpec
from caffe import layers as L
from caffe.proto import caffe_pb2
from caffe.proto.text import prototxt
from nets import recurrent_residual
from nets.encoder_decoder import DECODER, ENCODER
from nets.zoo import LOSS_WEIGHTS, experiment

WIDTH = 1 / 32
DATA = dict(module="m", layer="l", param_str={})


def deploy(net: str, width: float = WIDTH, classes: int = 5) -> caffe_pb2.NetParameter:
    return nets.zoo(net, "deploy", classes=classes, data=None, width=width)


def build(spec: caffe_pb2.NetParameter) -> caffe.Net:
    return caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))


def parameters(spec: caffe_pb2.NetParameter, *without: str) -> int:
    """Values of all layers but BatchNorm's statistics and those whose names begin so."""
    kinds = {layer.name: layer.type for layer in spec.layer}
    return sum(
        blob.count
        for layer, blobs in build(spec).params.items()
        for blob in blobs
        if kinds[layer] != "BatchNorm" and not layer.startswith(without)
    )


@pytest.fixture(scope="module")
def small() -> dict[str, caffe.Net]:
    return {net: build(deploy(net)) for net in nets.ZOO}


@pytest.mark.parametrize("net", nets.ZOO)
@settings(max_examples=5, deadline=None)
@given(height=st.integers(32, 80), width=st.integers(32, 80))
def test_scores_are_of_the_images_size_whatever_it_is(small, net, height, width):
    data = small[net].blobs["data"]
    data.reshape(1, 3, height, width)
    small[net].forward()
    assert small[net].blobs["score"].data.shape == (1, 5, height, width)


def test_baseline_has_the_published_layers_and_no_others():
    spec = deploy("baseline", width=1, classes=26)
    sliding = [x for x in spec.layer if x.type in ("Convolution", "Deconvolution")]
    found = [(x.type, x.convolution_param.num_output) for x in sliding]
    assert found == [
        *(("Convolution", outputs) for outputs in (32, 64, 128, 256, 512)),
        *(("Deconvolution", outputs) for outputs in (512, 256, 128, 64, 32)),
        ("Convolution", 26),
    ]
    windows = {(*x.convolution_param.kernel_size, *x.convolution_param.stride) for x in sliding}
    assert windows == {(3, 2), (1,)}
    assert {x.convolution_param.weight_filler.type for x in sliding} == {"xavier"}
    names = [layer.type for layer in spec.layer]
    unit = ["BatchNorm", "Scale", "ReLU"]
    expected = ["Input", *(["Convolution", *unit] * 5), *(["Deconvolution", "Crop", *unit] * 5)]
    assert names == [*expected, "Convolution"]


def test_baseline_has_as_many_parameters_as_its_channels_say():
    sizes = [3, *ENCODER, *DECODER]
    convolutions = sum(9 * a * b for a, b in itertools.pairwise(sizes))
    scales = 2 * sum(sizes[1:])
    assert parameters(deploy("baseline", width=1, classes=26)) == convolutions + scales + 33 * 26


@pytest.mark.parametrize("size", [(32, 64), (4, 6)])
def test_a_deconvolution_and_its_crop_are_torchs_with_output_padding(size):
    """Where the finer blob is of even size, as that of any image of multiples of 32."""
    n = NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 2, *size]))
    n.finer = L.Input(shape=dict(dim=[1, 1, *(2 * side for side in size)]))
    n.up = L.Deconvolution(
        n.data,
        convolution_param=dict(
            num_output=3, kernel_size=3, stride=2, bias_term=False, weight_filler=dict(type="msra")
        ),
    )
    n.top = L.Crop(n.up, n.finer, crop_param=dict(axis=2, offset=[1]))
    net = net_of(prototxt(n.to_proto()))
    data = np.random.default_rng(0).normal(size=(1, 2, *size)).astype(np.float32)
    net.blobs["data"].data[...] = data
    weights = torch.from_numpy(net.params["up"][0].data.copy())
    expected = F.conv_transpose2d(
        torch.from_numpy(data), weights, stride=2, padding=1, output_padding=1
    )
    np.testing.assert_allclose(net.forward()["top"], expected, rtol=0, atol=1e-5)


def test_recurrent_steps_share_convolution_and_scale_but_not_statistics():
    spec = deploy("rrcnn")
    steps = [f"rr1a_t{step}" for step in range(recurrent_residual.T + 1)]
    names = {
        layer.name: [param.name for param in layer.param]
        for layer in spec.layer
        if layer.name.startswith("rr1a_t")
    }
    assert {tuple(names[step]) for step in steps} == {("rr1a.weight",)}
    assert {tuple(names[f"{step}_bn.scale"]) for step in steps} == {
        ("rr1a.scale.0", "rr1a.scale.1")
    }
    # BVLC clears three names on a BatchNorm, taking it for one of an old net.
    assert not any(layer.param for layer in spec.layer if layer.type == "BatchNorm")
    net = build(spec)
    first, *others = steps
    net.params[first][0].data[...] = 7
    for step in others:
        assert (net.params[step][0].data == 7).all()


def test_a_recurrent_block_is_r2unets():
    """x + b(b'(x)), b(x) = f(x + f(x + f(x))), f: a convolution, batch normalisation and ReLU."""
    net = build(deploy("rrcnn"))
    rng = np.random.default_rng(1)
    for layer in [layer for layer in net.params if layer.startswith("rr1")]:
        for index, blob in enumerate(net.params[layer]):
            if net.layer_dict[layer].type == "BatchNorm":
                blob.data[...] = (0.1, 0.8, 1)[index]
            elif layer != "rr1_in" or index == 0:
                blob.data[...] = rng.normal(0.3, 0.2, blob.data.shape)
    data = rng.normal(size=(1, 3, 32, 32)).astype(np.float32)
    net.blobs["data"].reshape(*data.shape)
    net.blobs["data"].data[...] = data
    net.forward()

    def tensor(layer: str, index: int) -> torch.Tensor:
        return torch.from_numpy(net.params[layer][index].data.copy())

    def recurrent(name: str, x: torch.Tensor) -> torch.Tensor:
        scale, shift = (tensor(f"{name}_t0_bn.scale", i)[:, None, None] for i in (0, 1))

        def f(y: torch.Tensor) -> torch.Tensor:
            y = F.conv2d(y, tensor(f"{name}_t0", 0), padding=1)
            return F.relu((y - 0.1) / (0.8 + 1e-5) ** 0.5 * scale + shift)

        return f(x + f(x + f(x)))

    x = F.conv2d(torch.from_numpy(data), tensor("rr1_in", 0), tensor("rr1_in", 1))
    expected = x + recurrent("rr1b", recurrent("rr1a", x))
    np.testing.assert_allclose(net.blobs["rr1"].data, expected, rtol=1e-5, atol=1e-4)


def test_unet_has_the_papers_layers():
    """23 convolutional layers, four of them up-convolutions, with the channels of its Figure 1."""
    spec = deploy("unet", width=1, classes=2)
    sliding = [x for x in spec.layer if x.type in ("Convolution", "Deconvolution")]
    assert len(sliding) == 23
    outputs = [x.convolution_param.num_output for x in sliding if x.type == "Convolution"]
    down = [64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024]
    assert outputs == [*down, 512, 512, 256, 256, 128, 128, 64, 64, 2]
    assert [list(x.bottom) for x in spec.layer if x.type == "Concat"] == [
        [f"down{number}_2", f"deconv{number}c"] for number in (4, 3, 2, 1)
    ]
    assert parameters(spec) == 31_031_810  # a convolution's 9 (or 4, 1) x inputs x outputs, + bias


@pytest.mark.parametrize(
    ("net", "published"),
    [
        ("deeplabv3-resnet101", 60_996_202),
        ("fcn-resnet50", 35_322_218),
        ("fcn-resnet101", 54_314_346),
    ],
)
def test_nets_of_torchvision_have_as_many_parameters_as_published(net, published):
    """torchvision's `num_params`, which count the auxiliary head on layer3, and no statistics."""
    head = 1024 * 256 * 9 + 2 * 256 + 256 * 21 + 21
    assert parameters(nets.torchvision(net), "classifier.upscore") == published - head


def test_transfers_backbone_is_frozen_and_all_of_its_head_learns():
    for layer in nets.zoo("transfer", "train", classes=5, data=DATA, width=WIDTH).layer:
        rates = [param.lr_mult for param in layer.param]
        if layer.name.startswith("backbone."):
            assert not any(rates)
            assert layer.type != "BatchNorm" or layer.batch_norm_param.use_global_stats
        elif ".upscore" in layer.name:  # bilinear, for good
            assert rates == [0]
        elif layer.name.startswith("head."):
            assert all(rates)
            assert not layer.batch_norm_param.use_global_stats


def test_every_weight_has_a_rate_and_statistics_settle_in_short_runs():
    for net in nets.ZOO:
        for layer in nets.zoo(net, "train", classes=5, data=DATA, width=WIDTH).layer:
            if layer.type in ("Convolution", "Deconvolution", "Scale"):
                assert layer.param, (net, layer.name)
            if layer.type == "BatchNorm" and not layer.batch_norm_param.use_global_stats:
                assert layer.batch_norm_param.moving_average_fraction == pytest.approx(0.9)


def test_weighted_trains_on_weighted_loss_and_is_scored_on_the_plain_one():
    train, val = (
        nets.zoo("weighted", split, classes=5, data=DATA).layer[-1] for split in ("train", "val")
    )
    assert (train.type, train.infogain_loss_param.source) == ("InfogainLoss", LOSS_WEIGHTS)
    assert val.type == "SoftmaxWithLoss"
    assert train.loss_param.ignore_label == val.loss_param.ignore_label == 255


def test_class_weights_are_the_one_change_that_a_net_of_the_zoo_takes():
    changes = nets.Changes(class_weights="given.binaryproto")
    for net in ("weighted", "baseline"):
        loss = nets.net_for("idd", net, "train", changes=changes).layer[-1]
        assert (loss.type, loss.infogain_loss_param.source) == ("InfogainLoss", "given.binaryproto")
    with pytest.raises(ValueError, match="unet of the zoo can't be changed, but for the weights"):
        nets.net_for("idd", "unet", "train", changes=nets.Changes(kept=0.5))


def test_copies_never_stand_without_the_originals_but_in_the_arm_that_shows_why():
    alone = [n for n in nets.ZOO if (views := experiment(n).views) and "original" not in views]
    assert alone == ["flip-alone"]


@pytest.mark.parametrize("make", [deploy, nets.torchvision, experiment])
def test_a_net_that_is_not_there_is_refused(make):
    with pytest.raises(ValueError, match=r"no net 'fcn9s'.*choose from "):
        make("fcn9s")
