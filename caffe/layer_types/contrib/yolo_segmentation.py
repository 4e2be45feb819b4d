"""Segmentation beside YOLOv3: the loss YoloSeg and SegmentationEvaluate."""

import numpy as np
import torch

from ...feeding.resizing import POLICY, interpolated
from ..base import LayerType, Shape, layer_type
from ..loss import with_gradient
from .weighed_targets import TargetOfEach


@layer_type("YoloSeg", "MobileNet-YOLO")
class YoloSeg(TargetOfEach):
    """The sum of d^2 over the number of images, d = object_scale (sigmoid(x) - t) of each value.

    As in its fork the gradient by x is d over the number of images, that of a cross entropy.
    """

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, target = bottoms[0], bottoms[1].detach().reshape(bottoms[0].shape)
        apart = self.spec.yolo_seg_param.object_scale * (x.detach().sigmoid() - target)
        return with_gradient(apart.square() / len(x), x, apart / len(x)).sum()


@layer_type("SegmentationEvaluate", "MobileNet-YOLO")
class SegmentationEvaluate(LayerType):
    """The IU of each channel, of what is above a threshold in both bottoms: 1 x 1 x 1 x C.

    Of bottoms N x C x H x W, scores and what is true, the first image counts. Scores of another
    size are taken to the size of what is true as images of 8 bits, each pixel the mean of its area.
    Without a pixel that both have it is 0.
    """

    bottoms = (2, 2)
    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.segmentation_evaluate_param
        self.check(param.num_classes > 0, "num_classes is missing")

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        scores, truth = shapes
        self.check(
            len(scores) == len(truth) == 4
            and scores[1] == truth[1]
            and min(scores[0], truth[0]) > 0,
            f"needs two of N x C x H x W, alike in C; found shapes {scores} and {truth}",
        )
        return [(1, 1, 1, truth[1])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        threshold = self.spec.segmentation_evaluate_param.threshold
        scores, truth = (bottom[0].detach().cpu().numpy() for bottom in bottoms)
        found = scores > threshold
        if scores.shape != truth.shape:
            pixels = (scores * 255).clip(0, 255).astype(np.uint8)
            sized = [interpolated(p[..., None], truth.shape[1:], POLICY.AREA) for p in pixels]
            found = np.stack(sized).reshape(truth.shape) > int(threshold * 255)
        true = truth > threshold
        both, either = ((found & true).sum((1, 2)), (found | true).sum((1, 2)))
        return torch.from_numpy(both / either.clip(1)).to(bottoms[0])[None, None, None]
