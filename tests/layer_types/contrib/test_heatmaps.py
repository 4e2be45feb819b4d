"""Heatmaps of joints: DataHeatmap and its loss."""

import logging

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe

DATA = (
    'layer { name: "data" type: "DataHeatmap" top: "data" top: "label" visualise: false '
    'heatmap_data_param { source: "/nowhere/list.txt" root_img_dir: "/nowhere/" batchsize: 2 '
    'cropsize: 16 outsize: 12 label_width: 4 label_height: 3 labelinds: "1,2,5,6,7,8" '
    "angle_max: 40 random_crop: true flip_joint_labels: true } }"
)


@law("EuclideanLossHeatmap")
@drawn()
@given(SEED, SMALL, SMALL)
def test_the_mean_square_has_the_difference_as_gradient(seed, n, joints):
    x, y = normal(seed, n, joints, 3, 3), normal(seed + 1, n, joints, 3, 3)
    found = run_layer("EuclideanLossHeatmap", "", [x, y], diffs=[np.float32(5)])
    apart = x.astype(np.float64) - y
    agree(found.y[0], np.square(apart).mean(), 1e-4)
    agree(found.dx[0], apart)
    agree(found.dx[1], apart)


@law("DataHeatmap")
def test_a_script_fills_images_and_maps(caplog):
    with caplog.at_level(logging.INFO, "caffe"):
        net = net_of(DATA)
    assert any("passed over visualise of caffe-heatmap" in line for line in caplog.messages)
    assert [net.blobs[name].data.shape for name in net.inputs] == [(2, 3, 12, 12), (2, 3, 3, 4)]
    net.blobs["label"].reshape(2, 7, 3, 4)
    net.forward()
    assert net.blobs["label"].data.shape == (2, 7, 3, 4)


def test_the_loss_may_draw_an_image():
    text = DATA + (
        'layer { name: "c" type: "Convolution" bottom: "data" top: "c" '
        "convolution_param { num_output: 3 kernel_h: 4 kernel_w: 3 stride_h: 4 stride_w: 3 } }"
        'layer { name: "l" type: "EuclideanLossHeatmap" bottom: "c" bottom: "label" '
        'bottom: "data" top: "l" visualise_channel: 4 }'
    )
    net = net_of(text)
    net.blobs["label"].data[...] = 2
    net.forward()
    assert net.blobs["l"].data == 4


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("batchsize: 2", "outsize, label_height and label_width must be positive"),
        ("batchsize: 0 outsize: 3", "must be positive; found .0, 3, 1, 1."),
    ],
)
def test_sizes_that_are_missing_are_named(body, message):
    text = (
        'layer { name: "data" type: "DataHeatmap" top: "data" top: "label" '
        f"heatmap_data_param {{ {body} }} }}"
    )
    with pytest.raises(caffe.CaffeError, match=f"layer 'data' .DataHeatmap.: .*{message}"):
        net_of(text)


def test_maps_of_two_shapes_are_refused():
    text = input_layer("a", 1, 2, 3, 3) + input_layer("b", 1, 2, 3, 4)
    text += 'layer { name: "l" type: "EuclideanLossHeatmap" bottom: "a" bottom: "b" top: "l" }'
    with pytest.raises(caffe.CaffeError, match="maps N x J x H x W of one shape"):
        net_of(text)
