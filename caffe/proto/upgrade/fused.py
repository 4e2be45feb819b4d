"""Layers of Intel's Caffe for OpenCL that do the work of the one behind them, as two layers."""

from .. import caffe_pb2

Layer = caffe_pb2.LayerParameter


def is_fused(layer: Layer) -> bool:
    """Whether the layer says that it is one of two, or that it is not."""
    return layer.convolution_param.HasField("fuse_type") or layer.lrn_param.HasField("fuse_type")


def unfused(layer: Layer) -> list[Layer]:
    """A convolution and its ReLU, or an LRN and its pooling; the layer where it is no such."""
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


def _behind(layer: Layer, kind: str, word: str, bottom: str, top: str) -> Layer:
    name = f"{top if len(layer.top) > 1 else layer.name}_{word}"
    of = Layer(name=name, type=kind, include=layer.include, exclude=layer.exclude)
    of.bottom.append(bottom)
    of.top.append(top)
    return of
