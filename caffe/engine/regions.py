"""Which positions of a blob an image reaches, and which positions others are computed from.

FCN pads its image by 100: outside a rectangle, activations are the same for every image.
A span is a half-open range of positions on one axis; a region is a span for each axis behind the
channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..layer_types.base import LayerType, Shape
from ..proto import caffe_pb2

Span = tuple[int, int]
Region = tuple[Span, ...]

POINTWISE = ("Dropout", "Eltwise", "ReLU")


class Window(NamedTuple):
    """A window that moves over an axis: how far it reaches, its stride and its pad."""

    extent: int
    stride: int
    pad: int


class Rule(NamedTuple):
    """How an axis of a layer's bottom and of its top belong together, not clipped to the blobs.

    reaches: the positions of the top that see a span of the bottom; needs: the positions of the
    bottom that a span of the top is computed from.
    """

    reaches: Callable[[Span], Span]
    needs: Callable[[Span], Span]


def covered(window: Window, span: Span) -> Span:
    """What the windows of a span lie on."""
    start, end = span
    _, stride, pad = window
    return start * stride - pad, (end - 1) * stride - pad + window.extent


def touching(window: Window, span: Span) -> Span:
    """The windows that lie on some of a span."""
    start, end = span
    extent, stride, pad = window
    return -(-(start + pad - extent + 1) // stride), (end - 1 + pad) // stride + 1


def within(window: Window, span: Span) -> Span:
    """The windows that lie on nothing but a span."""
    start, end = span
    extent, stride, pad = window
    return -(-(start + pad) // stride), (end + pad - extent) // stride + 1


def whole(shape: Shape) -> Region:
    """All positions of a blob."""
    return tuple((0, size) for size in shape[2:])


def hull(a: Region, b: Region) -> Region:
    """The smallest region around both."""
    return tuple((min(s[0], t[0]), max(s[1], t[1])) for s, t in zip(a, b, strict=True))


def common(a: Region, b: Region) -> Region | None:
    """What lies in both, None if nothing does."""
    spans = tuple((max(s[0], t[0]), min(s[1], t[1])) for s, t in zip(a, b, strict=True))
    return spans if all(start < end for start, end in spans) else None


def rules(layer: LayerType, bottoms: list[Shape]) -> tuple[Rule, ...] | None:
    """The layer's rules on height and width; None where it has none, and needs all of its bottoms.

    For Crop they are about bottom 0: the other one gives nothing but its shape.
    """
    if len(bottoms[0]) != 4 or len(layer.spec.top) != 1:
        return None
    if layer.type in ("Convolution", "Deconvolution") and layer.channel_axis != 1:
        return None
    if layer.type == "Convolution" and layer.fits(bottoms[0][2:]):
        return tuple(map(_sliding, windows(layer)))
    if layer.type == "Deconvolution" and _leaves_no_gap(layer):
        return tuple(Rule(r.needs, r.reaches) for r in map(_sliding, windows(layer)))
    if layer.type == "Pooling" and _is_plain_maximum(layer):
        return tuple(map(_sliding, windows(layer)))
    if layer.type == "Crop" and layer.spec.crop_param.axis in (2, -2):
        return tuple(map(_cut, layer.offsets[2:]))
    return (Rule(lambda s: s, lambda s: s),) * 2 if is_pointwise(layer) else None


def is_pointwise(layer: LayerType) -> bool:
    """Whether the top has at a position what is computed from the bottoms at that position."""
    if layer.type == "LRN":
        return layer.spec.lrn_param.norm_region == caffe_pb2.LRNParameter.ACROSS_CHANNELS
    return layer.type in POINTWISE


def _leaves_no_gap(layer: LayerType) -> bool:
    return all(layer.extent(i) >= layer.stride[i] for i in range(2))


def _is_plain_maximum(layer: LayerType) -> bool:
    """MAX pooling whose windows lie in a part of the bottom as they do in the whole."""
    return (
        layer.spec.pooling_param.pool == caffe_pb2.PoolingParameter.MAX
        and layer.kernel is not None
        and layer.pad == (0, 0)
        and all(k >= s for k, s in zip(layer.kernel, layer.stride, strict=True))
    )


def windows(layer: LayerType) -> list[Window]:
    """Of a layer that has rules, but for Crop: how its windows move over height and width."""
    if is_pointwise(layer):
        return [Window(1, 1, 0)] * 2
    extents = layer.kernel if layer.type == "Pooling" else map(layer.extent, range(2))
    return list(map(Window, extents, layer.stride, layer.pad))


def _sliding(window: Window) -> Rule:
    return Rule(lambda span: touching(window, span), lambda span: covered(window, span))


def _cut(offset: int) -> Rule:
    return Rule(lambda s: (s[0] - offset, s[1] - offset), lambda s: (s[0] + offset, s[1] + offset))
