"""MS-CNN with a second stage, in small: trained for a step, run, taken out of Caffe."""

import numpy as np
import pytest
import torch
from PIL import Image
from support.layer_text import conv, conv_relu, layer, max_pool
from support.net_text import input_layer, net_of
from support.training import solver_of, step

import caffe
from caffe.export import agreement, onnx

SCALES = [
    ("1", "conv1", 8, 20, 28),
    ("2", "pool1", 16, 40, 56),
]  # stride, width and height of fields
FIELDS = " ".join(f"downsample_rate: {r} field_w: {w} field_h: {h}" for *_, r, w, h in SCALES)
CODE = " ".join(["bbox_mean: 0"] * 4 + [f"bbox_std: {v}" for v in (0.1, 0.1, 0.2, 0.2)])
REG = f"bbox_reg_param {{ {CODE} }}"
FIXED = "propagate_down: 0 propagate_down: 0"


def regions(stage, rois):
    """What a stage says of regions: classes and boxes."""
    pools = "".join(
        layer(
            f"roi_{kind}{stage}",
            "ROIPooling",
            f"conv1_2x {rois}",
            "roi_pooling_param { pooled_w: 3 pooled_h: 4 spatial_scale: 0.25 "
            f"pad_ratio: {ratio} }}",
        )
        for kind, ratio in (("org", 0), ("ctx", 0.25))
    )
    return (
        pools
        + layer(f"roi{stage}", "Concat", f"roi_org{stage} roi_ctx{stage}")
        + conv_relu(f"roi_c1{stage}", f"roi{stage}", 8)
        + layer(
            f"cls_pred{stage}",
            "InnerProduct",
            f"roi_c1{stage}",
            'inner_product_param { num_output: 2 weight_filler { type: "xavier" } }',
        )
        + layer(
            f"bbox_pred{stage}",
            "InnerProduct",
            f"roi_c1{stage}",
            'inner_product_param { num_output: 8 weight_filler { type: "gaussian" std: 0.05 } }',
        )
    )


def losses(stage, rois, given):
    """ProposalTarget before a stage, and behind it what is learnt."""
    tops = f"labels{stage} targets{stage} inside{stage} outside{stage} match{stage}"
    param = "cls_num: 2 fg_thr: 0.45 bg_thr_hg: 0.45 bg_thr_lw: 0 img_width: 96 img_height: 64"
    target = layer(
        f"target{stage}",
        "ProposalTarget",
        f"{given} boxes",
        f"proposal_target_param {{ {param} batch_size: {-1 if stage else 12} "
        f"num_img_per_batch: 2 }} {REG} {FIXED}",
        f"{rois} {tops}",
    )
    behind = (
        layer(
            f"loss_cls{stage}",
            "SoftmaxWithLoss",
            f"cls_pred{stage} labels{stage}",
            "propagate_down: 1 propagate_down: 0",
        )
        + layer(
            f"loss_bbox{stage}",
            "SmoothL1Loss",
            f"bbox_pred{stage} targets{stage} inside{stage} outside{stage}",
            "loss_weight: 1",
        )
        + layer(f"iou{stage}", "BboxAccuracy", f"bbox_pred{stage} {rois} match{stage}", REG)
    )
    return target, behind


def mscnn(source=""):
    """The net; source: a list of images, to train with."""
    if source:
        text = layer(
            "data",
            "ImageGtData",
            body=f'image_gt_data_param {{ source: "{source}" batch_size: 2 {FIELDS} '
            "output_gt_boxes: true scale: 0.01 } transform_param { mirror: true mean_value: 110 }",
            tops="data label_1 label_2 boxes",
        )
    else:
        text = input_layer("data", 1, 3, 64, 96)
    text += conv_relu("conv1", "data", 8, "kernel_size: 8 stride: 8") + max_pool("pool1", "conv1")
    for number, bottom, stride, width, height in SCALES:
        text += conv(f"LFCN_{number}", bottom, 6)
        if source:
            field = f"cls_num: 2 field_w: {width} field_h: {height} downsample_rate: {stride}"
            both = f"LFCN_{number} label_{number}"
            text += layer(
                f"loss_{number}",
                "DetectionLoss",
                both,
                f'detection_loss_param {{ {field} bg_multiple: 2 sample_mode: "bootstrap" '
                f"pos_neg_weighted: true bg_threshold: 0.2 }} {REG} loss_weight: 0.9",
            )
            accuracy = f"detection_accuracy_param {{ {field} }} {REG}"
            text += layer(f"accuracy_{number}", "DetectionAccuracy", both, accuracy)
    found = f"box_output_param {{ fg_thr: -10 iou_thr: 0.65 {FIELDS} max_nms_num: 20 }}"
    text += layer("proposals", "BoxOutput", "LFCN_1 LFCN_2", f"{found} {REG} {FIXED}")
    text += layer(
        "conv1_2x",
        "Deconvolution",
        "conv1",
        "convolution_param { kernel_size: 4 stride: 2 num_output: 8 group: 8 pad: 1 "
        'weight_filler: { type: "bilinear" } bias_term: false } param { lr_mult: 0 }',
    )
    rois = given = "proposals"
    for stage in ("", "_2nd"):
        behind = ""
        if stage:
            objects = " match" if source else ""
            given = "proposals_2nd"
            fixed = FIXED + " propagate_down: 0" * bool(objects)
            text += layer(given, "DecodeBBox", f"bbox_pred {rois}{objects}", f"{REG} {fixed}")
            rois = given
        if source:
            rois = f"rois{stage}"
            before, behind = losses(stage, rois, given)
            text += before
        text += regions(stage, rois) + behind
    if not source:
        text += layer("found", "DecodeBBox", f"bbox_pred_2nd {rois}", REG)
        text += layer("cls_prob", "Softmax", "cls_pred_2nd")
    return text


def test_mscnn_trains(tmp_path):
    rng = np.random.RandomState(0)
    lines = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        Image.fromarray(rng.randint(0, 256, (64, 96, 3)).astype(np.uint8)).save(path)
        lines.append(f"# {number} {path} 3 64 96 2 1 0 20 10 40 38 1 0 50 4 88 60 0")
    (tmp_path / "list").write_text("\n".join(lines))
    caffe.set_random_seed(0)
    solver = solver_of(mscnn(tmp_path / "list"))
    before = {name: [b.data.copy() for b in blobs] for name, blobs in solver.net.params.items()}
    step(solver, 2)
    for name, blobs in solver.net.params.items():
        moved = [(a != b.data).any() for a, b in zip(before[name], blobs, strict=True)]
        assert all(moved) == (name != "conv1_2x")
        assert all(np.isfinite(blob.data).all() for blob in blobs)
    for output in solver.net.outputs:
        assert np.isfinite(solver.net.blobs[output].data).all(), output
    assert solver.net.blobs["rois_2nd"].shape[1:] == (5, 1, 1)


def drawn_net():
    caffe.set_random_seed(0)
    net = net_of(mscnn())
    net.blobs["data"].data[...] = np.random.RandomState(1).randn(1, 3, 64, 96) * 50
    return net


def test_mscnn_gives_the_same_whole_and_layer_by_layer_and_as_torch():
    net, plain = drawn_net(), drawn_net()
    whole = {key: value.copy() for key, value in net.forward().items()}
    assert len(whole["found"]) > 3
    plain.after_forward(lambda i: None)
    out = dict(zip(net.outputs, net.to_torch()(torch.tensor(net.blobs["data"].data)), strict=True))
    for key, value in plain.forward().items():
        np.testing.assert_allclose(whole[key], value, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(whole[key], out[key].detach(), rtol=1e-4, atol=1e-3)


@pytest.mark.long
def test_mscnn_leaves_as_onnx(tmp_path):
    found = onnx.export(drawn_net(), tmp_path / "net.onnx")
    assert max(found.differences.values()) <= agreement.TOLERANCE
