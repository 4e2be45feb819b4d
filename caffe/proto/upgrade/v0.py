"""V0 nets, `layers { layer { type: "conv" } }`, as V1 (upgrade_proto.cpp)."""

from google.protobuf.message import Message

from ...core.errors import CaffeError
from .. import caffe_pb2

NetParameter = caffe_pb2.NetParameter
V1LayerParameter = caffe_pb2.V1LayerParameter

V0_TYPES = {
    "accuracy": "ACCURACY",
    "bnll": "BNLL",
    "concat": "CONCAT",
    "conv": "CONVOLUTION",
    "data": "DATA",
    "dropout": "DROPOUT",
    "euclidean_loss": "EUCLIDEAN_LOSS",
    "flatten": "FLATTEN",
    "hdf5_data": "HDF5_DATA",
    "hdf5_output": "HDF5_OUTPUT",
    "im2col": "IM2COL",
    "images": "IMAGE_DATA",
    "infogain_loss": "INFOGAIN_LOSS",
    "innerproduct": "INNER_PRODUCT",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MULTINOMIAL_LOGISTIC_LOSS",
    "pool": "POOLING",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "softmax": "SOFTMAX",
    "softmax_loss": "SOFTMAX_LOSS",
    "split": "SPLIT",
    "tanh": "TANH",
    "window_data": "WINDOW_DATA",
}

_WEIGHTS = {"conv": "convolution_param", "innerproduct": "inner_product_param"}
_CONV = {"conv": "convolution_param"}
_POOL = {"pool": "pooling_param"}
_LRN = {"lrn": "lrn_param"}
_DATA = {"data": "data_param"}
_HDF5 = {"hdf5_data": "hdf5_data_param"}
_IMAGES = {"images": "image_data_param"}
_WINDOW = {"window_data": "window_data_param"}
_INFOGAIN = {"infogain_loss": "infogain_loss_param"}
_TRANSFORM = dict.fromkeys(["", *V0_TYPES], "transform_param")  # of any type

# V0 field: its name in V1, and by V0 type the message that holds it there.
V0_FIELDS = {
    "num_output": ("num_output", _WEIGHTS),
    "biasterm": ("bias_term", _WEIGHTS),
    "weight_filler": ("weight_filler", _WEIGHTS),
    "bias_filler": ("bias_filler", _WEIGHTS),
    "pad": ("pad", _CONV | _POOL),
    "kernelsize": ("kernel_size", _CONV | _POOL),
    "group": ("group", _CONV),
    "stride": ("stride", _CONV | _POOL),
    "pool": ("pool", _POOL),
    "dropout_ratio": ("dropout_ratio", {"dropout": "dropout_param"}),
    "local_size": ("local_size", _LRN),
    "alpha": ("alpha", _LRN),
    "beta": ("beta", _LRN),
    "k": ("k", _LRN),
    "source": ("source", _DATA | _HDF5 | _IMAGES | _WINDOW | _INFOGAIN),
    "scale": ("scale", _TRANSFORM),
    "meanfile": ("mean_file", _TRANSFORM),
    "cropsize": ("crop_size", _TRANSFORM),
    "mirror": ("mirror", _TRANSFORM),
    "batchsize": ("batch_size", _DATA | _HDF5 | _IMAGES | _WINDOW),
    "rand_skip": ("rand_skip", _DATA | _IMAGES),
    "shuffle_images": ("shuffle", _IMAGES),
    "new_height": ("new_height", _IMAGES),
    "new_width": ("new_width", _IMAGES),
    "concat_dim": ("concat_dim", {"concat": "concat_param"}),
    "det_fg_threshold": ("fg_threshold", _WINDOW),
    "det_bg_threshold": ("bg_threshold", _WINDOW),
    "det_fg_fraction": ("fg_fraction", _WINDOW),
    "det_context_pad": ("context_pad", _WINDOW),
    "det_crop_mode": ("crop_mode", _WINDOW),
    "hdf5_output_param": ("hdf5_output_param", {"hdf5_output": ""}),  # a message of its own
}


def upgrade_v0_net(net: NetParameter) -> tuple[NetParameter, list[str]]:
    """A V0 net as V1, and what was left out because its layer's type has no such parameter."""
    net = fold_padding_layers(net)
    out = NetParameter(input=net.input, input_dim=net.input_dim)
    for field in ("name", "force_backward"):
        if net.HasField(field):
            setattr(out, field, getattr(net, field))
    problems = []
    for connection in net.layers:
        layer, left_out = upgrade_v0_layer(connection)
        out.layers.append(layer)
        problems += left_out
    return out, problems


def fold_padding_layers(net: NetParameter) -> NetParameter:
    """Without padding layers: the convolution or pooling behind one pads by itself."""
    out = NetParameter()
    out.CopyFrom(net)
    del out.layers[:]
    made_by: dict[str, V1LayerParameter | None] = dict.fromkeys(net.input)
    for connection in net.layers:
        layer = connection.layer
        kept = V1LayerParameter()
        kept.CopyFrom(connection)
        for j, name in enumerate(connection.bottom):
            _check(name in made_by, layer, f"unknown bottom blob '{name}'; no layer above makes it")
            source = made_by[name]
            if source is None or source.layer.type != "padding":
                continue
            pads = layer.type in ("conv", "pool") and len(connection.bottom) == 1
            _check(pads, layer, "a padding layer leads only to a conv or pool layer of one bottom")
            one = len(source.bottom) == len(source.top) == 1
            _check(one, source.layer, "a padding layer has one bottom and one top")
            kept.layer.pad = source.layer.pad
            kept.bottom[j] = source.bottom[0]
        if layer.type != "padding":
            out.layers.append(kept)
        made_by.update(dict.fromkeys(connection.top, connection))
    return out


def upgrade_v0_layer(connection: V1LayerParameter) -> tuple[V1LayerParameter, list[str]]:
    """A V0 layer as V1, and what was left out."""
    v0 = connection.layer
    out = V1LayerParameter(
        bottom=connection.bottom,
        top=connection.top,
        blobs=v0.blobs,
        blobs_lr=v0.blobs_lr,
        weight_decay=v0.weight_decay,
    )
    if v0.HasField("name"):
        out.name = v0.name
    if v0.HasField("type"):
        known = ", ".join(V0_TYPES)
        _check(v0.type in V0_TYPES, v0, f"unknown V0 type '{v0.type}'; there are {known}")
        out.type = V1LayerParameter.LayerType.Value(V0_TYPES[v0.type])
    problems = []
    for field, value in v0.ListFields():
        name, holders = V0_FIELDS.get(field.name, ("", {}))
        if v0.type in holders:
            holder = holders[v0.type]
            _put(getattr(out, holder) if holder else out, name, value)
        elif holders:
            problems.append(f"Unknown parameter {field.name} for layer type {v0.type}")
    return out, problems


def _put(message: Message, name: str, value: object) -> None:
    field = getattr(message, name)
    if isinstance(value, Message):
        field.CopyFrom(value)
    elif hasattr(field, "append"):
        field.append(value)
    else:
        setattr(message, name, value)


def _check(condition: bool, layer: caffe_pb2.V0LayerParameter, message: str) -> None:
    if not condition:
        raise CaffeError(f"layer '{layer.name}' ({layer.type}): {message}")
