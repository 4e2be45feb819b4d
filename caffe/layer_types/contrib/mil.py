"""MIL: of several instances the most probable one speaks for all."""

import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
from ..loss import with_gradient


@layer_type("MIL", "visual concepts and HAKE")
class MIL(LayerType):
    """What is true of one of several instances, from the probabilities of each.

    Of a map N x C x H x W the instances are its places, N x C x 1 x 1 the top. MAX: the largest.
    NOR: 1 less the product of 1 - p, and the largest if that is more (Fang et al. 2015, section 3);
    the gradient by p is (1 - top) / (1 - p), 1 at most. With context_per_roi each so many items are
    the instances of one, and the largest is taken (Li et al. 2020); a second bottom counts for
    nothing then. All that are as large have the gradient.
    """

    bottoms = (1, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)
    reads_bottom = staticmethod(lambda index: index == 0)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(len(shapes[0]) > 1, f"needs items of channels; found shape {shapes[0]}")
        (items, *rest), count = shapes[0], self.spec.mil_param.context_per_roi
        self.check(
            len(shapes) == 1 or count > 0,
            "takes a second bottom with context_per_roi alone; write how many instances there are",
        )
        self.check(
            not count or (items % count == 0 and all(length == 1 for length in rest[1:])),
            f"needs N x C (x 1 x 1), N a multiple of {count}; found shape {shapes[0]}",
        )
        return [(items // count if count else items, rest[0], 1, 1)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, param = bottoms[0], self.spec.mil_param
        count = param.context_per_roi
        each = x.reshape(*x.shape[:2], -1)
        if count:
            each = each.unflatten(0, (-1, count)).transpose(1, 2).flatten(2)
        top = each.amax(2, keepdim=True)
        if not count and param.type == caffe_pb2.MILParameter.NOR:
            now = each.detach()
            top = torch.maximum(1 - (1 - now).prod(2, keepdim=True), top.detach())
            slope = ((1 - top) / (1 - now)).clamp(max=1)
        else:
            slope = (each == top).to(x.dtype)
        learnt = with_gradient(torch.zeros_like(each), each, slope).sum(2, keepdim=True)
        return (top.detach() + learnt)[..., None]
