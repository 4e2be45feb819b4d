"""The offset that the first FCN release's Crop found from the layers between its bottoms."""

from .. import coord_map
from ..core.errors import CaffeError, error_context
from ..net_spec import Function, Top
from ..proto import caffe_pb2

NetParameter = caffe_pb2.NetParameter


def with_offsets(net: NetParameter) -> NetParameter:
    """Each Crop with automatic_offset as Caffe 1.0's, with the offset that aligns its bottoms.

    The layers are those that run. Raises CaffeError where no offset aligns them.
    """
    if not any(layer.crop_param.automatic_offset for layer in net.layer):
        return net
    out = NetParameter()
    out.CopyFrom(net)
    tops: dict[str, Top] = {}
    for layer in out.layer:
        bottoms = [tops[name] for name in layer.bottom]
        if layer.crop_param.automatic_offset:
            with error_context(f"layer '{layer.name}' (Crop)"):
                param = _aligned(bottoms)
            layer.crop_param.CopyFrom(caffe_pb2.CropParameter(**param))
        made = Function(layer.type, bottoms, _parameters(layer) | {"ntop": len(layer.top)})
        tops.update(zip(layer.top, made.tops, strict=True))
    return out


def _aligned(bottoms: list[Top]) -> dict:
    try:
        return coord_map.crop(*bottoms).fn.params["crop_param"]
    except CaffeError:
        raise
    except AssertionError as error:
        raise CaffeError(str(error)) from None


def _parameters(layer: caffe_pb2.LayerParameter) -> dict:
    """The layer's parameters as coord_map reads them: kernel_h and kernel_w as one list."""
    found: dict = {}
    for field, value in layer.ListFields():
        if field.name in ("convolution_param", "pooling_param", "crop_param", "concat_param"):
            param = {f.name: list(v) if f.is_repeated else v for f, v in value.ListFields()}
            for name, given in (("kernel_size", "kernel"), ("stride", "stride"), ("pad", "pad")):
                pair = [param.pop(f"{given}_{axis}", None) for axis in "hw"]
                if None not in pair:
                    param[name] = pair
            found[field.name] = param
    return found
