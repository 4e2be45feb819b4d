"""Table 1's facts of a net, computed from its deploy prototxt: pure functions."""

import math
from typing import NamedTuple

from caffe.proto import caffe_pb2

from .geometry import kernel, windows

Shape = tuple[int, ...]  # of a blob, without the batch


class Facts(NamedTuple):
    """stride and receptive field in pixels, of the coarsest features; parameters that learn; and
    convolutions (or inner products) one after another from the image to the scores."""

    receptive_field: int
    stride: int
    parameters: int
    conv_layers: int


def facts(net: caffe_pb2.NetParameter) -> Facts:
    """The facts of a deploy net.

    Table 1's receptive fields are those of the classifiers. FCN-GoogLeNet sees 715 pixels where
    the classifier sees 907: its last average pooling, of 7x7, is discarded.
    """
    seen = windows(net)
    stride = max(window.stride for window in seen.values())
    field = max(window.size for window in seen.values() if window.stride == stride)
    found = shapes(net)
    for layer in net.layer:
        if layer.type == "InnerProduct" and layer.bottom[0] in seen:  # a window on all there is
            window = seen[layer.bottom[0]]
            field = max(field, window.size + (found[layer.bottom[0]][-1] - 1) * window.stride)
    return Facts(int(field), int(stride), parameters(net), conv_layers(net))


def conv_layers(net: caffe_pb2.NetParameter) -> int:
    """The most Convolution and InnerProduct layers that any path through the net meets."""
    depth: dict[str, int] = {}
    for layer in net.layer:
        below = max((depth[name] for name in layer.bottom), default=0)
        counts = layer.type in ("Convolution", "InnerProduct")
        depth.update(dict.fromkeys(layer.top, below + counts))
    return max(depth.values())


def parameters(net: caffe_pb2.NetParameter) -> int:
    """Number of parameters that learn: weights and biases of learning rate 0 are not counted."""
    found = shapes(net)
    count = 0
    for layer in net.layer:
        if layer.type not in ("Convolution", "InnerProduct"):
            continue
        channels, *size = found[layer.bottom[0]]
        if layer.type == "Convolution":
            param = layer.convolution_param
            inputs = channels // param.group * kernel(layer)[0] ** 2
        else:
            param = layer.inner_product_param
            inputs = channels * math.prod(size)
        blobs = (param.num_output * inputs, param.num_output * param.bias_term)
        rates = [spec.lr_mult for spec in layer.param] + [1.0] * 2
        count += sum(blob for blob, rate in zip(blobs, rates, strict=False) if rate)
    return count


def shapes(net: caffe_pb2.NetParameter) -> dict[str, Shape]:
    """The shape of each blob of a deploy net: (channels, height, width), or (channels,)."""
    found: dict[str, Shape] = {}
    for layer in net.layer:
        if layer.type == "Input":
            dims = [shape.dim[1:] for shape in layer.input_param.shape]
            found.update((top, tuple(dim)) for top, dim in zip(layer.top, dims, strict=True))
        else:
            found[layer.top[0]] = _shape(layer, [found[bottom] for bottom in layer.bottom])
    return found


def _shape(layer: caffe_pb2.LayerParameter, bottoms: list[Shape]) -> Shape:
    channels, *size = bottoms[0]
    if layer.type == "InnerProduct":
        return (layer.inner_product_param.num_output,)
    if layer.type == "Concat":
        return (sum(bottom[0] for bottom in bottoms), *size)
    if layer.type == "Crop":
        return (channels, *bottoms[1][1:])
    if layer.type == "Pooling":
        return (channels, *(_pooled(extent, *kernel(layer)) for extent in size))
    if layer.type in ("Convolution", "Deconvolution"):
        window, stride, pad = kernel(layer)
        if layer.type == "Convolution":
            size = [(extent + 2 * pad - window) // stride + 1 for extent in size]
        else:
            size = [(extent - 1) * stride + window - 2 * pad for extent in size]
        return (layer.convolution_param.num_output, *size)
    return bottoms[0]


def _pooled(extent: int, window: int, stride: int, pad: int) -> int:
    """Caffe's pooling takes a last window that is not whole, but none in the padding alone."""
    pooled = -(-(extent + 2 * pad - window) // stride) + 1
    return pooled - (pad > 0 and (pooled - 1) * stride >= extent + pad)
