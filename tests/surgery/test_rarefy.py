"""Rarefied nets, and that they give what shifting and stitching gives (section 3.2)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caffe
import nets
from caffe import layers as L
from caffe import params as P
from caffe.proto import caffe_pb2
from infer import shift_and_stitch
from nets.receptive_field import windows
from surgery import interp, rarefy
from surgery.random_weights import draw

PAD = 40  # of the first convolution
# (kind, window, stride) of layers without padding
LAYER = st.tuples(st.sampled_from(["conv", "pool"]), st.integers(1, 3), st.integers(1, 3))


def stride_of(kinds):
    return int(np.prod([stride for _, _, stride in kinds]))


LAYERS = st.lists(LAYER, min_size=1, max_size=4).filter(lambda kinds: stride_of(kinds) <= 6)


def made_up(kinds, stride):
    """A net of such layers, after a first convolution, and scores of this stride in all."""
    n = caffe.NetSpec()
    n.data = top = L.Input(shape=dict(dim=[1, 3, 32, 32]))
    for i, (kind, kernel_size, step) in enumerate([("conv", 1, 1), *kinds]):
        window = dict(kernel_size=kernel_size, stride=step, pad=0 if i else PAD)
        if kind == "conv":
            top = n[f"conv{i}"] = L.Convolution(top, num_output=4, **window)
        else:
            top = n[f"pool{i}"] = L.Pooling(top, pool=P.Pooling.MAX, **window)
    n.score_fr = L.Convolution(top, num_output=2, kernel_size=1)
    n.upscore = L.Deconvolution(
        n.score_fr,
        convolution_param=dict(
            num_output=2, kernel_size=2 * stride, stride=stride, bias_term=False
        ),
    )
    n.score = L.Crop(n.upscore, n.data, axis=2, offset=[0])
    return n.to_proto()


def net_with(spec, weights=None):
    """The net with drawn weights, or those of another."""
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    if weights is None:
        draw(net)
        # Scores are drawn a hundredth as large as the others
        net.params["score_fr"][0].data[...] *= 100
    for name, blobs in net.params.items():
        if weights is not None and name in weights.params and not name.startswith("upscore"):
            for blob, other in zip(blobs, weights.params[name], strict=True):
                blob.data[...] = other.data
    interp(net, [name for name in net.params if name.startswith("upscore")])
    return net


def scores_of(net, image):
    net.blobs["data"].reshape(1, *image.shape)
    return net.forward(["score_fr"], data=image[None])["score_fr"][0].copy()


def trunk(spec):
    """Without upsampling and Crop, which small images are too small for."""
    short = caffe_pb2.NetParameter()
    short.CopyFrom(spec)
    while short.layer[-1].name != "score_fr":
        del short.layer[-1]
    return short


@settings(deadline=None, max_examples=20)
@given(LAYERS, st.data())
def test_a_rarefied_net_gives_what_shifting_and_stitching_gives(kinds, data):
    stride = stride_of(kinds)
    strides = [step for _, _, step in kinds if step > 1]
    removed = data.draw(st.integers(0, len(strides)))
    factor = int(np.prod(strides[len(strides) - removed :]))
    spec = made_up(kinds, stride)
    coarse = net_with(trunk(spec))
    rarefied = net_with(trunk(rarefy(spec, factor)), coarse)
    seen = windows(spec)["score_fr"].size
    size = max(4, int(seen) + 2 * stride - 2 * PAD)
    image = np.random.RandomState(0).uniform(-1, 1, (3, size, size + 3)).astype(np.float32)
    stitched = shift_and_stitch(coarse, image, factor=factor, stride=stride)
    skipped = factor if factor > 1 else 0
    fine = scores_of(rarefied, image)[:, skipped:, skipped:]
    # The last windows of a Pooling may reach beyond its bottom; the others see no end.
    rows, columns = (
        int((extent + 2 * PAD + stride - stride // factor - seen) // stride + 1) * factor
        for extent in image.shape[1:]
    )
    assert min(rows, columns) >= factor
    expected = stitched[:, :rows, :columns]
    tolerance = 1e-5 * max(1, abs(expected).max())
    np.testing.assert_allclose(fine[:, :rows, :columns], expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("name", ["fcn32s", "fcn-alexnet", "fcn32s-squeezenet"])
def test_a_rarefied_fcn_agrees_where_no_padding_inside_is_seen(name, factor):
    spec = nets.fcn(name, "deploy", classes=3, data=None, width=1 / 32)
    coarse = net_with(spec)
    if name == "fcn32s-squeezenet":  # its mean over the image is that of all shifts together
        coarse.params["score_fr"][0].data[:, -coarse.blobs["image9"].channels :] = 0
    rarefied = net_with(rarefy(spec, factor), coarse)
    size = (700, 730) if name == "fcn32s-squeezenet" else (300, 330)
    image = np.random.RandomState(0).uniform(-100, 100, (3, *size)).astype(np.float32)
    seen, stride, _ = windows(spec)["score_fr"]
    stitched = shift_and_stitch(coarse, image, factor=factor, stride=stride)
    fine = scores_of(rarefied, image)[:, factor:, factor:]
    step = stride // factor
    first = windows(rarefy(spec, factor))["score_fr"].first + stride
    # The first convolution pads with what the image is surrounded by; its padding is seen alike,
    # less what its own window takes.
    alike = 90 if name != "fcn32s-squeezenet" else 20
    inside = [
        slice(
            -int(-(seen / 2 - alike - first) // step),
            int((extent - seen / 2 + alike - first) // step),
        )
        for extent in image.shape[1:]
    ]
    expected = stitched[:, inside[0], inside[1]]
    assert min(expected.shape[1:]) > factor
    np.testing.assert_allclose(
        fine[:, inside[0], inside[1]], expected, atol=1e-4 * abs(expected).max(), rtol=0
    )


@pytest.mark.parametrize("name", ["fcn32s", "fcn32s-squeezenet"])
def test_a_caffemodel_of_the_coarse_net_is_one_of_the_rarefied(name, tmp_path):
    spec = nets.fcn(name, "deploy", classes=3, data=None, width=1 / 32)
    coarse, rarefied = net_with(spec), net_with(rarefy(spec, 4))
    coarse.save(tmp_path / "coarse.caffemodel")
    rarefied.copy_from(tmp_path / "coarse.caffemodel")
    for layer in coarse.params.keys() & rarefied.params.keys():
        for ours, theirs in zip(rarefied.params[layer], coarse.params[layer], strict=True):
            np.testing.assert_array_equal(ours.data, theirs.data, err_msg=layer)


def test_at_factor_1_nothing_is_stitched_and_only_upsamplings_name_changes():
    spec = nets.fcn("fcn32s", "deploy", classes=3, data=None, width=1 / 32)
    rarefied = rarefy(spec, 1)
    assert list(rarefied.layer[:-2]) == list(spec.layer[:-2])
    assert rarefied.layer[-1].crop_param == spec.layer[-1].crop_param
    net = net_with(spec)
    image = np.random.RandomState(0).uniform(-100, 100, (3, 40, 50)).astype(np.float32)
    stitched = shift_and_stitch(net, image, factor=1)
    np.testing.assert_array_equal(stitched, scores_of(net, image))


@pytest.mark.parametrize(
    ("name", "factor"),
    [("fcn32s", 2**i) for i in range(1, 6)]
    + [("fcn-alexnet", factor) for factor in (2, 4, 8, 32)]
    + [("fcn32s-squeezenet", 2**i) for i in range(1, 5)],
)
def test_scores_of_a_rarefied_net_lie_on_their_pixels(name, factor):
    spec = rarefy(nets.fcn(name, "deploy", classes=3, data=None, width=1 / 64), factor)
    assert abs(windows(spec)["score"].first) <= 0.5
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    for height, width in ((1, 1), (17, 40), (64, 97)):
        net.blobs["data"].reshape(1, 3, height, width)
        net.reshape()
        assert tuple(net.blobs["score"].shape) == (1, 3, height, width)


def test_only_convolutions_after_a_removed_stride_are_dilated():
    spec = rarefy(nets.fcn("fcn32s", "deploy", classes=3, data=None), 4)
    dilation = {
        layer.name: list(layer.convolution_param.dilation)
        for layer in spec.layer
        if layer.convolution_param.dilation
    }
    assert dilation == {f"conv5_{i}": [2] for i in (1, 2, 3)} | {"fc6": [4]}
    of = {layer.name: layer for layer in spec.layer}
    assert (of["pool3"].pooling_param.stride, of["pool4"].pooling_param.stride) == (2, 1)
    assert of["pool5"].type == "Eltwise"
    assert len(of["pool5"].bottom) == 4


@pytest.mark.parametrize(
    ("name", "factor", "words"),
    [
        ("fcn16s", None, "fcn16s: 2 Deconvolution layers; expected a deploy net without skips"),
        ("fcn32s", 3, "factor 3; its last strides multiply to 1, 2, 4, 8, 16, 32"),
        ("fcn-googlenet", None, "inception_3a/pool: a Pooling that has to be dilated"),
    ],
)
def test_a_net_that_cannot_be_rarefied_is_told(name, factor, words):
    with pytest.raises(ValueError, match=words):
        rarefy(nets.fcn(name, "deploy", classes=3, data=None), factor)
