"""V1 nets, `layers { type: CONVOLUTION }`, as today's (upgrade_proto.cpp)."""

from google.protobuf.message import Message

from ...core.errors import CaffeError
from .. import caffe_pb2

NetParameter = caffe_pb2.NetParameter
V1LayerParameter = caffe_pb2.V1LayerParameter

# Data transformations: out of the data layers' own parameters.

_TRANSFORMED = {
    "DATA": "data_param",
    "IMAGE_DATA": "image_data_param",
    "WINDOW_DATA": "window_data_param",
    "VIDEO_DATA": "image_data_param",  # C3D's
    "VIDEO_SEGMENTATION_DATA": "image_data_param",
    "VIDEO_WITH_VOXEL_TRUTH_DATA": "image_data_param",
}
_TRANSFORMATIONS = ("scale", "mean_file", "crop_size", "mirror")


def _data_param(layer: V1LayerParameter) -> Message | None:
    """The parameters of a data layer that has its transformations in them."""
    name = V1LayerParameter.LayerType.Name(layer.type)
    return getattr(layer, _TRANSFORMED[name]) if name in _TRANSFORMED else None


def needs_data_upgrade(net: NetParameter) -> bool:
    params = map(_data_param, net.layers)
    return any(p is not None and any(map(p.HasField, _TRANSFORMATIONS)) for p in params)


def upgrade_data(net: NetParameter) -> NetParameter:
    """scale, mean_file, crop_size and mirror of V1 data layers as transform_param."""
    out = NetParameter()
    out.CopyFrom(net)
    for layer in out.layers:
        param = _data_param(layer)
        if param is None:
            continue
        param.SetInParent()
        layer.transform_param.SetInParent()
        for field in _TRANSFORMATIONS:
            if param.HasField(field):
                setattr(layer.transform_param, field, getattr(param, field))
                param.ClearField(field)
    return out


# V1 to today's.

V1_TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
    # Caffe's own, of early 2014
    "ELTWISE_PRODUCT": "Eltwise",
    "LRN_MAP": "LRN",
    # Of forks
    "ADAPTIVE_BIAS_CHANNEL": "AdaptiveBiasChannel",
    "BIAS_CHANNEL": "BiasChannel",
    "BN": "BN",
    "CONVOLUTION3D": "Convolution3D",
    "CROP": "Crop",
    "DECONVOLUTION3D": "Deconvolution3D",
    "DENSE_CRF": "DenseCRF",
    "DENSE_IMAGE_DATA": "DenseImageData",
    "DOMAIN_TRANSFORM": "DomainTransform",
    "ELTWISE_ACCURACY": "EltwiseAccuracy",
    "IMAGE_SEG_DATA": "ImageSegData",
    "INTERP": "Interp",
    "MAT_READ": "MatRead",
    "MAT_WRITE": "MatWrite",
    "MULTI_STAGE_MEANFIELD": "MultiStageMeanfield",
    "POOLING3D": "Pooling3D",
    "SEG_ACCURACY": "SegAccuracy",
    "SPATIAL_PRODUCT": "SpatialProduct",
    "UNIQUE_LABEL": "UniqueLabel",
    "UNPOOLING": "Unpooling",
    "UPSAMPLE": "Upsample",
    "VIDEO_DATA": "VideoData",
    "VIDEO_SEGMENTATION_DATA": "VideoSegmentationData",
    "VIDEO_WITH_VOXEL_TRUTH_DATA": "VideoWithVoxelTruthData",
    "WINDOW_SEG_DATA": "WindowSegData",
    "PADDING": "Padding",
}

# V1 field that has a value for each parameter blob: the field of `param { }` it became.
V1_PARAM_FIELDS = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}

# Of fields, where forks' are others.
V1_NAMES = {"softmaxloss_param": "loss_param", "lrn_map_param": "lrn_param"}


def upgrade_v1_net(net: NetParameter) -> NetParameter:
    """A V1 net as today's."""
    if net.layer:
        raise CaffeError(
            f"net '{net.name}' has both layer {{ }} and the older layers {{ }}; "
            "write all of them as layer { }"
        )
    out = NetParameter()
    out.CopyFrom(net)
    del out.layers[:]
    out.layer.extend(upgrade_v1_layer(layer) for layer in net.layers)
    return out


def upgrade_v1_layer(v1: V1LayerParameter) -> caffe_pb2.LayerParameter:
    """A V1 layer as today's: type by name, a param { } for each blob; the rest as it is."""
    out = caffe_pb2.LayerParameter(
        bottom=v1.bottom,
        top=v1.top,
        include=v1.include,
        exclude=v1.exclude,
        blobs=v1.blobs,
        loss_weight=v1.loss_weight,
    )
    if v1.HasField("name"):
        out.name = v1.name
    if v1.HasField("type"):
        out.type = V1_TYPES[V1LayerParameter.LayerType.Name(v1.type)]
    elif v1.HasField("other_type"):
        out.type = v1.other_type
    for field, new in V1_PARAM_FIELDS.items():
        for i, value in enumerate(getattr(v1, field)):
            if len(out.param) <= i:
                out.param.add()
            setattr(out.param[i], new, value)
    for given, value in v1.ListFields():
        if given.name.endswith("_param"):
            getattr(out, V1_NAMES.get(given.name, given.name)).MergeFrom(value)
    if v1.type == V1LayerParameter.ELTWISE_PRODUCT:
        out.eltwise_param.operation = caffe_pb2.EltwiseParameter.PROD
    if v1.type == V1LayerParameter.LRN_MAP:
        out.lrn_param.norm_region = caffe_pb2.LRNParameter.WITHIN_CHANNEL
    if v1.type == V1LayerParameter.CROP and not v1.crop_param.offset:
        out.crop_param.automatic_offset = True
    return out
