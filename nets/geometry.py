"""What the pixels of a blob see of the image: the size of their windows, and where these lie.

caffe.coord_map does as much for scale and shift, but stops at a Concat as GoogLeNet has.
"""

from typing import NamedTuple

from caffe import NetSpec
from caffe import layers as L
from caffe.net_spec import Top
from caffe.proto import caffe_pb2


class Window(NamedTuple):
    """In pixels of the image: size of the receptive field of a blob's pixels, distance of one
    pixel to the next, and centre of the first one."""

    size: float = 1
    stride: float = 1
    centre: float = 0


# Layers whose pixels see other pixels than their bottom's, or other than one map can tell
SPATIAL = {"Convolution", "Pooling", "Deconvolution", "Crop"}
NOT_SPATIAL = {"InnerProduct", "SoftmaxWithLoss", "Accuracy"}


def kernel(layer: caffe_pb2.LayerParameter) -> tuple[int, int, int]:
    """(extent of the kernel, stride, pad) of a Convolution, Deconvolution or Pooling layer.

    All are square in the nets here.
    """
    if layer.type == "Pooling":
        pooling = layer.pooling_param
        return pooling.kernel_size, pooling.stride, pooling.pad
    convolution = layer.convolution_param
    size, stride, pad, dilation = (
        values[0] if values else default
        for values, default in (
            (convolution.kernel_size, 1),
            (convolution.stride, 1),
            (convolution.pad, 0),
            (convolution.dilation, 1),
        )
    )
    return (size - 1) * dilation + 1, stride, pad


def windows(net: caffe_pb2.NetParameter) -> dict[str, Window]:
    """The window of each blob, but for those after a layer such as InnerProduct."""
    found: dict[str, Window] = {}
    for layer in net.layer:
        if layer.type in NOT_SPATIAL or not all(name in found for name in layer.bottom):
            continue
        for name in layer.top:
            found[name] = _window(layer, [found[bottom] for bottom in layer.bottom])
    return found


def _window(layer: caffe_pb2.LayerParameter, bottoms: list[Window]) -> Window:
    if not bottoms:
        return Window()
    size, stride, centre = bottoms[0]
    if layer.type == "Crop":
        offset = layer.crop_param.offset[0] if layer.crop_param.offset else 0
        return Window(size, stride, centre + offset * stride)
    if layer.type not in SPATIAL:
        return Window(max(b.size for b in bottoms), stride, centre)
    extent, step, pad = kernel(layer)
    middle = (extent - 1) / 2 - pad
    if layer.type == "Deconvolution":
        pixels = -(-extent // step)  # as many of the bottom meet in one of the top
        return Window(size + (pixels - 1) * stride, stride / step, centre - middle * stride / step)
    return Window(size + (extent - 1) * stride, stride * step, centre + middle * stride)


def crop(top_from: Top, top_to: Top) -> Top:
    """Crop layer that cuts `top_from` down to the pixels of `top_to`.

    Raises ValueError if no crop aligns the two.
    """
    n = NetSpec()
    n.top_from, n.top_to = top_from, top_to
    found = windows(n.to_proto())
    start, end = found["top_from"], found["top_to"]
    offset = (end.centre - start.centre) / start.stride
    if start.stride != end.stride or offset < 0 or offset != int(offset):
        raise ValueError(f"no crop of {start} gives {end}: offset {offset}")
    return L.Crop(top_from, top_to, axis=2, offset=int(offset))
