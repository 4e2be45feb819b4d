"""One layer of each type: its settings, the shapes of its bottoms, and what they hold."""

from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

from caffe.layer_types import REGISTRY
from support.layer_table import DEPLOYED

Shape = tuple[int, ...]


class Record(NamedTuple):
    """fill: by bottom the values that are repeated in it, where it does not take any of 0 to 1."""

    body: str
    shapes: list[Shape]
    tops: int = 1
    fill: Mapping[int, list[float]] = {}


ANCHORS = "ratio: 1 scale: 1 scale: 2 feat_stride: 4"
BIASES = "biases: [1, 1.5, 3, 2]"
FIELD = "cls_num: 2 field_w: 20 field_h: 30 downsample_rate: 8"
FIELDS = "cls_num: 2 field_w: 20 field_h: 30 field_w: 40 field_h: 24 stride: 8"
REGION = [0, 1, 2, 9, 8]  # of image 0
OBJECTS = {3: [0, 1, 0, 0, 0, 0.4, 0.5, 0]}
BOXES = "multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE }"
TARGETS = "proposal_target_param { cls_num: 3 img_width: 100 img_height: 100 batch_size: %d }"
SAMPLES = "region_target_param { num_classes: 3 batch_size: %d }"
QUANTIZED = "quantization_param { bw_layer_in: 8 bw_layer_out: 8 bw_params: 8 }"
CUT = "crop_height: 3 crop_width: 4 chromatic_eigvec: [1, 0, 0, 0, 1, 0, 0, 0, 1]"
LESS = "propagate_down: [true, false]"
READS_FILES = {"NNEnc", "PriorBoost", "WassersteinLoss"}
OF_A_NET = {"AutoCrop"}  # whose offsets follow from the layers below
RECORDS: dict[str, list[Record]] = {
    "Accuracy": [
        Record("", [(2, 3, 2), (2, 2)], 2),
        Record("", [(2, 3), (2,), (2,)]),
    ],
    "AdaptiveBiasChannel": [
        Record(
            "adaptive_bias_channel_param { bg_portion: 0.1 fg_portion: 0.3 }",
            [(2, 3, 2, 2), (2, 2)],
        )
    ],
    "AnchorTarget": [
        Record(f"anchor_target_param {{ {ANCHORS} }}", [(1, 4, 3, 4), (2, 5), (1, 3)], 4),
        Record(
            f"anchor_target_param {{ {ANCHORS} }}",
            [(1, 4, 3, 4), (2, 5), (1, 3), (1, 3, 12, 16), (1, 4, 3, 4)],
            4,
        ),
    ],
    "ArgMax": [
        Record("", [(2, 3, 2)]),
        Record("argmax_param { axis: 1 top_k: 2 }", [(2, 3, 2)]),
        Record("argmax_param { out_max_val: true }", [(2, 3, 2)]),
    ],
    "BGR2HSV": [Record("", [(1, 3, 2, 2)])],
    "BGR2Lab": [Record("", [(1, 3, 2, 2)])],
    "BboxAccuracy": [Record("", [(2, 8), (2, 5), (2, 6)], 2)],
    "BoxAnnotatorOHEM": [
        Record("box_annotator_ohem_param { roi_per_img: 2 }", [(4, 5), (4, 1), (4, 1), (4, 8)], 2),
        Record(
            "box_annotator_ohem_param { roi_per_img: 2 }",
            [(4, 5, 2, 2), (4, 1, 2, 2), (4, 1, 2, 2), (4, 8, 2, 2)],
            2,
        ),
    ],
    "BoxGroupOutput": [
        Record(
            "box_group_output_param { box_group_param { field_w: 20 field_h: 30 stride: 8 } }",
            [(1, 3, 2, 2), (1, 4, 2, 2)],
            2,
        )
    ],
    "CTCGreedyDecoder": [
        Record("", [(3, 2, 4), (3, 2)]),
        Record("", [(3, 2, 4), (3, 2), (3, 2)], 3),
    ],
    "ClusterGroundtruth": [
        Record(
            "detectnet_cluster_param { image_size_x: 12 image_size_y: 8 stride: 4 num_classes: 1 }",
            [(2, 1, 2, 3), (2, 4, 2, 3)],
        )
    ],
    "ClassRebalanceMult": [Record("", [(1, 3, 2, 2), (1, 1, 2, 2)])],
    "ConfusionMatrix": [Record("", [(2, 3, 2), (2, 2)])],
    "ConnectedComponent": [Record("", [(1, 1, 3, 3)])],
    "Convolution": [
        Record("convolution_param { num_output: 4 kernel_size: 2 pad: 1 }", [(1, 2, 4, 5)]),
        Record("convolution_param { num_output: 2 kernel_size: 2 }", [(1, 2, 4)] * 2, 2),
        Record("convolution_param { num_output: 4 group: 2 }", [(2, 4)]),
    ],
    "DataAugmentation": [
        Record(f"augmentation_param {{ {CUT} recompute_mean: 1 }}", [(1, 3, 5, 6)], 2),
        Record(f"augmentation_param {{ {CUT} }}", [(2, 3, 5, 6), (2, 42)], 2),
        Record(
            f"augmentation_param {{ {CUT} translate {{ spread: 0.2 }} noise {{ mean: 0.1 }} "
            "gamma { exp: true spread: 0.1 } sat_pow { exp: true spread: 0.1 } }",
            [(1, 3, 5, 6)],
        ),
    ],
    "DenseCRF": [
        Record(
            "dense_crf_param { max_iter: 2 pos_w: 1 pos_xy_std: 2 bi_w: 1 bi_xy_std: 2 "
            "bi_rgb_std: 1 }",
            [(1, 3, 2, 3), (1, 2), (1, 3, 2, 3)],
        ),
        Record(
            "densecrf_param { x_gauss: 2 y_gauss: 2 wt_gauss: 1 x_bilateral: 2 y_bilateral: 2 "
            "r_bilateral: 1 g_bilateral: 1 b_bilateral: 1 wt_bilateral: 1 }",
            [(1, 3, 2, 3), (1, 3, 2, 3)],
        ),
    ],
    "DetectNetTransformation": [
        Record(
            "detectnet_groundtruth_param { stride: 4 image_size_x: 16 image_size_y: 16 } "
            "detectnet_augmentation_param { crop_prob: 0 scale_prob: 0 flip_prob: 0 "
            "rotation_prob: 0 }",
            [(1, 3, 16, 16), (1, 1, 2, 16)],
            2,
            {1: [1, 16, *[0] * 14, 2, 2, 6, 4, 0, 1, *[0] * 10]},
        )
    ],
    "DetectionAccuracy": [Record(f"detection_accuracy_param {{ {FIELD} }}", [(2, 6, 2, 2)] * 2, 2)],
    "DetectionEvaluate": [
        Record("detection_evaluate_param { num_classes: 3 overlap_threshold: 0.5 }", shapes)
        for shapes in ([(1, 1, 2, 7), (1, 1, 2, 8)], [(1, 1, 2, 7), (2, 10)])
    ],
    "DetectionGroupAccuracy": [
        Record(
            f"detection_group_accuracy_param {{ {FIELDS} }}",
            [(4, 2, 2, 2), (4, 4, 2, 2), (4, 6, 2, 2)],
            2,
        )
    ],
    "DetectionGroupLoss": [
        Record(
            f"detection_group_loss_param {{ {FIELDS} }} propagate_down: [true, true, false]",
            [(4, 2, 2, 2), (4, 4, 2, 2), (4, 6, 2, 2)],
        )
    ],
    "DetectionLoss": [
        Record(f'detection_loss_param {{ {FIELD} sample_mode: "" }} {LESS}', [(2, 6, 2, 2)] * 2)
    ],
    "DomainTransform": [
        Record(
            "domain_transform_param { spatial_sigma: 3 range_sigma: 2 num_iter: 2 }",
            [(1, 2, 3, 3), (1, 1, 3, 3), (1, 2)],
            fill={2: [1]},
        )
    ],
    "EltwiseAccuracy": [Record("", [(2, 3, 2), (2, 2)])],
    "EntropyLoss": [Record("", [(2, 3)])],
    "EuclideanLossHeatmap": [Record("", [(2, 3, 4, 4)] * 2)],
    "EvalDetection": [
        Record(
            "eval_detection_param { side: 2 num_class: 2 num_object: 1 biases: [1, 1] }",
            [(1, 7, 2, 2), (1, 10)],
        )
    ],
    "FcRistretto": [
        Record(f"inner_product_param {{ num_output: 3 }} {QUANTIZED}", [(2, 4)]),
        Record(f"inner_product_param {{ num_output: 3 }} {QUANTIZED}", [(2, 4), (3, 4), (3,)]),
    ],
    "FlowAugmentation": [
        Record(
            "augmentation_param { crop_height: 3 crop_width: 4 }",
            [(2, 2, 5, 6), (2, 42, 1, 1), (2, 42)],
        )
    ],
    "FrcnnAnchorTarget": [
        Record(f"anchor_target_param {{ {ANCHORS} }}", [(1, 4, 3, 4), (2, 5), (1, 3)], 4)
    ],
    "FrcnnOutput": [
        Record(
            "bbox_reg_param { cls_aware: false }",
            [(2, 3), (2, 8), (2, 5), (1, 2)],
            fill={2: REGION},
        )
    ],
    "FrcnnProposalTarget": [
        Record(SAMPLES % 4, [(6, 5), (2, 5)], 5, {0: REGION, 1: [1, 2, 9, 8, 1]})
    ],
    "GeneralTripletLoss": [
        Record("", [(3, 4), (3,)], 2),
        Record("", [(3, 4), (3,), (3,)]),
    ],
    "GenerateAugmentationParameters": [
        Record(
            "augmentation_param { zoom { exp: true } noise { spread: 0.1 } }",
            [(2, 42), (2, 3, 5, 6), (2, 3, 3, 4)],
        ),
        Record(
            "augmentation_param { crop_height: 3 crop_width: 4 translate { spread: 0.2 } }",
            [(2, 3, 5, 6)],
        ),
    ],
    "GlobalLSEMargin": [
        Record("", [(3, 4), (3,)], 2),
        Record("", [(3, 4), (3,), (3,)], 2),
    ],
    "HardMining": [
        Record(
            "hard_mining_param { num_image: 1 num_roi_per_image: 2 }",
            [(4, 1), (4, 5), (4, 2)],
            2,
            {1: REGION},
        )
    ],
    "HardRegions": [
        Record("proposal_param { post_nms_topn: 2 }", [(4, 3), (4, 12), (4, 5), (4, 1)], 2),
        Record(
            "proposal_param { post_nms_topn: 2 }",
            [(4, 3), (4, 12), (4, 5), (4, 1), *[(4, 12)] * 3],
            5,
        ),
    ],
    "IOUAccuracy": [Record("", [(2, 3, 2), (2, 2)], 2)],
    "InnerDistance": [
        Record("inner_distance_param { num_output: 3 }", shapes)
        for shapes in ([(2, 4)], [(2, 4), (3, 4)], [(2, 4), (3, 4), (3,)], [(2, 1), (3,)])
    ],
    "InnerProduct": [
        Record("inner_product_param { num_output: 3 }", [(2, 4)]),
        Record("inner_product_param { num_output: 3 }", [(2, 4), (3, 4), (3,)]),
        Record("inner_product_param { bias_term: false }", [(2, 1), (3,)]),
    ],
    "InterClass": [Record("inter_class_param { num_output: 3 }", [(2, 4), (2,)], 2)],
    "JMMDLoss": [
        Record("", [(3, 2), (4, 2)]),
        Record("", [(3, 2), (3, 2), (3, 4), (3, 4)]),
    ],
    "LSTMUnit": [Record("", [(1, 3, 2), (1, 3, 8), (1, 3)], 2)],
    "LabeledMatching": [Record("labeled_matching_param { num_classes: 3 }", [(2, 4), (2,)], 2)],
    "LabelsequenceAccuracy": [Record("", [(2, 3, 4), (2, 3)])],
    "MMDLoss": [Record("", [(3, 2), (4, 2)])],
    "MalisLoss": [Record("", [(1, 2, 3, 3), (1, 2, 3, 3), (1, 1, 3, 3)])],
    "MultiBoxFocalLoss": [Record(BOXES, [(2, 12), (2, 9), (1, 2, 12), (1, 1, 2, 8)], fill=OBJECTS)],
    "MultiBoxLoss": [Record(BOXES, [(2, 12), (2, 9), (1, 2, 12), (1, 1, 2, 8)], fill=OBJECTS)],
    "MultiLabelAccuracy": [Record("", [(2, 3), (2, 3)])],
    "Nms": [Record("nms_param { num_parts: 2 max_peaks: 3 }", [(1, 3, 4, 4)])],
    "NonGrayMask": [Record("", [(2, 2, 2, 2)])],
    "PairwiseLoss": [
        Record("", [(3, 4), (3, 2)]),
        Record("", [(3, 4), (3, 2), (3, 4), (3, 2)]),
    ],
    "PrecisionRecallLoss": [
        Record("precision_recall_loss_param { point_num: 3 }", [(2, 3, 2)] * 2)
    ],
    "ProposalTarget": [
        Record(TARGETS % 4, [(6, 5), (2, 7)], 6, {0: REGION, 1: [0, 1, 2, 9, 8, 1, 0]}),
        Record(TARGETS % -1, [(6, 5), (2, 8)], 7, {0: REGION, 1: [0, 1, 2, 9, 8, 1, 0, 0]}),
    ],
    "RangeLoss": [
        Record(
            "range_loss_param { choose_k: 2 inter_weight: 0.5 intra_weight: 2 margin: 20 }",
            [(6, 3), (6,)],
            fill={1: [0, 1]},
        )
    ],
    "RegionLoss": [
        Record(
            f"region_loss_param {{ num: 2 num_class: 3 {BIASES} }} {LESS}",
            [(1, 16, 2, 2), (1, 10)],
        )
    ],
    "RegionTarget": [
        Record(SAMPLES % 4, [(6, 5), (2, 5)], 5, {0: REGION, 1: [1, 2, 9, 8, 1]}),
        Record(SAMPLES % -1, [(6, 5), (2, 6)], 6, {0: REGION, 1: [1, 2, 9, 8, 1, 1]}),
    ],
    "ColorGlobalDropout": [Record("", [(2, 3, 2, 2)])],
    "InstanceLabels": [
        Record("region_target_param { fg_thresh: 0.5 }", [(3, 5), (3, 2), (1, 2)], 2, {2: [1]})
    ],
    "KnowledgeDistillation": [
        Record(f"knowledge_distillation_param {{ temperature: 2 }} {LESS}", [(2, 3)] * 2)
    ],
    "MulticlassCrossEntropyLoss": [Record(LESS, [(2, 3)] * 2)],
    "PrecisionTimesRecall": [Record("", [(2, 3, 5)], 3)],
    "QuantizationLoss": [Record("", [(2, 3)])],
    "Quantize": [Record("", [(2, 3)])],
    "Rescale": [Record("rescale_param { rf: 0.5 }", [(2, 3)], 2)],
    "ScoreDetections": [Record("", [(2, 3, 5), (2, 2, 5)])],
    "TripletLoss": [
        Record("", [(2, 3)] * 3),
        Record("triplet_loss_param { losstype: 2 num_triplets: 2 }", [(8, 2), (8,)]),
        Record("triplet_loss_param { losstype: 1 num_negatives: 2 use_pair: 1 }", [(8, 2), (8,)]),
    ],
    "VolumeDiceLoss": [Record(LESS, [(2, 2, 3), (2, 1, 3)])],
    "ScaleRoute": [
        Record(
            "scale_route_param { low_scale: 10 high_scale: 100 }",
            [(4, 5), (4, 2)],
            2,
            {0: REGION},
        )
    ],
    "SegAccuracy": [Record("", [(1, 3, 2, 2), (1, 1, 2, 2)])],
    "SegmentationEvaluate": [
        Record("segmentation_evaluate_param { num_classes: 2 threshold: 0.25 }", [(2, 2, 2, 2)] * 2)
    ],
    "Silence": [Record("", [(2, 3)], 0)],
    "Slice": [Record("slice_param { slice_point: 1 }", [(2, 3)], 2), Record("", [(2, 4)], 2)],
    "Split": [Record("", [(2, 3)], 2)],
    "TextProposal": [
        Record("proposal_param { feat_stride: 16 }", [(1, 20, 2, 3), (1, 20, 2, 3), (1, 3)], 2)
    ],
    "Threshold": [Record("", [(2, 3)])],
    "UniqueLabel": [
        Record("unique_label_param { max_labels: 3 }", [(2, 1, 2, 2)], fill={0: [0, 1]})
    ],
    "UnlabeledMatching": [Record("unlabeled_matching_param { queue_size: 3 }", [(2, 4), (2,)])],
    "ValidEuclideanLoss": [Record("", [(3, 2), (3, 2)])],
    "VoxelCustomLoss": [Record("", [(2, 3, 2, 1, 2)] * 2)],
    "YoloDetectionOutput": [
        Record(
            f"yolo_detection_output_param {{ num_classes: 3 num_box: 2 {BIASES} }}",
            [(1, 16, 2, 2)],
        )
    ],
    "YoloSeg": [Record("", [(2, 3), (2, 3)])],
    "Yolov3": [
        Record(
            f"yolov3_param {{ num: 2 num_class: 3 {BIASES} mask: [0, 1] anchors_scale: 32 }} "
            f"{LESS}",
            [(1, 16, 2, 2), (1, 10)],
        )
    ],
    "Yolov3DetectionOutput": [
        Record(
            f"yolov3_detection_output_param {{ num_classes: 2 num_box: 2 {BIASES} mask: [0, 1] "
            "mask_group_num: 1 anchors_scale: 32 }",
            [(1, 14, 2, 2)],
        )
    ],
}


def records(modules: list[ModuleType]) -> dict[str, list[Record]]:
    """Those above, else one as the layer is exported, or its gradient checked (modules' CASES)."""
    found = {kind: [Record(*case)] for kind, case in DEPLOYED.items()}
    for module in modules:
        for kind, cases in getattr(module, "CASES", {}).items():
            if kind in REGISTRY and kind not in found:
                body, shapes, *more = cases[0]
                tops = more[0].get("tops", 1) if more else 1
                found[kind] = [Record(body, list(shapes), tops)]
    return found | RECORDS
