"""Faster R-CNN's layers in C++: py-faster-rcnn's numbers, under names of their own."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, agree, drawn, law, normal
from support.layer_text import layer
from support.net_text import net_of, run_layer

import caffe

SIZE = np.float32([[64, 80, 1.5]])


def bottoms(seed):
    rng = np.random.RandomState(seed)
    scores = rng.rand(1, 18, 4, 5).astype(np.float32)
    return [scores, 0.2 * normal(seed, 1, 36, 4, 5), SIZE]


@law("FrcnnProposal")
@drawn(10)
@given(SEED)
def test_regions_are_a_proposals_without_the_small_ones(seed):
    found = run_layer("FrcnnProposal", "", bottoms(seed), tops=2)
    plain = run_layer("Proposal", "", bottoms(seed), tops=2)
    rois, said = (top[:, :, 0, 0] for top in found.y)
    # A Proposal gives small ones a score of 0.
    kept = plain.y[1] > 0
    agree(rois, plain.y[0][kept][: len(rois)])
    agree(said[:, 0], plain.y[1][kept][: len(rois)])
    assert ((rois[:, 3:] - rois[:, 1:3] + 1) >= 16 * 1.5).all()
    assert found.y[0].shape[1:] == (5, 1, 1)


def test_training_has_more_regions():
    for phase, counts in ((caffe.TEST, (6000, 300)), (caffe.TRAIN, (12000, 2000))):
        net = run_layer("FrcnnProposal", "", bottoms(0), phase=phase).net
        param = net.layer_dict["l"].spec.proposal_param
        assert (param.pre_nms_topn, param.post_nms_topn) == counts


@law("FrcnnRoiData", "FrcnnAnchorTarget", "FrcnnProposalTarget")
def test_a_net_for_training_is_built_and_its_data_are_a_scripts():
    text = layer(
        "input-data",
        "FrcnnRoiData",
        body='window_data_param { source: "list" config: "voc_config.json" root_folder: "/n/" }',
        tops="data im_info gt_boxes",
    )
    text += layer(
        "c",
        "Convolution",
        "data",
        "convolution_param { num_output: 18 kernel_size: 16 stride: 16 "
        'weight_filler { type: "gaussian" std: 0.01 } }',
    )
    text += layer(
        "b",
        "Convolution",
        "data",
        "convolution_param { num_output: 36 kernel_size: 16 stride: 16 }",
    )
    text += layer(
        "rpn-data",
        "FrcnnAnchorTarget",
        "c gt_boxes im_info",
        "propagate_down: 0 propagate_down: 0 propagate_down: 0",
        tops="labels targets inside outside",
    )
    text += layer("proposal", "FrcnnProposal", "c b im_info", tops="rpn_rois")
    text += layer(
        "roi-data",
        "FrcnnProposalTarget",
        "rpn_rois gt_boxes",
        tops="rois classes shifts weights more",
    )
    net = net_of(text, phase=caffe.TRAIN)
    assert net.inputs == ["data", "im_info", "gt_boxes"]
    net.blobs["data"].reshape(1, 3, 160, 160)
    net.blobs["data"].data[...] = normal(0, 1, 3, 160, 160)
    net.blobs["im_info"].data[...] = [[160, 160, 1]]
    net.blobs["gt_boxes"].data[...] = [[16, 16, 143, 143, 7]]
    net.forward()
    labels = net.blobs["labels"].data
    assert labels.shape == (1, 1, 90, 10)
    assert (labels == 1).any()
    shifts = net.blobs["shifts"].data
    assert shifts.shape[1] == 84
    assert (net.blobs["classes"].data == 7).any()
    inside = net.blobs["weights"].data
    assert {int(place) // 4 for place in inside.nonzero()[1]} == {7}


def test_other_numbers_may_be_said():
    body = "proposal_param { post_nms_topn: 5 } "
    assert len(run_layer("FrcnnProposal", body, bottoms(1)).y[0]) <= 5
    net = run_layer(
        "FrcnnProposalTarget",
        "region_target_param { num_classes: 3 }",
        [np.float32([[0, 1, 1, 9, 9]]), np.float32([[1, 1, 9, 9, 2]])],
        tops=5,
    ).net
    assert net.blobs["y2"].data.shape[1] == 12


def test_strict_nets_refuse_them():
    caffe.set_strict(True)
    try:
        with pytest.raises(caffe.CaffeError, match="FrcnnProposal"):
            run_layer("FrcnnProposal", "", bottoms(0))
    finally:
        caffe.set_strict(False)
