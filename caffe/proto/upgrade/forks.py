"""Fields of forks that Caffe 1.0 has under another name, as Caffe 1.0 has them."""

from ...core.errors import CaffeError
from ...core.log import LOGGER
from ...core.strict import is_strict
from .. import caffe_pb2, forks
from .fused import is_fused, unfused

NetParameter = caffe_pb2.NetParameter
PoolingParameter = caffe_pb2.PoolingParameter

_HOLES = ("hole", "hole_h", "hole_w")
_ROUNDING = ("ceil_mode", "torch_pooling")
_CROPS = {"crop_height": "crop_h", "crop_width": "crop_w"}
_SK = {"ConvolutionSK": "Convolution", "PoolingSK": "Pooling"}
_SIDES = ("pad_l", "pad_r", "pad_t", "pad_b", "pad_type")
_MOST = 2**31 - 1  # what a Pad's paddings hold


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
        or _has_sides(layer.convolution_param)
        or _is_clipped(layer)
        or _is_cropped(layer)
        or layer.image_data_param.HasField("images_in_color")
        or is_fused(layer)
        or _has_mask(layer)
        or _is_sk(layer)
        for layer in net.layer
    )


def upgrade_fork_fields(net: NetParameter) -> NetParameter:
    """ceil_mode and torch_pooling as round_mode, hole and kstride as dilation.

    crop_height and crop_width as crop_h and crop_w, images_in_color as is_color, relu6 as ReLU6,
    maximum and minimum of a ReLU as Clip. A ReLU with a second top (DecoupledNet's) is a ReLUMask,
    naibaf7's ConvolutionSK and PoolingSK a Convolution and a Pooling. A convolution whose padding
    is not the same at both ends gets a Pad before it, a layer that is fused with others gets these
    behind it.

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
        if _is_clipped(layer):
            _upgrade_clipped(layer)
        for given, field in _CROPS.items():
            if layer.transform_param.HasField(given):
                setattr(layer.transform_param, field, getattr(layer.transform_param, given))
                layer.transform_param.ClearField(given)
        images = layer.image_data_param
        if images.HasField("images_in_color"):
            images.is_color = images.images_in_color
            images.ClearField("images_in_color")
        if _has_mask(layer):
            layer.type = "ReLUMask"
        if _is_sk(layer):
            layer.type = _SK[layer.type]
    if any(map(is_fused, out.layer)):
        layers = [each for layer in out.layer for each in unfused(layer)]
        del out.layer[:]
        out.layer.extend(layers)
    if any(_has_sides(layer.convolution_param) for layer in out.layer):
        layers = [each for layer in out.layer for each in _with_pads(layer)]
        del out.layer[:]
        out.layer.extend(layers)
    return out


def _is_cropped(layer: caffe_pb2.LayerParameter) -> bool:
    return any(map(layer.transform_param.HasField, _CROPS))


def _has_mask(layer: caffe_pb2.LayerParameter) -> bool:
    return layer.type == "ReLU" and len(layer.top) == 2 and not is_strict()


def _is_sk(layer: caffe_pb2.LayerParameter) -> bool:
    return layer.type in _SK and not is_strict()


def _is_clipped(layer: caffe_pb2.LayerParameter) -> bool:
    relu = layer.relu_param
    return layer.type == "ReLU" and bool(relu.relu6 or relu.maximum > 0 or relu.minimum)


def _upgrade_clipped(layer: caffe_pb2.LayerParameter) -> None:
    relu = layer.relu_param
    if relu.negative_slope:
        raise CaffeError(
            f"layer '{layer.name}' ({layer.type}): has a negative_slope, and so takes no relu6, "
            "maximum and minimum: write a layer of type Clip behind it"
        )
    if relu.relu6 and not (relu.maximum > 0 or relu.minimum):
        layer.type = "ReLU6"
    else:
        layer.type = "Clip"
        ends = [end for end in (relu.maximum, 6 * relu.relu6) if end > 0]
        layer.clip_param.max = min(ends, default=float("inf"))
        layer.clip_param.min = max(relu.minimum, 0)
    for field in ("relu6", "maximum", "minimum"):
        relu.ClearField(field)


def _has_sides(convolution: caffe_pb2.ConvolutionParameter) -> bool:
    return any(map(convolution.HasField, _SIDES))


def _with_pads(layer: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter]:
    """A convolution behind what pads its bottoms, where pad_h and pad_w are not enough."""
    convolution = layer.convolution_param
    if not _has_sides(convolution):
        return [layer]
    left, right, above, below = (getattr(convolution, side) for side in _SIDES[:4])
    same = convolution.pad_type == 1
    if convolution.pad_type > 1 or (convolution.pad or convolution.pad_h or convolution.pad_w):
        raise CaffeError(
            f"layer '{layer.name}' ({layer.type}): takes pad_type 0 or 1, and either pad_l, pad_r, "
            "pad_t and pad_b or pad"
        )
    if max(left, right, above, below) > _MOST:
        raise CaffeError(
            f"layer '{layer.name}' ({layer.type}): takes pads of up to {_MOST}; found {left}, "
            f"{right}, {above} and {below} on the left, right, above and below"
        )
    for side in _SIDES:
        convolution.ClearField(side)
    if not same and (left, above) == (right, below):
        if left or above:
            convolution.pad_h, convolution.pad_w = above, left
        return [layer]
    if "Deconvolution" in layer.type:
        raise CaffeError(
            f"layer '{layer.name}' ({layer.type}): is padded alike at both ends; found {left}, "
            f"{right}, {above} and {below} on the left, right, above and below"
        )
    pads = []
    for i, bottom in enumerate(layer.bottom):
        pad = caffe_pb2.LayerParameter(type="Pad", include=layer.include, exclude=layer.exclude)
        pad.name = f"{layer.name}_pad{i or ''}"
        pad.bottom.append(bottom)
        pad.top.append(pad.name)
        layer.bottom[i] = pad.name
        if same:
            _pad_same(pad.pad_param, convolution)
        else:
            pad.pad_param.paddings.extend([0, 0, 0, 0, above, below, left, right])
        pads.append(pad)
    return [*pads, layer]


def _pad_same(pad: caffe_pb2.PadParameter, convolution: caffe_pb2.ConvolutionParameter) -> None:
    """Fields that say what a convolution's windows are, so that they cover its bottom."""
    for i, axis in enumerate("hw"):
        kernel, stride, dilation = (
            list(values)[min(i, len(values) - 1)] if values else other
            for values, other in (
                (convolution.kernel_size, getattr(convolution, f"kernel_{axis}")),
                (convolution.stride, getattr(convolution, f"stride_{axis}") or 1),
                (convolution.dilation, 1),
            )
        )
        # What is no window here the convolution itself refuses.
        pad.same_kernel.append(min(max(dilation * (kernel - 1) + 1, 1), _MOST))
        pad.same_stride.append(max(stride, 1))


def _quantized_elsewhere(layer: caffe_pb2.LayerParameter) -> bool:
    """Whether another program than this is to round what the layer computes."""
    return layer.HasField("quantization_param") and not forks.is_quantized(layer.type)


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
