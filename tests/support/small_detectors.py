"""Detectors of a few layers, as the text of a prototxt."""

from support.net_text import input_layer

POOLINGS = (
    'type: "ROIPooling" roi_pooling_param { pooled_h: 3 pooled_w: 2 spatial_scale: 0.125 }',
    'type: "PSROIPooling" psroi_pooling_param { output_dim: 2 group_size: 3 spatial_scale: 0.125 }',
)


def conv(name, bottom, outputs, kernel=3, stride=1):
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" '
        f"convolution_param {{ num_output: {outputs} kernel_size: {kernel} pad: {kernel // 2} "
        f"stride: {stride} weight_filler {{ type: 'xavier' }} }} }}"
    )


def head(name, bottom, outputs):
    """Predictions in SSD's order."""
    return (
        conv(name, bottom, outputs)
        + f'layer {{ name: "{name}_p" type: "Permute" bottom: "{name}" top: "{name}_p" '
        "permute_param { order: [0, 2, 3, 1] } }"
        + f'layer {{ name: "{name}_f" type: "Flatten" bottom: "{name}_p" top: "{name}_f" }}'
    )


def ssd():
    """Two maps, four priors each, three classes."""
    text = input_layer("data", 1, 3, 32, 48) + conv("c1", "data", 8, stride=4)
    text += 'layer { name: "n" type: "Normalize" bottom: "c1" top: "n" }' + conv("c2", "n", 8, 3, 2)
    for i, size in ((1, 9), (2, 20)):
        text += head(f"loc{i}", f"c{i}", 16) + head(f"conf{i}", f"c{i}", 12)
        text += (
            f'layer {{ name: "prior{i}" type: "PriorBox" bottom: "c{i}" bottom: "data" '
            f'top: "prior{i}" prior_box_param {{ min_size: {size} max_size: {size + 9} '
            "aspect_ratio: 2 variance: [0.1, 0.1, 0.2, 0.2] } }"
        )
    for name, axis in (("loc", 1), ("conf", 1), ("prior", 2)):
        end = "" if name == "prior" else "_f"
        text += (
            f'layer {{ name: "{name}" type: "Concat" bottom: "{name}1{end}" '
            f'bottom: "{name}2{end}" top: "{name}" concat_param {{ axis: {axis} }} }}'
        )
    return text + (
        'layer { name: "r" type: "Reshape" bottom: "conf" top: "r" '
        "reshape_param { shape { dim: 0 dim: -1 dim: 3 } } }"
        'layer { name: "s" type: "Softmax" bottom: "r" top: "s" softmax_param { axis: 2 } }'
        'layer { name: "f" type: "Flatten" bottom: "s" top: "f" }'
        'layer { name: "found" type: "DetectionOutput" bottom: "loc" bottom: "f" bottom: "prior" '
        'top: "found" detection_output_param { num_classes: 3 keep_top_k: 20 '
        "code_type: CENTER_SIZE confidence_threshold: 0.3 "
        "nms_param { nms_threshold: 0.45 top_k: 40 } } }"
    )


def regions(pooling):
    """A proposal network, and a pooling of what it finds."""
    return (
        input_layer("data", 1, 3, 48, 64)
        + input_layer("im_info", 1, 3)
        + conv("map", "data", 18, stride=8)
        + conv("shifts", "map", 8)
        + conv("scores", "map", 4)
        + 'layer { name: "r" type: "Reshape" bottom: "scores" top: "r" '
        "reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } } }"
        + 'layer { name: "prob" type: "Softmax" bottom: "r" top: "prob" }'
        + 'layer { name: "r2" type: "Reshape" bottom: "prob" top: "r2" '
        "reshape_param { shape { dim: 0 dim: 4 dim: -1 dim: 0 } } }"
        + 'layer { name: "rois" type: "Proposal" bottom: "r2" bottom: "shifts" bottom: "im_info" '
        'top: "rois" proposal_param { feat_stride: 8 base_size: 8 ratio: 1 scale: 1 scale: 2 '
        "min_size: 2 pre_nms_topn: 40 post_nms_topn: 12 } }"
        + f'layer {{ name: "pool" {pooling} bottom: "map" bottom: "rois" top: "pool" }}'
        + 'layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" '
        "inner_product_param { num_output: 3 weight_filler { type: 'xavier' } } }"
    )
