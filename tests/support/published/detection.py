"""SSD, MobileNet-SSD, the SSD face detector, Faster R-CNN, R-FCN and YOLOv2."""

from typing import NamedTuple

from support.layer_text import conv, conv_relu, dummy, layer, max_pool, numbers
from support.published.trunks import narrowed, resnet, vgg


class Source(NamedTuple):
    """A map that SSD looks for boxes in, and the sizes of these in an image of 300 x 300."""

    blob: str
    min_size: float
    max_size: float
    ratios: tuple[int, ...]
    step: float
    name: str = ""  # of its layers, if not the blob's


def _heads(
    sources: list[Source], classes: int, side: int, kernel: int, given_step: bool = True
) -> str:
    """Locations, confidences and priors of the maps, and these of all maps together."""
    text, pad = "", f"pad: {kernel // 2} kernel_size: {kernel} stride: 1"
    for blob, low, high, ratios, step, name in sources:
        name, each = name or blob, 1 + bool(high) + 2 * len(ratios)
        for what, outputs in (("loc", 4 * each), ("conf", classes * each)):
            head = f"{name}_mbox_{what}"
            text += conv(head, blob, outputs, pad)
            text += layer(
                f"{head}_perm",
                "Permute",
                head,
                "permute_param { order: 0 order: 2 order: 3 order: 1 }",
            )
            text += layer(f"{head}_flat", "Flatten", f"{head}_perm", "flatten_param { axis: 1 }")
        scale = side / 300
        sizes = f"min_size: {low * scale:g}" + (f" max_size: {high * scale:g}" if high else "")
        steps = f"step: {step:g}" if given_step else ""
        prior = (
            f"prior_box_param {{ {sizes} {numbers('aspect_ratio', *ratios)} flip: true clip: false "
            f"{numbers('variance', 0.1, 0.1, 0.2, 0.2)} {steps} offset: 0.5 }}"
        )
        text += layer(f"{name}_mbox_priorbox", "PriorBox", f"{blob} data", prior)
    for what, ending, axis in (("loc", "_flat", 1), ("conf", "_flat", 1), ("priorbox", "", 2)):
        bottoms = " ".join(f"{s.name or s.blob}_mbox_{what}{ending}" for s in sources)
        text += layer(f"mbox_{what}", "Concat", bottoms, f"concat_param {{ axis: {axis} }}")
    return text


def _found(classes: int, more: str) -> str:
    """Boxes from locations and confidences, of a deploy net."""
    shape = f"reshape_param {{ shape {{ dim: 0 dim: -1 dim: {classes} }} }}"
    return (
        layer("mbox_conf_reshape", "Reshape", "mbox_conf", shape)
        + layer("mbox_conf_softmax", "Softmax", "mbox_conf_reshape", "softmax_param { axis: 2 }")
        + layer("mbox_conf_flatten", "Flatten", "mbox_conf_softmax", "flatten_param { axis: 1 }")
        + layer(
            "detection_out",
            "DetectionOutput",
            "mbox_loc mbox_conf_flatten mbox_priorbox",
            f"include {{ phase: TEST }} detection_output_param {{ num_classes: {classes} "
            f"share_location: true background_label_id: 0 code_type: CENTER_SIZE {more} }}",
        )
    )


def _loss(classes: int) -> str:
    return layer(
        "mbox_loss",
        "MultiBoxLoss",
        "mbox_loc mbox_conf mbox_priorbox label",
        "include { phase: TRAIN } propagate_down: true propagate_down: true propagate_down: false "
        "propagate_down: false loss_param { normalization: VALID } multibox_loss_param { "
        "loc_loss_type: SMOOTH_L1 conf_loss_type: SOFTMAX loc_weight: 1.0 "
        f"num_classes: {classes} share_location: true match_type: PER_PREDICTION "
        "overlap_threshold: 0.5 use_prior_for_matching: true background_label_id: 0 "
        "use_difficult_gt: true neg_pos_ratio: 3.0 neg_overlap: 0.5 code_type: CENTER_SIZE "
        "ignore_cross_boundary_bbox: false mining_type: MAX_NEGATIVE }",
    )


def _image(side: int, train: bool) -> str:
    """A deploy net's input; in training a picture and one object, in place of AnnotatedData."""
    if not train:
        return f'input: "data"\ninput_shape {{ {numbers("dim", 1, 3, side, side)} }}\n'
    values = enumerate((0, 5, 0, 0.1, 0.2, 0.6, 0.7, 0))  # image, class, number, corners, difficult
    parts = [(f"label{i}", value) for i, value in values]
    return (
        dummy("data", 1, 3, side, side)
        + "".join(dummy(name, 1, 1, 1, 1, value=value) for name, value in parts)
        + layer("label", "Concat", " ".join(name for name, _ in parts), "concat_param { axis: 3 }")
    )


NORM = (
    'norm_param { across_spatial: false scale_filler { type: "constant" value: 20 } '
    "channel_shared: false }"
)
SSD300 = [
    Source("conv4_3_norm", 30, 60, (2,), 8),
    Source("fc7", 60, 111, (2, 3), 16),
    Source("conv6_2", 111, 162, (2, 3), 32),
    Source("conv7_2", 162, 213, (2, 3), 64),
    Source("conv8_2", 213, 264, (2,), 100),
    Source("conv9_2", 264, 315, (2,), 300),
]


def ssd300(width: float = 1, side: int = 300, train: bool = False) -> str:
    """SSD (Liu et al. 2016) on VGG16, for VOC's 20 classes. side: 300, or the steps do not fit."""
    text = 'name: "VGG_VOC0712_SSD_300x300"\n' + _image(side, train)
    pools = (*("kernel_size: 2 stride: 2",) * 4, "kernel_size: 3 stride: 1 pad: 1")
    text += vgg(width, pools=pools)
    wide = narrowed(1024, width)
    for name, bottom, more in (
        ("fc6", "pool5", "pad: 6 kernel_size: 3 dilation: 6"),
        ("fc7", "fc6", "kernel_size: 1"),
    ):
        text += conv(name, bottom, wide, more) + layer(f"relu{name[2:]}", "ReLU", name, tops=name)
    bottom = "fc7"
    for group, few, many, more in (
        (6, 256, 512, "pad: 1 stride: 2"),
        (7, 128, 256, "pad: 1 stride: 2"),
        (8, 128, 256, "pad: 0 stride: 1"),
        (9, 128, 256, "pad: 0 stride: 1"),
    ):
        text += conv_relu(
            f"conv{group}_1", bottom, narrowed(few, width), "pad: 0 kernel_size: 1 stride: 1"
        )
        bottom = f"conv{group}_2"
        text += conv_relu(bottom, f"conv{group}_1", narrowed(many, width), f"kernel_size: 3 {more}")
    text += layer("conv4_3_norm", "Normalize", "conv4_3", NORM)
    text += _heads(SSD300, 21, side, 3)
    if train:
        return text + _loss(21)
    save = (
        'save_output_param { output_directory: "" output_name_prefix: "comp4_det_test_" '
        'output_format: "VOC" label_map_file: "data/VOC0712/labelmap_voc.prototxt" '
        'name_size_file: "data/VOC0712/test_name_size.txt" num_test_image: 4952 }'
    )
    return text + _found(
        21,
        f"nms_param {{ nms_threshold: 0.45 top_k: 400 }} {save} keep_top_k: 200 "
        "confidence_threshold: 0.01",
    )


MOBILENET = (64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)  # behind each depthwise convolution
MOBILENET_SSD = [
    Source("conv11", 60, 0, (2,), 0),
    Source("conv13", 105, 150, (2, 3), 0),
    Source("conv14_2", 150, 195, (2, 3), 0),
    Source("conv15_2", 195, 240, (2, 3), 0),
    Source("conv16_2", 240, 285, (2, 3), 0),
    Source("conv17_2", 285, 300, (2, 3), 0),
]


def mobilenet_ssd(
    width: float = 1, side: int = 300, train: bool = False, depthwise: str = "Convolution"
) -> str:
    """SSD on MobileNet (Howard et al. 2017), for VOC's 20 classes. depthwise: the type of the
    convolutions with a group for each channel."""

    def normal(name: str, bottom: str, outputs: int, more: str, kind: str = "Convolution") -> str:
        rates = "param { lr_mult: 0 decay_mult: 0 } " * 3
        scale = "scale_param { filler { value: 1 } bias_term: true bias_filler { value: 0 } }"
        return (
            conv(name, bottom, outputs, f"bias_term: false {more}", kind)
            + layer(f"{name}/bn", "BatchNorm", name, rates, name)
            + layer(f"{name}/scale", "Scale", name, scale, name)
            + layer(f"{name}/relu", "ReLU", name, tops=name)
        )

    text = 'name: "MobileNet-SSD"\n' + _image(side, train)
    channels = narrowed(32, width)
    text += normal("conv0", "data", channels, "pad: 1 kernel_size: 3 stride: 2")
    bottom = "conv0"
    for i, full in enumerate(MOBILENET, 1):
        stride = 2 if i in (2, 4, 6, 12) else 1
        more = f"pad: 1 kernel_size: 3 stride: {stride} group: {channels} engine: CAFFE"
        text += normal(f"conv{i}/dw", bottom, channels, more, depthwise)
        channels = narrowed(full, width)
        text += normal(f"conv{i}", f"conv{i}/dw", channels, "kernel_size: 1")
        bottom = f"conv{i}"
    for group, few, many in ((14, 256, 512), (15, 128, 256), (16, 128, 256), (17, 64, 128)):
        text += normal(f"conv{group}_1", bottom, narrowed(few, width), "kernel_size: 1")
        bottom = f"conv{group}_2"
        text += normal(
            bottom, f"conv{group}_1", narrowed(many, width), "pad: 1 kernel_size: 3 stride: 2"
        )
    text += _heads(MOBILENET_SSD, 21, side, 1, given_step=False)
    if train:
        return text + _loss(21)
    return text + _found(
        21,
        "nms_param { nms_threshold: 0.45 top_k: 100 } keep_top_k: 100 confidence_threshold: 0.25",
    )


FACES = [
    Source("conv4_3_norm", 30, 60, (2,), 8),
    Source("fc7", 60, 111, (2, 3), 16),
    Source("conv6_2_h", 111, 162, (2, 3), 32, "conv6_2"),
    Source("conv7_2_h", 162, 213, (2, 3), 64, "conv7_2"),
    Source("conv8_2_h", 213, 264, (2,), 100, "conv8_2"),
    Source("conv9_2_h", 264, 315, (2,), 300, "conv9_2"),
]


def faces(width: float = 1, side: int = 300) -> str:
    """OpenCV's face detector: SSD on a ResNet of ten layers."""

    def part(channels: int) -> int:
        return narrowed(channels, width)

    def norm(name: str, scale: str, bottom: str, top: str) -> str:
        rates = "param { lr_mult: 0.0 } " * 3
        text = layer(name, "BatchNorm", bottom, rates, top)
        return text + layer(scale, "Scale", top, "scale_param { bias_term: true }", top)

    def plain(name: str, bottom: str, outputs: int, more: str) -> str:
        return conv(name, bottom, part(outputs), f"bias_term: false {more}")

    text = f'input: "data"\ninput_shape {{ {numbers("dim", 1, 3, side, side)} }}\n'
    text += norm("data_bn", "data_scale", "data", "data_bn")
    text += conv("conv1_h", "data_bn", part(32), "pad: 3 kernel_size: 7 stride: 2")
    text += norm("conv1_bn_h", "conv1_scale_h", "conv1_h", "conv1_h") + layer(
        "conv1_relu", "ReLU", "conv1_h", tops="conv1_h"
    )
    text += layer("conv1_pool", "Pooling", "conv1_h", "pooling_param { kernel_size: 3 stride: 2 }")
    three = "pad: 1 kernel_size: 3 stride: "
    first = "layer_64_1_conv1_h"
    text += plain(first, "conv1_pool", 32, f"{three}1") + norm(
        "layer_64_1_bn2_h", "layer_64_1_scale2_h", first, first
    )
    text += layer("layer_64_1_relu2", "ReLU", first, tops=first) + plain(
        "layer_64_1_conv2_h", first, 32, f"{three}1"
    )
    text += layer("layer_64_1_sum", "Eltwise", "layer_64_1_conv2_h conv1_pool")
    bottom = "layer_64_1_sum"
    for group, few, many, stride, second in (
        (128, 128, 128, 2, f"{three}1"),
        (256, 256, 256, 2, f"{three}1"),
        (512, 128, 256, 1, "pad: 2 kernel_size: 3 dilation: 2"),
    ):
        name = f"layer_{group}_1"
        before = f"{name}_bn1"
        text += norm(before, f"{name}_scale1", bottom, before) + layer(
            f"{name}_relu1", "ReLU", before, tops=before
        )
        text += plain(f"{name}_conv1", before, few, f"{three}{stride}")
        text += norm(f"{name}_bn2", f"{name}_scale2", f"{name}_conv1", f"{name}_conv1")
        text += layer(f"{name}_relu2", "ReLU", f"{name}_conv1", tops=f"{name}_conv1")
        text += plain(f"{name}_conv2", f"{name}_conv1", many, second)
        text += plain(f"{name}_conv_expand", before, many, f"kernel_size: 1 stride: {stride}")
        bottom = f"{name}_sum"
        text += layer(bottom, "Eltwise", f"{name}_conv2 {name}_conv_expand")
    text += norm("last_bn_h", "last_scale_h", bottom, bottom) + layer(
        "last_relu", "ReLU", bottom, tops="fc7"
    )
    bottom = "fc7"
    for group, few, many, stride in (
        (6, 128, 256, 2),
        (7, 64, 128, 2),
        (8, 64, 128, 1),
        (9, 64, 128, 1),
    ):
        for name, outputs, more in (
            (f"conv{group}_1", few, "kernel_size: 1"),
            (f"conv{group}_2", many, f"{three}{stride}"),
        ):
            text += conv(f"{name}_h", bottom, part(outputs), more) + layer(
                f"{name}_relu", "ReLU", f"{name}_h", tops=f"{name}_h"
            )
            bottom = f"{name}_h"
    text += layer("conv4_3_norm", "Normalize", "layer_256_1_bn1", NORM)
    text += _heads(FACES, 2, side, 3)
    return text + _found(
        2, "nms_param { nms_threshold: 0.45 top_k: 400 } keep_top_k: 200 confidence_threshold: 0.01"
    )


def python(module: str, kind: str, param_str: str) -> str:
    """What a Python layer runs."""
    return f"python_param {{ module: '{module}' layer: '{kind}' param_str: \"{param_str}\" }}"


PROPOSAL = python("rpn.proposal_layer", "ProposalLayer", "'feat_stride': 16")


def roi_data(classes: int, tops: str = "data im_info gt_boxes", name: str = "input-data") -> str:
    """Fast R-CNN's layer of images and their objects, or of regions and their targets."""
    body = python("roi_data_layer.layer", "RoIDataLayer", f"'num_classes': {classes}")
    return layer(name, "Python", body=body, tops=tops)


def _regions(bottom: str, channels: int, proposal: str, top: str = "rois") -> str:
    """The region proposal net of Ren et al. 2015, with the layer that makes regions of it."""
    kind, body = (
        ("Python", PROPOSAL)
        if proposal == "Python"
        else ("Proposal", "proposal_param { feat_stride: 16 }")
    )
    return (
        conv("rpn_conv/3x3", bottom, channels, "kernel_size: 3 pad: 1 stride: 1", tops="rpn/output")
        + layer("rpn_relu/3x3", "ReLU", "rpn/output", tops="rpn/output")
        + conv("rpn_cls_score", "rpn/output", 18, "kernel_size: 1 pad: 0 stride: 1")
        + conv("rpn_bbox_pred", "rpn/output", 36, "kernel_size: 1 pad: 0 stride: 1")
        + layer(
            "rpn_cls_score_reshape",
            "Reshape",
            "rpn_cls_score",
            "reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } }",
        )
        + layer("rpn_cls_prob", "Softmax", "rpn_cls_score_reshape")
        + layer(
            "rpn_cls_prob_reshape",
            "Reshape",
            "rpn_cls_prob",
            "reshape_param { shape { dim: 0 dim: 18 dim: -1 dim: 0 } }",
        )
        + layer("proposal", kind, "rpn_cls_prob_reshape rpn_bbox_pred im_info", body, top)
    )


TARGETS = "labels bbox_targets bbox_inside_weights bbox_outside_weights"
FIRST = "propagate_down: 1 propagate_down: 0"
COUNTED = "loss_param { ignore_label: -1 normalize: true }"


def _learnt_regions(bottom: str, channels: int, classes: int) -> str:
    """As `_regions`, with what it learns, and the regions that the detector is trained on."""
    rpn_targets = " ".join(f"rpn_{name}" for name in TARGETS.split())
    anchors = python("rpn.anchor_target_layer", "AnchorTargetLayer", "'feat_stride': 16")
    regions = python(
        "rpn.proposal_target_layer", "ProposalTargetLayer", f"'num_classes': {classes}"
    )
    return (
        _regions(bottom, channels, "Python", "rpn_rois")
        + layer("rpn-data", "Python", "rpn_cls_score gt_boxes im_info data", anchors, rpn_targets)
        + layer(
            "rpn_loss_cls",
            "SoftmaxWithLoss",
            "rpn_cls_score_reshape rpn_labels",
            f"{FIRST} loss_weight: 1 {COUNTED}",
            "rpn_cls_loss",
        )
        + layer(
            "rpn_loss_bbox",
            "SmoothL1Loss",
            f"rpn_bbox_pred {rpn_targets.partition(' ')[2]}",
            "loss_weight: 1 smooth_l1_loss_param { sigma: 3.0 }",
        )
        + layer("roi-data", "Python", "rpn_rois gt_boxes", regions, f"rois {TARGETS}")
    )


def _photograph(height: int, across: int) -> str:
    """Inputs of a net that finds regions: an image, and its height, width and scale."""
    return (
        f'input: "data"\ninput_shape {{ {numbers("dim", 1, 3, height, across)} }}\n'
        'input: "im_info"\ninput_shape { dim: 1 dim: 3 }\n'
    )


def faster_rcnn(
    width: float = 1,
    height: int = 224,
    across: int = 224,
    proposal: str = "Python",
    train: bool = False,
) -> str:
    """Faster R-CNN (Ren et al. 2015) on VGG16, for VOC's 20 classes.

    train: end to end, by the Python layers of py-faster-rcnn, whose image has a size of its own.
    """
    text = 'name: "VGG_ILSVRC_16_layers"\n'
    text += (roi_data(21) if train else _photograph(height, across)) + vgg(width)
    text += (
        _learnt_regions("conv5_3", narrowed(512, width), 21)
        if train
        else _regions("conv5_3", narrowed(512, width), proposal)
    )
    text += layer(
        "roi_pool5",
        "ROIPooling",
        "conv5_3 rois",
        "roi_pooling_param { pooled_w: 7 pooled_h: 7 spatial_scale: 0.0625 # 1/16\n }",
        "pool5",
    )
    bottom = "pool5"
    for i in (6, 7):
        outputs = f'num_output: {narrowed(4096, width)} weight_filler {{ type: "msra" }}'
        text += layer(
            f"fc{i}",
            "InnerProduct",
            bottom,
            "param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 } "
            f"inner_product_param {{ {outputs} }}",
        )
        text += layer(f"relu{i}", "ReLU", f"fc{i}", tops=f"fc{i}")
        bottom = f"fc{i}"
    for name, count in (("cls_score", 21), ("bbox_pred", 84)):
        text += layer(
            name,
            "InnerProduct",
            "fc7",
            f"inner_product_param {{ num_output: {count} "
            'weight_filler { type: "gaussian" std: 0.01 } }',
        )
    if not train:
        return text + layer("cls_prob", "Softmax", "cls_score")
    return (
        text
        + layer("loss_cls", "SoftmaxWithLoss", "cls_score labels", f"{FIRST} loss_weight: 1")
        + layer("loss_bbox", "SmoothL1Loss", f"bbox_pred {TARGETS.partition(' ')[2]}")
    )


def rfcn(
    width: float = 1,
    height: int = 224,
    across: int = 224,
    proposal: str = "Python",
    train: bool = False,
    sampled: bool = False,
) -> str:
    """R-FCN (Dai et al. 2016) on ResNet-50, for VOC's 20 classes, of boxes without a class.

    In training the hardest examples are mined; regions and targets are DummyData, or, if sampled,
    by py-R-FCN's Python layers, whose image has a size of its own.
    """
    text = 'name: "ResNet50"\n'
    if not train:
        text += _photograph(height, across)
    else:
        text += roi_data(2) if sampled else dummy("data", 1, 3, height, across)
    text += resnet(50, width, (1, 2, 2, 1), (1, 1, 1, 2))
    if sampled:
        text += _learnt_regions("res4f", narrowed(512, width), 2)
    elif train:
        text += "".join(
            dummy(f"roi{i}", 12, 1, 1, 1, value=v) for i, v in enumerate((0, 10, 20, 90, 70))
        )
        text += layer("rois", "Concat", " ".join(f"roi{i}" for i in range(5)))
        text += dummy("labels", 12, 1, 1, 1, value=3) + dummy("bbox_targets", 12, 8, 1, 1)
        text += dummy("bbox_inside_weights", 12, 8, 1, 1, value=1)
    else:
        text += _regions("res4f", narrowed(512, width), proposal)
    text += conv("conv_new_1", "res5c", narrowed(1024, width), "kernel_size: 1")
    text += layer("conv_new_1_relu", "ReLU", "conv_new_1", tops="conv_new_1")
    for what, count, maps in (("cls", 21, "rfcn_cls"), ("bbox", 8, "rfcn_bbox")):
        pool = f"psroi_pooling_param {{ spatial_scale: 0.0625 output_dim: {count} group_size: 7 }}"
        rois = "psroipooled_cls_rois" if what == "cls" else "psroipooled_loc_rois"
        text += conv(maps, "conv_new_1", 49 * count, "kernel_size: 1 pad: 0")
        text += layer(f"psroipooled_{what}_rois", "PSROIPooling", f"{maps} rois", pool, rois)
        name, top = (
            ("ave_cls_score_rois", "cls_score")
            if what == "cls"
            else ("ave_bbox_pred_rois", "bbox_pred")
        )
        if not train:
            top += "_pre" if what == "bbox" else ""
        text += layer(
            name, "Pooling", rois, "pooling_param { pool: AVE kernel_size: 7 stride: 7 }", top
        )
    if not train:
        text += layer("cls_prob", "Softmax", "cls_score", tops="cls_prob_pre")
        text += layer(
            "cls_prob_reshape",
            "Reshape",
            "cls_prob_pre",
            "reshape_param { shape { dim: -1 dim: 21 } }",
            "cls_prob",
        )
        return text + layer(
            "bbox_pred_reshape",
            "Reshape",
            "bbox_pred_pre",
            "reshape_param { shape { dim: -1 dim: 8 } }",
            "bbox_pred",
        )
    boxes = "bbox_pred bbox_targets bbox_inside_weights"

    def silent(name: str, kind: str, bottoms: str, tops: str, more: str = "") -> str:
        """A layer whose losses do not count and that passes no gradient on."""
        down = "propagate_down: false " * len(bottoms.split())
        return layer(name, kind, bottoms, "loss_weight: 0 " * len(tops.split()) + down + more, tops)

    mined = "box_annotator_ohem_param { roi_per_img: 6 ignore_label: -1 }"
    annotated = "rois per_roi_loss labels bbox_inside_weights"
    first = "propagate_down: true propagate_down: false"
    normalised = "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 6 }"
    tops = "temp_loss_cls temp_prob_cls per_roi_loss_cls"
    return (
        text
        + silent("per_roi_loss_cls", "SoftmaxWithLossOHEM", "cls_score labels", tops)
        + silent("per_roi_loss_bbox", "SmoothL1LossOHEM", boxes, "temp_loss_bbox per_roi_loss_bbox")
        + silent("per_roi_loss", "Eltwise", "per_roi_loss_cls per_roi_loss_bbox", "per_roi_loss")
        + silent(
            "annotator_detector",
            "BoxAnnotatorOHEM",
            annotated,
            "labels_ohem bbox_loss_weights_ohem",
            mined,
        )
        + layer("silence", "Silence", "temp_loss_cls temp_prob_cls temp_loss_bbox", tops="")
        + layer(
            "loss",
            "SoftmaxWithLoss",
            "cls_score labels_ohem",
            f"loss_weight: 1 loss_param {{ ignore_label: -1 }} {first}",
            "loss_cls",
        )
        + silent(
            "accuarcy",
            "Accuracy",
            "cls_score labels_ohem",
            "accuarcy",
            "accuracy_param { ignore_label: -1 }",
        )
        + layer(
            "loss_bbox",
            "SmoothL1LossOHEM",
            "bbox_pred bbox_targets bbox_loss_weights_ohem",
            f"loss_weight: 1 {normalised} {first} propagate_down: false",
        )
    )


def yolov2(width: float = 1, side: int = 416) -> str:
    """YOLOv2 (Redmon and Farhadi 2016) for VOC's 20 classes, as darknet's files are converted: up
    to the 5 boxes of each place."""
    text = (
        f'name: "yolo-voc"\ninput: "data"\ninput_shape {{ {numbers("dim", 1, 3, side, side)} }}\n'
    )

    def normal(number: int, bottom: str, outputs: int, kernel: int) -> str:
        name = f"layer{number}-conv"
        return (
            conv(
                name,
                bottom,
                narrowed(outputs, width),
                f"kernel_size: {kernel} pad: {kernel // 2} stride: 1 bias_term: false",
            )
            + layer(
                f"layer{number}-bn",
                "BatchNorm",
                name,
                "batch_norm_param { use_global_stats: true }",
                name,
            )
            + layer(f"layer{number}-scale", "Scale", name, "scale_param { bias_term: true }", name)
            + layer(f"layer{number}-act", "ReLU", name, "relu_param { negative_slope: 0.1 }", name)
        )

    darknet = (
        32,
        0,
        64,
        0,
        128,
        64,
        128,
        0,
        256,
        128,
        256,
        0,
        512,
        256,
        512,
        256,
        512,
        0,
        1024,
        512,
        1024,
        512,
        1024,
        1024,
        1024,
    )
    bottom, kernel = "data", 3
    for number, outputs in enumerate(darknet, 1):
        if not outputs:
            text += max_pool(f"layer{number}-maxpool", bottom)
            bottom = f"layer{number}-maxpool"
            continue
        kernel = 1 if number in (6, 10, 14, 16, 20, 22) else 3
        text += normal(number, bottom, outputs, kernel)
        bottom = f"layer{number}-conv"
    text += normal(27, "layer17-conv", 64, 1)
    text += layer("layer28-reorg", "Reorg", "layer27-conv", "reorg_param { stride: 2 }")
    text += layer("layer29-concat", "Concat", f"layer28-reorg {bottom}")
    text += normal(30, "layer29-concat", 1024, 3)
    return text + conv("layer31-conv", "layer30-conv", 125, "kernel_size: 1 pad: 0 stride: 1")
