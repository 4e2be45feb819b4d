"""Every net runs forward and backward, at small width and with drawn weights."""

import numpy as np
import pytest

import caffe
import nets
from caffe.proto import caffe_pb2
from surgery.random_weights import draw

HEADS = {"label": 4}
CASES = [(net, HEADS) for net in (*nets.NETS, *nets.RGBD_NETS)]
CASES += [(net, {"sem": 4, "geo": 3}) for net in ("fcn32s", "fcn16s", "fcn8s")]


@pytest.mark.parametrize(("net", "classes"), CASES)
def test_every_layer_that_learns_gets_a_gradient(net, classes):
    data = dict(module="m", layer="l", param_str={})
    proto = nets.fcn(net, "train", classes=classes, data=data, width=1 / 16)
    rng = np.random.RandomState(0)
    shape = {"depth": (1, 1, 33, 50)}
    if net == "fcn32s-depth":
        shape["data"] = shape["depth"]
    values = {
        top: rng.randint(0, classes[top], (1, 1, 33, 50))
        if top in classes
        else rng.uniform(-100, 100, shape.get(top, (1, 3, 33, 50)))
        for top in proto.layer[0].top
    }
    proto.layer[0].Clear()
    proto.layer[0].name = proto.layer[0].type = "Input"
    for top, value in values.items():
        proto.layer[0].top.append(top)
        proto.layer[0].input_param.shape.add().dim.extend(value.shape)
    caffe.set_random_seed(0)
    built = caffe.Net.from_proto(proto, caffe_pb2.NetState(phase=caffe.TRAIN))
    draw(built)
    for top, value in values.items():
        built.blobs[top].data[...] = value
    built.forward()
    built.backward()
    losses = [name for name in built.outputs if name.startswith("loss")]
    assert losses == ["loss", "loss_geo"][: len(classes)]
    for head in classes:
        name = "score" if head == "label" else f"score_{head}"
        assert built.blobs[name].shape == (1, classes[head], 33, 50)
    for layer in proto.layer:
        rates = [param.lr_mult for param in layer.param] or [1, 1]
        for blob, rate in zip(built.params.get(layer.name, []), rates, strict=False):
            assert np.isfinite(blob.diff).all()
            assert bool(blob.diff.any()) == (rate > 0), layer.name


SQUEEZENETS = {"fcn32s-squeezenet": 32, "fcn16s-squeezenet": 16, "fcn8s-squeezenet": 8}


@pytest.mark.parametrize(("net", "stride"), SQUEEZENETS.items())
def test_squeezenets_first_pixel_lies_on_the_images(net, stride):
    """So does every further one: what 17 pixels of padding are for.

    Of the image at half its size, that is: between pixels 0 and 1 of the image. A coarse pixel has
    the greatest weight in the middle of its window.
    """
    layers = {layer.name: layer for layer in nets.fcn(net, "deploy", classes=2, data=None).layer}
    upscore = layers["upscore" if stride == 32 else f"upscore{stride}"].convolution_param
    assert list(upscore.stride) == [stride]
    centre = (upscore.kernel_size[0] - 1) / 2
    (offset,) = layers["score"].crop_param.offset
    assert (offset + 0.5 - centre) % stride == 0


@pytest.mark.parametrize("net", SQUEEZENETS)
@pytest.mark.parametrize("size", [(1, 1), (15, 16), (17, 33), (100, 95), (227, 18)])
def test_squeezenet_takes_images_of_any_size(net, size):
    proto = nets.fcn(net, "deploy", classes=2, data=None, width=1 / 16)
    built = caffe.Net.from_proto(proto, caffe_pb2.NetState(phase=caffe.TEST))
    built.blobs["data"].reshape(1, 3, *size)
    assert built.forward()["score"].shape == (1, 2, *size)
