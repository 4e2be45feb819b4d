"""A caffemodel's layers tell which net it is of."""

import pytest

import caffe
import nets
from caffe.core.files import write_text
from caffe.proto.text import prototxt
from caffe.storage.caffemodel import blob_shapes
from nets import fcn

EVERY_NET = (*nets.NETS, *nets.RGBD_NETS)


@pytest.mark.parametrize(
    ("net", "classes"),
    [(net, 4) for net in EVERY_NET] + [(net, {"sem": 4, "geo": 3}) for net in nets.NETS],
)
@pytest.mark.parametrize("width", [1 / 64, 0.1, 1 / 3, 2])
def test_the_channels_of_its_layers_tell_a_net(net, width, classes):
    """(net, classes, width) that build a net which the caffemodel fits."""
    proto = nets.fcn(net, "deploy", classes=classes, data=None, width=width)
    channels = {
        layer.name: [(layer.convolution_param.num_output,)]
        for layer in proto.layer
        if layer.type in ("Convolution", "Deconvolution", "Scale")
    }
    found, found_classes, found_width = nets.net_of_shapes(channels)
    assert found_classes == classes
    if "squeezenet" in net and width == 1 / 64:  # so few channels that 1/57 has them too
        assert nets.fcn(net, "deploy", classes=4, data=None, width=1 / 57) == nets.fcn(
            net, "deploy", classes=4, data=None, width=width
        )
        width = 1 / 57
    assert found_width == width
    same = ("fcn32s-fixed", "fcn32s-color", "fcn32s-hha")
    assert found == ("fcn32s" if net in same else net)
    assert nets.same_weights(net, found)


def test_a_caffemodel_tells_its_net(tmp_path):
    path, weights = tmp_path / "deploy.prototxt", tmp_path / "w.caffemodel"
    proto = nets.fcn("fcn8s-atonce", "deploy", classes=4, data=None, width=1 / 64)
    write_text(path, prototxt(proto))
    caffe.Net(str(path), caffe.TEST).save(str(weights))
    assert nets.net_of_shapes(blob_shapes(weights)) == ("fcn8s-atonce", 4, 1 / 64)


def test_channels_of_no_one_width_are_refused():
    channels = {"score_fr": [(4,)], "upscore": [(4,)], "fc6": [(64,)], "fc7": [(32,)]}
    thin = nets.fcn("fcn32s", "deploy", classes=4, data=None, width=1 / 64).layer
    for layer in thin:
        if layer.name.startswith("conv"):
            channels[layer.name] = [(layer.convolution_param.num_output,)]
    with pytest.raises(ValueError, match="not those of fcn-alexnet, fcn32s"):
        nets.net_of_shapes(channels)
    channels["fc7"] = [(64,)]
    assert nets.net_of_shapes(channels) == ("fcn32s", 4, 1 / 64)


def test_a_foreign_caffemodel_is_refused(tmp_path):
    path, weights = tmp_path / "classifier.prototxt", tmp_path / "classifier.caffemodel"
    write_text(path, prototxt(nets.classifier("deploy", classes=3, width=1 / 64)))
    caffe.Net(str(path), caffe.TEST).save(str(weights))
    with pytest.raises(ValueError, match=r"its layers .*fc8.* fcn32s"):
        nets.net_of_shapes(blob_shapes(weights))


def test_few_nets_are_built_to_name_one(monkeypatch):
    """The one that it is, at two widths."""
    proto = nets.fcn("fcn16s-color-hha", "deploy", classes=4, data=None, width=0.5)
    channels = {
        layer.name: [(layer.convolution_param.num_output,)]
        for layer in proto.layer
        if layer.type in ("Convolution", "Deconvolution")
    }
    built = []

    def counted(net, *args, **options):
        built.append(net)
        return fcn(net, *args, **options)

    monkeypatch.setattr("nets.identify.fcn", counted)
    assert nets.net_of_shapes(channels) == ("fcn16s-color-hha", 4, 0.5)
    assert built == ["fcn16s-color-hha"] * 2
