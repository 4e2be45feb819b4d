"""Receptive fields: what a position of a blob depends on, found by changing the image."""

import numpy as np
import pytest
from support.net_text import input_layer, net_of

import caffe
import nets
from caffe.graph.receptive_field import Sees, receptive_fields
from caffe.proto import caffe_pb2
from nets.receptive_field import windows

ONES = 'weight_filler { type: "constant" value: 1 } num_output: 1'


def layer(name, kind, bottom, body=""):
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{name}" {body} }}'


def conv(name, bottom, more, kind="Convolution"):
    return layer(name, kind, bottom, f"convolution_param {{ {ONES} {more} }}")


CHAINS = {
    "convolutions": conv("a", "x", "kernel_h: 3 kernel_w: 1 stride: 2")
    + conv("y", "a", "kernel_size: 3 dilation: 2 pad: 2"),
    "poolings": layer("a", "Pooling", "x", "pooling_param { pool: AVE kernel_size: 3 stride: 2 }")
    + layer("b", "BatchNorm", "a", "batch_norm_param { use_global_stats: true }")
    + conv("y", "b", "kernel_size: 2"),
    "upsampling": conv("a", "x", "kernel_size: 3 stride: 4 pad: 1")
    + conv("y", "a", "kernel_size: 8 stride: 4 pad: 2", "Deconvolution"),
    "interp": conv("a", "x", "kernel_size: 3 stride: 4 pad: 1")
    + layer("y", "Interp", "a", "interp_param { zoom_factor: 2 }"),
    "beside": conv("a", "x", "kernel_size: 3 pad: 1")
    + conv("b", "x", "kernel_size: 7 pad: 3")
    + 'layer { name: "y" type: "Concat" bottom: "a" bottom: "b" top: "y" }',
    "crop": conv("a", "x", "kernel_size: 5 pad: 9")
    + 'layer { name: "y" type: "Crop" bottom: "a" bottom: "x" top: "y" '
    "crop_param { offset: 7 } }",
}


def reached(net, axis):
    """How far apart, along an axis, pixels of the image are that a position of y depends on."""
    image = net.blobs["x"]
    image.data[...] = 0
    before = net.forward()["y"].copy()
    first = np.full(before.shape, np.inf)
    last = -first
    for i in range(image.shape[2 + axis]):
        image.data[...] = 0
        image.data[(slice(None),) * (2 + axis) + (i,)] = 1
        changed = net.forward()["y"] != before
        first[changed] = np.minimum(first[changed], i)
        last[changed] = i
    return (last - first).max() + 1


@pytest.mark.parametrize("chain", CHAINS)
def test_a_position_depends_on_as_many_pixels_as_it_sees(chain):
    net = net_of(input_layer("x", 1, 1, 41, 37) + CHAINS[chain])
    for name, blobs in net.params.items():
        if net.layer_dict[name].type == "BatchNorm":
            blobs[1].data[...] = blobs[2].data[...] = 1
    seen = receptive_fields(net._graph)["y"]
    assert seen.size == (reached(net, 0), reached(net, 1))


def test_they_are_those_of_the_papers_table():
    spec = nets.fcn("fcn8s", "deploy", classes=21, data=None)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    seen = receptive_fields(net._graph)
    assert seen["pool5"].size == (212, 212)
    assert seen["fc7"] == Sees((404, 404), (32, 32))
    for name, window in windows(spec).items():
        assert seen[name] == Sees((window.size,) * 2, (window.stride,) * 2), name


def test_what_looks_at_all_positions_ends_them():
    crf = "dense_crf_param { max_iter: 0 }"
    net = net_of(
        input_layer("x", 1, 2, 6, 6)
        + input_layer("size", 1, 2)
        + layer("m", "MVN", "x")
        + layer("r", "ReLU", "m")
        + layer("f", "InnerProduct", "x", "inner_product_param { num_output: 2 }")
        + layer("c", "DenseCRF", "x", f'bottom: "size" {crf}')
    )
    assert receptive_fields(net._graph).keys() - {"size"} == {"x"} | {
        name for name in net.blobs if name.startswith("x_")
    }


def test_an_upsampling_by_a_mask_goes_back_a_stride():
    net = net_of(
        input_layer("x", 1, 1, 12, 9)
        + 'layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "m" '
        "pooling_param { kernel_size: 2 stride: 2 } }"
        + 'layer { name: "u" type: "Upsample" bottom: "p" bottom: "m" top: "u" '
        "upsample_param { upsample_h: 12 upsample_w: 9 } }"
    )
    seen = receptive_fields(net._graph)
    assert seen["p"] == Sees((2, 2), (2, 2))
    assert seen["u"] == Sees((2, 2), (1, 1))
    assert np.isfinite(net.forward()["u"]).all()
