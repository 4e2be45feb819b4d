"""Stand-ins of ENet's, mtcnn-caffe's, Pose-REN's, OICR's and scene parsing's Python layers."""

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


def scores(name, count):
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "pool" top: "{name}" '
        f"inner_product_param {{ num_output: {count} "
        'weight_filler { type: "gaussian" std: 0.01 } } }'
    )


def test_oicr_learns_from_what_is_in_an_image():
    net = net_of(
        'layer { name: "data" type: "Python" top: "data" top: "rois" top: "labels" python_param { '
        "module: 'roi_data_layer.layer' layer: 'RoIDataLayer' param_str: \"'num_classes': 4\" } }"
        'layer { name: "pool" type: "ROIPooling" bottom: "data" bottom: "rois" top: "pool" '
        "roi_pooling_param { pooled_w: 2 pooled_h: 2 spatial_scale: 0.125 } }"
        + scores("by_region", 4)
        + scores("by_class", 4)
        + 'layer { name: "p0" type: "Softmax" bottom: "by_region" top: "p0" '
        "softmax_param { axis: 0 } }"
        'layer { name: "p1" type: "Softmax" bottom: "by_class" top: "p1" }'
        'layer { name: "p" type: "Eltwise" bottom: "p0" bottom: "p1" top: "p" '
        "eltwise_param { operation: PROD } }"
        'layer { name: "all" type: "GlobalSumPooling" bottom: "p" top: "all" }'
        'layer { name: "loss" type: "MulticlassCrossEntropyLoss" bottom: "all" bottom: "labels" '
        'top: "loss" }'
        'layer { name: "oicr" type: "Python" bottom: "rois" bottom: "p" bottom: "labels" '
        'top: "class" top: "weight" python_param { module: "oicr_layer.layer" layer: "OICRLayer" '
        "param_str: \"'num_classes': 5\" } }"
        + scores("refined", 5)
        + 'layer { name: "more" type: "WeightedSoftmaxWithLoss" bottom: "refined" bottom: "class" '
        'bottom: "weight" propagate_down: 1 propagate_down: 0 propagate_down: 0 top: "more" }',
        caffe.TRAIN,
    )
    shapes = {top: tuple(net.blobs[top].shape) for top in ("data", "rois", "labels")}
    assert shapes == {"data": (1, 3, 100, 100), "rois": (1, 5), "labels": (1, 4)}
    net.blobs["rois"].reshape(3, 5)
    net.blobs["data"].data[...] = normal(0, 1, 3, 100, 100)
    net.blobs["rois"].data[...] = [[0, 0, 0, 40, 40], [0, 0, 0, 40, 48], [0, 50, 50, 99, 99]]
    net.blobs["labels"].data[...] = [[0, 0, 1, 0]]
    found = net.forward()
    net.backward()
    best = net.blobs["p"].data[:, 2].argmax()
    expected = [0, 0, 3] if best == 2 else [3, 3, 0]
    np.testing.assert_array_equal(net.blobs["class"].data, expected)
    weight = net.blobs["weight"].data
    agree(weight, [net.blobs["p"].data[best, 2]] * 3)
    logits = net.blobs["refined"].data.astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    agree(found["more"], -(logs[range(3), expected] * weight).sum() / 3, 1e-4)
    assert all(net.params[name][0].diff.any() for name in ("by_region", "by_class", "refined"))
