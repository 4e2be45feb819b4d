"""Where the pixels of the nets lie, and Table 1's facts of them."""

import numpy as np
import pytest

import caffe
import nets
from caffe import layers as L
from caffe.coord_map import coord_map_from_to
from caffe.proto import caffe_pb2
from nets.facts import shapes
from nets.geometry import crop, windows
from surgery.draw import draw

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
def test_shapes_and_parameters_are_the_engines(net):
    proto = nets.fcn(net, "deploy", classes=3, data=None, width=1 / 64)
    proto.layer[0].input_param.shape[0].dim[2:] = [67, 41]
    built = engine(proto)
    assert {name: (1, *shape) for name, shape in shapes(proto).items()} == {
        name: tuple(blob.shape) for name, blob in built.blobs.items() if "_split_" not in name
    }
    assert nets.facts(proto).parameters == sum(
        blob.data.size
        for name, blobs in built.params.items()
        if not name.startswith(("upscore", "scale"))
        for blob in blobs
    )


@pytest.mark.parametrize("net", nets.NETS)
def test_an_image_of_any_size_gets_scores_of_its_size(net):
    """No crop reaches beyond what it cuts from."""
    proto = nets.fcn(net, "deploy", classes=3, data=None)
    for size in range(1, 200):
        proto.layer[0].input_param.shape[0].dim[2:] = [size, size + 300]
        found = shapes(proto)
        assert found["score"] == (3, size, size + 300)
        for layer in proto.layer:
            if layer.type == "Crop":
                offset = layer.crop_param.offset[0]
                cut, kept = (found[bottom] for bottom in layer.bottom)
                assert all(0 <= offset <= c - k for c, k in zip(cut[1:], kept[1:], strict=True))


@pytest.mark.parametrize("net", EVERY_NET)
def test_scores_lie_on_their_pixels(net):
    """With mirrored filters, the mirrored image has the mirrored scores, but for rounding."""
    size = 91 if "net" in net else 90  # which the windows of every layer divide
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


@pytest.mark.parametrize("net", ["fcn-alexnet", "fcn8s"])
def test_windows_lie_where_coord_map_has_them(net):
    """Our map of a whole net, and pycaffe's of the same layers."""
    proto = nets.fcn(net, "deploy", classes=3, data=None)
    tops = {"data": L.Input()}
    for layer in proto.layer[1:]:
        field = {"Crop": "crop_param", "Pooling": "pooling_param"}.get(
            layer.type, "convolution_param"
        )
        params = {
            descriptor.name: list(value) if descriptor.is_repeated else value
            for descriptor, value in getattr(layer, field).ListFields()
        }
        bottoms = [tops[bottom] for bottom in layer.bottom]
        tops[layer.top[0]] = getattr(L, layer.type)(*bottoms, **params)
    for name, window in windows(proto).items():
        _, scale, shift = coord_map_from_to(tops["data"], tops[name])
        assert (1 / window.stride, -window.centre / window.stride) == (scale, shift)


def test_a_crop_that_cannot_align_is_refused():
    data = L.Input()
    half = L.Pooling(data, kernel_size=2, stride=2)
    with pytest.raises(ValueError, match="no crop"):
        crop(half, data)
    with pytest.raises(ValueError, match="no crop"):
        crop(L.Deconvolution(half, convolution_param=dict(kernel_size=3, stride=2)), data)
    with pytest.raises(ValueError, match="no crop"):
        crop(L.Convolution(data, kernel_size=3), data)
