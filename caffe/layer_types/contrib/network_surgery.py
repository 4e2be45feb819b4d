"""Layers that learn which weights to do without: CConvolution, CInnerProduct."""

import math

import numpy as np
import torch

from ...core.rng import generator
from ...proto import caffe_pb2
from ..base import Shape, Tensors, layer_type
from ..convolution import Convolution
from ..loss import with_gradient
from ..weights import InnerProduct
from .annealed import Annealed
from .other_weights import OtherWeights


class Surgery(Annealed, OtherWeights):
    """A layer of the same name, of weights times masks of 1 and 0, parameters behind them.

    In TRAIN the masks follow the weights until pass iter_stop, at each pass with the probability
    (1 + gamma * pass)^-power: 0 up to 0.9 of a limit, 1 above 1.1 of it, and between them as they
    are (Guo et al. 2016, section 3.2). The limit is the mean of the absolute values, biases too,
    that the first pass finds, plus c_rate of their standard deviations; 0 at least. A weight has
    the gradient of its product, also where its mask is 0, so that it may come back.
    """

    limit = math.nan

    def surgery_param(self) -> caffe_pb2.CConvolutionParameter | caffe_pb2.CInnerProductParameter:
        raise NotImplementedError

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        self.updates_params = self.phase == caffe_pb2.TRAIN
        weights, param = list(self.blobs), self.surgery_param()
        fillers = (param.weight_mask_filler, param.bias_mask_filler)
        for blob, filler in zip(weights, fillers, strict=False):
            self.add_param(blob.shape, filler)
        self.optional_params = range(len(weights), len(self.blobs))
        while len(self.spec.param) < len(self.blobs):
            self.spec.param.add()
        for spec in self.spec.param[len(weights) :]:
            spec.lr_mult = spec.decay_mult = 0

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        count = len(params) // 2
        weights, masks = params[:count], [each.detach() for each in params[count:]]
        if self.updates_params:
            with torch.no_grad():
                self._follow([each.detach() for each in weights], masks)
        products = [
            with_gradient(each.detach() * mask, each, 1)
            for each, mask in zip(weights, masks, strict=True)
        ]
        return super().expression(bottoms, products)

    def _follow(self, weights: list[torch.Tensor], masks: list[torch.Tensor]) -> None:
        param, now = self.surgery_param(), self.iteration
        sizes = [each.abs() for each in weights]
        if not now:
            left = torch.cat([(s * m).flatten() for s, m in zip(sizes, masks, strict=True)])
            left = left[left != 0].double()
            spread = param.c_rate * left.var(correction=0).sqrt()
            self.limit = max(0.0, float(left.mean() + spread)) if len(left) else math.nan
        self.iteration += 1
        chance = (1 + param.gamma * now) ** -param.power
        if now >= param.iter_stop or float(torch.rand((), generator=generator())) >= chance:
            return
        for size, mask in zip(sizes, masks, strict=True):
            mask.masked_fill_((mask == 1) & (size <= 0.9 * self.limit), 0)
            mask.masked_fill_((mask == 0) & (size > 1.1 * self.limit), 1)

    def state_dict(self) -> dict[str, int]:
        """How many passes there were, and the bits of the limit."""
        return {**super().state_dict(), "limit": int(np.float64(self.limit).view(np.int64))}

    def load_state_dict(self, state: dict[str, int]) -> None:
        super().load_state_dict(state)
        self.limit = float(np.int64(state["limit"]).view(np.float64))


@layer_type("CConvolution", "Dynamic Network Surgery")
class CConvolution(Surgery, Convolution):
    __doc__ = f"""A Convolution. {Surgery.__doc__}"""

    def surgery_param(self) -> caffe_pb2.CConvolutionParameter:
        return self.spec.cconvolution_param


@layer_type("CInnerProduct", "Dynamic Network Surgery")
class CInnerProduct(Surgery, InnerProduct):  # type: ignore[misc]
    __doc__ = f"""An InnerProduct. {Surgery.__doc__}"""

    bottoms = (1, 1)

    def surgery_param(self) -> caffe_pb2.CInnerProductParameter:
        return self.spec.cinner_product_param

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(not self.spec.inner_product_param.normalize, "has no normalize")
        super().setup_from(shapes)
