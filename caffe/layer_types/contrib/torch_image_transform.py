"""TorchImageTransform of py-faster-rcnn: images as the ResNets of Facebook's Torch take them."""

import torch

from ..base import LayerType, Shape, layer_type

BGR_MEAN = (102.9801, 115.9465, 122.7717)  # py-faster-rcnn's, of values up to 255
RGB_MEAN = (0.48462227599918, 0.45624044862054, 0.40588363755159)  # of values up to 1
RGB_STD = (0.22889466674951, 0.22446679341259, 0.22495548344775)


@layer_type("TorchImageTransform", "py-faster-rcnn")
class TorchImageTransform(LayerType):
    """BGR less its mean (N x 3 x H x W) to RGB from 0 to 1, less its mean and over its deviation.

    As py-faster-rcnn's transform.torch_image_transform_layer has it; nothing is learnt through it.
    """

    diff_bottoms = staticmethod(lambda index: False)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(shapes[0]) == 4 and shapes[0][1] == 3,
            f"needs images N x 3 x H x W; found shape {shapes[0]}",
        )
        return [shapes[0]]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        old, mean, std = (
            torch.tensor(values).to(bottoms[0])[:, None, None]
            for values in (BGR_MEAN, RGB_MEAN, RGB_STD)
        )
        return (((bottoms[0].detach() + old) / 255).flip(1) - mean) / std
