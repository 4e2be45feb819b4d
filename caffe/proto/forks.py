"""What forks of Caffe add to its prototxt: what is taken, what is passed over, what is refused.

Fields that are taken are declared in contrib.proto; layer types that are taken say themselves whose
they are (layer_types/contrib).
"""

from __future__ import annotations

from typing import NamedTuple


class Addition(NamedTuple):
    """A layer type that is not taken, its field in LayerParameter, and the cure if one is known."""

    type: str
    field: str
    fork: str
    cure: str = ""


_PYTHON = "write it as a Python layer, or with caffe.register_layer"

TYPES = [
    Addition("BboxData", "bbox_data_param", "SqueezeDet", _PYTHON),
    Addition("SqueezeDetLoss", "squeezedet_param", "SqueezeDet", _PYTHON),
    Addition("AssistedExcitation", "", "MobileNet-YOLO", _PYTHON),
    Addition(
        "PyramidImageOnlineData",
        "pyramid_data_param",
        "Apollo",
        "its source was not published: feed the net from a script, by an Input of the images and "
        "one of six values, width and height first",
    ),
    Addition("NormL2", "", "SeqFace", "write a Normalize; what it is was not published"),
    Addition(
        "SmoothMarginInnerProduct",
        "smooth_margin_inner_product_param",
        "SeqFace",
        "write a MarginInnerProduct; what it is was not published",
    ),
    Addition("LSROLoss", "", "SeqFace", _PYTHON),
    Addition("DSALoss", "dsa_loss_param", "SeqFace", _PYTHON),
    Addition(
        "MultiAccuracy",
        "multi_accuracy_param",
        "several forks",
        "each counts in another way: write a MultiLabelAccuracy, or a Python layer that counts so",
    ),
    Addition(
        "Mask",
        "mask_param",
        "several forks",
        "it is another layer in each: for the product with a mask write a SpatialProduct, else a "
        "Python layer",
    ),
    Addition(
        "Select",
        "select_param",
        "several forks",
        "it is another layer in each: for items of the bottom that the last one numbers write a "
        "Switch, else a Python layer",
    ),
    Addition(
        "SigmoidCrossEntropyBalanceLoss",
        "",
        "OSVOS",
        "write a ClassBalancedSigmoidCrossEntropyLoss, which is that of its paper",
    ),
    Addition(
        "KLLoss",
        "",
        "several forks",
        "it is another loss in each: for the divergence of a softmax from targets write a "
        "SoftmaxCrossEntropyLoss, whose gradient is the same but for a factor, else a Python layer",
    ),
]

_AFFINE = "write a BatchNorm with a Scale { bias_term: true } behind it"
_BILINEAR = 'write a Deconvolution with weight_filler { type: "bilinear" } and lr_mult: 0'
_FLOOR = "Caffe rounds up by default: write round_mode: FLOOR for false, nothing for true"
_POLICY = "write another lr_policy, such as multistep"

# Fields by name: the fork, and what to write instead in Caffe 1.0 if there is something.
FIELDS = {
    "ceil_mode": ("many forks", _FLOOR),
    "torch_pooling": ("Facebook's Caffe", "write round_mode: FLOOR for true, nothing for false"),
    **dict.fromkeys(("hole", "hole_h", "hole_w"), ("DeepLab", "write dilation")),
    **dict.fromkeys(("label_type", "seg_accuracy_param"), ("DeepLab", "")),
    "softmaxloss_param": ("DeepLab", "write loss_param"),
    "interp_param": ("DeepLab and PSPNet", _BILINEAR),
    "bn_param": ("SegNet, DeconvNet and PSPNet", _AFFINE),
    "upsample_param": ("SegNet and others", _BILINEAR),
    "dense_image_data_param": ("SegNet", _PYTHON),
    **dict.fromkeys(
        ("weight_by_label_freqs", "class_weighting"), ("SegNet", "write an InfogainLoss")
    ),
    "sample_weights_test": ("SegNet", ""),
    "label_divide_factor": ("ENet", "resize the labels before training"),
    "lrn_map_param": ("Caffe of early 2014", "write lrn_param { norm_region: WITHIN_CHANNEL }"),
    **dict.fromkeys(
        [
            *("breadth_decay_mult", "kernel_shape_decay_mult", "block_group_lasso"),
            *("breadth_decay", "kernel_shape_decay", "block_group_decay"),
        ],
        ("structured sparsity learning", "leave it out where the solver's decays of groups are 0"),
    ),
    "connectivity_mode": ("structured sparsity learning", "leave it out where no weight is 0"),
    **dict.fromkeys(
        ("sparsify_param", "symmetric_rectify_param"), ("structured sparsity learning", _PYTHON)
    ),
    "color_conv_param": ("colorization", _PYTHON),
    "unpooling_param": ("DeconvNet", ""),
    **dict.fromkeys(
        ("weighted_softmax_param", "weighted_softmax_loss_param"),
        (
            "several forks",
            "in each its gradient, or what it weighs, is another one; for classes that weigh more "
            "write a WeightedSoftmaxWithLoss with softmax_param { pos_cid: 0 pos_mult: 3 } for "
            "each class",
        ),
    ),
    **dict.fromkeys(("label_dim", "label_size", "label_num"), ("several forks", "use HDF5Data")),
    "eltwise_accuracy_param": ("DeconvNet", "write an Accuracy"),
    "multi_stage_meanfield_param": ("CRF-RNN", ""),
    "spatial_dropout_param": ("ENet", _PYTHON),
    "selu_dropout_param": ("soeaver's caffe-model", _PYTHON),
    **dict.fromkeys(("dense_crf_param", "mat_write_param", "mat_read_param"), ("DeepLab", _PYTHON)),
    "image_label_data_param": ("Yu and Koltun's dilation", _PYTHON),
    **dict.fromkeys(("rrelu_param", "max_angle", "center_object"), ("ducha-aiki's Caffe", "")),
    "eltwise_affine_param": ("ducha-aiki's Caffe", "write a Scale { bias_term: true }"),
    "apl_param": ("learned activation functions", _PYTHON),
    **dict.fromkeys(
        ("mmd_param", "jmmd_param", "entropy_param"), ("deep adaptation networks", _PYTHON)
    ),
    "pixel_shuffle_param": ("several forks", _PYTHON),
    **dict.fromkeys(("scale_tanh_param", "pairwise_param"), ("HashNet", _PYTHON)),
    "gradient_scaler_param": ("domain adaptation by backpropagation", _PYTHON),
    "lifted_struct_sim_softmax_loss_param": ("lifted structured embedding", _PYTHON),
    **dict.fromkeys(
        ("continuation_indicator_param", "ctc_decoder_param", "labelsequence_accuracy_param"),
        ("several forks", _PYTHON),
    ),
    **dict.fromkeys(
        (
            "bias_channel_param",
            "adaptive_bias_channel_param",
            "unique_label_param",
            "domain_transform_param",
        ),
        ("DeepLab", _PYTHON),
    ),
    "attention_loss_param": ("DOOBNet", _PYTHON),
    "data_type": ("DOOBNet", "use HDF5Data"),
    "roi_align_param": ("Mask R-CNN's and others", _PYTHON),
    "scale_train": ("Fast R-CNN", ""),
    **dict.fromkeys(
        ("permute_param", "norm_param", "prior_box_param", "detection_output_param"), ("SSD", "")
    ),
    "multibox_loss_param": ("SSD", ""),
    **dict.fromkeys(("roi_pooling_param", "smooth_l1_loss_param"), ("Fast R-CNN", _PYTHON)),
    **dict.fromkeys(("psroi_pooling_param", "box_annotator_ohem_param"), ("R-FCN", _PYTHON)),
    **dict.fromkeys(("pre_fixed_normalizer", "PRE_FIXED"), ("R-FCN", "write a loss_weight")),
    **dict.fromkeys(("annotated_data_param", "detection_evaluate_param"), ("SSD", "")),
    **dict.fromkeys(
        (
            "region_loss_param",
            "yolo_detection_output_param",
            "yolov3_detection_output_param",
            "yolov3_param",
        ),
        ("YOLOv2 and MobileNet-YOLO", _PYTHON),
    ),
    **dict.fromkeys(
        (
            "box_output_param",
            "box_group_output_param",
            "decode_bbox_param",
            "bbox_reg_param",
            "detection_loss_param",
            "detection_accuracy_param",
            "proposal_target_param",
            "image_gt_data_param",
            "pad_ratio",
        ),
        ("MS-CNN", _PYTHON),
    ),
    "objectness_score": ("RefineDet", ""),
    **dict.fromkeys(("detection_output_ssd_param", "dfmb_psroi_pooling_param"), ("Apollo", "")),
    "cmp_out_shape_floor_as_conv": ("Apollo", "write round_mode: FLOOR for true"),
    "image_distort_param": ("Apollo", "write a Bias and a Scale, or feed such images"),
    **dict.fromkeys(
        ("gs_tiling_param", "fixed_param", "deephi_resize_param"), ("Xilinx's Caffe", _PYTHON)
    ),
    "region_pooling_param": ("MR-CNN and LocNet", _PYTHON),
    **dict.fromkeys(("denser_prior_boxes", "use_polygon"), ("TextBoxes++", "")),
    **dict.fromkeys(
        ("eval_detection_param", "num_box", "coords", "biases", "label_map_file"),
        ("YOLO in Caffe", _PYTHON),
    ),
    "side": ("YOLO in Caffe", "write a Python layer that reads the data"),
    "video_data_param": ("SSD, video-caffe and the temporal segment networks", _PYTHON),
    **dict.fromkeys(
        (
            *("new_length", "sampling_rate", "use_image", "use_temporal_jitter"),
            *("num_truth_channels", "use_byte_input", "truth_scale", "clip_min", "clip_max"),
        ),
        ("C3D", ""),
    ),
    "proposal_param": ("PVANET and OpenVINO", "write a Python layer, rpn.proposal_layer"),
    "reorg_param": ("YOLOv2", _PYTHON),
    "psroi_align_param": ("several forks", "write a PSROIPooling"),
    "deformable_psroi_pooling_param": (
        "Deformable ConvNets",
        "write a PSROIPooling, which does not learn where to look",
    ),
    "shuffle_channel_param": ("ShuffleNet", _PYTHON),
    **dict.fromkeys(("reverse_param", "transpose_param"), ("CTPN", _PYTHON)),
    "flip_param": ("several forks", _PYTHON),
    "center_loss_param": ("the authors of the center loss", _PYTHON),
    **dict.fromkeys(
        ("triplet_loss_param", "focal_loss_param", "ctc_loss_param", "local_param"),
        ("several forks", _PYTHON),
    ),
    "label_specific_add_param": ("AM-Softmax", _PYTHON),
    "largemargin_inner_product_param": ("L-Softmax", _PYTHON),
    "margin_inner_product_param": ("SphereFace", _PYTHON),
    **dict.fromkeys(
        ("normalize", "normalize_param", "channel_scale_param", "insanity_param"),
        ("NormFace", _PYTHON),
    ),
    **dict.fromkeys(
        (
            "inner_distance_param",
            "general_contrastive_loss_param",
            "general_triplet_loss_param",
            "label_specific_rescale_param",
            "label_specific_margin_param",
            "distance_type",
            *("square", "max_positive_only", "add_intra_mae"),
            *("positive_first", "positive_upper_bound"),
        ),
        ("NormFace and its successors", _PYTHON),
    ),
    "blob_filler": ("NormFace", "leave it out, and fill the parameter in a script"),
    "min_is_better": ("NormFace", "write a Power { scale: -1 } in front of it"),
    "normalize_type": ("NormFace", "leave it out where it is Softmax"),
    **dict.fromkeys(("pos_mult", "pos_cid"), ("several forks", "weigh the labels by a bottom")),
    "cosin_add_m_param": ("several forks", _PYTHON),
    "inter_class_param": ("SphereFace+", _PYTHON),
    "alpha": ("NormFace", "leave it out, or give a gaussian filler its std"),
    "filler": ("Intel's Caffe", "leave it out: only one of its engines has what it fills"),
    "grn_param": ("OpenVINO's training toolbox", "write a Normalize, or a Python layer"),
    **dict.fromkeys(
        ("imresize_param", "nms_param"), ("Convolutional Pose Machines", "drop its layer")
    ),
    "affinity_param": ("naibaf7's Caffe", _PYTHON),
    "rotate_pooling_param": ("RRPN", _PYTHON),
    **dict.fromkeys(
        ("labeled_matching_param", "unlabeled_matching_param"), ("person search", _PYTHON)
    ),
    **dict.fromkeys(
        ("pad_l", "pad_r", "pad_t", "pad_b", "pad_type"),
        ("Synopsys' Caffe", "write pad_h and pad_w where both ends are alike"),
    ),
    "relu6": ("Synopsys' Caffe", "write a layer of type ReLU6"),
    **dict.fromkeys(("maximum", "minimum"), ("Synopsys' Caffe", "write a layer of type Clip")),
    "faceboxes": ("Synopsys' Caffe", "write PriorBoxClustered layers"),
    "forget_bias": ("Synopsys' Caffe", "add it to the biases of the forget gates"),
    "add_eps_before_sqrt": ("Synopsys' Caffe", "leave it out where it is true"),
    **dict.fromkeys(
        [
            *("paddings", "constant_values", "space_to_batch_nd_param", "batch_to_space_nd_param"),
            *("mul_param", "matmul_param", "expand_dims_nd_param", "stack_param", "unstack_param"),
            *("strided_slice_param", "reduce_sum_param", "reduce_mean_param", "reduce_max_param"),
            *("reduce_min_param", "reduce_prod_param", "reduce_logsumexp_param"),
            *("reduce_l1_param", "reduce_l2_param", "squeeze_param", "broadcast_to_param"),
            *("tile_nd_param", "piece_param", "depth_to_space_param", "space_to_depth_param"),
            *("mirror_pad_param", "resize_bilinear_param", "resize_nearest_neighbor_param"),
            *("gemm_param", "thresholded_relu_param", "log_softmax_param", "layer_norm_param"),
        ],
        ("Synopsys' Caffe", _PYTHON),
    ),
    "upsample_darknet_param": ("Synopsys' Caffe", _BILINEAR),
    "mergecrop_param": ("naibaf7's Caffe", "write a Crop and a Concat"),
    "dim": ("naibaf7's Caffe", "write batch_size, channels, height and width"),
    **dict.fromkeys(("dilation", "kstride"), ("naibaf7's Caffe", "leave it out where it is 1")),
    "compact_bilinear_param": ("compact bilinear pooling", _PYTHON),
    "cpm_transform_param": ("OpenPose", _PYTHON),
    **dict.fromkeys(("roi_warping_param", "mask_resize_param"), ("MNC", _PYTHON)),
    "st_param": ("several forks", _PYTHON),
    "spatial_softmax_param": (
        "deep spatial autoencoders",
        "write a Power, a Reshape to one axis of places and a Softmax along it",
    ),
    "lstm_param": ("CTPN", "write an LSTM, whose weights are others"),
    **dict.fromkeys(
        (
            "correlation_param",
            "flow_warp_param",
            "resample_param",
            "downsample_param",
            "l1_loss_param",
            "augmentation_param",
            "coeff_schedule_param",
            "mean_param",
            "lpq_loss_param",
            "writer_param",
        ),
        ("FlowNet", _PYTHON),
    ),
    **dict.fromkeys(
        [
            *("preselection_file", "preselection_label", "range_start", "range_end"),
            *("rand_permute", "rand_permute_order", "rand_permute_seed", "permute_every_iter"),
            *("encoding", "verbose", "subtract", "block_size"),
        ],
        ("FlowNet", "feed the net from a script, by Input"),
    ),
    "diag_val": ("FlowNet2", "leave it out, and fill the weights in a script"),
    "expmax_param": ("LiteFlowNet", _PYTHON),
    "TOPK": ("the temporal segment networks", _PYTHON),
    "batch_reduction_param": ("the temporal segment networks and PSPNet", "write a Reduction"),
    "pad_param": ("several forks", "write a Convolution with pad, or a Python layer"),
    "padding_param": ("DeepLab", _PYTHON),
    **dict.fromkeys(("cos_data_param", "share_in_parallel"), ("CaffeOnSpark", "write an Input")),
    **dict.fromkeys(
        ("convolution3d_param", "kernel_depth", "temporal_stride", "temporal_pad"),
        ("C3D", "write a Convolution with a value for each axis"),
    ),
    **dict.fromkeys(
        ("kernel_shape", "stride_shape", "pad_shape"),
        ("video-caffe", "write kernel_size, stride and pad"),
    ),
    "filter_group": ("C3D", "leave it out: it only spares memory"),
    "pooling3d_param": ("C3D and pseudo-3D residual networks", ""),
    "deformable_convolution_param": ("Deformable ConvNets", _PYTHON),
    **dict.fromkeys(("scale_bias", "scale_filler"), ("NVIDIA's Caffe", _AFFINE)),
    **dict.fromkeys(
        ("detectnet_groundtruth_param", "detectnet_augmentation_param"),
        ("NVIDIA's Caffe", _PYTHON),
    ),
    **dict.fromkeys(
        ("binary_convolution_param", "binary_inner_product_param", "quant_param"),
        ("HWGQ", _PYTHON),
    ),
    "denseblock_param": ("DenseNet in Caffe", "write the block's layers one by one"),
    "gaterecurrent_param": ("learned recursive filters", _PYTHON),
    "asl_param": ("active shift layers", _PYTHON),
    "roi_mask_pooling_param": ("GBD-Net", _PYTHON),
    "extract_param": ("GBD-Net", "write a Slice for each axis"),
    "mil_param": ("visual concepts and HAKE", "write a Pooling { global_pooling: true } for MAX"),
    "rank_param": ("unsupervised learning from videos", _PYTHON),
    "pair_size": ("unsupervised learning from videos", "shuffle the list before training"),
    **dict.fromkeys(("crop_height", "crop_width"), ("domain guided dropout", "write crop_size")),
    "guided_dropout_param": ("domain guided dropout", _PYTHON),
    "flow": ("LRCN", "leave it out where images are files or encoded"),
    **dict.fromkeys(("min_height", "min_width"), ("LRCN", "write new_height and new_width")),
    **dict.fromkeys(
        ("th_layer_in", "th_layer_out", "th_params"),
        ("Xilinx' ml-suite", "leave it out, with quantization_param, for floating-point numbers"),
    ),
    "knowledge_distillation_param": ("several forks", _PYTHON),
    "multi_label_data_param": ("deep hashing networks", "use HDF5Data"),
    "threshold": ("deep hashing networks", "leave it out: beyond it the loss is hardly another"),
    "fuse_type": ("Intel's Caffe for OpenCL", "write a ReLU, or a Pooling, behind the layer"),
    "heatmap_data_param": ("caffe-heatmap", "write an Input"),
    "simpler_nms_param": ("Intel's Caffe", _PYTHON),
    "config": ("Faster R-CNN in C++", "write an Input"),
    **dict.fromkeys(("yolo_seg_param", "segmentation_evaluate_param"), ("MobileNet-YOLO", _PYTHON)),
    "reverse_time_param": ("several forks", "write a Reverse where all sequences are as long"),
    **dict.fromkeys(
        ("cconvolution_param", "cinner_product_param"),
        ("Dynamic Network Surgery", "write a Convolution or InnerProduct, and mask its weights"),
    ),
    **dict.fromkeys(
        [
            *("max_rotation_angle", "min_side", "min_side_min", "min_side_max", "max_color_shift"),
            *("contrast_brightness_adjustment", "min_contrast", "max_contrast"),
            *("max_brightness_shift", "smooth_filtering", "max_smooth", "apply_probability"),
        ],
        ("caffe-augmentation", "change the images before training"),
    ),
    "crelu_param": (
        "several forks",
        "write a ReLU and a Power { scale: -1 } with a ReLU, and Concat",
    ),
    "batch_renorm_param": ("several forks", "write a BatchNorm: in TEST it is the same"),
    "confusion_matrix_param": ("several forks", "write an Accuracy with two tops"),
    "ring_pad_param": ("panoramic object detection", _PYTHON),
    **dict.fromkeys(
        [
            *("cross_entropy_loss_param", "local_convolution_param", "local_conv_param"),
            *("dot_product_param", "precision_recall_loss_param", "maxout_param"),
            "upsampling_param",
        ],
        ("several forks", _PYTHON),
    ),
    **dict.fromkeys(("lstm_conv_param", "lstm_debug_param"), ("convolutional LSTM", _PYTHON)),
    **dict.fromkeys(
        ("wxc_convolution_param", "whh_convolution_param"),
        ("anomaly detection by convolutional LSTM", _PYTHON),
    ),
    "range_loss_param": ("the authors of the range loss", _PYTHON),
    "wasserstein_param": ("learning with a Wasserstein loss", _PYTHON),
    **dict.fromkeys(
        ("ssim_loss_param", "charbonnier_loss_param", "multi_frame_data_param"),
        ("hidden two-stream networks", _PYTHON),
    ),
    "border_ratio": ("hidden two-stream networks", "fill the weights in a script"),
    **dict.fromkeys(("tiling_param", "drive_data_param"), ("VPGNet", _PYTHON)),
    "rescale_param": ("DeepSkeleton", _PYTHON),
    **dict.fromkeys(
        ("window_cls_data_param", "select_seg_binary_param"), ("DecoupledNet", _PYTHON)
    ),
    "weight_source": ("DeepLab", "write an InfogainLoss"),
    "hard_sigmoid_param": ("Synopsys' Caffe", "write a Power and a Clip"),
    "num_groups": ("Yu and Koltun's dilation", "fill the weights in a script"),
    "plateau_winsize": ("SSD", _POLICY),
    **dict.fromkeys(
        ("eval_type", "ap_version", "show_per_class_result"),
        ("SSD", "leave it out: of a test net the means of the outputs are logged"),
    ),
    **dict.fromkeys(("warmup_iter", "warmup_start_lr"), ("several forks", _POLICY)),
    **dict.fromkeys(("rampup_interval", "rampup_lr", "min_lr"), ("NVIDIA's Caffe", _POLICY)),
    **dict.fromkeys(("stagelr", "stageiter"), ("Convolutional Pose Machines", _POLICY)),
    **dict.fromkeys(
        ("resize_param", "emit_constraint", "noise_param", "distort_param", "expand_param"),
        ("SSD", "prepare the images before training"),
    ),
    **dict.fromkeys(
        ("random_resize_param", "random_aspect_ratio_param"),
        ("Intel's Caffe", "prepare the images before training"),
    ),
    **dict.fromkeys(
        [
            *("sparse_mode", "sparsity_target", "sparsity_step_factor", "sparsity_step_iter"),
            *("sparsity_start_iter", "sparsity_start_factor"),
        ],
        ("caffe-jacinto", "leave it out: weights are not made sparse here"),
    ),
    **dict.fromkeys(
        [
            *("img_rand_resize_lower", "img_rand_resize_upper", "allow_upscale"),
            *("rand_resize_ratio_lower", "rand_resize_ratio_upper"),
            *("vertical_stretch_lower", "vertical_stretch_upper"),
            *("horizontal_stretch_lower", "horizontal_stretch_upper"),
            *("interpolation_algo_down", "interpolation_algo_up"),
        ],
        ("NVIDIA's Caffe", "prepare the images before training"),
    ),
    **dict.fromkeys(("crop_h", "crop_w"), ("PSPNet", "write crop_size")),
    "images_in_color": ("Caffe of early 2014", "write is_color"),
    "densecrf_param": ("constrained CNNs", _PYTHON),
    "rand_comp_param": ("PixelNet", _PYTHON),
    "randvec_param": ("several forks", "write a DummyData with a uniform filler"),
    **dict.fromkeys(
        ("losstype", "num_triplets", "num_negatives", "use_pair"),
        ("several forks", _PYTHON),
    ),
    **dict.fromkeys(
        ("fix_crop", "more_fix_crop", "multi_scale", "scale_ratios", "max_distort", "is_flow"),
        ("the temporal segment networks", "prepare the images before training"),
    ),
}

_PRECISION = "caffe.set_precision chooses what is computed in"
_ENGINE = "it chooses who computes, not what"
_SPEED = "it decides how fast data are read there"
_NODES = "it divides the work among machines"

# Fields that are passed over, or an enum's values of fields that Caffe has: the fork, and why.
PASSED_OVER = {
    "engine": ("Intel's or another fork", _ENGINE),
    "cudnn_convolution_algo_seeker": ("NVIDIA's Caffe", _ENGINE),
    "cudnn_flavor": ("DeepDetect's Caffe", _ENGINE),
    **dict.fromkeys(
        [
            "forward_type",
            "backward_type",
            "forward_math",
            "backward_math",
            "default_forward_type",
            "default_backward_type",
            "default_forward_math",
            "default_backward_math",
            "cudnn_math_override",
            "solver_data_type",
            "global_grad_scale",
            "global_grad_scale_adaptive",
        ],
        ("NVIDIA's Caffe", _PRECISION),
    ),
    **dict.fromkeys(
        [
            "conv_algos_override",
            "default_conv_algos_override",
            "default_cudnn_math_override",
            "reduce_buckets",
            "cublas_math_override",
            "eltwise_engine",
        ],
        ("NVIDIA's Caffe", _ENGINE),
    ),
    **dict.fromkeys(
        ["conv_mode", "gemm_mode", "spmdm_transpose_in", "spmdm_transpose_out"],
        ("structured sparsity learning or SkimCaffe", _ENGINE),
    ),
    **dict.fromkeys(["dump_parameter", "dump_activation"], ("SkimCaffe", "it writes files only")),
    "store_blobs_in_old_format": ("NVIDIA's Caffe", "caffemodels have one format here"),
    **dict.fromkeys(
        ["threads", "parser_threads", "cache", "use_gpu_transform", "prefetch_threads"],
        ("NVIDIA's Caffe", _SPEED),
    ),
    "random_seed": ("NVIDIA's Caffe", "what is drawn follows from the solver's random_seed"),
    **dict.fromkeys(
        [
            "multinode",
            "multinode_param",
            "mn_activation_param",
            "mn_grad_compress_param",
            "disabled_update",
            "bn_stats_batch_size",
        ],
        ("Intel's Caffe", _NODES),
    ),
    "force_mult": (
        "structured sparsity learning",
        "it multiplies a solver's force_decay, and no solver has one here",
    ),
    "test_net_type": ("SSD", "a net's own layers say what it is"),
    "quantization_param": (
        "Intel's or another fork",
        "weights and values are floating-point numbers here, but of Ristretto's layer types",
    ),
    **dict.fromkeys(
        ("quantize", "net_quantization_param"),
        ("caffe-jacinto", "weights and values are floating-point numbers here"),
    ),
    "display_sparsity": ("caffe-jacinto", "it says how much is logged"),
    "visualize_debug_info": ("SegNet", "it draws"),
    "mem_param": ("the temporal segment networks", "it spares memory, as caffe.set_recompute does"),
    "strict_dim": ("DeepLab", "the shapes of weights are compared always"),
    "split_param": ("Intel's Caffe", _ENGINE),
    "debug_params": ("caffe-augmentation", "it says how much is logged"),
    **dict.fromkeys(("visualise", "visualise_channel"), ("caffe-heatmap", "it draws")),
    "reshape_every_iter": ("FlowNet", "blobs have the shapes of what a pass is given"),
    "source_class": ("CaffeOnSpark", "a script fills the tops"),
    "fix_scale": ("PixelNet", "it fixes nothing there: what has an lr_mult is learnt"),
    "richness": ("the temporal segment networks", "it says how much is logged"),
}

# Of a field with one value these are given several: the first counts.
FIRST_COUNTS = {"device_id": "nets run on one device, the first that is named"}

# OpenCV and several forks give a pooling a value for each axis.
OF_ALL_AXES = ("kernel_size", "stride", "pad")


def of_type(name: str) -> str:
    """Which fork has a layer type, and what to write instead; "" for a type of no known fork."""
    return next((f"{_said(row.fork, row.cure)}." for row in TYPES if row.type == name), "")


def of_field(name: str) -> str:
    """Which fork has a field, and what to write instead; "" for a field of no known fork."""
    if name in FIELDS:
        return _said(*FIELDS[name])
    if name in PASSED_OVER:
        return _said(PASSED_OVER[name][0], f"leave it out: {PASSED_OVER[name][1]}")
    return next(
        (
            f"{_said(row.fork, row.cure)} (layer type {row.type})"
            for row in TYPES
            if row.field == name
        ),
        "",
    )


def _said(fork: str, cure: str) -> str:
    return f"it is of {fork}, not of Caffe 1.0" + (f"; {cure}" if cure else "")


def is_quantized(kind: str | None) -> bool:
    """Whether quantization_param counts for layers of this type: Ristretto's, and a loss."""
    return (kind or "").endswith(("Ristretto", "QuantizationLoss"))
