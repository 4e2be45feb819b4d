"""The offset that the first FCN release's Crop found from the layers between its bottoms."""

from .. import coord_map
from ..core.errors import CaffeError, error_context
from ..core.log import LOGGER
from ..net_spec import Function, Top
from ..proto import caffe_pb2

NetParameter = caffe_pb2.NetParameter
CROPS = ("Crop", "AutoCrop")


def with_offsets(net: NetParameter) -> NetParameter:
    """Each Crop with automatic_offset, and each AutoCrop, with the offset that aligns its bottoms.

    The layers are those that run. A Crop without a crop_param keeps Caffe 1.0's offset of 0; where
    another one would align its bottoms, as the forks that its file may be of have it, the log says
    so. Raises CaffeError where no offset aligns those that have to be.
    """
    if not any(layer.type in CROPS and _is_open(layer) for layer in net.layer):
        return net
    out = NetParameter()
    out.CopyFrom(net)
    tops: dict[str, Top] = {}
    at_zero: dict[str, list[int]] = {}
    for layer in out.layer:
        bottoms = [tops[name] for name in layer.bottom]
        if _is_automatic(layer) and len(bottoms) == 2:  # else its own check says so
            with error_context(f"layer '{layer.name}' ({layer.type})"):
                param = _aligned(bottoms)
            layer.crop_param.CopyFrom(caffe_pb2.CropParameter(**param))
        elif layer.type == "Crop" and _is_open(layer) and len(bottoms) == 2:
            at_zero[layer.top[0] if layer.top else layer.name] = _offset(bottoms)
        kind = "Crop" if layer.type in CROPS else layer.type
        made = Function(kind, bottoms, _parameters(layer) | {"ntop": len(layer.top)})
        tops.update(zip(layer.top, made.tops, strict=True))
    _warn({top: offset for top, offset in at_zero.items() if any(offset)})
    return out


def _is_automatic(layer: caffe_pb2.LayerParameter) -> bool:
    return layer.crop_param.automatic_offset or layer.type == "AutoCrop"


def _is_open(layer: caffe_pb2.LayerParameter) -> bool:
    return _is_automatic(layer) or not layer.HasField("crop_param")


def _offset(bottoms: list[Top]) -> list[int]:
    """The offset that aligns a Crop's bottoms, [] where none does."""
    try:
        return _aligned(bottoms)["offset"]
    except (CaffeError, ValueError):  # numpy's, of windows over other numbers of axes
        return []


def _warn(unaligned: dict[str, list[int]]) -> None:
    """Say which tops are cut at another place than where their bottoms align."""
    if unaligned:
        LOGGER.warning(
            "Crop layers without a crop_param cut at offset 0, as in Caffe 1.0; the first FCN "
            "release and HED's fork align the bottoms: write crop_param { offset: N }, N being %s",
            ", ".join(
                f"{' and '.join(map(str, offset))} for '{top}'" for top, offset in unaligned.items()
            ),
        )


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
