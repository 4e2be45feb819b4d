"""The gradient of the expression of every layer type of a fork, against differences in float64.

Where a fork's gradient is another than the derivative, a law of its file says so.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from support.gradients import check_gradient, expression_types
from support.laws import SEED

import caffe
from caffe.layer_types import EXTENSIONS

MASK = {1: lambda rng: np.stack([rng.permutation(12)[:4] for _ in range(4)]).reshape(2, 2, 2, 2)}
ROIS = {1: lambda rng: np.float32([[0, 0, 0, 3, 2], [0, 1, 1, 2, 3], [0, -9, -9, -8, -8]])}
HOLES = {1: lambda rng: np.float32([[0, 0, 0, 4, 3, 0, 0, 2, 3], [1, 1, 1, 3, 3, 9, 9, 10, 10]])}
CORNERS = [0, 0, 0.5, 0.5, 0.4, 0.4, 1, 0.9, 0.5, 0, 1, 0.4]
PRIORS = np.reshape([*CORNERS, *[0.2] * 12], (1, 2, 12))
OBJECTS = np.reshape([0, 1, 0, 0, 0, 0.4, 0.5, 0, 1, 2, 0, 0.4, 0.5, 1, 1, 0], (1, 1, 2, 8))
CONV = "convolution_param { num_output: 4 kernel_size: 2 }"
STATISTICS = {"params": 1.5, "learnt": (0, 1)}
DIRECTIONS = ("Correlation", [""]), ("Correlation1D", ["", "single_direction: -1"])
CTC = {"given": {1: lambda rng: rng.randint(0, 3, (2, 2))}}


def _edges(rng):
    """Labels of edges of three classes, some of which do not count."""
    bits = rng.randint(0, 8, (2, 1, 1, 3)) | (rng.rand(2, 1, 1, 3) < 0.3).astype(np.int64) << 31
    return bits.astype(np.uint32).view(np.float32)


CASES = {  # kind: bodies, with bottoms' shapes and more of check_gradient's arguments
    "ValidItems": [
        ("", [(4, 2), (4, 1)], {"tops": 2, "given": {1: lambda rng: rng.randint(-1, 2, (4, 1))}})
    ],
    "BN": [
        ("", [(3, 2, 2, 2)], {}),
        ("bn_param { bn_mode: INFERENCE }", [(3, 2, 2, 2)], {}),
        ("bn_param { slope_filler { } }", [(3, 2, 2, 2)], STATISTICS),
        ("bn_param { frozen: true }", [(3, 2, 2, 2)], STATISTICS),
        ("bn_param { var_eps: 1e-3 }", [(3, 2)], STATISTICS),
        ("", [(2, 2, 2, 1, 2)], {}),
    ],
    **{kind: [("", [(2, 3)], {})] for kind in ("SELU", "SeLU", "SeLu", "Mish")},
    **{
        kind: [("", [(2, 3)], {})]
        for kind in ("HardSigmoid", "HSigmoid", "HardSwish", "HSwish", "NegReLU")
    },
    **{
        kind: [("", [(2, 3, 2)], {})]
        for kind in ("L2Norm", "L2Normalization", "L2Normalize", "Normalization")
    },
    **{kind: [("", [(4, 2, 3), (2, 2)], CTC)] for kind in ("CTCLoss", "CtcLoss")},
    **{kind: [("", [(4, 2, 3), (2, 2)], CTC)] for kind in ("WarpCTC", "WarpCTCLoss")},
    **{
        kind: [
            (
                f"correlation_param {{ pad: 1 kernel_size: 1 max_displacement: 1 {more} {type} }}",
                [(1, 2, 3, 3)] * 2,
                {},
            )
            for more in directions
            for type in ("", "correlation_type: SUBTRACT")
        ]
        for kind, directions in DIRECTIONS
    },
    **{
        kind: [
            ("focal_loss_param { gamma: 1.5 }", [(2, 3, 2), (2, 2)], {"classes": {1: 3}}),
            ("", [(2, 3), (2, 3)], {"classes": {1: 2}}),
        ]
        for kind in ("FocalLoss", "SoftmaxFocalLoss")
    },
    "MergeCrop": [
        (f"mergecrop_param {{ {both} {more} }}", [(1, 2, 2, 1), (1, 2, 4, 4)], {})
        for both in ("backward: true backward: true",)
        for more in ("", "operation: ADD")
    ],
    "AutoCrop": [("crop_param { offset: 1 }", [(1, 2, 4, 4), (1, 2, 2, 3)], {})],
    "CompactBilinear": [
        ("compact_bilinear_param { num_output: 4 sum_pool: false }", [(1, 2, 1, 2)] * 2, {}),
        ("compact_bilinear_param { num_output: 5 }", [(1, 2, 1, 2), (1, 3, 1, 2)], {}),
    ],
    "BatchReduction": [
        ("", [(2, 3)], {}),
        (
            "batch_reduction_param { reduction_param { operation: TOPK k: 2 axis: 1 } }",
            [(2, 4, 3)],
            {},
        ),
        ("batch_reduction_param { pos: true reduction_param { axis: 1 } }", [(2, 3, 3)], {}),
        (
            "batch_reduction_param { level: 1 level: 2 reduction_param { operation: MEAN axis: 1 "
            "} }",
            [(2, 5, 2)],
            {},
        ),
    ],
    "Pad": [
        (f"pad_param {{ pad: 2 type: {kind} }}", [(1, 2, 3, 4)], {})
        for kind in ("ZERO", "REPLICATE", "REFLECT", "REFLECT_101")
    ],
    "Padding": [
        ("padding_param { pad_beg: 1 pad_end: 2 }", [(1, 2, 3, 4)], {}),
        ("padding_param { pad_beg: -1 }", [(1, 2, 3, 4)], {}),
    ],
    "WeightedEuclideanLoss": [("", [(2, 3)] * 3, {})],
    "WeightedSigmoidCrossEntropyLoss": [("", [(2, 3)] * 3, {})],
    "SigmoidCrossEntropyLossWeighted": [("", [(2, 3)] * 3, {})],
    "CrossEntropyLoss": [
        ("", [(2, 3), (2, 3)], {"classes": {1: 2}, "shifts": {0: 0.5}}),
        ("", [(2, 3), (2,)], {"classes": {1: 3}, "shifts": {0: 0.5}}),
        (
            "cross_entropy_loss_param { class_num: 3 }",
            [(2, 3), (2,)],
            {"classes": {1: 3}, "shifts": {0: 0.5}},
        ),
    ],
    "SVRLoss": [("", [(2, 3)] * 2, {})],
    "XCovLoss": [("", [(3, 2), (3, 2)], {})],
    "SSIMLoss": [
        ("ssim_loss_param { kernel_size: 3 stride: 2 c1: 0.1 c2: 0.2 }", [(1, 2, 4, 4)] * 2, {})
    ],
    "Maxout": [("maxout_param { num_output: 2 }", [(2, 4, 2)], {})],
    "DotProduct": [
        ("", [(2, 3)] * 2, {}),
        ("dot_product_param { mode: VM }", [(2, 3), (2, 3, 2)], {}),
        ("dot_product_param { mode: MV }", [(2, 2, 3), (2, 3)], {}),
    ],
    "CosineSimilarity": [("", [(2, 3)] * 2, {}), ("", [(2, 3)] * 2, {"tops": 2})],
    "Switch": [
        ("", [(2, 3), (2, 3), (2,)], {"given": {2: lambda rng: rng.randint(0, 2, 2)}}),
    ],
    "Sum": [("", [(2, 3)], {}), ("", [(2, 3)] * 3, {})],
    "Upsampling": [("upsampling_param { kernel_h: 2 kernel_w: 3 }", [(1, 2, 2, 2)], {})],
    "ConvLSTM": [
        (
            "lstm_conv_param { num_output: 1 kernel_size: 3 pad: 1 } " + debug,
            [(2, 2, 1, 2, 2), (2, 2)],
            {"classes": {1: 2}},
        )
        for debug in ("", "lstm_debug_param { disable_hadamard: true }")
    ],
    "ConvolutionLSTM": [
        (
            "recurrent_param { num_output: 1 whh_convolution_param { kernel_size: 1 } "
            "wxc_convolution_param { kernel_size: 3 pad: 1 stride: 2 } }",
            [(2, 2, 1, 3, 3), (2, 2)],
            {"classes": {1: 2}},
        )
    ],
    "NormalizedSigmoidCrossEntropyLoss": [("", [(3, 4), (3, 4)], {"classes": {1: 2}})],
    "NegSquare": [("", [(2, 3)], {})],
    "Warp": [("", [(1, 2, 3, 4), (1, 2, 2, 2)], {"shifts": {1: 1.2}})],
    "FlowTransformer": [("", [(1, 2, 1, 3), (1, 2, 1, 3)], {"shifts": {1: 0.45}})],
    "Mean": [("mean_param { operation: ADD value: 1 input_scale: 2 }", [(2, 2, 2, 2)], {})],
    "LpqLoss": [("lpq_loss_param { p: 1.5 q: 0.4 }", [(2, 3, 2), (2, 3, 2)], {})],
    "Axpy": [("", [(2, 3), (2, 3, 2, 2), (2, 3, 2, 2)], {})],
    "CenterLoss": [
        (
            "center_loss_param { num_output: 3 }",
            [(4, 2), (4,)],
            {"classes": {1: 3}, "learnt": ()},
        )
    ],
    "ConvolutionDepthwise": [(CONV, [(1, 2, 3, 4)], {})],
    "DepthwiseConvolution": [(CONV, [(1, 2, 3, 4)], {})],
    **{kind: [("", [(2, 3)], {})] for kind in ("Gather", "Scatter")},
    "GRN": [("", [(2, 3, 2, 2)], {})],
    "ImageDistort": [
        ("image_distort_param { new_scale: 0.5 new_mean_value: [1, 2] }", [(2, 2, 3, 2)], {})
    ],
    "ImResize": [("imresize_param { factor: 2 scale_gap: 0.5 }", [(2, 2, 4, 3)], {})],
    "Insanity": [("", [(2, 3)], {}), ("", [(2, 3)], {"phase": caffe.TEST})],
    "MaskPooling": [("", [(1, 2, 3, 2), (1, 1, 3, 2)], {})],
    "MaskResize": [("mask_resize_param { output_height: 5 output_width: 2 }", [(1, 2, 3, 4)], {})],
    "ROIWarping": [
        (
            "roi_warping_param { pooled_h: 2 pooled_w: 3 spatial_scale: 1 }",
            [(1, 2, 4, 5), (3, 5)],
            {"given": ROIS},
        )
    ],
    "SpatialTransformer": [
        ("st_param { output_H: 3 theta_1_2: 0.1 theta_2_3: 0.05 }", [(2, 2, 3, 4), (2, 4)], {})
    ],
    "Transformer": [("", [(2, 2, 3, 4), (2, 6)], {})],
    "CReLU": [("crelu_param { negative_slope: 0.25 }", [(2, 3, 2)], {})],
    "UnPooling": [
        ("unpooling_param { unpool: REP out_kernel_size: 3 out_stride: 2 }", [(1, 2, 2, 3)], {}),
        ("unpooling_param { unpool: DIV out_kernel_size: 3 out_pad: 1 }", [(1, 2, 2, 3)], {}),
        ("unpooling_param { out_kernel_size: 2 out_stride: 2 }", [(1, 2, 2, 3)], {}),
    ],
    "SeLuDropout": [("selu_dropout_param { dropout_ratio: 0.3 }", [(3, 4)], {})],
    "WeightedSoftmaxWithLoss": [
        ("", [(2, 3, 2), (2, 2), (2, 2)], {"classes": {1: 3}}),
        ("softmax_param { pos_mult: 3 }", [(2, 3, 2), (2, 2)], {"classes": {1: 3}}),
    ],
    "ChannelNorm": [("", [(1, 3, 2, 2)], {})],
    "ChannelScale": [("", [(2, 3, 2, 2), (2, 1, 2, 2)], {})],
    "Convolution3D": [
        (
            "convolution3d_param { num_output: 2 kernel_size: 2 kernel_depth: 2 pad: 1 }",
            [(1, 2, 3, 2, 2)],
            {},
        )
    ],
    "Deconvolution3D": [
        (
            "convolution3d_param { num_output: 2 kernel_size: 2 kernel_depth: 1 stride: 2 }",
            [(1, 2, 2, 2, 2)],
            {},
        )
    ],
    "DeformableConvolution": [
        (
            "deformable_convolution_param { num_output: 2 kernel_size: 2 }",
            [(1, 2, 3, 4), (1, 8, 2, 3)],
            {},
        )
    ],
    "Downsample": [("downsample_param { top_height: 2 top_width: 3 }", [(1, 2, 4, 5)], {})],
    "FlowWarp": [("", [(1, 2, 3, 4), (1, 2, 3, 4)], {})],
    "LabelSpecificAdd": [
        ("label_specific_add_param { bias: -0.1 }", [(4, 3), (4,)], {"classes": {1: 3}})
    ],
    "LargeMarginInnerProduct": [
        (
            f"largemargin_inner_product_param {{ num_output: 3 base: 0.5 type: {kind} }}",
            [(4, 3), (4,)],
            {"classes": {1: 3}},
        )
        for kind in ("SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE")
    ],
    "Local": [("local_param { num_output: 2 kernel_size: 2 pad: 1 }", [(1, 2, 3, 3)], {})],
    "LocalConv": [("local_conv_param { num_output: 2 kernel_size: 2 }", [(1, 2, 3, 3)], {})],
    "LocalConvolution": [
        (
            "local_conv_param { num_output: 2 kernel_size: 2 local_region_number: 2 "
            "local_region_ratio: 0.75 }",
            [(1, 1, 4, 4)],
            {},
        ),
        ("local_convolution_param { num_output: 2 kernel_size: 2 }", [(1, 2, 3, 3)], {}),
    ],
    "Lstm": [("lstm_param { num_output: 2 }", [(3, 2, 2)], {})],
    "MarginInnerProduct": [
        (
            "margin_inner_product_param { num_output: 3 }",
            [(4, 3), (4,)],
            {"classes": {1: 3}, "learnt": (), "phase": caffe.TEST},
        )
    ],
    "Pooling3D": [
        (
            f"pooling3d_param {{ pool: {pool} kernel_size: 2 kernel_depth: 2 stride: 2 }}",
            [(1, 2, 3, 3, 3)],
            {},
        )
        for pool in ("MAX", "AVE")
    ]
    + [
        (f"pooling3d_param {{ pool: {pool} {way} }}", [(1, 2, 3, 3, 3)], {})
        for pool in ("MAX", "AVE")
        for way in (
            "kernel_l: 2 kernel_h: 3 kernel_w: 2 stride_l: 2 pad_l: 1 pad_w: 1",
            "global_pooling: true",
        )
    ],
    "Resample": [
        (f"resample_param {{ width: 3 height: 5 type: {kind} }}", [(1, 2, 4, 4)], {})
        for kind in ("NEAREST", "LINEAR", "CUBIC")
    ],
    "TripletLoss": [
        ("", [(2, 3)] * 3, {}),
        (
            "triplet_loss_param { group_size: 3 }",
            [(6, 2), (6,)],
            {"given": {1: lambda rng: np.array([0, 0, 1, 1, 1, 0])}},
        ),
        ("", [(4, 2), (4,)], {"given": {1: lambda rng: np.array([0, 0, 1, 2])}}),
        ("", [(4, 2), (2, 3)], {"given": {1: lambda rng: np.array([[0, 1, 2], [3, 2, 1]])}}),
        ("", [*[(2, 3)] * 5, (2,)], {}),
        *(
            (f"triplet_loss_param {{ losstype: {form} {counts} }}", [(8, 2), (8,)], {})
            for form in (0, 1, 2)
            for counts in ("num_triplets: 2", "num_negatives: 2")
        ),
    ],
    "Flip": [("flip_param { flip_height: true }", [(1, 2, 2, 3)], {})],
    "Interp": [
        ("interp_param { height: 5 width: 3 }", [(1, 2, 3, 4)], {}),
        ("interp_param { zoom_factor: 3 shrink_factor: 2 pad_end: -1 }", [(1, 2, 4, 6)], {}),
    ],
    "L1Loss": [
        ("", [(2, 3), (2, 3)], {}),
        ("l1_loss_param { l2_per_location: true }", [(2, 3, 2, 2)] * 2, {}),
        ("l1_loss_param { plateau: 0.2 }", [(2, 3, 2, 2)], {}),
    ],
    "MultiBoxLoss": [
        (
            "multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE }",
            [(2, 12), (2, 9), (1, 2, 12), (1, 1, 2, 8)],
            {"given": {2: lambda rng: PRIORS, 3: lambda rng: OBJECTS}},
        )
    ],
    "MultiStageMeanfield": [
        (
            "multi_stage_meanfield_param { num_iterations: 2 theta_alpha: 3 theta_beta: 1 }",
            [(1, 2, 3, 3), (1, 2, 3, 3), (1, 3, 3, 3)],
            {"given": {2: lambda rng: rng.randn(1, 3, 3, 3)}},
        )
    ],
    "Normalize": [
        ("", [(2, 3)], {}),
        ("normalize_param { normalize_type: 'L1' }", [(2, 3, 2, 2)], {}),
        ("normalize_param { bp_norm: true }", [(2, 3, 2, 2)], {"tops": 2}),
        ("", [(2, 3, 2, 2)], {}),
        ("norm_param { across_spatial: false channel_shared: false }", [(2, 3, 2, 2)], {}),
    ],
    "PSROIPooling": [
        (
            "psroi_pooling_param { spatial_scale: 0.9 output_dim: 1 group_size: 2 }",
            [(1, 4, 4, 5), (3, 5)],
            {"given": ROIS},
        )
    ],
    "Permute": [("permute_param { order: 2 order: 0 }", [(2, 3, 2)], {})],
    "LiftedStructSimilaritySoftmaxLoss": [("", [(5, 3), (5,)], {"classes": {1: 2}})],
    **{
        kind: [("", [(3, 4), (3, 4)], {"given": {1: lambda rng: rng.randint(-1, 2, (3, 4))}})]
        for kind in ("MultiLabelLoss", "MultiLabelSigmoidLoss")
    },
    "MultiSoftmaxWithLoss": [
        ("", [(3, 4), (3, 4)], {"given": {1: lambda rng: rng.randint(0, 2, (3, 4))}}),
        ("", [(3, 4), (3, 2)], {"classes": {1: 2}}),
    ],
    "SpatialSoftmax": [("spatial_softmax_param { temperature: 0.5 }", [(2, 2, 3, 2)], {})],
    **{
        kind: [
            (
                "rand_comp_param { pad: true compression_rate: 1 compression_rate: 2 }",
                [(2, 2, 4, 6), (2, 1, 2, 3), (3, 3)],
                {"given": {2: lambda rng: np.array([[0, 0, 0], [1, 2, 3], [1, 1, 4]])}},
            )
        ]
        for kind in ("RandBI", "RandComp")
    },
    "Noise": [("noise_param { gaussian_std: 1 }", [(2, 3)], {})],
    "Resize": [("resize_param { height: 3 width: 4 }", [(1, 2, 4, 3)], {})],
    "DeephiResize": [
        ("deephi_resize_param { scale_h: 1.7 scale_w: 0.8 }", [(1, 2, 4, 3)], {}),
        (
            "deephi_resize_param { new_height: 3 new_width: 5 resize_type: BILINEAR }",
            [(1, 2, 4, 3)],
            {},
        ),
    ],
    "SoftmaxCrossEntropyLoss": [
        ("", [(3, 4), (3, 4)], {"given": {1: lambda rng: rng.dirichlet(np.ones(4), 3)}})
    ],
    "ROIAlign": [
        (f"{param} {{ pooled_h: 2 pooled_w: 2 }}", [(1, 2, 4, 5), (3, 5)], {"given": ROIS})
        for param in ("roi_align_param", "roi_pooling_param")
    ],
    "ROIPooling": [
        ("roi_pooling_param { pooled_h: 2 pooled_w: 2 }", [(1, 2, 4, 5), (3, 5)], {"given": ROIS})
    ],
    "ReLU6": [("", [(2, 3)], {"shifts": {0: 5.9}}), ("", [(2, 3)], {})],
    "Reorg": [
        ("reorg_param { stride: 2 }", [(1, 4, 2, 4)], {}),
        ("reorg_param { stride: 2 reverse: true }", [(1, 8, 1, 2)], {}),
    ],
    "Reverse": [("", [(3, 2)], {})],
    "RingPad": [("", [(2, 3, 2)], {}), ("ring_pad_param { axis: -1 pad: 2 }", [(2, 3)], {})],
    "ReverseTime": [
        ("", [(3, 2, 2), (2,)], {"given": {1: lambda rng: np.array([2, 3])}}),
        (
            "reverse_time_param { copy_remaining: false }",
            [(3, 2, 2), (2,)],
            {"given": {1: lambda rng: np.array([2, 3])}},
        ),
    ],
    "ShuffleChannel": [("shuffle_channel_param { group: 2 }", [(1, 6, 2)], {})],
    "SmoothL1Loss": [
        (
            "smooth_l1_loss_param { sigma: 3 }",
            [(2, 3)] * bottoms,
            {"given": {at: lambda rng: rng.randn(2, 3) for at in range(2, bottoms)}},
        )
        for bottoms in (2, 3, 4)
    ],
    "OrientationSmoothL1Loss": [
        (
            "smooth_l1_loss_param { sigma: 0.4 }",
            [(2, 3)] * 3,
            {"given": {1: lambda rng: rng.randn(2, 3), 2: lambda rng: rng.rand(2, 3)}},
        )
    ],
    "SmoothL1LossOHEM": [("", [(2, 3, 2, 2)] * 2, {})],
    "SoftmaxWithLossOHEM": [("", [(2, 3, 2), (2, 2)], {"classes": {1: 3}})],
    "CORALLoss": [("", [(3, 2, 2), (3, 4)], {})],
    "GuidedDropout": [
        (
            'guided_dropout_param { type: "deterministic" guidance_threshold: 0.1 }',
            [(3, 4, 2), (3, 4)],
            {},
        ),
        ('guided_dropout_param { type: "stochastic" sigmoid_scaler: 2 }', [(3, 4), (3, 4)], {}),
    ],
    "SpatialDropout": [("spatial_dropout_param { dropout_ratio: 0.3 }", [(3, 4, 2, 2)], {})],
    "Transpose": [("transpose_param { dim: 1 dim: 0 }", [(2, 3)], {})],
    "Unpooling": [
        (f"unpooling_param {{ kernel_size: 2 {more} }}", [(2, 2, 2, 2)] * bottoms, {"given": given})
        for more, bottoms, given in (
            ("stride: 2 unpool_h: 3 unpool_w: 4", 2, MASK),
            ("stride: 2 unpool_size: 4", 1, {}),
            ("unpool: AVE unpool_h: 3 unpool_w: 4", 1, {}),
        )
    ],
    "Upsample": [
        ("upsample_param { upsample_h: 3 upsample_w: 4 }", [(2, 2, 2, 2)] * 2, {"given": MASK}),
        ("upsample_param { scale_h: 3 scale_w: 2 pad_out_w: true }", [(1, 2, 2, 3)], {}),
    ],
    **{
        kind: [
            (
                f"{param} {{ spatial_scale: 0.9 output_dim: 1 group_size: 2 }}",
                [(1, 4, 4, 5), (3, 5)],
                {"given": ROIS},
            )
            for param in ("psroi_align_param", "psroi_pooling_param")
        ]
        for kind in ("PSROIAlign", "PSROIAlignPooling")
    },
    "DFMBPSROIAlign": [
        (
            "dfmb_psroi_pooling_param { heat_map_a: 1.1 output_dim: 2 group_height: 2 "
            "group_width: 2 pooled_height: 2 pooled_width: 2 sample_per_part: 2 }",
            [(1, 8, 4, 5), (3, 5)],
            {"given": ROIS},
        )
    ],
    "DeformablePSROIPooling": [
        (
            "deformable_psroi_pooling_param { spatial_scale: 0.9 output_dim: 2 group_size: 2 "
            "sample_per_part: 2 trans_std: 0.11 }",
            [(1, 8, 4, 5), (3, 5), (3, 4, 2, 2)],
            {"given": ROIS},
        )
    ],
    "NdConvolution": [
        (
            "convolution_param { num_output: 2 kernel_shape { dim: 2 dim: 1 dim: 2 } }",
            [(1, 2, 3, 2, 2)],
            {},
        )
    ],
    "NdPooling": [
        (
            f"pooling_param {{ pool: {pool} kernel_shape {{ dim: 2 dim: 1 dim: 2 }} }}",
            [(1, 2, 3, 3, 3)],
            {},
        )
        for pool in ("MAX", "AVE")
    ],
    "InnerDistance": [
        (
            f'inner_distance_param {{ num_output: 3 bias_term: true distance_type: "{kind}" }}',
            [(2, 4)],
            {},
        )
        for kind in ("L1", "L2")
    ],
    "GeneralContrastiveLoss": [
        (
            "general_contrastive_loss_param { negative_margin: 0.2 }",
            [(4, 3), (4,)],
            {"classes": {1: 3}},
        )
    ],
    **{
        kind: [(body, [(4, 3), (4,)], {"classes": {1: 3}, "learnt": ()})]
        for kind, body in (
            ("LabelSpecificRescale", "label_specific_rescale_param { positive_weight: 0.8 }"),
            ("LabelSpecificMargin", "label_specific_margin_param { margin_base: 20 }"),
            ("CosinAddm", "cosin_add_m_param { m: 0.4 }"),
        )
    },
    "BiasChannel": [
        (
            "bias_channel_param { bg_bias: 0.3 fg_bias: 0.2 }",
            [(2, 3, 2, 2), (2, 2)],
            {"given": {1: lambda rng: np.array([[0, 1], [-1, 2]])}},
        )
    ],
    "DomainTransform": [
        (
            "domain_transform_param { spatial_sigma: 3 range_sigma: 2 num_iter: 2 }",
            [(1, 2, 3, 3), (1, 1, 3, 3), (1, 2)],
            {"given": {2: lambda rng: np.array([[3, 2]])}, "shifts": {1: 0.5}},
        )
    ],
    "SpatialProduct": [("", [(2, 3, 2, 2), (2, 1, 2, 2)], {})],
    **{
        kind: [("", [(2, 1, 3, 2)] * 2, {"classes": {1: 2}})]
        for kind in (
            "ClassBalancedSigmoidCrossEntropyLoss",
            "ClassBalancedSigmoidCrossEntropyAttentionLoss",
        )
    },
    "BalanceCrossEntropyLoss": [("", [(2, 2, 3), (2, 1, 3)], {"classes": {1: 3}})],
    "K1_EuclideanLoss": [("", [(2, 3), (2, 3)], {})],
    "K2_EuclideanLoss": [("", [(2, 3), (2, 3)], {})],
    "RotateROIPooling": [
        (
            "rotate_pooling_param { pooled_h: 2 pooled_w: 2 }",
            [(1, 2, 4, 5), (1, 6), (1, 3)],
            {
                "shifts": {0: 3},
                "given": {
                    1: lambda rng: np.array([[0, 2, 2, 3, 4, 20]]),
                    2: lambda rng: np.array([[4, 5, 1]]),
                },
            },
        )
    ],
    "BatchToSpaceND": [
        (
            "batch_to_space_nd_param { block_shape: [1, 2, 1] crops: [0, 0, 1, 0, 0, 1] }",
            [(2, 1, 2, 3)],
            {},
        )
    ],
    "SpaceToBatchND": [
        (
            "space_to_batch_nd_param { block_shape: [1, 2, 1] paddings: [0, 0, 1, 0, 0, 1] }",
            [(1, 1, 3, 2)],
            {},
        )
    ],
    "UpsampleDarknet": [("", [(1, 2, 2, 3)], {})],
    "Add": [("", [(2, 3), (3,)], {})],
    "Atan": [("", [(2, 3)], {})],
    "ExpandDimsND": [("", [(2, 3)], {})],
    "MatMul": [("matmul_param { transpose_b: true }", [(2, 2, 3), (2, 4, 3)], {})],
    "Maximum": [("", [(2, 3), (2, 1)], {})],
    "Minimum": [("", [(2, 3), (2, 1)], {})],
    "Mul": [("", [(2, 3), (3,)], {}), ("mul_param { mul_shape: 3 }", [(2, 3)], {})],
    "Stack": [("", [(2, 3), (2, 3)], {})],
    "StridedSlice": [
        (
            "strided_slice_param { begin: 3 begin: 0 end: 0 end: 1 strides: -2 strides: 1 "
            "new_axis_mask: 2 }",
            [(4, 3)],
            {},
        ),
        ("strided_slice_param { begin: 1 end: 2 axes: 1 }", [(2, 3)], {}),
    ],
    "Unstack": [("", [(2, 3)], {"tops": 2})],
    "Sub": [("", [(2, 3), (3,)], {})],
    "Div": [("", [(2, 3), (3,)], {"shifts": {1: 1}})],
    "FloorDiv": [("", [(2, 3), (3,)], {"shifts": {1: 1}})],
    "FloorMod": [("", [(2, 3), (3,)], {"shifts": {1: 1}})],
    "Pow": [
        ("", [(2, 3), (3,)], {"shifts": {0: 1}}),
        ("", [(2, 3)], {"shifts": {0: 1}}),
    ],
    "Gemm": [("gemm_param { alpha: 0.5 transB: 1 }", [(2, 3), (4, 3), (1, 4)], {})],
    **{kind: [("", [(2, 3)], {})] for kind in ("Floor", "Ceil", "Softplus", "LogSoftmax")},
    "HardTanh": [("", [(2, 3)], {"shifts": {0: 1}})],
    "ThresholdedReLU": [("thresholded_relu_param { alpha: 0.1 }", [(2, 3)], {})],
    "LayerNorm": [("", [(2, 3, 2)], {})],
    **{
        f"Reduce{kind}": [
            (f"reduce_{kind.lower()}_param {{ {axes}: 1 {axes}: 2 {more} }}", [(2, 2, 3)], {})
            for more in ("", "keepdims: 1")
        ]
        for axes, kinds in (
            ("axis", ("Sum", "Mean", "Max", "Min", "Prod", "Logsumexp")),
            ("axes", ("L1", "L2")),
        )
        for kind in kinds
    },
    "Squeeze": [("", [(2, 1, 3)], {})],
    "BroadcastTo": [("broadcast_to_param { shape: 2 shape: 3 shape: 2 }", [(3, 1)], {})],
    "TileND": [("tile_nd_param { multiples: 1 multiples: 2 }", [(2, 3)], {})],
    "Piece": [("piece_param { begin: 0 begin: 1 size: -1 size: 2 }", [(2, 4)], {})],
    "DepthToSpace": [
        (f"depth_to_space_param {{ block_size: 2 data_format: '{kind}' }}", [(1, 4, 2, 4)], {})
        for kind in ("NHWC", "NCHW", "CRD")
    ],
    "SpaceToDepth": [
        (f"space_to_depth_param {{ block_size: 2 data_format: '{kind}' }}", [(1, 2, 2, 4)], {})
        for kind in ("NHWC", "NCHW")
    ],
    "MirrorPad": [
        (
            f"mirror_pad_param {{ paddings: [0, 0, 1, 2] mode: '{mode}' }}",
            [(2, 4)],
            {},
        )
        for mode in ("CONSTANT", "EDGE", "SYMMETRIC", "REFLECT")
    ],
    "ResizeBilinear": [
        (f"resize_bilinear_param {{ output_height: 5 output_width: 3 {way} }}", [(1, 3, 4, 2)], {})
        for way in ("", "align_corners: true", "half_pixel_centers: true data_format: 'NCHW'")
    ]
    + [
        (
            "resize_bilinear_param { output_height: 3 output_width: 2 output_depth: 4 "
            "data_format: 'NCHWD' }",
            [(1, 2, 2, 3, 2)],
            {},
        )
    ],
    "ResizeNearestNeighbor": [
        ("resize_nearest_neighbor_param { scale_height: 2 scale_width: 1.5 }", [(1, 2, 2, 2)], {})
    ],
    "BroadcastMul": [("", [(2, 2, 2, 2), (2, 2, 1, 1)], {})],
    "APL": [("apl_param { sums: 2 }", [(2, 2, 3)], {"learnt": (0, 1)})],
    "EltwiseAffine": [("", [(2, 3, 2)], {"learnt": (0, 1)})],
    "RReLU": [("", [(2, 3)], {}), ("", [(2, 3)], {"phase": caffe.TEST})],
    "ScaleTanH": [("", [(2, 3)], {})],
    "OuterProduct": [("", [(2, 3), (2, 2)], {})],
    "DiceLoss": [("", [(2, 3), (2, 3)], {"classes": {1: 2}})],
    "DiceCoefLoss": [("", [(2, 3), (2, 3)], {})],
    "ReLUMask": [("relu_param { negative_slope: 0.3 }", [(2, 3)], {"tops": 2})],
    "PixelShuffle": [("", [(1, 4, 2, 2)], {})],
    "Tiling": [("tiling_param { tile_dim: 2 }", [(1, 4, 2, 2)], {})],
    "CharbonnierLoss": [
        ("charbonnier_loss_param { alpha: 0.4 epsilon: 0.1 beta: 2 }", shapes, given)
        for shapes, given in (
            ([(2, 2, 2, 3)], {}),
            ([(2, 2, 2, 3)] * 2, {"given": {1: lambda rng: rng.rand(2, 2, 2, 3)}}),
        )
    ],
    "ClassBalancedSoftmaxWithLoss": [
        ("loss_param { ignore_label: 1 }", [(2, 3, 2), (2, 2)], {"classes": {1: 4}})
    ],
    **{
        kind: [("", [(2, channels, 1, 3), (2, 1, 1, 3)], {"given": {1: _edges}})]
        for kind, channels in (
            ("MultiChannelSigmoidCrossEntropyLoss", 3),
            ("MultiChannelReweightedSigmoidCrossEntropyLoss", 3),
            ("ReweightedSigmoidCrossEntropyLoss", 1),
        )
    },
    "GSTiling": [
        ("gs_tiling_param { stride: 2 }", [(1, 2, 4, 2)], {}),
        ("gs_tiling_param { stride: 2 reverse: true }", [(1, 8, 2, 3)], {}),
    ],
    "RegionPooling": [
        (
            "region_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.9 offset: 0.1 }",
            [(2, 2, 4, 5), (2, 9)],
            {"given": HOLES},
        )
    ],
    "Convert": [("", [(2, 3, 1, 2)], {"tops": 2})],
    "VoxelSoftmax": [("", [(2, 3, 2, 1, 2)], {})],
    "VoxelSoftmaxLoss": [("", [(2, 3, 2, 1, 2), (2, 1, 2, 1, 2)], {"classes": {1: 3}})],
    "SpatialRep": [("", [(2, 3, 1, 1), (2, 2, 2, 3)], {})],
    "ActiveShift": [
        ("", [(1, 2, 3, 2)], {}),
        ("asl_param { stride: 2 pad: 1 }", [(1, 2, 3, 2)], {}),
    ],
    "Bilinear": [("", [(2, 2, 2, 1), (2, 3, 2, 1)], {})],
    "DenseBlock": [
        (
            f"denseblock_param {{ numTransition: 2 growthRate: 1 {more} }}",
            [(3, 2, 2, 2)],
            {"learnt": learnt, **phase},
        )
        for more, learnt in (("", range(6)), ("use_BC: true", (*range(6), *range(10, 16))))
        for phase in ({}, {"phase": caffe.TEST, "params": 1.5})
    ],
    "Extract": [("extract_param { x: 1 w: 2 h: 2 }", [(1, 2, 2, 3)], {})],
    "GateRecurrent": [
        ("gaterecurrent_param { num_output: 2 }", [(1, 2, 2, 3)] * 2, {}),
        (
            "gaterecurrent_param { num_output: 2 use_wx: false use_wh: false use_bias: false "
            "horizontal: false reverse: true restrict_g: 0.9 }",
            [(1, 2, 2, 3)] * 2,
            {},
        ),
    ],
    "MIL": [("", [(2, 2, 2, 2)], {}), ("mil_param { context_per_roi: 2 }", [(4, 3)], {})],
    "Norm": [("", [(2, 3, 2)], {})],
    "GlobalSumPooling": [("", [(3, 2, 2)], {})],
    "RankHardLoss": [
        ("rank_param { margin: 2 }", [(4, 3), (4,)], {"given": {1: lambda rng: np.arange(4) // 2}}),
    ],
    "ROIMaskPooling": [
        (
            "roi_mask_pooling_param { pooled_h: 2 pooled_w: 2 roi_scale: 1.5 mask_scale: 0.5 }",
            [(1, 2, 4, 4), (3, 5)],
            {"given": ROIS},
        )
    ],
}
NO_GRADIENT = {
    *("BGR2HSV", "BGR2Lab", "ColorGlobalDropout", "NNEnc", "NonGrayMask", "PriorBoost"),
    *("Quantize", "Rescale"),
    "AdaptiveBiasChannel",
    "AnchorTarget",
    "BboxAccuracy",
    "ColorConv",
    "BoxAnnotatorOHEM",
    "BoxGroupOutput",
    "BoxOutput",
    "CTCGreedyDecoder",
    "DataAugmentation",
    "DecodeBBox",
    "DenseCRF",
    "DetectionAccuracy",
    *("DetectionGroupAccuracy", "FrcnnOutput", "HardMining", "ScaleRoute"),
    "DetectNetTransformation",
    "DetectionEvaluate",
    "DetectionOutput",
    "ConfusionMatrix",
    "EltwiseAccuracy",
    "EvalDetection",
    *("FlowAugmentation", "GenerateAugmentationParameters"),
    "FrcnnAnchorTarget",
    "FrcnnProposal",
    "FrcnnProposalTarget",
    "GradientScaler",
    "Grid",
    *("HardRegions", "InstanceLabels"),
    "LabelsequenceAccuracy",
    "MultiLabelAccuracy",
    "Nms",
    *("ClusterDetections", "ClusterGroundtruth", "PrecisionTimesRecall", "ScoreDetections"),
    *("JointRegion", "RPNProposalSSD", "RCNNProposal"),
    "PrecisionRecallLoss",
    "PriorBox",
    "PriorBoxClustered",
    "Proposal",
    "ProposalTarget",
    "RegionTarget",
    "SegAccuracy",
    "SegmentationEvaluate",
    "SimplerNMS",
    "ConnectedComponent",
    "IOUAccuracy",
    "StageBridge",
    "TextProposal",
    "TorchImageTransform",
    "UniqueLabel",
    "YoloDetectionOutput",
    "Yolov3DetectionOutput",
}
# As their laws have them: forks', Darknet's
OWN_GRADIENT = {
    *("ClassRebalanceMult", "GlobalLSEMargin", "VolumeDiceLoss", "VoxelCustomLoss"),
    *(
        "Affinity",
        "DetectionGroupLoss",
        "DetectionLoss",
        "ExpMax",
        "GeneralTripletLoss",
        "Gram",
        "InterClass",
    ),
    *("LabeledMatching", "MalisLoss", "MulticlassCrossEntropyLoss", "UnlabeledMatching"),
    *("RegionLoss", "SignedSqrt", "Yolov3"),
    *("EntropyLoss", "JMMDLoss", "MMDLoss", "MultiBoxFocalLoss", "PairwiseLoss", "RangeLoss"),
    *("KnowledgeDistillation", "QuantizationLoss"),
    "WassersteinLoss",
    *("ConvolutionRistretto", "DeconvolutionRistretto", "FcRistretto", "LRNRistretto"),
    *("ConvolutionFixed", "DeconvolutionFixed", "FixedNeuron", "InnerProductFixed"),
    *("BatchReNorm", "CConvolution", "CInnerProduct", "Covariance"),
    *("Sparsify", "SymmetricRectify", "ValidEuclideanLoss"),
    *("BinaryConvolution", "BinaryInnerProduct", "EuclideanLossHeatmap", "Quant", "YoloSeg"),
}


def test_every_expression_with_a_gradient_is_checked():
    assert set(CASES) | NO_GRADIENT | OWN_GRADIENT == expression_types() & EXTENSIONS.keys()
    assert not set(CASES) & (NO_GRADIENT | OWN_GRADIENT)


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "more"),
    [(kind, *case) for kind, cases in CASES.items() for case in cases],
)
@settings(max_examples=2, deadline=None)
@given(seed=SEED)
def test_the_gradient_of_an_expression_is_its_derivative(kind, body, shapes, more, seed):
    check_gradient(kind, body, shapes, seed, **more)


@settings(max_examples=2, deadline=None)
@given(seed=SEED)
def test_softmax_losses_with_weights_of_classes_have_their_derivative(seed):
    for more in ("", "class_weighting: 2 class_weighting: 0.5 class_weighting: 3"):
        body = f"loss_param {{ ignore_label: 1 weight_by_label_freqs: true {more} }}"
        shapes = [(2, 3, 2), (2, 2)]
        check_gradient("SoftmaxWithLoss", body, shapes, seed, classes={1: 3})


@settings(max_examples=2, deadline=None)
@given(seed=SEED)
def test_a_softmax_loss_with_a_file_of_weights_has_its_derivative(tmp_path_factory, seed):
    path = tmp_path_factory.mktemp("weights") / "weights.txt"
    path.write_text("2 0.5 3")
    body = f'loss_param {{ ignore_label: 1 weight_source: "{path}" }}'
    check_gradient("SoftmaxWithLoss", body, [(2, 3, 2), (2, 2)], seed, classes={1: 3})


@settings(max_examples=2, deadline=None)
@given(seed=SEED)
def test_dropouts_of_forks_have_their_derivative(seed):
    for more, phase in (
        ("scale_train: false", caffe.TRAIN),
        ("scale_train: false", caffe.TEST),
        ("sample_weights_test: true", caffe.TEST),
    ):
        check_gradient("Dropout", f"dropout_param {{ {more} }}", [(3, 4)], seed, phase=phase)
