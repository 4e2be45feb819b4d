"""Parameters go from net to net unchanged, and what does not fit is said."""

import zlib

import numpy as np
import pytest

import caffe
import nets
from caffe import layers as L
from caffe.proto import caffe_pb2
from surgery import expand_score, ilsvrc, interp, transplant, transplant_first, upsample_filt
from surgery.draw import draw


def build(spec):
    proto = spec.to_proto() if isinstance(spec, caffe.NetSpec) else spec
    return caffe.Net.from_proto(proto, caffe_pb2.NetState(phase=caffe.TEST))


def fill(net, seed=0):
    rng = np.random.RandomState(seed)
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = rng.standard_normal(blob.data.shape)
    return net


def inputs(size=5):
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 2, size, size]))
    return n


def dense(*, conv=True, outputs=3):
    n = inputs()
    if conv:
        n.conv = L.Convolution(n.data, num_output=4, kernel_size=3)
    n.fc = L.InnerProduct(n.conv if conv else n.data, num_output=outputs)
    n.old = L.InnerProduct(n.fc, num_output=2)
    return build(n)


def convolutional(size=5, suffix="", bias=True, outputs=3):
    n = inputs(size)
    n["conv" + suffix] = L.Convolution(n.data, num_output=4, kernel_size=3, bias_term=bias)
    n["fc" + suffix] = L.Convolution(n["conv" + suffix], num_output=outputs, kernel_size=3)
    n["score" + suffix] = L.Convolution(n["fc" + suffix], num_output=2, kernel_size=1)
    return build(n)


def test_transplant_says_what_it_did_to_every_layer():
    report = transplant(convolutional(), fill(dense()))
    assert report.copied == ["conv"]
    assert report.coerced == {"fc": ((3, 36), (3, 4, 3, 3))}
    assert report.dropped == ["old"]
    assert report.uninitialised == ["score"]
    assert str(report).splitlines() == [
        "copied: conv",
        "coerced: fc (3, 36) -> (3, 4, 3, 3)",
        "dropped (not in the new net): old",
        "left uninitialised (not in the old net): score",
    ]


def test_a_coerced_layer_computes_what_the_dense_one_did_at_every_position():
    """Section 3.1: each output pixel is the classifier on its window."""
    old, new = fill(dense()), convolutional(size=9)
    transplant(new, old)
    image = np.random.RandomState(1).standard_normal((1, 2, 9, 9)).astype(np.float32)
    dense_map = new.forward(blobs=["fc"], data=image)["fc"]
    for y in range(5):
        for x in range(5):
            window = image[:, :, y : y + 5, x : x + 5]
            expected = old.forward(blobs=["fc"], data=window)["fc"]
            np.testing.assert_allclose(dense_map[0, :, y, x], expected[0], rtol=1e-4, atol=1e-5)


def test_transplant_leaves_the_old_net_and_unmatched_layers_alone():
    old, new = fill(dense()), fill(convolutional(), seed=1)
    before = {k: [b.data.copy() for b in v] for k, v in old.params.items()}
    score = new.params["score"][0].data.copy()
    transplant(new, old)
    new.params["conv"][0].data[...] = 0
    for name, blobs in before.items():
        for a, b in zip(blobs, old.params[name], strict=True):
            np.testing.assert_array_equal(a, b.data)
    np.testing.assert_array_equal(new.params["score"][0].data, score)


def test_suffix_is_added_to_the_old_names():
    new = convolutional(suffix="hha")
    report = transplant(new, fill(dense()), suffix="hha")
    assert report.copied == ["convhha"]
    assert list(report.coerced) == ["fchha"]
    assert report.dropped == ["old"]
    assert report.uninitialised == ["scorehha"]


def test_a_bias_that_only_one_net_has_is_said():
    plain, biased = convolutional(bias=False), convolutional()
    assert transplant(plain, biased).dropped == ["conv[1]"]
    assert transplant(biased, plain).uninitialised == ["conv[1]"]


@pytest.mark.parametrize("outputs", [4, 6])
def test_what_cannot_be_coerced_is_refused_and_nothing_is_copied(outputs):
    new = fill(convolutional(outputs=outputs), seed=1)
    before = new.params["conv"][0].data.copy()
    with pytest.raises(ValueError, match=rf"layer fc, .*\(3, 36\).*\({outputs}, 4, 3, 3\).*rename"):
        transplant(new, fill(dense()))
    np.testing.assert_array_equal(new.params["conv"][0].data, before)


def test_equal_counts_with_other_outputs_are_refused():
    """(3, 50) against (6, 25): the same 150 values, but they mean something else."""
    one, other = dense(conv=False), inputs(5)
    other.fc = L.InnerProduct(L.Slice(other.data, ntop=2)[0], num_output=6)
    with pytest.raises(ValueError, match=r"layer fc, parameter 0: shape \(3, 50\)"):
        transplant(build(other), one)


@pytest.mark.parametrize("factor", [2, 3, 4, 8, 16, 32])
def test_upsample_filt_is_the_product_of_two_triangles(factor):
    size = 2 * factor - factor % 2
    filt = upsample_filt(size)
    y, x = np.ogrid[:size, :size]
    centre = (size - 1) / 2
    triangles = (1 - abs(y - centre) / factor) * (1 - abs(x - centre) / factor)
    np.testing.assert_allclose(filt, triangles, rtol=1e-12)


def test_upsample_filt_of_four():
    """Caffe's bilinear filler and the paper: 1/4, 3/4, 3/4, 1/4 along each axis."""
    line = np.array([1, 3, 3, 1]) / 4
    np.testing.assert_array_equal(upsample_filt(4), np.outer(line, line))


def deconvolution(outputs=3, factor=2, channels=3, **params):
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, channels, 6, 6]))
    shape = dict(num_output=outputs, kernel_size=2 * factor, stride=factor, bias_term=False)
    n.up = L.Deconvolution(n.data, convolution_param={**shape, **params})
    return build(n)


@pytest.mark.parametrize("group", [1, 3])
def test_interp_upsamples_each_channel_linearly(group):
    """On a plane a*y + b*x + c, interpolation is exact away from the borders."""
    net = fill(deconvolution(group=group))
    interp(net, ["up"])
    y, x = np.mgrid[:6, :6]
    planes = np.stack([2.0 * y, 3.0 * x, y - x + 1.0])[None]
    up = net.forward(data=planes)["up"][0, :, 3:-3, 3:-3]
    fine_y, fine_x = np.mgrid[3:11, 3:11] / 2 - 0.75
    expected = np.stack([2 * fine_y, 3 * fine_x, fine_y - fine_x + 1])
    np.testing.assert_allclose(up, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "changes", [dict(outputs=2), dict(kernel_size=[4, 2]), dict(outputs=6, channels=4, group=2)]
)
def test_interp_refuses_weights_that_cannot_interpolate(changes):
    with pytest.raises(ValueError, match=r"layer up: weights of shape .* cannot interpolate"):
        interp(deconvolution(**changes), ["up"])


def test_interp_refuses_a_layer_that_is_not_there():
    with pytest.raises(ValueError, match="no layer 'upscore'"):
        interp(deconvolution(), ["upscore"])


def score_net(classes):
    n = inputs()
    n.score = L.Convolution(n.data, num_output=classes, kernel_size=1)
    return build(n)


def test_expand_score_fills_the_first_classes_and_no_others():
    old, new = fill(score_net(3)), fill(score_net(5), seed=1)
    rest = [blob.data[3:].copy() for blob in new.params["score"]]
    expand_score(new, "score", old, "score")
    for i in range(2):
        np.testing.assert_array_equal(new.params["score"][i].data[:3], old.params["score"][i].data)
        np.testing.assert_array_equal(new.params["score"][i].data[3:], rest[i])


def test_expand_score_refuses_to_shrink():
    with pytest.raises(ValueError, match=r"parameter 0 of score, \(5, 2, 1, 1\)"):
        expand_score(score_net(3), "score", score_net(5), "score")


def test_draw_follows_its_recipe():
    """Written out anew in float64, layer by layer."""
    net = build(nets.fcn("fcn8s-atonce", "deploy", classes=3, data=None, width=1 / 64))
    draw(net)
    for name, (weights, *biases) in net.params.items():
        shape = weights.data.shape
        if name.startswith("upscore"):
            expected = np.zeros(shape)
            for i in range(shape[0]):
                expected[i, i] = upsample_filt(shape[2])
        elif name.startswith("scale"):
            expected = np.full(shape, {"scale_pool4": 0.01, "scale_pool3": 0.0001}[name])
        else:
            rng = np.random.RandomState(zlib.crc32(name.encode()))
            expected = rng.standard_normal(shape) * np.sqrt(2 / (shape[1] * shape[2] * shape[3]))
            expected *= 0.01 if name.startswith("score") else 1
            np.testing.assert_allclose(
                biases[0].data, 0.1 * rng.standard_normal(shape[0]), rtol=1e-6
            )
        np.testing.assert_allclose(weights.data, expected, rtol=1e-6)


@pytest.mark.parametrize(("channels", "kept"), [(3, 2), (4, 2), (1, 0), (2, 0)])
def test_transplant_first_keeps_the_image_and_starts_depth_as_its_mean(channels, kept):
    """The image stays where depth is added; depth alone takes its place."""
    old, new = fill(first(2)), fill(first(channels), seed=1)
    transplant_first(new, "first", old, "first")
    weights, bias = (blob.data for blob in old.params["first"])
    ours = new.params["first"][0].data
    np.testing.assert_array_equal(ours[:, :kept], weights[:, :kept])
    for channel in range(kept, channels):
        np.testing.assert_allclose(ours[:, channel], weights.mean(1), rtol=1e-6)
    np.testing.assert_array_equal(new.params["first"][1].data, bias)


def first(channels, outputs=4, size=3):
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, channels, 5, 5]))
    n.first = L.Convolution(n.data, num_output=outputs, kernel_size=size)
    return build(n)


@pytest.mark.parametrize("changes", [dict(outputs=1), dict(size=1)])
def test_transplant_first_refuses_other_outputs_and_windows(changes):
    """One output would broadcast."""
    with pytest.raises(ValueError, match=r"first, \(4, 2, 3, 3\), do not fit into first, "):
        transplant_first(first(3, **changes), "first", first(2), "first")


@pytest.fixture
def classifier(tmp_path):
    """A small VGG16 classifier and its caffemodel."""
    net = fill(build(nets.classifier("deploy", classes=5, width=1 / 64)))
    path = tmp_path / "vgg.caffemodel"
    net.save(str(path))
    return net, path


def test_ilsvrc_makes_fc6_and_fc7_convolutions_and_drops_fc8(classifier, tmp_path, capsys):
    net, path = classifier
    target = tmp_path / "vgg-fcn.caffemodel"
    assert ilsvrc.main([str(path), str(target)]) == 0
    out = capsys.readouterr().out
    assert "coerced: fc6 (64, 392) -> (64, 8, 7, 7), fc7 (64, 64) -> (64, 64, 1, 1)" in out
    assert "dropped (not in the new net): fc8" in out
    assert "left uninitialised (not in the old net): none" in out

    fcn = build(nets.fcn("fcn32s", "deploy", classes=21, data=None, width=1 / 64))
    fcn.copy_from(str(target))
    assert "fc8" not in caffe.storage.caffemodel.blob_shapes(target)
    for name in net.params.keys() - {"fc8"}:
        for a, b in zip(net.params[name], fcn.params[name], strict=True):
            np.testing.assert_array_equal(a.data.ravel(), b.data.ravel())


def test_ilsvrc_reads_the_published_files_age(classifier, tmp_path):
    """V1 layers, blobs of four axes: as VGG_ILSVRC_16_layers.caffemodel is stored."""
    net, _ = classifier
    old = caffe_pb2.NetParameter()
    for name, blobs in net.params.items():
        layer = old.layers.add(name=name)
        for blob in blobs:
            shape = (1, 1, 1, 1, *blob.data.shape)[-4:]
            axes = dict(zip(("num", "channels", "height", "width"), shape, strict=True))
            layer.blobs.add(data=blob.data.ravel(), **axes)
    path = tmp_path / "v1.caffemodel"
    path.write_bytes(old.SerializeToString())
    report = ilsvrc.convert(path, tmp_path / "out.caffemodel")
    assert list(report.coerced) == ["fc6", "fc7"]
    assert report.uninitialised == []


def test_ilsvrc_says_what_is_missing_and_where_to_get_it(tmp_path, capsys):
    assert ilsvrc.main([str(tmp_path / "absent.caffemodel"), str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path}/absent.caffemodel is missing")
    assert "https://" in error
    assert not (tmp_path / "out").exists()


def test_ilsvrc_refuses_another_nets_caffemodel(tmp_path, capsys):
    path = tmp_path / "other.caffemodel"
    dense().save(str(path))
    assert ilsvrc.main([str(path), str(tmp_path / "out")]) == 1
    assert "expected the caffemodel of a classifier (caffenet, vgg16" in capsys.readouterr().err


# classifier: the FCN it becomes, layers that change their shape, layers that are lost
CONVERTED = {
    "caffenet": ("fcn-alexnet", ["fc6", "fc7"], ["fc8"]),
    "vgg16": ("fcn32s", ["fc6", "fc7"], ["fc8"]),
    "vgg19": (None, ["fc6", "fc7"], ["fc8"]),
    "googlenet": ("fcn-googlenet", [], ["loss3/classifier"]),
}


@pytest.mark.parametrize("width", [1 / 64, 0.03])
@pytest.mark.parametrize("name", nets.CLASSIFIERS)
def test_ilsvrc_recognises_each_classifier_and_keeps_all_but_its_scores(tmp_path, name, width):
    spec = nets.classifier("deploy", net=name, classes=7, width=width)
    net = fill(build(spec))
    path, target = tmp_path / "any.caffemodel", tmp_path / "fcn.caffemodel"
    net.save(path)
    found, classes, found_width = ilsvrc.recognise(path)
    assert (found, classes) == (name, 7)
    assert nets.classifier("deploy", net=name, classes=7, width=found_width) == spec
    fcn, coerced, lost = CONVERTED[name]
    report = ilsvrc.convert(path, target)
    assert (list(report.coerced), report.dropped) == (coerced, lost)
    assert report.uninitialised == []
    stored = caffe.storage.caffemodel.blob_shapes(target)
    if fcn:
        spec = nets.fcn(fcn, "deploy", classes=21, data=None, width=found_width)
        loaded = build(spec)
        loaded.copy_from(target)
        assert loaded.params.keys() - stored.keys() == {"score_fr", "upscore"}
        for layer in loaded.params.keys() - {"score_fr", "upscore"}:
            for a, b in zip(net.params[layer], loaded.params[layer], strict=True):
                np.testing.assert_array_equal(a.data.ravel(), b.data.ravel())


def test_ilsvrc_passes_over_googlenets_other_losses(tmp_path):
    """The published caffemodel is of the training net, which has three losses."""
    spec = nets.classifier("deploy", net="googlenet", classes=3, width=1 / 64)
    spec.layer.add(name="loss1/fc", type="InnerProduct", bottom=["data"], top=["loss1/fc"])
    spec.layer[-1].inner_product_param.num_output = 2
    build(spec).save(tmp_path / "a.caffemodel")
    ilsvrc.convert(tmp_path / "a.caffemodel", tmp_path / "b.caffemodel")
    assert "loss1/fc" not in caffe.storage.caffemodel.blob_shapes(tmp_path / "b.caffemodel")


def test_ilsvrc_refuses_what_is_convolutional_already(classifier, tmp_path, capsys):
    _, path = classifier
    assert ilsvrc.main([str(path)]) == 0
    assert ilsvrc.main([str(tmp_path / "vgg16-fcn.caffemodel")]) == 1
    assert "no layer fc8" in capsys.readouterr().err


def test_ilsvrc_refuses_channels_that_are_no_part_of_the_nets(tmp_path, capsys):
    spec = nets.classifier("deploy", classes=5, width=1 / 64)
    next(x for x in spec.layer if x.name == "conv3_2").convolution_param.num_output = 40
    build(spec).save(tmp_path / "a.caffemodel")
    assert ilsvrc.main([str(tmp_path / "a.caffemodel")]) == 1
    assert "the layers of vgg16, but not its channels" in capsys.readouterr().err


def test_ilsvrc_fetches_a_published_classifier_where_it_is_not_there(
    classifier, tmp_path, monkeypatch
):
    _, path = classifier
    fetched = []

    def download(url, target, digest):
        fetched.append(url)
        target.parent.mkdir(parents=True)
        target.write_bytes(path.read_bytes())

    monkeypatch.setattr(ilsvrc, "ROOT", tmp_path / "data")
    monkeypatch.setattr(ilsvrc, "download", download)
    assert ilsvrc.main(["vgg16"]) == 0
    assert fetched == [ilsvrc.ILSVRC["vgg16"].url]
    assert ilsvrc.converted("vgg16").name == "vgg16-fcn.caffemodel"
    assert ilsvrc.converted("vgg16").is_file()
