"""Small nets in the shape of the forks' published ones: built, run, trained for a step, stored."""

import numpy as np
import pytest
import torch
from support.layer_text import conv, layer
from support.net_text import input_layer, net_of

import caffe

LABELS = """layer { name: "label" type: "DummyData" top: "label"
  dummy_data_param { shape { dim: 1 dim: 1 dim: %d dim: %d } } }
"""
DATA = """layer { name: "data" type: "DummyData" top: "data"
  dummy_data_param { shape { dim: 1 dim: 3 dim: %d dim: %d } data_filler { type: "gaussian" } } }
"""


BN = "bn_param { scale_filler { value: 1 } shift_filler { value: 0.001 } }"
POOL = "pooling_param { pool: MAX kernel_size: 2 stride: 2 }"
SOFTMAX = "softmax_param { engine: CAFFE }"

SEGNET = (
    DATA % (12, 16)
    + LABELS % (12, 16)
    + conv("conv1", "data", 4)
    + layer("bn1", "BN", "conv1", BN, "conv1")
    + layer("relu1", "ReLU", "conv1", "", "conv1")
    + layer("pool1", "Pooling", "conv1", POOL, "pool1 mask1")
    + conv("conv2", "pool1", 4)
    + layer("up1", "Upsample", "conv2 mask1", "upsample_param { scale: 2 }")
    + layer("drop", "Dropout", "up1", "dropout_param { sample_weights_test: true }", "up1")
    + conv("score", "up1", 3)
    + layer(
        "loss",
        "SoftmaxWithLoss",
        "score label",
        "loss_param { weight_by_label_freqs: true ignore_label: 9 class_weighting: 0.3 "
        f"class_weighting: 1 class_weighting: 2 }} {SOFTMAX}",
    )
)

UNPOOL = "unpooling_param { unpool: MAX kernel_size: 2 stride: 2 unpool_size: 8 }"
DECONVNET = (
    DATA % (8, 8)
    + LABELS % (8, 8)
    + conv("conv1", "data", 4)
    + layer("bn1", "BN", "conv1", BN, "conv1")
    + layer("pool1", "Pooling", "conv1", POOL, "pool1 mask1")
    + layer("unpool1", "Unpooling", "pool1 mask1", UNPOOL)
    + conv("score", "unpool1", 2, "kernel_size: 3 pad: 1", "Deconvolution")
    + layer("loss", "SoftmaxWithLoss", "score label", "loss_param { ignore_label: 255 }")
)

PSP_BN = "bn_param { slope_filler { value: 1 } bias_filler { value: 0 } frozen: %s momentum: 0.95 }"
PSPNET = (
    DATA % (17, 17)
    + LABELS % (17, 17)
    + conv("conv1", "data", 4, "kernel_size: 3 stride: 2 pad: 1 bias_term: false")
    + layer("bn1", "BN", "conv1", PSP_BN % "false", "conv1")
    + conv("conv2", "conv1", 4, "kernel_size: 3 pad: 2 dilation: 2 bias_term: false")
    + layer("bn2", "BN", "conv2", PSP_BN % "true", "conv2")
    + layer("pyramid", "Pooling", "conv2", "pooling_param { pool: AVE kernel_size: 5 stride: 4 }")
    + layer("wide", "Interp", "pyramid", "interp_param { height: 9 width: 9 }")
    + layer("all", "Concat", "conv2 wide")
    + conv("score", "all", 3, "kernel_size: 1")
    + layer("large", "Interp", "score", "interp_param { zoom_factor: 2 }")
    + layer("accuracy", "SegAccuracy", "large label", "seg_accuracy_param { ignore_label: 255 }")
    + layer("loss", "SoftmaxWithLoss", "large label", "loss_param { ignore_label: 255 }")
)

CRF_RNN = (
    DATA % (6, 8)
    + LABELS % (6, 8)
    + conv("score", "data", 3)
    + layer("twice", "Split", "score", "", "unary Q0")
    + layer(
        "inference1",
        "MultiStageMeanfield",
        "unary Q0 data",
        "param { lr_mult: 10000 } param { lr_mult: 10000 } param { lr_mult: 1000 } "
        "multi_stage_meanfield_param { num_iterations: 2 compatibility_mode: POTTS threshold: 2 "
        "theta_alpha: 160 theta_beta: 3 theta_gamma: 3 spatial_filter_weight: 3 "
        "bilateral_filter_weight: 5 }",
        "pred",
    )
    + layer("loss", "SoftmaxWithLoss", "pred label", "loss_param { ignore_label: 255 }")
)

PRIOR = (
    "prior_box_param { min_size: 4 max_size: 6 aspect_ratio: 2 variance: [0.1, 0.1, 0.2, 0.2] "
    "step: 4 }"
)
HEAD = (
    conv("conv1", "data", 4, "kernel_size: 3 pad: 1 stride: 4")
    + layer("norm", "Normalize", "conv1", "norm_param { across_spatial: false }")
    + conv("loc", "norm", 16)
    + conv("conf", "norm", 12)
    + layer("loc_p", "Permute", "loc", "permute_param { order: 0 order: 2 order: 3 order: 1 }")
    + layer("conf_p", "Permute", "conf", "permute_param { order: 0 order: 2 order: 3 order: 1 }")
    + layer("loc_flat", "Flatten", "loc_p")
    + layer("conf_flat", "Flatten", "conf_p")
    + layer("prior", "PriorBox", "norm data", PRIOR)
)
OBJECT = [(1, 0), (1, 1), (3, 0), (2, 0.6), (1, 0)]  # image, class, number and corner, corner, easy


def constant(name, size, value):
    return (
        f'layer {{ name: "{name}" type: "DummyData" top: "{name}" dummy_data_param {{ '
        f"shape {{ dim: 1 dim: 1 dim: 1 dim: {size} }} data_filler {{ value: {value} }} }} }}\n"
    )


SSD = (
    DATA % (16, 16)
    + "".join(constant(f"part{i}", *part) for i, part in enumerate(OBJECT))
    + layer("label", "Concat", "part0 part1 part2 part3 part4", "concat_param { axis: 3 }")
    + HEAD
    + layer(
        "loss",
        "MultiBoxLoss",
        "loc_flat conf_flat prior label",
        "include { phase: TRAIN } propagate_down: [true, true, false, false] "
        "loss_param { normalization: VALID } multibox_loss_param { num_classes: 3 "
        "code_type: CENTER_SIZE }",
    )
)
SSD_DEPLOY = (
    input_layer("data", 2, 3, 16, 16)
    + HEAD
    + layer("conf_r", "Reshape", "conf_flat", "reshape_param { shape { dim: 0 dim: -1 dim: 3 } }")
    + layer("conf_s", "Softmax", "conf_r", "softmax_param { axis: 2 }")
    + layer("conf_out", "Flatten", "conf_s")
    + layer(
        "detection",
        "DetectionOutput",
        "loc_flat conf_out prior",
        "detection_output_param { num_classes: 3 nms_param { nms_threshold: 0.45 top_k: 400 } "
        'save_output_param { output_directory: "" } code_type: CENTER_SIZE keep_top_k: 5 '
        "confidence_threshold: 0.01 }",
    )
)

RFCN_DEPLOY = (
    input_layer("data", 1, 3, 32, 32)
    + input_layer("rois", 2, 5)
    + conv("conv1", "data", 4, "kernel_size: 3 pad: 1 stride: 4")
    + conv("cls", "conv1", 27, "kernel_size: 1")
    + layer(
        "ps",
        "PSROIPooling",
        "cls rois",
        "psroi_pooling_param { spatial_scale: 0.25 output_dim: 3 group_size: 3 }",
    )
    + layer("vote", "Pooling", "ps", "pooling_param { pool: AVE kernel_size: 3 stride: 3 }")
    + layer(
        "roi",
        "ROIPooling",
        "conv1 rois",
        "roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.25 }",
    )
    + layer("fc", "InnerProduct", "roi", "inner_product_param { num_output: 3 }")
    + layer("vote_flat", "Flatten", "vote")
    + layer("prob", "Eltwise", "vote_flat fc")
)

MOBILE_DEPLOY = (
    input_layer("data", 1, 4, 8, 8)
    + conv("dw", "data", 4, "kernel_size: 3 pad: 1 bias_term: false", "DepthwiseConvolution")
    + layer("r6", "ReLU6", "dw", "", "dw")
    + conv("pw", "dw", 8, "kernel_size: 1")
    + layer("shuffle", "ShuffleChannel", "pw", "shuffle_channel_param { group: 2 }")
    + layer("pool", "Pooling", "shuffle", "pooling_param { pool: AVE global_pooling: true }")
    + layer("axpy", "Axpy", "pool shuffle pw")
    + layer("reorg", "Reorg", "axpy", "reorg_param { stride: 2 }")
)

TRAINED = {
    "SegNet": SEGNET,
    "DeconvNet": DECONVNET,
    "PSPNet": PSPNET,
    "CRF-RNN": CRF_RNN,
    "SSD": SSD,
}
DEPLOYED = {"SSD": SSD_DEPLOY, "R-FCN": RFCN_DEPLOY, "MobileNet": MOBILE_DEPLOY}


@pytest.mark.parametrize("name", TRAINED)
def test_a_forks_net_learns_and_keeps_what_it_has_learnt(tmp_path, name):
    (tmp_path / "net.prototxt").write_text(f'name: "{name}"\n{TRAINED[name]}')
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{tmp_path}/net.prototxt" base_lr: 1e-4 lr_policy: "fixed" momentum: 0.9 '
        f'max_iter: 2 type: "sgd" snapshot_prefix: "{tmp_path}/s" random_seed: 1 device_id: [0, 1]'
    )
    solver = caffe.get_solver(tmp_path / "solver.prototxt")
    before = {k: [b.data.copy() for b in v] for k, v in solver.net.params.items()}
    solver.solve()
    assert np.isfinite(solver.smoothed_loss)
    changed = [
        key
        for key, blobs in solver.net.params.items()
        if any((a != b.data).any() for a, b in zip(before[key], blobs, strict=True))
    ]
    assert changed, before.keys()
    twin = caffe.Net(
        tmp_path / "net.prototxt", caffe.TRAIN, weights=tmp_path / "s_iter_2.caffemodel"
    )
    for key, blobs in solver.net.params.items():
        for ours, theirs in zip(blobs, twin.params[key], strict=True):
            np.testing.assert_array_equal(ours.data, theirs.data)


@pytest.mark.parametrize("name", DEPLOYED)
def test_a_forks_deployed_net_computes_the_same_layer_by_layer(name):
    caffe.set_random_seed(2)
    net = net_of(DEPLOYED[name])
    rng = np.random.RandomState(0)
    for key in net.inputs:
        net.blobs[key].data[...] = rng.randn(*net.blobs[key].shape)
    if "rois" in net.inputs:
        net.blobs["rois"].data[...] = [[0, 2, 3, 20, 17], [0, 0, 0, 31, 31]]
    found = {key: value.copy() for key, value in net.forward().items()}
    module = net.to_torch()
    out = module(*(torch.tensor(net.blobs[key].data) for key in net.inputs))
    outputs = out if isinstance(out, tuple) else (out,)
    for key, value in zip(net.outputs, outputs, strict=True):
        np.testing.assert_allclose(found[key], value.detach().numpy(), rtol=1e-5, atol=1e-6)
        assert found[key].size


@pytest.mark.parametrize("name", [*TRAINED, *(f"{name} deployed" for name in DEPLOYED)])
def test_none_of_them_opens_where_strict(strict, name):
    text = DEPLOYED[name.partition(" ")[0]] if "deployed" in name else TRAINED[name]
    with pytest.raises(caffe.CaffeError, match=r"not of Caffe 1\.0"):
        net_of(text, caffe.TRAIN)
