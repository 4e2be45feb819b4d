"""Public projects' Python layers: whose they are, and how a layer of ours stands in for one.

A stand-in has the numbers of the configuration that its project trains or tests such a net with.
"""

import re
from collections.abc import Callable

from ..proto import caffe_pb2

VALUE = re.compile(r"['\"]?(\w+)['\"]?\s*:\s*(?:!!python/tuple\s*)?(\[[^\]]*\]|[-+.\w]+)")

Values = dict[str, list[float]]  # of a param_str, by name
Make = Callable[[caffe_pb2.LayerParameter, caffe_pb2.NetParameter], None]
Shapes = dict[str, tuple[int, ...]]  # of blobs, by name

PROJECTS = {  # by a module's name, or the first part of it
    "layers.text_proposal_layer": "CTPN",
    "rpn": "py-faster-rcnn or R-FCN",
    "roi_data_layer": "Fast R-CNN, py-faster-rcnn or R-FCN",
    "transform": "py-faster-rcnn",
    "pylayer": "MNC",
    "SSH": "SSH",
    "ron_layer": "RON",
    "caffe_traininglayers": "colorization",
    "pyloss": "Caffe's examples/pycaffe/layers",
    "pascal_multilabel_datalayers": "Caffe's examples/pycaffe/layers",
    **dict.fromkeys(
        ("voc_layers", "nyud_layers", "siftflow_layers", "pascalcontext_layers"), "FCN"
    ),
}


def project_of(module: str) -> str:
    """The public project that a Python layer's module is of, "" where none is known."""
    return PROJECTS.get(module) or PROJECTS.get(module.partition(".")[0], "")


def _values(spec: caffe_pb2.LayerParameter) -> Values:
    """The numbers that a param_str in YAML gives by name; ValueError where it gives more."""
    param_str = re.sub("#.*", "", spec.python_param.param_str)
    if rest := VALUE.sub("", param_str).strip(" \t\r\n,{}"):
        raise ValueError(f"beside numbers and [lists] of them: {rest}")
    found = VALUE.findall(param_str)
    return {name: list(map(float, re.findall(r"[-+.\w]+", text))) for name, text in found}


def _none_left(values: Values) -> None:
    if values:
        raise KeyError(f"unknown: {', '.join(values)}")


def _classes(values: Values) -> int:
    (classes,) = values.pop("num_classes")
    return int(classes)


# py-faster-rcnn, and R-FCN, whose layers are the same but for what is told here.


def _is_rfcn(net: caffe_pb2.NetParameter) -> bool:
    return any("PSROI" in layer.type for layer in net.layer)


def _is_agnostic(net: caffe_pb2.NetParameter) -> bool:
    """All objects of R-FCN have one box, and so the pooling of boxes has 2 x 4 channels."""
    return any("PSROI" in layer.type and _pooled(layer) == 8 for layer in net.layer)


def _is(layer: caffe_pb2.LayerParameter, module: str) -> bool:
    return layer.python_param.module == module


def _pooled(layer: caffe_pb2.LayerParameter) -> int:
    """The channels that a pooling of R-FCN's gives."""
    for field, param in layer.ListFields():
        if field.message_type and "output_dim" in field.message_type.fields_by_name:
            return param.output_dim
    return 0


def _proposal(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """The regions that may hold an object."""
    param = spec.proposal_param
    if spec.phase == caffe_pb2.TRAIN:
        param.pre_nms_topn, param.post_nms_topn = (6000, 300) if _is_rfcn(net) else (12000, 2000)
    _regions(spec, _values(spec))


def _regions(spec: caffe_pb2.LayerParameter, values: Values) -> None:
    """A Proposal of the anchors that these values say."""
    (spec.proposal_param.feat_stride,) = values.pop("feat_stride")
    spec.proposal_param.scale.extend(values.pop("scales", []))
    spec.proposal_param.ratio.extend(values.pop("ratios", []))
    _none_left(values)
    _learns_nothing(spec, "Proposal")


def _text_proposal(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """CTPN's regions that may hold a piece of text."""
    values = _values(spec)
    (spec.proposal_param.feat_stride,) = values.pop("feat_stride")
    _none_left(values)
    _learns_nothing(spec, "TextProposal")


def _anchor_target(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """What the region proposal network learns."""
    _anchors(spec, _values(spec))


def _anchors(spec: caffe_pb2.LayerParameter, values: Values) -> None:
    """An AnchorTarget of the anchors that these values say."""
    param = spec.anchor_target_param
    (param.feat_stride,) = values.pop("feat_stride")
    (param.allowed_border,) = values.pop("allowed_border", [0])
    param.scale.extend(values.pop("scales", []))
    param.ratio.extend(values.pop("ratios", []))
    _none_left(values)
    _learns_nothing(spec, "AnchorTarget")


def _ssh_anchor_target(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """SSH's, which may keep the anchors that it tells worst."""
    values = _values(spec)
    param = spec.anchor_target_param
    (param.base_size,) = values.pop("base_size", [16])
    (param.positive_overlap,) = values.pop("positive_overlap", [0.5])
    param.fg_fraction, param.force_fg_for_each_gt = 0.25, False
    _anchors(spec, values)


def _ssh_proposal(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """SSH's regions, which in tests may overlap as they do."""
    values = _values(spec)
    param = spec.proposal_param
    (param.base_size,) = values.pop("base_size", [16])
    param.pre_nms_topn = 1000
    if spec.phase == caffe_pb2.TRAIN:
        param.post_nms_topn, param.nms_thresh, param.min_size = 300, 0.3, 4
    else:
        param.post_nms_topn, param.nms_thresh, param.min_size = 1000, 1, 0
    _regions(spec, values)


def _region_target(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """What the detector learns: of all regions, where the net itself finds the hard ones."""
    values = _values(spec)
    param = spec.region_target_param
    param.num_classes = _classes(values)
    (background,) = values.pop("bg_aux_label", [0])
    param.bg_aux_label = int(background)
    _none_left(values)
    spec.bbox_reg_param.bbox_mean.extend([0, 0, 0, 0])
    spec.bbox_reg_param.bbox_std.extend([0.1, 0.1, 0.2, 0.2])
    if _is_rfcn(net):
        param.num_axes, param.agnostic, param.bg_thresh_lo = 4, _is_agnostic(net), 0.1
    if any(layer.type == "BoxAnnotatorOHEM" for layer in net.layer):
        param.batch_size, param.bg_thresh_lo = -1, 0
    _learns_nothing(spec, "RegionTarget")


def _hard_regions(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """The regions of one image that online hard example mining trains on."""
    values = _values(spec)
    _classes(values)
    _none_left(values)
    spec.proposal_param.post_nms_topn, spec.proposal_param.nms_thresh = 64, 0.7
    _learns_nothing(spec, "HardRegions")


def _learns_nothing(spec: caffe_pb2.LayerParameter, kind: str) -> None:
    """Make it a layer that passes no gradient on, as these Python layers pass none."""
    spec.type = kind
    del spec.propagate_down[:]
    spec.propagate_down.extend([False] * len(spec.bottom))


def _torch_image(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    _learns_nothing(spec, "TorchImageTransform")


# MNC, in tests.


def _mnc_proposal(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """As py-faster-rcnn's; what it learns through the regions has no stand-in."""
    _in_tests(spec)
    values = _values(spec)
    for of_gradient in ("use_clip", "clip_base", "gradient_scale"):
        values.pop(of_gradient, None)
    _regions(spec, values)


def _mask(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """The masks of regions, as planes of 21 x 21."""
    _in_tests(spec)
    spec.reshape_param.shape.dim.extend([0, 1, 21, 21])
    spec.type = "Reshape"


def _stage_bridge(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    _in_tests(spec)
    _learns_nothing(spec, "StageBridge")


def _in_tests(spec: caffe_pb2.LayerParameter) -> None:
    if spec.phase == caffe_pb2.TRAIN:
        raise ValueError("it has a stand-in in TEST alone")


# Caffe's own example.


def _pyloss(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """A Python layer's top weighs nothing unless the prototxt says so, unlike a loss's."""
    if not spec.loss_weight:
        spec.loss_weight.append(0)
    spec.type = "EuclideanLoss"


# Data layers: their tops are the net's inputs.


def _input(spec: caffe_pb2.LayerParameter, shapes: Shapes) -> None:
    for top in spec.top:
        if top not in shapes:
            raise KeyError(f"no shape is known of top '{top}'")
        spec.input_param.shape.add(dim=shapes[top])
    spec.type = "Input"


def _roi_data(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """Images of a shorter side of 600 pixels, and their objects, or regions and their targets.

    The shapes are those that the layer gives its tops until it has images, but for gt_boxes, which
    have the class as well, and in person search who it is.
    """
    values = _values(spec)
    classes = _classes(values)
    _none_left(values)
    rfcn = _is_rfcn(net)
    width = 8 if _is_agnostic(net) else 4 * classes
    more = (1, 1) if rfcn else ()
    of_regions = {
        "rois": (1, 5, *more),
        "labels": (1, 1, 1, 1) if rfcn else (1,),
        **dict.fromkeys(
            ("bbox_targets", "bbox_inside_weights", "bbox_outside_weights", "bbox_loss_weights"),
            (1, width, *more),
        ),
    }
    mines = any(layer.python_param.layer == "OHEMDataLayer" for layer in net.layer)
    images = 1 if rfcn or mines or not of_regions.keys() & set(spec.top) else 2
    objects = [len(layer.top) for layer in net.layer if _is(layer, "rpn.proposal_target_layer")]
    _input(
        spec,
        {
            "im_info": (1, 3),
            "gt_boxes": (1, max(objects, default=5)),
            **of_regions,
            spec.top[0]: (images, 3, 600, 1000),
        },
    )


def _cfm_data(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """MNC's layer of images, regions and their masks; it says 1 x 4 of regions."""
    values = _values(spec)
    width = 4 * _classes(values)
    _none_left(values)
    mask = (1, 1, 21, 21)
    of_tops = [(1, 3, 600, 1000), (1, 5), (1, 1, 14, 14), (1, 1), (1, 1)]
    of_tops += [(1, width), mask, (1, width), (1, width), mask]
    _input(spec, dict(zip(spec.top, of_tops, strict=False)))


# FCN: an image at a time, of any size, for which the largest stands until one is read.


def _labelled(height: int, width: int) -> Make:
    """An image's planes by what they are called, and its labels."""

    def make(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
        planes = {"data": 3, "color": 3, "hha": 3, "depth": 1, "label": 1, "sem": 1, "geo": 1}
        _input(spec, {name: (1, count, height, width) for name, count in planes.items()})

    return make


STAND_INS: dict[tuple[str, str], Make] = {
    ("rpn.proposal_layer", "ProposalLayer"): _proposal,
    ("layers.text_proposal_layer", "ProposalLayer"): _text_proposal,
    ("rpn.anchor_target_layer", "AnchorTargetLayer"): _anchor_target,
    ("SSH.layers.anchor_target_layer", "AnchorTargetLayer"): _ssh_anchor_target,
    ("SSH.layers.proposal_layer", "ProposalLayer"): _ssh_proposal,
    ("rpn.proposal_target_layer", "ProposalTargetLayer"): _region_target,
    ("roi_data_layer.layer", "RoIDataLayer"): _roi_data,
    ("roi_data_layer.layer", "OHEMDataLayer"): _hard_regions,
    ("transform.torch_image_transform_layer", "TorchImageTransformLayer"): _torch_image,
    ("pylayer.proposal_layer", "ProposalLayer"): _mnc_proposal,
    ("pylayer.mask_layer", "MaskLayer"): _mask,
    ("pylayer.stage_bridge_layer", "StageBridgeLayer"): _stage_bridge,
    ("pylayer.cfm_data_layer", "CFMDataLayer"): _cfm_data,
    ("pyloss", "EuclideanLossLayer"): _pyloss,
    ("voc_layers", "VOCSegDataLayer"): _labelled(500, 500),
    ("voc_layers", "SBDDSegDataLayer"): _labelled(500, 500),
    ("pascalcontext_layers", "PASCALContextSegDataLayer"): _labelled(500, 500),
    ("nyud_layers", "NYUDSegDataLayer"): _labelled(425, 560),
    ("siftflow_layers", "SIFTFlowSegDataLayer"): _labelled(256, 256),
}
