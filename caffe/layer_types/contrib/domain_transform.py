"""DeepLab's layers that follow edges: DomainTransform, SpatialProduct."""

import math

import torch

from ..base import LayerType, Shape, layer_type
from ..loss import with_gradient


@layer_type("DomainTransform", "DeepLab")
class DomainTransform(LayerType):
    """x filtered along rows and columns, less across edges (Chen et al. 2016, section 3.2).

    Bottoms: x N x C x H x W, edges N x 1 x H x W, and the height and width of each image, N x 2,
    beyond which nothing is done. From left to right, back, downwards and upwards, num_iter times,
    y_i = (1 - w_i) x_i + w_i y_(i - 1); w = exp(-sqrt(2) / s (1 + edge spatial_sigma /
    range_sigma)), min_weight at least; s halves from one time to the next. Where w is min_weight
    it has the gradient of such an exponential.
    """

    bottoms = (3, 3)
    diff_bottoms = staticmethod(lambda index: index < 2)
    not_in_onnx = "it has as many steps as the images' sizes say"

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.domain_transform_param
        self.check(
            min(param.spatial_sigma, param.range_sigma, param.num_iter) > 0
            and 0 <= param.min_weight <= 1,
            "spatial_sigma, range_sigma and num_iter must be positive, min_weight in 0 to 1; found "
            f"{param.spatial_sigma:g}, {param.range_sigma:g}, {param.num_iter} and "
            f"{param.min_weight:g}",
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        x, edges, sizes = shapes
        self.check(
            len(x) == 4
            and edges == (x[0], 1, *x[2:])
            and sizes[:1] == x[:1]
            and math.prod(sizes[1:]) >= 2,
            "needs N x C x H x W, edges N x 1 x H x W and sizes N x 2; found shapes "
            f"{x}, {edges} and {sizes}",
        )
        return [x]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, edges, sizes = bottoms
        return torch.stack(
            [
                self._of_image(x[i], edges[i, 0], sizes[i].detach().flatten().tolist())
                for i in range(len(x))
            ]
        )

    def _of_image(self, x: torch.Tensor, edges: torch.Tensor, size: list[float]) -> torch.Tensor:
        self.check(
            all(1 <= size[i] < x.shape[1 + i] + 1 for i in range(2)),
            f"an image's size lies in 1 x 1 to the maps' {x.shape[1]} x {x.shape[2]}; "
            f"'{self.spec.bottom[2]}' holds {size[0]:g} x {size[1]:g}",
        )
        height, width = int(size[0]), int(size[1])
        param, inside = self.spec.domain_transform_param, x[:, :height, :width]
        for i in range(param.num_iter):
            weight = self._weight(edges[:height, :width], i)
            for axis in (2, 1):
                inside = _recursive(inside, weight, axis)
        below = torch.cat([inside, x[:, :height, width:]], 2)
        return torch.cat([below, x[:, height:]], 1)

    def _weight(self, edges: torch.Tensor, i: int) -> torch.Tensor:
        param = self.spec.domain_transform_param
        sigma = param.spatial_sigma * math.sqrt(3) * 2.0 ** (param.num_iter - i - 1)
        sigma /= math.sqrt(4.0**param.num_iter - 1)
        decay, slope = -math.sqrt(2) / sigma, param.spatial_sigma / param.range_sigma
        now = (decay * (1 + edges.detach() * slope)).exp().clamp(param.min_weight, 1)
        return with_gradient(now, edges, decay * slope * now)


def _recursive(x: torch.Tensor, weight: torch.Tensor, axis: int) -> torch.Tensor:
    """C x H x W, filtered along an axis and back; a weight lies between a value and the one before.

    weight: H x W, the first of each line not used.
    """
    values, weights = list(x.unbind(axis)), weight.unbind(axis - 1)
    for i in range(1, len(values)):
        values[i] = values[i] + weights[i] * (values[i - 1] - values[i])
    for i in range(len(values) - 2, -1, -1):
        values[i] = values[i] + weights[i + 1] * (values[i + 1] - values[i])
    return torch.stack(values, axis)


@layer_type("SpatialProduct", "DeepLab")
class SpatialProduct(LayerType):
    """N x C x H x W times N x 1 x H x W."""

    bottoms = (2, 2)
    reads_values = False

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        x, other = shapes
        self.check(
            len(x) == 4 and other == (x[0], 1, *x[2:]),
            f"needs N x C x H x W and N x 1 x H x W; found shapes {x} and {other}",
        )
        return [x]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return bottoms[0] * bottoms[1]
