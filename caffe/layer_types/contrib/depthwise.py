"""Convolutions of each channel by itself, under the names that MobileNet's forks gave them."""

from ..base import Shape, layer_type
from ..convolution import Convolution


@layer_type("ConvolutionDepthwise", "MobileNet")
@layer_type("DepthwiseConvolution", "MobileNet")
class DepthwiseConvolution(Convolution):
    """A Convolution whose `group` is the number of channels where the prototxt does not say."""

    def setup_from(self, shapes: list[Shape]) -> None:
        conv = self.spec.convolution_param
        if not conv.HasField("group"):
            conv.group = shapes[0][self.axis(conv.axis, shapes[0])]
        super().setup_from(shapes)
