"""Table 1's facts of a net: what its pixels see of the image, its depth and its parameters."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from google.protobuf import text_format

import caffe
from caffe.proto import caffe_pb2


class Facts(NamedTuple):
    """What Table 1 has of a net.

    receptive_field  pixels of the image that one pixel of the coarsest features sees, on a side
    stride           pixels of the image between two pixels of the coarsest features
    parameters       number of values that learn
    conv_layers      convolutions and inner products one after another, from image to scores
    """

    receptive_field: int
    stride: int
    parameters: int
    conv_layers: int


class Window(NamedTuple):
    """What a blob's pixels see of the image.

    size    pixels on a side
    stride  from one pixel of the blob to the next
    first   the middle of what the blob's first pixel sees; 0 is the middle of the image's first
    """

    size: float = 1
    stride: float = 1
    first: float = 0


# Layers whose pixels see more of the image than their bottom's, or lie closer
SLIDING = {"Convolution", "Pooling", "Deconvolution"}
NOT_SPATIAL = {"InnerProduct", "Flatten", "SoftmaxWithLoss", "Accuracy"}


def facts(net: caffe_pb2.NetParameter) -> Facts:
    """The facts of a deploy net, which is built for the shapes of its blobs and parameters.

    Table 1's receptive fields are those of the classifiers. FCN-GoogLeNet sees 715 pixels where
    the classifier sees 907: its last average pooling, of 7x7, is discarded.
    """
    built = _built(net)
    seen = windows(net)
    stride = max(window.stride for window in seen.values())
    field = max(window.size for window in seen.values() if window.stride == stride)
    for layer in net.layer:
        if layer.type == "InnerProduct" and layer.bottom[0] in seen:  # a window on all there is
            window = seen[layer.bottom[0]]
            field = max(
                field, window.size + (built.blobs[layer.bottom[0]].width - 1) * window.stride
            )
    return Facts(int(field), int(stride), _parameters(net, built), _conv_layers(net))


def windows(net: caffe_pb2.NetParameter) -> dict[str, Window]:
    """The window of each blob, but for those after a layer such as InnerProduct.

    What a Bias adds, a mean over the image, has no place on it, and is not counted.
    """
    found: dict[str, Window] = {}
    for layer in net.layer:
        own = layer.bottom[:1] if layer.type == "Bias" else layer.bottom
        if _sees_all(layer) or not all(name in found for name in own):
            continue
        for name in layer.top:
            found[name] = _window(layer, [found[bottom] for bottom in own])
    return found


def _sees_all(layer: caffe_pb2.LayerParameter) -> bool:
    return layer.type in NOT_SPATIAL or layer.pooling_param.global_pooling


def _window(layer: caffe_pb2.LayerParameter, bottoms: list[Window]) -> Window:
    if not bottoms:
        return Window()
    size, stride, first = bottoms[0]
    if layer.type == "Crop":  # of its second bottom it takes the size alone
        offset = layer.crop_param.offset[0] if layer.crop_param.offset else 0
        return Window(size, stride, first + offset * stride)
    if layer.type not in SLIDING:
        return Window(max(bottom.size for bottom in bottoms), stride, first)
    extent, step, pad = _kernel(layer)
    middle = (extent - 1) / 2 - pad  # of the first window, in pixels of the finer blob
    if layer.type == "Deconvolution":
        pixels = -(-extent // step)  # as many of the bottom meet in one of the top
        fine = stride / step
        return Window(size + (pixels - 1) * stride, fine, first - middle * fine)
    return Window(size + (extent - 1) * stride, stride * step, first + middle * stride)


def _kernel(layer: caffe_pb2.LayerParameter) -> tuple[int, int, int]:
    """(extent of the kernel, stride, pad) of a layer that slides; all are square in the nets."""
    if layer.type == "Pooling":
        pooling = layer.pooling_param
        return pooling.kernel_size, pooling.stride, pooling.pad
    param = layer.convolution_param
    size, stride, dilation = (
        values[0] if values else 1 for values in (param.kernel_size, param.stride, param.dilation)
    )
    return (size - 1) * dilation + 1, stride, param.pad[0] if param.pad else 0


def _conv_layers(net: caffe_pb2.NetParameter) -> int:
    """The most Convolution and InnerProduct layers that any path through the net meets."""
    depth: dict[str, int] = {}
    for layer in net.layer:
        below = max((depth[name] for name in layer.bottom), default=0)
        counts = layer.type in ("Convolution", "InnerProduct")
        depth.update(dict.fromkeys(layer.top, below + counts))
    return max(depth.values())


def _parameters(net: caffe_pb2.NetParameter, built: caffe.Net) -> int:
    """Number of values that learn: weights and biases of learning rate 0 are not counted."""
    count = 0
    for layer in net.layer:
        blobs = built.params.get(layer.name, ())
        rates = [spec.lr_mult for spec in layer.param] + [1.0] * len(blobs)
        count += sum(blob.count for blob, rate in zip(blobs, rates, strict=False) if rate)
    return count


def _built(net: caffe_pb2.NetParameter) -> caffe.Net:
    """The net as the engine builds it, its weights 0: to draw them would take seconds."""
    unfilled = caffe_pb2.NetParameter()
    unfilled.CopyFrom(net)
    for layer in unfilled.layer:
        for param in (layer.convolution_param, layer.inner_product_param):
            param.ClearField("weight_filler")
    with tempfile.TemporaryDirectory() as folder:  # for BVLC's pycaffe, which takes a path alone
        path = Path(folder) / "net.prototxt"
        path.write_text(text_format.MessageToString(unfilled))
        return caffe.Net(str(path), caffe.TEST)
