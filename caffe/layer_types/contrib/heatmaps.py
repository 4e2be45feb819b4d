"""What heatmap regression of poses adds: DataHeatmap, EuclideanLossHeatmap."""

import math

import torch

from ..base import LayerType, Shape, layer_type
from ..input import Input
from .losses import unweighed

FORK = "caffe-heatmap"


@layer_type("DataHeatmap", FORK)
class DataHeatmap(Input):
    """Images, N x 3 x outsize x outsize, and maps of joints, which a script fills, as Input's tops.

    There a list of images and joints is read. Maps are N x J x label_height x label_width; J is
    half as many as labelinds has numbers, or 1 until the script gives the top another shape.
    """

    tops = (2, 2)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.heatmap_data_param
        sizes = [param.batchsize, param.outsize, param.label_height, param.label_width]
        self.check(
            min(sizes) > 0,
            f"batchsize, outsize, label_height and label_width must be positive; found {sizes}",
        )
        joints = max(1, len([each for each in param.labelinds.split(",") if each]) // 2)
        batch, size, height, width = sizes
        self.given = [(batch, 3, size, size), (batch, joints, height, width)]


@layer_type("EuclideanLossHeatmap", FORK)
class EuclideanLossHeatmap(LayerType):
    """The mean squared difference of two maps N x J x H x W (Pfister et al. 2015, section 3.1).

    As in its fork both have the difference itself as gradient, whatever the loss weighs. A third
    bottom, which it draws, counts for nothing.
    """

    bottoms = (2, 3)
    loss = True
    diff_bottoms = staticmethod(lambda index: index < 2)
    reads_bottom = staticmethod(lambda index: index < 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        first, second = shapes[:2]
        self.check(
            first == second and len(first) == 4 and math.prod(first) > 0,
            f"needs maps N x J x H x W of one shape; found shapes {first} and {second}",
        )
        return [()]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        first, second = bottoms[:2]
        apart = (first - second).detach()
        loss = apart.square().mean()
        return loss + unweighed(first, apart) + unweighed(second, apart)
