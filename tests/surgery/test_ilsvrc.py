"""Classifiers made fully convolutional: all but their scores is kept."""

import numpy as np
import pytest
from support.filled_nets import build, fill

import caffe
import nets
from caffe import layers as L
from caffe.proto import caffe_pb2
from surgery import ilsvrc, sources


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
    _, report = ilsvrc.convert(path, tmp_path / "out.caffemodel")
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
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 2, 5, 5]))
    n.fc = L.InnerProduct(L.Convolution(n.data, num_output=4, kernel_size=3), num_output=3)
    build(n).save(str(path))
    assert ilsvrc.main([str(path), str(tmp_path / "out")]) == 1
    assert "expected the caffemodel of a classifier (caffenet, vgg16" in capsys.readouterr().err


# classifier: the FCN it becomes, layers that change their shape, layers that are lost
CONVERTED = {
    "caffenet": ("fcn-alexnet", ["fc6", "fc7"], ["fc8"]),
    "vgg16": ("fcn32s", ["fc6", "fc7"], ["fc8"]),
    "vgg19": (None, ["fc6", "fc7"], ["fc8"]),
    "googlenet": ("fcn-googlenet", [], ["loss3/classifier"]),
    "squeezenet": ("fcn32s-squeezenet", [], ["conv_final"]),
}


@pytest.mark.parametrize("width", [1 / 64, 0.03])
@pytest.mark.parametrize("name", nets.CLASSIFIERS)
def test_ilsvrc_recognises_each_classifier_and_keeps_all_but_its_scores(tmp_path, name, width):
    spec = nets.classifier("deploy", net=name, classes=7, width=width)
    net = fill(build(spec))
    path, target = tmp_path / "any.caffemodel", tmp_path / "fcn.caffemodel"
    net.save(path)
    found, classes, found_width = nets.classifier_of_shapes(
        caffe.storage.caffemodel.blob_shapes(path)
    )
    assert (found, classes) == (name, 7)
    assert nets.classifier("deploy", net=name, classes=7, width=found_width) == spec
    fcn, coerced, lost = CONVERTED[name]
    written, report = ilsvrc.convert(path, target)
    assert written == target
    assert (list(report.coerced), report.dropped) == (coerced, lost)
    assert report.uninitialised == []
    stored = caffe.storage.caffemodel.blob_shapes(target)
    if fcn:
        spec = nets.fcn(fcn, "deploy", classes=21, data=None, width=found_width)
        loaded = build(spec)
        loaded.copy_from(target)
        new = {"score_fr", "upscore"} | ({"scale_fr"} if name == "squeezenet" else set())
        assert loaded.params.keys() - stored.keys() == new
        for layer in loaded.params.keys() - new:
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

    monkeypatch.setattr(ilsvrc, "FOLDER", tmp_path / "data")
    monkeypatch.setattr(sources, "download", download)
    assert ilsvrc.main(["vgg16"]) == 0
    assert fetched == [ilsvrc.ILSVRC["vgg16"][0].urls[0]]
    assert ilsvrc.converted("vgg16").name == "vgg16-fcn.caffemodel"
    assert ilsvrc.converted("vgg16").is_file()
