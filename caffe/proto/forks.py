"""What forks of Caffe add to its prototxt: layer types and fields, and what to write instead."""

from __future__ import annotations

from typing import NamedTuple


class Addition(NamedTuple):
    """A layer type that a fork adds, its field in LayerParameter, and the cure if one is known."""

    type: str
    field: str
    fork: str
    cure: str = ""


_PYTHON = "write it as a Python layer"
_AFFINE = "write a BatchNorm with a Scale { bias_term: true } behind it"
_BILINEAR = 'write a Deconvolution with weight_filler { type: "bilinear" } and lr_mult: 0'
_GROUPS = "write a Convolution with group: the number of its channels"

TYPES = [
    Addition("Permute", "permute_param", "SSD"),
    Addition("Normalize", "norm_param", "SSD"),
    Addition("PriorBox", "prior_box_param", "SSD"),
    Addition("MultiBoxLoss", "multibox_loss_param", "SSD"),
    Addition("DetectionOutput", "detection_output_param", "SSD"),
    Addition("DetectionEvaluate", "detection_evaluate_param", "SSD"),
    Addition("AnnotatedData", "annotated_data_param", "SSD"),
    Addition("Interp", "interp_param", "DeepLab and PSPNet", _BILINEAR),
    Addition("ImageSegData", "image_seg_data_param", "DeepLab", _PYTHON),
    Addition("BN", "bn_param", "SegNet and PSPNet", _AFFINE),
    Addition("Upsample", "upsample_param", "SegNet", _BILINEAR),
    Addition("DenseImageData", "dense_image_data_param", "SegNet", _PYTHON),
    Addition("ROIPooling", "roi_pooling_param", "Fast R-CNN", _PYTHON),
    Addition("SmoothL1Loss", "smooth_l1_loss_param", "Fast R-CNN", _PYTHON),
    Addition("PSROIPooling", "psroi_pooling_param", "R-FCN", _PYTHON),
    Addition("BoxAnnotatorOHEM", "box_annotator_ohem_param", "R-FCN", _PYTHON),
    Addition("ShuffleChannel", "shuffle_channel_param", "ShuffleNet", _PYTHON),
    Addition("ConvolutionDepthwise", "", "MobileNet", _GROUPS),
    Addition("DepthwiseConvolution", "", "MobileNet", _GROUPS),
    Addition("ReLU6", "", "MobileNet", _PYTHON),
    Addition("Axpy", "", "SENet", _PYTHON),
    Addition("Correlation", "correlation_param", "FlowNet", _PYTHON),
]

_FLOOR = "Caffe rounds up by default: write round_mode: FLOOR for false, nothing for true"
_DILATION = "write dilation"
_READING = "leave it out: it decides how fast data are read there"

FIELDS = {
    "ceil_mode": ("many forks", _FLOOR),
    "torch_pooling": ("Facebook's Caffe", "write round_mode: FLOOR for true, nothing for false"),
    **dict.fromkeys(("hole", "hole_h", "hole_w"), ("DeepLab", _DILATION)),
    **dict.fromkeys(
        ("forward_type", "backward_type", "forward_math", "backward_math"),
        ("NVIDIA's Caffe", "leave it out; caffe.set_precision chooses what is computed in"),
    ),
    **dict.fromkeys(
        ("default_forward_type", "default_backward_type", "cudnn_math_override"),
        ("NVIDIA's Caffe", "leave it out; caffe.set_precision chooses what is computed in"),
    ),
    **dict.fromkeys(
        ("threads", "parser_threads", "cache", "use_gpu_transform"), ("NVIDIA's Caffe", _READING)
    ),
    "scale_bias": ("NVIDIA's Caffe", _AFFINE),
    **dict.fromkeys(
        ("resize_param", "emit_constraint", "noise_param", "distort_param", "expand_param"),
        ("SSD", "prepare the images before training"),
    ),
    **dict.fromkeys(("eval_type", "ap_version", "show_per_class_result"), ("SSD", "")),
    "plateau_winsize": ("SSD", "write another lr_policy, such as multistep"),
    **dict.fromkeys(("crop_h", "crop_w"), ("PSPNet", "write crop_size")),
}


def of_type(name: str) -> str:
    """Which fork has a layer type, and what to write instead; "" for a type of no known fork."""
    return next((_said(row.fork, row.cure) for row in TYPES if row.type == name), "")


def of_field(name: str) -> str:
    """Which fork has a field, and what to write instead; "" for a field of no known fork."""
    if name in FIELDS:
        return _said(*FIELDS[name])
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
