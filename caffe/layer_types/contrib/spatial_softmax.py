"""SpatialSoftmax: where on its map each channel is."""

import torch
import torch.nn.functional as F

from ..base import LayerType, Shape, layer_type


@layer_type("SpatialSoftmax", "deep spatial autoencoders")
class SpatialSoftmax(LayerType):
    """The softmax of x / temperature along the last two axes together (Finn et al. 2016).

    Its fork's own temperature was not seen: spatial_softmax_param has to give it.
    """

    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(len(shapes[0]) > 1, f"needs height and width; found shape {shapes[0]}")
        given = self.spec.spatial_softmax_param.temperature
        self.check(
            given > 0, f"needs a positive temperature in spatial_softmax_param; found {given}"
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        scaled = x / self.spec.spatial_softmax_param.temperature
        return F.softmax(scaled.flatten(-2), -1).reshape(x.shape)
