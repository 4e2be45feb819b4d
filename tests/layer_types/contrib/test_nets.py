"""Small nets in the shape of the forks' published ones: built, run, trained for a step, stored."""

import numpy as np
import pytest
import torch
from scipy.io import loadmat
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

FASTER_RCNN_DEPLOY = (
    input_layer("data", 1, 3, 64, 80)
    + input_layer("im_info", 1, 3)
    + conv("conv1", "data", 8, "kernel_size: 8 stride: 16")
    + conv("rpn_cls_score", "conv1", 18, "kernel_size: 1")
    + conv("rpn_bbox_pred", "conv1", 36, "kernel_size: 1")
    + layer("two", "Reshape", "rpn_cls_score", "reshape_param { shape { dim: [0, 2, -1, 0] } }")
    + layer("rpn_cls_prob", "Softmax", "two")
    + layer("all", "Reshape", "rpn_cls_prob", "reshape_param { shape { dim: [0, 18, -1, 0] } }")
    + layer(
        "proposal",
        "Proposal",
        "all rpn_bbox_pred im_info",
        "proposal_param { ratio: 0.5 ratio: 1 ratio: 2 scale: 1 scale: 2 scale: 4 "
        "post_nms_topn: 9 min_size: 4 }",
        "rois",
    )
    + layer(
        "pool5",
        "ROIPooling",
        "conv1 rois",
        "roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.0625 }",
    )
    + layer("cls_score", "InnerProduct", "pool5", "inner_product_param { num_output: 3 }")
    + layer("cls_prob", "Softmax", "cls_score")
)

BIASES = "biases: [1, 1.5, 3, 2]"
YOLO = conv("conv1", "data", 4, "kernel_size: 4 stride: 4") + conv("conv2", "conv1", 16)
YOLOV2 = (
    DATA % (12, 16)
    + """layer { name: "label" type: "DummyData" top: "label" dummy_data_param {
  shape { dim: 1 dim: 1 dim: 1 dim: 5 } data_filler { value: 0.5 } } }
"""
    + YOLO
    + layer(
        "loss", "RegionLoss", "conv2 label", f"region_loss_param {{ num: 2 num_class: 3 {BIASES} }}"
    )
)
YOLOV2_DEPLOY = (
    input_layer("data", 2, 3, 12, 16)
    + YOLO
    + layer(
        "found",
        "YoloDetectionOutput",
        "conv2",
        f"yolo_detection_output_param {{ num_box: 2 num_classes: 3 {BIASES} }}",
    )
)
SPHEREFACE = (
    DATA % (6, 6) + 'layer { name: "label" type: "DummyData" top: "label" dummy_data_param '
    "{ shape { dim: 1 } data_filler { value: 2 } } }\n"
    + conv("conv1_1", "data", 4)
    + layer("relu1_1", "PReLU", "conv1_1", "", "conv1_1")
    + conv("conv1_2", "conv1_1", 4)
    + layer("res1_2", "Eltwise", "conv1_1 conv1_2", "eltwise_param { operation: 1 }")
    + layer(
        "fc5",
        "InnerProduct",
        "res1_2",
        'inner_product_param { num_output: 8 weight_filler { type: "xavier" } }',
    )
    + layer(
        "fc6",
        "MarginInnerProduct",
        "fc5 label",
        "margin_inner_product_param { num_output: 5 type: QUADRUPLE base: 1000 gamma: 0.12 "
        'power: 1 lambda_min: 5 weight_filler { type: "xavier" } }',
        "fc6 lambda",
    )
    + layer("softmax_loss", "SoftmaxWithLoss", "fc6 label")
)
AM_SOFTMAX = SPHEREFACE[: SPHEREFACE.index('layer { name: "fc6"')] + (
    layer("norm1", "Normalize", "fc5")
    + layer(
        "fc6_l2",
        "InnerProduct",
        "norm1",
        "inner_product_param { num_output: 5 normalize: true bias_term: false "
        'weight_filler { type: "xavier" } }',
    )
    + layer(
        "margin", "LabelSpecificAdd", "fc6_l2 label", "label_specific_add_param { bias: -0.35 }"
    )
    + layer("scaled", "Scale", "margin", "scale_param { filler { value: 30 } }")
    + layer("softmax_loss", "SoftmaxWithLoss", "scaled label")
)
C3D = (
    'layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 1 dim: 3 '
    'dim: 4 dim: 8 dim: 8 } data_filler { type: "gaussian" } } }\n'
    'layer { name: "label" type: "DummyData" top: "label" dummy_data_param { shape { dim: 1 } } }\n'
    + layer(
        "conv1a",
        "Convolution3D",
        "data",
        "convolution3d_param { num_output: 4 kernel_size: 3 kernel_depth: 3 pad: 1 "
        'temporal_pad: 1 weight_filler { type: "gaussian" std: 0.1 } }',
    )
    + layer("relu1a", "ReLU", "conv1a", "", "conv1a")
    + layer(
        "pool1",
        "Pooling3D",
        "conv1a",
        "pooling3d_param { kernel_size: 2 kernel_depth: 1 stride: 2 temporal_stride: 1 }",
    )
    + layer(
        "fc8",
        "InnerProduct",
        "pool1",
        'inner_product_param { num_output: 3 weight_filler { type: "xavier" } }',
    )
    + layer("loss", "SoftmaxWithLoss", "fc8 label")
)

CTPN_DEPLOY = (
    input_layer("data", 1, 3, 8, 12)
    + conv("conv5", "data", 2)
    + layer("im2col", "Im2col", "conv5", "convolution_param { pad: 1 kernel_size: 3 }")
    + layer("turned", "Transpose", "im2col", "transpose_param { dim: 3 dim: 2 dim: 0 dim: 1 }")
    + layer(
        "lstm_input",
        "Reshape",
        "turned",
        "reshape_param { shape { dim: -1 } axis: 1 num_axes: 2 }",
    )
    + layer(
        "lstm",
        "Lstm",
        "lstm_input",
        'lstm_param { num_output: 3 weight_filler { type: "gaussian" std: 0.3 } '
        "clipping_threshold: 1 }",
    )
    + layer("back", "Reverse", "lstm_input", "reverse_param { axis: 0 }")
    + layer(
        "rlstm",
        "Lstm",
        "back",
        'lstm_param { num_output: 3 weight_filler { type: "gaussian" std: 0.3 } }',
    )
    + layer("forth", "Reverse", "rlstm", "reverse_param { axis: 0 }")
    + layer("merged", "Concat", "lstm forth", "concat_param { axis: 2 }")
)
FLOWNET_C_DEPLOY = (
    input_layer("img0", 1, 3, 12, 16)
    + input_layer("img1", 1, 3, 12, 16)
    + conv("conv3a", "img0", 4)
    + conv("conv3b", "img1", 4)
    + layer(
        "corr",
        "Correlation",
        "conv3a conv3b",
        "correlation_param { pad: 4 kernel_size: 1 max_displacement: 4 stride_1: 1 stride_2: 2 }",
    )
    + conv("flow", "corr", 2)
    + layer("large", "Resample", "flow", "resample_param { width: 16 height: 12 type: LINEAR }")
    + layer("warped", "FlowWarp", "img1 large")
    + layer("apart", "Eltwise", "img0 warped", "eltwise_param { coeff: 1 coeff: -1 }")
    + layer("error", "ChannelNorm", "apart")
)


def v1(kind, bottom, top, body=""):
    tops = "".join(f' top: "{name}"' for name in top.split())
    bottoms = "".join(f' bottom: "{name}"' for name in bottom.split())
    return f'layers {{ name: "{top or bottom}_{kind}" type: {kind}{bottoms}{tops} {body} }}\n'


V1_CONV = (
    'strict_dim: false blobs_lr: 1 blobs_lr: 2 convolution_param { weight_filler { type: "msra" } '
)
DEEPLAB = (
    v1(
        "DUMMY_DATA",
        "",
        "data label size",
        "dummy_data_param { shape { dim: 1 dim: 3 dim: 17 dim: 17 } shape { dim: 1 dim: 1 dim: 17 "
        "dim: 17 } shape { dim: 1 dim: 1 dim: 1 dim: 2 } data_filler { type: 'gaussian' } "
        "data_filler { } data_filler { value: 13 } }",
    )
    + v1("CONVOLUTION", "data", "conv1", V1_CONV + "num_output: 4 kernel_size: 3 pad: 1 } ")
    + v1("RELU", "conv1", "conv1")
    + v1("POOLING", "conv1", "pool1", "pooling_param { kernel_size: 3 stride: 2 pad: 1 }")
    + v1("CONVOLUTION", "pool1", "fc6", V1_CONV + "num_output: 4 kernel_size: 3 pad: 4 hole: 4 }")
    + v1("CONVOLUTION", "fc6", "fc8", V1_CONV + "num_output: 3 kernel_size: 1 }")
    + v1("INTERP", "label", "label_shrink", "interp_param { shrink_factor: 2 }")
    + v1("SOFTMAX_LOSS", "fc8 label_shrink", "", "softmaxloss_param { ignore_label: 255 }")
    + v1("INTERP", "fc8", "interp", "interp_param { zoom_factor: 2 }")
    + v1(
        "DENSE_CRF",
        "interp size data",
        "crf",
        "dense_crf_param { max_iter: 2 pos_w: 3 pos_xy_std: 3 bi_w: 5 bi_xy_std: 50 "
        "bi_rgb_std: 10 } include: { phase: TEST }",
    )
    + v1("SEG_ACCURACY", "fc8 label_shrink", "accuracy", "seg_accuracy_param { ignore_label: 255 }")
)

RECURRENT = "recurrent_param { num_output: 6 weight_filler { type: 'xavier' } }"
CRNN = (
    DATA.replace("dim: 1 dim: 3", "dim: 2 dim: 3") % (4, 16)
    + LABELS.replace("dim: 1 dim: 1 dim: %d dim: %d", "dim: 2 dim: 3")
    + conv("conv0", "data", 8, "kernel_size: 3 stride: 2 pad: 1")
    + layer("bn0", "BatchNorm", "conv0", "batch_norm_param { use_global_stats: false }", "conv0")
    + layer("scale0", "Scale", "conv0", "scale_param { bias_term: true }", "conv0")
    + layer("relu0", "ReLU", "conv0", "", "conv0")
    + conv("conv6", "conv0", 8, "kernel_size: 2")
    + layer("reshape", "Reshape", "conv6", "reshape_param { shape { dim: 2 dim: 8 dim: 7 } }")
    + layer("steps", "Permute", "reshape", "permute_param { order: 2 order: 0 order: 1 }")
    + layer(
        "indicator",
        "ContinuationIndicator",
        "",
        "continuation_indicator_param { time_step: 7 batch_size: 2 }",
    )
    + layer("lstm1", "LSTM", "steps indicator", RECURRENT)
    + layer("fc1", "InnerProduct", "lstm1", "inner_product_param { num_output: 4 axis: 2 }")
    + layer(
        "ctc_loss",
        "CtcLoss",
        "fc1 label",
        "loss_weight: 1.0 ctc_loss_param { blank_label: 3 alphabet_size: 4 time_step: 7 }",
    )
    + layer("items", "Permute", "fc1", "permute_param { order: 1 order: 0 order: 2 }")
    + layer(
        "accuracy",
        "LabelsequenceAccuracy",
        "items label",
        "labelsequence_accuracy_param { blank_label: 3 }",
    )
)

GAUSSIAN = 'weight_filler { type: "gaussian" std: 0.1 }'
HASHING = (
    DATA.replace("dim: 1 dim: 3", "dim: 4 dim: 3")
    % (6, 6)
    + 'layer { name: "of" type: "DummyData" top: "of" dummy_data_param { shape { dim: 4 dim: 3 } '
    'data_filler { type: "uniform" min: -1 max: 1 } } }\n'
    + layer("label", "Threshold", "of")
    + layer("fc8", "InnerProduct", "data", f"inner_product_param {{ num_output: 8 {GAUSSIAN} }}")
    + layer("hash", "TanH", "fc8")
    + layer(
        "loss",
        "PairwiseLoss",
        "hash label",
        "loss_weight: 1 pairwise_param { class_num: 1 q_gamma: 0.1 q_threshold: 0.8 }",
    )
)
V1_DATA = "dummy_data_param { %s data_filler { type: 'gaussian' } data_filler { value: 1 } }"
FRAMES = v1(
    "DUMMY_DATA",
    "",
    "data cont",
    V1_DATA % "shape { dim: 3 dim: 1 dim: 2 dim: 8 dim: 8 } shape { dim: 3 dim: 1 }",
) + v1(
    "CONV_LSTM",
    "data cont",
    "encode1",
    f"lstm_conv_param {{ type: 'input' num_output: 4 kernel_size: 3 pad: 1 {GAUSSIAN} }} "
    f"lstm_conv_param {{ type: 'hidden' num_output: 4 kernel_size: 5 pad: 2 {GAUSSIAN} }}",
)
ZEROS = "dummy_data_param { shape { dim: 3 dim: 1 dim: 4 dim: 8 dim: 8 } }"
FRAMES += v1("DUMMY_DATA", "", "next", ZEROS) + v1("EUCLIDEAN_LOSS", "encode1 next", "loss")
FACE = (
    v1(
        "DUMMY_DATA",
        "",
        "data label",
        V1_DATA % "shape { dim: 3 dim: 1 dim: 9 dim: 9 } shape { dim: 3 dim: 1 }",
    )
    + v1(
        "LOCAL_CONVOLUTION",
        "data",
        "conv",
        "blobs_lr: 1 blobs_lr: 2 local_conv_param { num_output: 4 kernel_size: 3 weight_filler { "
        "type: 'xavier' } local_region_number: 2 local_region_ratio: 0.6 local_region_step: 2 }",
    )
    + v1("SLICE", "conv", "part0 part1", "slice_param { slice_dim: 1 }")
    + v1("UPSAMPLING", "part0", "up", "upsampling_param { kernel_size: 2 }")
    + v1("POOLING", "up", "down", "pooling_param { kernel_size: 2 stride: 2 pool: MAX }")
    + v1("DOT_PRODUCT", "down part1", "dot")
    + v1("FLATTEN", "dot", "logit")
    + v1("SIGMOID", "logit", "p")
    + v1("CROSS_ENTROPY_LOSS", "p label", "loss")
)
TENSORFLOW_DEPLOY = (
    input_layer("data", 2, 6, 8, 3)
    + layer(
        "pad",
        "MirrorPad",
        "data",
        'mirror_pad_param { paddings: [0, 0, 1, 1, 1, 1, 0, 0] mode: "REFLECT" }',
    )
    + layer("maps", "Permute", "pad", "permute_param { order: [0, 3, 1, 2] }")
    + conv("conv1", "maps", 8, "kernel_size: 3 stride: 2")
    + layer("norm", "LayerNorm", "conv1", "layer_norm_param { eps: 1e-5 }")
    + layer("relu", "ThresholdedReLU", "norm", "thresholded_relu_param { alpha: 0.1 }")
    + layer(
        "blocks",
        "DepthToSpace",
        "relu",
        'depth_to_space_param { block_size: 2 data_format: "NCHW" }',
    )
    + layer(
        "large",
        "ResizeBilinear",
        "blocks",
        'resize_bilinear_param { data_format: "NCHW" '
        "output_height: 9 output_width: 12 half_pixel_centers: true }",
    )
    + layer("mean", "ReduceMean", "large", "reduce_mean_param { axis: [2, 3] keepdims: true }")
    + layer("away", "Sub", "large mean")
    + layer("most", "ReduceMax", "away", "reduce_max_param { axis: -1 keepdims: true }")
    + layer("flat", "Squeeze", "most", "squeeze_param { axis: 3 }")
    + layer("prob", "LogSoftmax", "flat", "log_softmax_param { axis: 2 }")
)

TRAINED = {
    "CRNN": CRNN,
    "DeepLab": DEEPLAB,
    "SegNet": SEGNET,
    "DeconvNet": DECONVNET,
    "PSPNet": PSPNET,
    "CRF-RNN": CRF_RNN,
    "SSD": SSD,
    "YOLOv2": YOLOV2,
    "SphereFace": SPHEREFACE,
    "AM-Softmax": AM_SOFTMAX,
    "C3D": C3D,
    "deep hashing": HASHING,
    "frames": FRAMES,
    "faces": FACE,
}
DEPLOYED = {
    "SSD": SSD_DEPLOY,
    "R-FCN": RFCN_DEPLOY,
    "MobileNet": MOBILE_DEPLOY,
    "Faster-R-CNN": FASTER_RCNN_DEPLOY,
    "YOLOv2": YOLOV2_DEPLOY,
    "CTPN": CTPN_DEPLOY,
    "FlowNet": FLOWNET_C_DEPLOY,
    "converted": TENSORFLOW_DEPLOY,
}


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
    if "im_info" in net.inputs:
        net.blobs["im_info"].data[...] = [64, 80, 1]
    if "rois" in net.inputs:
        net.blobs["rois"].data[...] = [[0, 2, 3, 20, 17], [0, 0, 0, 31, 31]]
    found = {key: value.copy() for key, value in net.forward().items()}
    module = net.to_torch()
    out = module(*(torch.tensor(net.blobs[key].data) for key in net.inputs))
    outputs = out if isinstance(out, tuple) else (out,)
    for key, value in zip(net.outputs, outputs, strict=True):
        np.testing.assert_allclose(found[key], value.detach().numpy(), rtol=1e-5, atol=1e-6)
        assert found[key].size


def test_deeplabs_test_net_writes_its_probabilities(tmp_path):
    write = f'mat_write_param {{ prefix: "{tmp_path}/" }}'
    net = net_of(DEEPLAB + v1("MAT_WRITE", "crf", "", write))
    net.forward()
    crf = net.blobs["crf"].data
    stored = loadmat(tmp_path / "iter_0_blob_0.mat")["data"].transpose()
    np.testing.assert_array_equal(stored, crf)
    np.testing.assert_allclose(crf[0, :, :13, :13].sum(0), 1, rtol=1e-5)
    assert not crf[..., 13:].any()


@pytest.mark.parametrize("name", [*TRAINED, *(f"{name} deployed" for name in DEPLOYED)])
def test_none_of_them_opens_where_strict(strict, name):
    text = DEPLOYED[name.partition(" ")[0]] if "deployed" in name else TRAINED[name]
    with pytest.raises(caffe.CaffeError, match=r"not of Caffe 1\.0"):
        net_of(text, caffe.TRAIN)
