"""Which positions of a blob an image reaches, and which positions others are computed from.

FCN pads its image by 100: outside a rectangle, activations are the same for every image.
A span is a half-open range of positions on one axis; a region is a span for each axis behind the
channels.
"""

from __future__ import annotations

from typing import NamedTuple

from ..layer_types.base import LayerType, Shape, Window

Span = tuple[int, int]
Region = tuple[Span, ...]


class Rule(NamedTuple):
    """How an axis of a layer's bottom and of its top belong together, not clipped to the blobs."""

    window: Window
    transposed: bool  # the window of a position of the bottom lies on the top

    def reaches(self, span: Span) -> Span:
        """The positions of the top that see a span of the bottom."""
        return (covered if self.transposed else touching)(self.window, span)

    def needs(self, span: Span) -> Span:
        """The positions of the bottom that a span of the top is computed from."""
        return (touching if self.transposed else covered)(self.window, span)


Rules = tuple[Rule, Rule]  # on height and width


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


def windows_inside(window: Window, span: Span) -> Span:
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


def rules(layer: LayerType, bottoms: list[Shape]) -> Rules | None:
    """The layer's rules for bottoms of these shapes; None where it has none, and needs them whole.

    They are about the bottoms whose values it reads: of Crop's bottom 1 it is only the shape.
    """
    if len(bottoms[0]) != 4 or len(layer.spec.top) != 1:
        return None
    windows = layer.windows(bottoms)
    if windows is None:
        return None
    height, width = (Rule(window, layer.transposed) for window in windows)
    return height, width


def input_region(rules: Rules, region: Region) -> Region:
    """What a region of a top is computed from, with what lies in the pad."""
    return tuple(rule.needs(span) for rule, span in zip(rules, region, strict=True))
