"""Layers of structured sparsity learning: Sparsify, SymmetricRectify."""

import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
from ..loss import with_gradient
from .losses import unweighed


@layer_type("Sparsify", "structured sparsity learning")
class Sparsify(LayerType):
    """The bottom, 0 where its size is thre at most; in training values are drawn to 0.

    The gradient is the top's, of what is cut off too, plus coef * sign(x): that of coef * |x|,
    whatever the loss weighs. In place, x is what is left of it.
    """

    pointwise = True
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.sparsify_param
        self.check(
            param.coef >= 0 and param.thre >= 0,
            f"coef and thre are at least 0; found {param.coef:g} and {param.thre:g}",
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), param = bottoms, self.spec.sparsify_param
        kept = x.where(x.abs() > param.thre, 0) if param.thre else x
        if not x.requires_grad:
            return kept
        left = kept if self.spec.bottom[0] == self.spec.top[0] else x
        drawn = unweighed(x, left.detach().sign() * param.coef)
        return with_gradient(kept, x, 1) + drawn


@layer_type("SymmetricRectify", "structured sparsity learning")
class SymmetricRectify(LayerType):
    """Brings values nearer to 0 by a threshold, and those below it to 0; a threshold a channel.

    Parameter: the thresholds, 0.0001 at first, or one with channel_shared; one that falls below 0
    becomes 0. thre_decay is taken from the gradient of each, whatever the loss weighs.
    """

    param_names = ("weight",)

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(len(shapes[0]) >= 2, f"needs items of channels; found shape {shapes[0]}")
        param = self.spec.symmetric_rectify_param
        small = caffe_pb2.FillerParameter(type="constant", value=0.0001)
        filler = param.filler if param.HasField("filler") else small
        self.add_param(() if param.channel_shared else shapes[0][1:2], filler)
        self.updates_params = self.phase == caffe_pb2.TRAIN

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        thresholds = self.blobs[0].shape
        self.check(
            thresholds in ((), shapes[0][1:2]),
            f"has {self.blobs[0].count} thresholds, one for each channel; found a bottom of shape "
            f"{shapes[0]}",
        )
        return shapes

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), (weight,) = bottoms, params
        if self.updates_params:
            weight.data.clamp_(min=0)
        threshold = with_gradient(weight.clamp(min=0), weight, 1)
        far = x.abs() - threshold.reshape(-1, *(1,) * (x.dim() - 2))
        top = x.sign() * far.clamp(min=0)
        if not weight.requires_grad:
            return top
        decay = self.spec.symmetric_rectify_param.thre_decay
        return top + unweighed(weight, -threshold.detach().sign() * decay)
