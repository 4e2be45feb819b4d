"""Layers of Intel's Caffe for OpenCL and of SkimCaffe that do the work of several, as several."""

from ...core.errors import CaffeError
from ...core.strict import is_strict
from .. import caffe_pb2
from ..foreign import OWN_TYPES

Layer = caffe_pb2.LayerParameter

TYPES = {  # SkimCaffe's
    "ConvolutionReLU": ("Convolution", "ReLU"),
    "ConvolutionReLUPool": ("Convolution", "ReLU", "Pooling"),
    "ConvolutionReLUPoolLRN": ("Convolution", "ReLU", "Pooling", "LRN"),
    "InnerProductReLUDropout": ("InnerProduct", "ReLU", "Dropout"),
    "ReLUPooling": ("ReLU", "Pooling"),
    **{f"MKL{kind}": (kind,) for kind in ("Convolution", "LRN", "Pooling", "ReLU")},
}
_IN_PLACE = {"ReLU", "Dropout"}
_OWN = {  # the field of each, and the word for it in names
    "Convolution": ("convolution_param", "conv"),
    "Dropout": ("dropout_param", "drop"),
    "InnerProduct": ("inner_product_param", "ip"),
    "LRN": ("lrn_param", "norm"),
    "Pooling": ("pooling_param", "pool"),
    "ReLU": ("relu_param", "relu"),
}


def is_fused(layer: Layer) -> bool:
    """Whether the layer does the work of several, or says that it does not."""
    return _is_of_types(layer) or any(
        param.HasField("fuse_type") for param in (layer.convolution_param, layer.lrn_param)
    )


def _is_of_types(layer: Layer) -> bool:
    return layer.type in TYPES and layer.type not in OWN_TYPES and not is_strict()


def unfused(layer: Layer) -> list[Layer]:
    """A convolution and its ReLU, an LRN and its pooling or as TYPES has it; else the layer."""
    if _is_of_types(layer):
        return _apart(layer)
    convolution, norm = layer.convolution_param, layer.lrn_param
    behind = []
    if convolution.fuse_type == convolution.FUSED_CONV_RELU:
        for top in layer.top:
            behind.append(_behind(layer, "ReLU", "relu", top, top))
            behind[-1].relu_param.CopyFrom(convolution.relu_param)
    if norm.fuse_type == norm.FUSED_POOL_MAX:
        name = f"{layer.name}_norm"
        behind.append(_behind(layer, "Pooling", "pool", name, layer.top[0]))
        behind[-1].pooling_param.CopyFrom(norm.pooling_param)
        layer.top[0] = name
    for param, of_other in ((convolution, "relu_param"), (norm, "pooling_param")):
        if param.HasField("fuse_type"):
            param.ClearField("fuse_type")
            param.ClearField(of_other)
    return [layer, *behind]


def _apart(layer: Layer) -> list[Layer]:
    kinds = TYPES[layer.type]
    if len(kinds) > 1 and (len(layer.bottom), len(layer.top)) != (1, 1):
        raise CaffeError(
            f"layer '{layer.name}' ({layer.type}): takes one bottom and one top; found "
            f"{len(layer.bottom)} and {len(layer.top)}"
        )
    whole, parts = Layer(), [layer]
    whole.CopyFrom(layer)
    layer.type = kinds[0]
    for i, kind in enumerate(kinds):
        field, word = _OWN[kind]
        if i:
            parts.append(_behind(whole, kind, word, parts[-1].top[0], whole.top[0]))
            getattr(parts[-1], field).CopyFrom(getattr(whole, field))
            layer.ClearField(field)
        if i and kind in _IN_PLACE:
            parts[-1].top[0] = parts[-1].bottom[0]
        elif not _IN_PLACE.issuperset(kinds[i + 1 :]):
            parts[-1].top[0] = f"{whole.name}_{word}"
    return parts


def _behind(layer: Layer, kind: str, word: str, bottom: str, top: str) -> Layer:
    name = f"{top if len(layer.top) > 1 else layer.name}_{word}"
    of = Layer(name=name, type=kind, include=layer.include, exclude=layer.exclude)
    of.bottom.append(bottom)
    of.top.append(top)
    return of
