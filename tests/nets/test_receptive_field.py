"""Table 1's facts of the nets, and where their pixels lie."""

import numpy as np
import pytest

import caffe
import nets
from caffe import layers as L
from caffe.coord_map import coord_map_from_to, crop
from caffe.proto import caffe_pb2
from nets.receptive_field import windows
from surgery.random_weights import draw

EVERY_NET = (*nets.NETS, *nets.RGBD_NETS)


@pytest.mark.parametrize(
    ("fcn", "classifier", "field", "conv_layers", "millions"),
    [
        ("fcn-alexnet", "caffenet", 355, 8, 57),
        ("fcn32s", "vgg16", 404, 16, 134),
        ("fcn-googlenet", "googlenet", 907, 22, 6),
    ],
)
def test_facts_are_those_of_table_1(fcn, classifier, field, conv_layers, millions):
    convolutional = nets.facts(nets.net_for("voc", fcn, "deploy"))
    classifying = nets.facts(nets.classifier("deploy", net=classifier, classes=1000))
    assert round(convolutional.parameters / 1e6) == millions
    assert convolutional.conv_layers == classifying.conv_layers == conv_layers
    assert convolutional.stride == classifying.stride == 32
    assert classifying.receptive_field == field
    # The FCN is without GoogLeNet's last pooling: 7 pixels of stride 32 fall to 1.
    discarded = 6 * 32 if fcn == "fcn-googlenet" else 0
    assert convolutional.receptive_field == field - discarded


@pytest.mark.parametrize(
    ("net", "count"),
    [
        ("caffenet", 60_965_224),
        ("vgg16", 138_357_544),
        ("vgg19", 143_667_240),
        ("googlenet", 6_998_552),
    ],
)
def test_classifiers_have_as_many_parameters_as_the_published_ones(net, count):
    assert nets.facts(nets.classifier("deploy", net=net, classes=1000)).parameters == count


def test_only_what_learns_counts_as_parameters():
    fixed = nets.facts(nets.net_for("voc", "fcn32s-fixed", "deploy"))
    assert fixed.parameters == 21 * (4096 + 1)


def engine(proto):
    return caffe.Net.from_proto(proto, caffe_pb2.NetState(phase=caffe.TEST))


@pytest.mark.parametrize("net", ["fcn-alexnet", "fcn8s-atonce", "fcn-googlenet-8s"])
def test_parameters_are_the_engines(net):
    proto = nets.fcn(net, "deploy", classes=3, data=None, width=1 / 64)
    assert nets.facts(proto).parameters == sum(
        blob.data.size
        for name, blobs in engine(proto).params.items()
        if not name.startswith(("upscore", "scale"))
        for blob in blobs
    )


@pytest.mark.parametrize("net", nets.NETS)
def test_an_image_of_any_size_gets_scores_of_its_size(net):
    """No crop reaches beyond what it cuts from."""
    proto = nets.fcn(net, "deploy", classes=3, data=None, width=1 / 64)
    crops = [layer for layer in proto.layer if layer.type == "Crop"]
    built = engine(proto)
    for size in range(1, 200):
        built.blobs["data"].reshape(1, 3, size, size + 300)
        built.reshape()
        assert tuple(built.blobs["score"].shape) == (1, 3, size, size + 300)
        for layer in crops:
            offset = layer.crop_param.offset[0]
            cut, kept = (tuple(built.blobs[bottom].shape) for bottom in layer.bottom)
            assert all(0 <= offset <= c - k for c, k in zip(cut[2:], kept[2:], strict=True))


@pytest.mark.parametrize("net", EVERY_NET)
def test_scores_lie_on_their_pixels(net):
    """With mirrored filters, the mirrored image has the mirrored scores, but for rounding."""
    # The windows of every layer divide it.
    size = 194 if "squeezenet" in net else 91 if "net" in net else 90
    proto = nets.fcn(net, "deploy", classes=3, data=None, width=1 / 32)
    built = engine(proto)
    draw(built)
    for blobs in built.params.values():
        if len(blobs[0].shape) == 4:
            blobs[0].data[...] += blobs[0].data[..., ::-1].copy()
    rng = np.random.RandomState(0)
    images = {}
    for name in built.inputs:
        built.blobs[name].reshape(1, built.blobs[name].shape[1], size, size)
        images[name] = rng.uniform(-100, 100, built.blobs[name].shape)
    straight = built.forward(**images)["score"].copy()
    mirrored = built.forward(**{name: x[..., ::-1] for name, x in images.items()})["score"]
    assert np.ptp(straight) > 0
    np.testing.assert_allclose(mirrored[..., ::-1], straight, atol=1e-4 * abs(straight).max())


def tops_of(proto):
    """The tops of a deploy net's layers, for coord_map."""
    tops = {"data": L.Input()}
    fields = {"Crop": "crop_param", "Pooling": "pooling_param", "Concat": "concat_param"}
    for layer in proto.layer[1:]:
        params = {
            descriptor.name: list(value) if descriptor.is_repeated else value
            for descriptor, value in getattr(
                layer, fields.get(layer.type, "convolution_param")
            ).ListFields()
        }
        bottoms = [tops[bottom] for bottom in layer.bottom]
        tops[layer.top[0]] = getattr(L, layer.type)(*bottoms, **params)
    return tops


@pytest.mark.parametrize("net", ["fcn-alexnet", "fcn8s", "fcn-googlenet-8s", "fcn8s-squeezenet"])
def test_windows_are_as_far_apart_as_coord_map_has_them(net):
    proto = nets.fcn(net, "deploy", classes=3, data=None)
    tops = tops_of(proto)
    for name, window in windows(proto).items():
        _, scale, _ = coord_map_from_to(tops["data"], tops[name])
        assert 1 / window.stride == scale


@pytest.mark.parametrize("net", nets.NETS)
def test_every_crop_is_the_one_that_coord_map_tells(net):
    """GoogLeNet's and SqueezeNet's too, whose offsets the generator knows.

    BVLC's coord_map ends at their Concats.
    """
    proto = nets.fcn(net, "deploy", classes=3, data=None)
    tops = tops_of(proto)
    crops = [layer for layer in proto.layer if layer.type == "Crop"]
    assert len(crops) == sum(layer.type == "Deconvolution" for layer in proto.layer)
    for layer in crops:
        told = crop(*(tops[bottom] for bottom in layer.bottom)).fn.params["crop_param"]
        assert told == dict(axis=layer.crop_param.axis, offset=list(layer.crop_param.offset))


@pytest.mark.parametrize("net", EVERY_NET)
def test_windows_know_that_scores_lie_on_their_pixels(net):
    """To half a pixel, for the middle between two lies on none."""
    seen = windows(nets.fcn(net, "deploy", classes=3, data=None))
    assert seen["score"].stride == 1
    assert abs(seen["score"].first) <= 0.5


def test_windows_lie_where_coord_map_has_them():
    proto = nets.fcn("fcn32s", "deploy", classes=3, data=None)
    tops = tops_of(proto)
    for name, window in windows(proto).items():
        _, scale, shift = coord_map_from_to(tops["data"], tops[name])
        assert window.first == -shift / scale
