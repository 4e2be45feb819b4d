"""Stand-ins of ENet's, mtcnn-caffe's, Pose-REN's and scene parsing's Python layers."""

import numpy as np
import pytest
from support.laws import agree, normal
from support.net_text import input_layer, net_of

import caffe


def dropout(param_str, phase=caffe.TRAIN):
    x = np.ones((60, 50, 1, 2), np.float32)
    net = net_of(
        "force_backward: true "
        + input_layer("x", *x.shape)
        + 'layer { name: "drop" type: "Python" bottom: "x" top: "y" python_param { '
        f'module: "spatial_dropout" layer: "SpatialDropoutLayer" param_str: "{param_str}" }} }}',
        phase,
    )
    net.blobs["x"].data[...] = x
    return net.forward()["y"]


@pytest.mark.parametrize("phase", [caffe.TRAIN, caffe.TEST])
def test_enets_dropout_asks_its_param_str_for_the_phase(phase):
    found = dropout("{'phase': 'TRAIN', 'p': '0.2'}", phase)
    assert (found == found[..., :1, :1]).all()
    assert set(np.unique(found)) == {0, np.float32(1.25)}
    assert abs(found.mean() - 1) < 0.05
    assert (dropout("{'phase': 'TEST', 'p': '0.2'}", phase) == np.float32(1.25)).all()


@pytest.mark.parametrize(
    "param_str", ["", "7", "{'p': '0.2'}", "{'phase': 'TRAIN', 'p': 1}", "{'phase': 'TRAIN'"]
)
def test_enets_dropout_without_a_part_asks_for_its_module(param_str):
    with pytest.raises(caffe.CaffeError, match=r"drop.*no module 'spatial_dropout'.*PYTHONPATH"):
        dropout(param_str)


def python(name, layer, bottoms="", tops="", more=""):
    blobs = "".join(f' bottom: "{each}"' for each in bottoms.split())
    blobs += "".join(f' top: "{each}"' for each in tops.split())
    return (
        f'layer {{ name: "{name}" type: "Python" {blobs} '
        f'python_param {{ module: "pythonLayer" layer: "{layer}" }} {more} }}'
    )


def mtcnn(name="face_12c", regions="regression_Layer"):
    """The last layers of a net of mtcnn-caffe's."""
    shape = "kernel_size: 12 weight_filler { type: 'xavier' }"
    scores = [
        f'layer {{ name: "{each}" type: "Convolution" bottom: "data" top: "{each}" '
        f"convolution_param {{ num_output: {count} {shape} }} }}"
        for each, count in (("cls", 2), ("box", 4), ("points", 10))
    ]
    return f'name: "{name}" ' + "".join(
        [
            python("images", "Data_Layer_train", "", "data label roi pts"),
            *scores,
            python("bridge", "cls_Layer_fc", "cls label", "valid labels"),
            'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "valid" bottom: "labels" '
            'top: "loss" propagate_down: true propagate_down: false }',
            python("boxes", regions, "box roi", "roi_loss", "loss_weight: 0.5"),
            python("marks", "pts_Layer48", "points pts", "pts_loss", "loss_weight: 0.5"),
        ]
    )


@pytest.mark.parametrize(("name", "side"), [("face_12c", 12), ("face_24c", 24), ("face_48", 48)])
def test_mtcnns_data_are_as_large_as_the_nets_name_says(name, side):
    net = net_of(python("images", "Data_Layer_train", "", "data label roi pts") + f'name: "{name}"')
    shapes = [net.blobs[each].shape for each in ("data", "label", "roi", "pts")]
    assert shapes == [(64, 3, side, side), (64, 1), (64, 4), (64, 10)]


def test_mtcnns_regions_may_be_classes():
    text = python("images", "Data_Layer_train", "", "data label roi") + 'name: "face_12c"'
    net = net_of(text + python("bridge", "roi_Layer", "data roi", "y labels"))
    assert net.blobs["roi"].shape == (64, 1)


def test_mtcnn_learns_of_a_batch_what_it_is_for():
    net = net_of(mtcnn(), caffe.TRAIN)
    data = normal(0, 64, 3, 12, 12)
    net.blobs["data"].data[...] = data
    net.blobs["label"].data[...] = -1
    net.blobs["roi"].data[...] = target = normal(1, 64, 4)
    net.blobs["pts"].data[...] = -1
    net.forward()
    net.backward()
    apart = net.blobs["box"].data.reshape(64, 4).astype(np.float64) - target
    agree(net.blobs["roi_loss"].data, (apart**2).sum() / 128, 1e-4)
    assert net.blobs["pts_loss"].data == 0
    assert not net.params["points"][0].diff.any()
    slope = np.einsum("no,nchw->ochw", apart / 64, data.astype(np.float64))  # the weight is not in
    agree(net.params["box"][0].diff, slope, 1e-3, 1e-3)


def test_a_net_whose_name_has_no_side_asks_for_the_module():
    with pytest.raises(caffe.CaffeError, match="12, 24 or 48 in the net's name; found 'face'"):
        net_of(python("images", "Data_Layer_train", "", "data label roi") + 'name: "face"')


def test_scene_parsings_images_are_inputs():
    net = net_of(
        'layer { name: "data" type: "Python" top: "data" top: "label" python_param { '
        'module: "ade_layers" layer: "AdeSegDataLayer" param_str: "{\'split\': \'train\'}" } }'
    )
    assert net.inputs == ["data", "label"]
    assert net.blobs["label"].shape == (1, 1, 384, 384)


def test_pose_rens_parts_are_around_a_joint():
    net = net_of(
        input_layer("pose", 1, 6)
        + 'layer { name: "rois_1" type: "Python" bottom: "pose" top: "rois" python_param { '
        'module: "python_layers.py_generate_roi_layer" layer: "PyGenerateROILayer" param_str: '
        "\"{\\'img_w\\': 96, \\'roi_h\\': 6, \\'spatial_mul\\': 8, \\'roi_w\\': 6, "
        "\\'joint_idx\\': 1, \\'img_h\\': 96}\" } }"
    )
    net.blobs["pose"].data[...] = [0, 0, 0, 0.25, -0.9, 0]
    np.testing.assert_array_equal(net.forward()["rois"], [[0, 36, 0, 84, 48]])
