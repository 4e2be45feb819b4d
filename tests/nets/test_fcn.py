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
