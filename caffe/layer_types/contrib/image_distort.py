"""ImageDistort, of Apollo's classifiers of traffic lights."""

import torch

from ..base import LayerType, Shape, layer_type


@layer_type("ImageDistort", "Apollo")
class ImageDistort(LayerType):
    """new_scale (x - new_mean_value) of images, N x C x H x W, each channel with its own mean.

    Without new_mean_value it is new_scale x. Its name is of what it did in trainings, of which no
    net and no setting was published.
    """

    pointwise = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        means = self.spec.image_distort_param.new_mean_value
        self.check(len(shapes[0]) == 4, f"takes N x C x H x W; found shape {shapes[0]}")
        channels = shapes[0][1]
        self.check(
            len(means) in (0, channels),
            f"needs new_mean_value for each of {channels} channels; found {list(means)}",
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        param = self.spec.image_distort_param
        if param.new_mean_value:
            x = x - x.new_tensor(list(param.new_mean_value)).reshape(-1, 1, 1)
        return x * param.new_scale
