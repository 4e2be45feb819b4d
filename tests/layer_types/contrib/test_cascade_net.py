"""Cascade R-CNN with a second stage and hard regions, in small: trained, tested by its solver."""

import logging

import numpy as np
from google.protobuf import text_format
from PIL import Image
from support.layer_text import conv, conv_relu, layer
from support.training import SGD, solver_of, step

import caffe
from caffe.graph.assumed import assumed_shapes
from caffe.proto import caffe_pb2

FIELDS = "field_w: 20 field_w: 40 field_h: 28 field_h: 56"
CODE = " ".join(["bbox_mean: 0"] * 4 + [f"bbox_std: {v}" for v in (0.1, 0.1, 0.2, 0.2)])
REG = f"bbox_reg_param {{ cls_aware: false {CODE} }}"
ROWS = [
    "rois",
    *("proposal_labels", "proposal_targets", "box_inside_weights", "box_outside_weights"),
    "match_gt_boxes",
]
DATA = (
    'detection_data_param {{ source: "{}" batch_size: 2 short_size: 64 long_size: 96 {} '
    'stride: 8 stride: 8 output_gt_boxes: true shuffle: "random_aspect" }} '
    "transform_param {{ mirror: true mean_value: 110 scale: 0.01 }}"
)


def rows(end):
    return " ".join(f"{name}{end}" for name in ROWS)


def head(end, rois):
    """What is said of regions."""
    text = layer(
        f"grid{end}",
        "ROIAlign",
        f"conv {rois}",
        "roi_pooling_param { pooled_w: 3 pooled_h: 3 spatial_scale: 0.125 }",
    )
    for name, count in (("cls_pred", 3), ("bbox_pred", 8)):
        body = f'inner_product_param {{ num_output: {count} weight_filler {{ type: "xavier" }} }}'
        text += layer(f"{name}{end}", "InnerProduct", f"grid{end}", body)
    return text


def proposals(data):
    text = data + conv_relu("conv", "data", 8, "kernel_size: 8 stride: 8")
    text += conv("rpn_cls", "conv", 4) + conv("rpn_bbox", "conv", 8)
    for name, channels in (("rpn_cls", 2), ("rpn_bbox", 4)):
        shape = f"reshape_param {{ shape {{ dim: -1 dim: {channels} dim: 0 dim: 0 }} }}"
        text += layer(f"{name}_reshape", "Reshape", name, shape)
    text += layer("rpn_prob", "Softmax", "rpn_cls_reshape")
    return text + layer(
        "proposals",
        "BoxGroupOutput",
        "rpn_prob rpn_bbox_reshape",
        f"box_group_output_param {{ iou_thr: 0.7 box_group_param {{ {FIELDS} stride: 8 }} "
        "field_whr: 8 field_xyr: 1 max_nms_num: 30 } propagate_down: 0 propagate_down: 0",
    )


def targets(end, regions, size):
    return layer(
        f"target{end}",
        "ProposalTarget",
        f"{regions} gt_boxes",
        f"proposal_target_param {{ cls_num: 3 batch_size: {size} num_img_per_batch: 2 fg_thr: 0.5 "
        f"bg_thr_hg: 0.5 bg_thr_lw: 0 img_width: 96 img_height: 64 }} {REG} "
        "propagate_down: 0 propagate_down: 0",
        rows(end),
    )


def losses(end, of_each=("", "")):
    """What is learnt; of_each: the tops with the losses of each region, of what is only read."""
    weights = ["loss_weight: 0 " * (len(tops.split()) + 1) for tops in of_each]
    if not of_each[0]:
        weights = ["loss_weight: 1"] * 2
    weights[0] += f" propagate_down: {0 if of_each[0] else 1} propagate_down: 0"
    boxes = f"proposal_targets{end} box_inside_weights{end} box_outside_weights{end}"
    return layer(
        f"loss_cls{end}",
        "SoftmaxWithLoss",
        f"cls_pred{end} proposal_labels{end}",
        weights[0],
        f"loss_cls{end} {of_each[0]}",
    ) + layer(
        f"loss_bbox{end}",
        "SmoothL1Loss",
        f"bbox_pred{end} {boxes}",
        weights[1],
        f"loss_bbox{end} {of_each[1]}",
    )


def training(source):
    text = proposals(
        layer("data", "DetectionData", body=DATA.format(source, FIELDS), tops="data a b gt_boxes")
    )
    text += layer("labels", "Concat", "a b", "concat_param { axis: 1 }")
    shape = "reshape_param { shape { dim: -1 dim: 6 dim: 0 dim: 0 } }"
    text += layer("labels_reshape", "Reshape", "labels", shape)
    three = "rpn_cls_reshape rpn_bbox_reshape labels_reshape"
    text += layer(
        "rpn_loss",
        "DetectionGroupLoss",
        three,
        f"detection_group_loss_param {{ batch_size: 32 cls_num: 2 {FIELDS} stride: 8 field_whr: 8 "
        "field_xyr: 1 bg_threshold: 0.3 bg_multiple: 1 objectness: true } loss_weight: 1",
    )
    text += layer(
        "rpn_accuracy",
        "DetectionGroupAccuracy",
        three,
        f"detection_group_accuracy_param {{ cls_num: 2 {FIELDS} stride: 8 objectness: true }}",
        "rpn_accuracy rpn_bboxiou",
    )
    text += targets("_all", "proposals", 24) + head("_all", "rois_all")
    text += losses("_all", ("prob each_cls", "each_bbox"))
    text += layer("each", "Eltwise", "each_cls each_bbox", "propagate_down: false " * 2)
    text += layer(
        "mining",
        "HardMining",
        f"each {rows('_all')}",
        "hard_mining_param { num_image: 2 num_roi_per_image: 6 }",
        rows(""),
    )
    text += layer("silence", "Silence", "prob loss_cls_all loss_bbox_all", tops="")
    text += head("", "rois") + losses("")
    three_down = "propagate_down: 0 " * 3
    text += layer("second", "DecodeBBox", "bbox_pred rois match_gt_boxes", f"{REG} {three_down}")
    text += targets("_2nd", "second", -1)
    for end, size in (("_small", "high_scale: 32"), ("_large", "low_scale: 32")):
        param = f"scale_route_param {{ {size} }}"
        text += layer(f"route{end}", "ScaleRoute", rows("_2nd"), param, rows(end))
        text += head(end, f"rois{end}") + losses(end)
    return text


def write_images(folder):
    rng, lines = np.random.RandomState(0), []
    for number, (height, width) in enumerate([(64, 96), (96, 64), (64, 96), (96, 64)]):
        path = folder / f"{number}.png"
        Image.fromarray(rng.randint(0, 256, (height, width, 3)).astype(np.uint8)).save(path)
        objects = "2 1 0 0 20 10 40 38 2 0 1 22 4 60 60"
        lines.append(f"# {number} {path} 3 {height} {width} {objects} 0")
    (folder / "list").write_text("\n".join(lines))
    (folder / "sizes").write_text("".join(f"{n} 64 96\n{n} 96 64\n" for n in range(2)))
    return folder / "list"


def test_cascade_r_cnn_trains(tmp_path):
    caffe.set_random_seed(0)
    solver = solver_of(training(write_images(tmp_path)))
    before = {name: [b.data.copy() for b in blobs] for name, blobs in solver.net.params.items()}
    step(solver, 2)
    for name, blobs in solver.net.params.items():
        moved = [(a != b.data).any() for a, b in zip(before[name], blobs, strict=True)]
        assert all(moved) == (not name.endswith("_all")), name
        assert all(np.isfinite(blob.data).all() for blob in blobs)
    assert solver.net.blobs["rois"].shape == (12, 5, 1, 1)
    assert solver.net.blobs["data"].shape in ((2, 3, 64, 96), (2, 3, 96, 64))


def to_test(source, sizes):
    param = f'eval_data_param {{ source: "{source}" batch_size: 1 short_size: 64 long_size: 96 }}'
    text = proposals(
        layer(
            "data",
            "EvalData",
            body=f"{param} transform_param {{ scale: 0.01 }}",
            tops="data gt_boxes sizes",
        )
    )
    text += head("", "proposals") + layer("cls_prob", "Softmax", "cls_pred")
    found = "frcnn_output_param { conf_thr: 0.01 iou_thr: 0.3 max_det_num: 20 }"
    text += layer("found", "FrcnnOutput", "cls_prob bbox_pred proposals sizes", f"{found} {REG}")
    param = f'num_classes: 3 evaluate_difficult_gt: false name_size_file: "{sizes}"'
    judged = f"detection_evaluate_param {{ {param} }}"
    return text + layer("eval", "DetectionEvaluate", "found gt_boxes sizes", judged)


def test_cascade_r_cnn_is_tested_by_its_solver(tmp_path, caplog):
    source = write_images(tmp_path)
    (tmp_path / "test.prototxt").write_text(to_test(source, tmp_path / "sizes"))
    solver = solver_of(
        training(source),
        f'{SGD} test_net: "{tmp_path / "test.prototxt"}" test_iter: 4 test_interval: 1 '
        'eval_type: "detection" ap_version: "101point" ',
    )
    with caplog.at_level(logging.INFO):
        step(solver, 1)
    assert "eval = " in caplog.text
    net = solver.test_nets[0]
    assert net.blobs["found"].shape[1:] == (7, 1, 1)
    assert net.blobs["eval"].shape[1:] == (5, 1, 1)


def test_shapes_are_known_without_the_files():
    body = DATA.format("absent", FIELDS)
    text = layer("data", "DetectionData", body=body, tops="data a b gt_boxes")
    spec = text_format.Parse(text, caffe_pb2.NetParameter()).layer[0]
    label = (2, 6, 12, 8)
    assert list(assumed_shapes(spec).values()) == [(2, 3, 96, 64), label, label, (1, 8, 1, 1)]
