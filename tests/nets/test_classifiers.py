"""The classification nets: as published, and able to train from scratch."""

import numpy as np
import pytest

import caffe
import nets
from caffe.proto import caffe_pb2


def layer_names(net, kind):
    layers = nets.classifier("deploy", net=net, classes=1000).layer
    return [layer.name for layer in layers if layer.type == kind]


def test_layers_are_named_as_in_the_published_caffemodels():
    fcs = ["fc6", "fc7", "fc8"]
    convs = {
        net: [f"conv{g}_{i}" for g, depth in enumerate(depths, 1) for i in range(1, depth + 1)]
        for net, depths in (("vgg16", (2, 2, 3, 3, 3)), ("vgg19", (2, 2, 4, 4, 4)))
    }
    convs["caffenet"] = [f"conv{i}" for i in range(1, 6)]
    for net, names in convs.items():
        assert layer_names(net, "Convolution") == names
        assert layer_names(net, "InnerProduct") == fcs
    assert layer_names("googlenet", "InnerProduct") == ["loss3/classifier"]
    fires = ("conv1x1_1", "conv1x1_2", "conv3x3_2")
    assert layer_names("squeezenet", "Convolution") == [
        "conv1",
        *(f"fire{number}/{part}" for number in range(2, 10) for part in fires),
        "conv_final",
    ]
    assert layer_names("squeezenet", "Pooling") == ["pool1", "pool4", "pool8", "pool_final"]
    parts = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")
    modules = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
    assert layer_names("googlenet", "Convolution") == [
        "conv1/7x7_s2",
        "conv2/3x3_reduce",
        "conv2/3x3",
        *(f"inception_{module}/{part}" for module in modules for part in parts),
    ]
    pools = ["pool1/3x3_s2", "pool2/3x3_s2"]
    for module in modules:
        pools += [f"inception_{module}/pool"]
        pools += {"3b": ["pool3/3x3_s2"], "4e": ["pool4/3x3_s2"]}.get(module, [])
    assert layer_names("googlenet", "Pooling") == [*pools, "pool5/7x7_s1"]


@pytest.mark.parametrize("net", nets.CLASSIFIERS)
def test_splits_end_as_they_should(net):
    data = dict(module="m", layer="l", param_str={"a": 1})
    ends = {}
    for split in ("train", "val", "deploy"):
        layers = nets.classifier(split, net=net, classes=20, data=data).layer
        last = "Pooling" if net == "squeezenet" else "InnerProduct"
        scores = [layer for layer in layers if layer.type == last][-1].top[0]
        ends[split] = {layer.type for layer in layers if scores in list(layer.bottom)[:1]}
    assert ends == {
        "train": {"SoftmaxWithLoss"},
        "val": {"SoftmaxWithLoss", "Accuracy"},
        "deploy": {"Softmax"},
    }


@pytest.mark.parametrize("net", nets.CLASSIFIERS)
def test_weights_start_so_that_they_keep_the_signal(net):
    """msra: a deep net from scratch whose features neither vanish nor explode."""
    caffe.set_random_seed(0)
    # A sixteenth would leave a fire module one channel, which may be dead.
    width = 1 / 4 if net == "squeezenet" else 1 / 16
    proto = nets.classifier("deploy", net=net, classes=10, width=width)
    built = caffe.Net.from_proto(proto, caffe_pb2.NetState(phase=caffe.TEST))
    data = built.blobs["data"].data
    data[...] = np.random.RandomState(0).standard_normal(data.shape)
    built.forward()
    scores = {"googlenet": "loss3/classifier", "squeezenet": "conv_final"}.get(net, "fc8")
    assert 0.05 < built.blobs[scores].data.std() < 20
    assert built.blobs["prob"].data.sum() == pytest.approx(1)


def test_a_classifier_that_there_is_none_of_is_refused():
    with pytest.raises(ValueError, match="no classifier 'resnet'; choose from caffenet, vgg16"):
        nets.classifier("deploy", net="resnet", classes=10)


@pytest.mark.parametrize(
    ("classifier", "fcn"),
    [
        ("caffenet", "fcn-alexnet"),
        ("vgg16", "fcn32s"),
        ("googlenet", "fcn-googlenet"),
        ("squeezenet", "fcn32s-squeezenet"),
    ],
)
def test_an_fcn_has_the_layers_of_its_classifier_but_for_the_scores(classifier, fcn):
    def layers(net, kinds=("Convolution", "InnerProduct")):
        return {
            layer.name: (layer.convolution_param or layer.inner_product_param).num_output
            or layer.inner_product_param.num_output
            for layer in net.layer
            if layer.type in kinds
        }

    theirs = layers(nets.classifier("deploy", net=classifier, classes=7))
    ours = layers(nets.fcn(fcn, "deploy", classes=7, data=None))
    assert list(theirs.values()) == list(ours.values())
    assert list(theirs)[:-1] == list(ours)[:-1]
