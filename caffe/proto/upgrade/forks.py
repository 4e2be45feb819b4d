"""Fields of forks that Caffe 1.0 has under another name, as Caffe 1.0 has them."""

from ...core.log import LOGGER
from .. import caffe_pb2, forks

NetParameter = caffe_pb2.NetParameter
PoolingParameter = caffe_pb2.PoolingParameter

_HOLES = ("hole", "hole_h", "hole_w")
_ROUNDING = ("ceil_mode", "torch_pooling")


def needs_fork_upgrade(net: NetParameter) -> bool:
    """Whether a layer has such fields."""
    return any(
        layer.pooling_param.HasField(field) for layer in net.layer for field in _ROUNDING
    ) or any(
        layer.convolution_param.hole
        or _given(layer)
        or _quantized_elsewhere(layer)
        or layer.convolution_param.kstride
        or layer.pooling_param.kstride
        for layer in net.layer
    )


def upgrade_fork_fields(net: NetParameter) -> NetParameter:
    """ceil_mode and torch_pooling as round_mode, hole and kstride as dilation.

    quantization_param, but of Ristretto's types, is passed over, with a line in the log.
    """
    out = NetParameter()
    out.CopyFrom(net)
    elsewhere = [layer for layer in out.layer if _quantized_elsewhere(layer)]
    for layer in elsewhere:
        layer.ClearField("quantization_param")
    if elsewhere:
        fork, why = forks.PASSED_OVER["quantization_param"]
        LOGGER.info("passed over quantization_param of %s: %s", fork, why)
    for layer in out.layer:
        if any(map(layer.pooling_param.HasField, _ROUNDING)):
            _upgrade_rounding(layer.pooling_param)
        if layer.convolution_param.hole or _given(layer):
            _upgrade_holes(layer.convolution_param)
        for param in (layer.convolution_param, layer.pooling_param):
            if param.kstride:
                param.dilation.extend(param.kstride)
                param.ClearField("kstride")
    return out


def _quantized_elsewhere(layer: caffe_pb2.LayerParameter) -> bool:
    """Whether another program than this is to round what the layer computes."""
    return layer.HasField("quantization_param") and not layer.type.endswith("Ristretto")


def _given(layer: caffe_pb2.LayerParameter) -> bool:
    return any(map(layer.convolution_param.HasField, _HOLES[1:]))


def _upgrade_rounding(pool: PoolingParameter) -> None:
    floor = pool.torch_pooling or not pool.ceil_mode
    if not pool.HasField("round_mode"):
        pool.round_mode = PoolingParameter.FLOOR if floor else PoolingParameter.CEIL
    for field in _ROUNDING:
        pool.ClearField(field)


def _upgrade_holes(convolution: caffe_pb2.ConvolutionParameter) -> None:
    holes = list(convolution.hole) or [convolution.hole_h or 1, convolution.hole_w or 1]
    convolution.dilation.extend(holes)
    for field in _HOLES:
        convolution.ClearField(field)
