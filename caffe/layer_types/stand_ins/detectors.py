"""Stand-ins of detectors: py-faster-rcnn and R-FCN, and those whose layers are made of theirs.

Each has the numbers of the configuration that its project trains or tests such a net with.
"""

from ...proto import caffe_pb2
from .making import Shapes, StandIns, Values, all_read, become, become_input, classes_of, numbers


def _is_rfcn(net: caffe_pb2.NetParameter) -> bool:
    return any("PSROI" in layer.type for layer in net.layer)


def _is_agnostic(net: caffe_pb2.NetParameter, classes: int) -> bool:
    """All objects of R-FCN have one box: no pooling has four channels for each of the classes."""
    pooled = [_pooled(layer) for layer in net.layer if "PSROI" in layer.type]
    return bool(pooled) and (classes == 2 or 4 * classes not in pooled)


def _is(layer: caffe_pb2.LayerParameter, module: str) -> bool:
    return layer.python_param.module == module


def _pooled(layer: caffe_pb2.LayerParameter) -> int:
    """The channels that a pooling of R-FCN's gives."""
    for field, param in layer.ListFields():
        if field.message_type and "output_dim" in field.message_type.fields_by_name:
            return param.output_dim
    return 0


def _is_of_curves(net: caffe_pb2.NetParameter) -> bool:
    """Curve-Text-Detector's: it has maps of the points along a piece of text."""
    return any(layer.name.startswith("rfcn_bbox_info") for layer in net.layer)


def _proposal(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """The regions that may hold an object."""
    param, values = spec.proposal_param, numbers(spec)
    if spec.phase == caffe_pb2.TRAIN:
        param.pre_nms_topn, param.post_nms_topn = (6000, 300) if _is_rfcn(net) else (12000, 2000)
    if _is_of_curves(net):
        values = {"scales": [4, 8, 16, 22], "ratios": [0.25, 0.5, 2], **values}
    regions(spec, values)


def regions(spec: caffe_pb2.LayerParameter, values: Values) -> None:
    """A Proposal of the anchors that these values say."""
    (spec.proposal_param.feat_stride,) = values.pop("feat_stride")
    spec.proposal_param.scale.extend(values.pop("scales", []))
    spec.proposal_param.ratio.extend(values.pop("ratios", []))
    all_read(values)
    become(spec, "Proposal")


def _text_proposal(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """CTPN's regions that may hold a piece of text."""
    values = numbers(spec)
    (spec.proposal_param.feat_stride,) = values.pop("feat_stride")
    all_read(values)
    become(spec, "TextProposal")


def _anchor_target(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """What the region proposal network learns."""
    _anchors(spec, numbers(spec))


def _anchors(spec: caffe_pb2.LayerParameter, values: Values) -> None:
    """An AnchorTarget of the anchors that these values say."""
    param = spec.anchor_target_param
    (param.feat_stride,) = values.pop("feat_stride")
    (param.allowed_border,) = values.pop("allowed_border", [0])
    param.scale.extend(values.pop("scales", []))
    param.ratio.extend(values.pop("ratios", []))
    all_read(values)
    become(spec, "AnchorTarget")


def _ssh_anchor_target(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """SSH's, which may keep the anchors that it tells worst."""
    values = numbers(spec)
    param = spec.anchor_target_param
    (param.base_size,) = values.pop("base_size", [16])
    (param.positive_overlap,) = values.pop("positive_overlap", [0.5])
    param.fg_fraction, param.force_fg_for_each_gt = 0.25, False
    _anchors(spec, values)


def _ssh_proposal(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """SSH's regions, which in tests may overlap as they do."""
    values = numbers(spec)
    param = spec.proposal_param
    (param.base_size,) = values.pop("base_size", [16])
    param.pre_nms_topn = 1000
    if spec.phase == caffe_pb2.TRAIN:
        param.post_nms_topn, param.nms_thresh, param.min_size = 300, 0.3, 4
    else:
        param.post_nms_topn, param.nms_thresh, param.min_size = 1000, 1, 0
    regions(spec, values)


def _region_target(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """What the detector learns: of all regions, where the net itself finds the hard ones."""
    values = numbers(spec)
    param = spec.region_target_param
    param.num_classes = classes_of(values)
    (background,) = values.pop("bg_aux_label", [0])
    param.bg_aux_label = int(background)
    all_read(values)
    spec.bbox_reg_param.bbox_mean.extend([0, 0, 0, 0])
    spec.bbox_reg_param.bbox_std.extend([0.1, 0.1, 0.2, 0.2])
    if _is_rfcn(net):
        param.num_axes, param.bg_thresh_lo = 4, 0.1
        param.agnostic = _is_agnostic(net, param.num_classes)
    if any(layer.type == "BoxAnnotatorOHEM" for layer in net.layer):
        param.batch_size, param.bg_thresh_lo = -1, 0
    become(spec, "RegionTarget")


def _hard_regions(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """The regions of one image that online hard example mining trains on."""
    values = numbers(spec)
    classes_of(values)
    all_read(values)
    spec.proposal_param.post_nms_topn, spec.proposal_param.nms_thresh = 64, 0.7
    become(spec, "HardRegions")


def _instance_labels(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """What a refined classifier learns of regions, by the scores of the one before."""
    values = numbers(spec)
    classes_of(values)
    all_read(values)
    become(spec, "InstanceLabels")


def _torch_image(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    become(spec, "TorchImageTransform")


def _roi_data(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """Images of a shorter side of 600 pixels, and their objects, or regions and their targets.

    The shapes are those that the layer gives its tops until it has images, but for gt_boxes, which
    have the class as well, and in person search who it is.
    """
    values = numbers(spec)
    classes = classes_of(values)
    all_read(values)
    rfcn = _is_rfcn(net)
    width = 8 if _is_agnostic(net, classes) else 4 * classes
    more = (1, 1) if rfcn else ()
    of_regions: Shapes = {
        "rois": (1, 5, *more),
        "labels": (1, 1, 1, 1) if rfcn else (1,),
        **dict.fromkeys(
            ("bbox_targets", "bbox_inside_weights", "bbox_outside_weights", "bbox_loss_weights"),
            (1, width, *more),
        ),
    }
    mines = any(layer.python_param.layer == "OHEMDataLayer" for layer in net.layer)
    images = 1 if rfcn or mines or not of_regions.keys() & set(spec.top) else 2
    shape = (images, 3, 600, 1000)
    if any(_is(layer, "oicr_layer.layer") for layer in net.layer):
        of_regions["labels"], shape = (1, classes), (1, 3, 100, 100)
    objects = [len(layer.top) for layer in net.layer if _is(layer, "rpn.proposal_target_layer")]
    become_input(
        spec,
        {
            "im_info": (1, 3),
            "gt_boxes": (1, max(objects, default=5)),
            **of_regions,
            spec.top[0]: shape,
        },
    )


STAND_INS: StandIns = {
    ("rpn.proposal_layer", "ProposalLayer"): _proposal,
    ("rpn.anchor_target_layer", "AnchorTargetLayer"): _anchor_target,
    ("rpn.proposal_target_layer", "ProposalTargetLayer"): _region_target,
    ("roi_data_layer.layer", "RoIDataLayer"): _roi_data,
    ("roi_data_layer.layer", "OHEMDataLayer"): _hard_regions,
    ("oicr_layer.layer", "OICRLayer"): _instance_labels,
    ("transform.torch_image_transform_layer", "TorchImageTransformLayer"): _torch_image,
    ("SSH.layers.anchor_target_layer", "AnchorTargetLayer"): _ssh_anchor_target,
    ("SSH.layers.proposal_layer", "ProposalLayer"): _ssh_proposal,
    ("layers.text_proposal_layer", "ProposalLayer"): _text_proposal,
}
