"""Activations of forks: SELU, Mish, HardSwish, HardSigmoid, ReLUMask, Insanity, Maxout, APL."""

import math

import torch
import torch.nn.functional as F

from ...core.rng import generator
from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type


@layer_type("SELU", "several forks")
@layer_type("SeLU", "several forks")
@layer_type("SeLu", "soeaver's caffe-model")
class SELU(LayerType):
    """lambda x, and lambda alpha (exp(x) - 1) below 0 (Klambauer et al. 2017, equation 2)."""

    pointwise = True
    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.selu(bottoms[0])


@layer_type("Mish", "YOLOv4")
class Mish(LayerType):
    """x tanh(log(1 + exp(x))) (Misra 2019, equation 1)."""

    pointwise = True
    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.mish(bottoms[0])


@layer_type("HardSigmoid", "MobileNetV3")
@layer_type("HSigmoid", "MobileNetV3")
class HardSigmoid(LayerType):
    """min(max(x + 3, 0), 6) / 6; with hard_sigmoid_param, Synopsys', alpha x + beta from 0 to 1."""

    pointwise = True
    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        if self.spec.HasField("hard_sigmoid_param"):
            param = self.spec.hard_sigmoid_param
            return (param.alpha * bottoms[0] + param.beta).clamp(0, 1)
        return F.hardsigmoid(bottoms[0])


@layer_type("ReLUMask", "DecoupledNet")
class ReLUMask(LayerType):
    """A ReLU, and a second top: 1 where the bottom is positive, else 0, without a gradient."""

    tops = (2, 2)
    pointwise = True
    reads_values = False

    def expression(
        self, bottoms: list[torch.Tensor], params: list[torch.Tensor]
    ) -> list[torch.Tensor]:
        (x,) = bottoms
        mask = (x.detach() > 0).to(x.dtype)
        return [F.leaky_relu(x, self.spec.relu_param.negative_slope), mask]


@layer_type("HardSwish", "MobileNetV3")
@layer_type("HSwish", "MobileNetV3")
class HardSwish(LayerType):
    """x min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, section 5.2)."""

    pointwise = True
    reads_values = False

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.hardswish(bottoms[0])


@layer_type("Insanity", "NormFace")
@layer_type("RReLU", "ducha-aiki's Caffe")
class Insanity(LayerType):
    """x, and x / a below 0: a drawn from lb to ub for each value, in TEST its logarithmic mean.

    The randomised leaky ReLU (Xu et al. 2015, section 2.4).
    """

    pointwise = True

    @property
    def draws(self) -> bool:
        return self.phase == caffe_pb2.TRAIN

    @property
    def param(self) -> caffe_pb2.InsanityParameter | caffe_pb2.RReLUParameter:
        return self.spec.rrelu_param if self.type == "RReLU" else self.spec.insanity_param

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.param
        self.check(
            0 < param.lb < param.ub, f"needs 0 < lb < ub; found lb {param.lb:g}, ub {param.ub:g}"
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), param = bottoms, self.param
        if not self.draws:
            mean = (param.ub - param.lb) / math.log(param.ub / param.lb)
            return x.where(x > 0, x / mean)
        drawn = torch.empty_like(x, requires_grad=False)
        drawn.uniform_(param.lb, param.ub, generator=generator(x.device))
        return x.where(x > 0, x / drawn)


@layer_type("CReLU", "several forks")
class CReLU(LayerType):
    """max(0, x), and behind it along concat_axis max(0, -x) (Shang et al. 2016).

    What is below 0 is multiplied by negative_slope.
    """

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        shape = list(shapes[0])
        shape[self.axis(self.spec.crelu_param.concat_axis, shapes[0])] *= 2
        return [tuple(shape)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, x = self.spec.crelu_param, bottoms[0]
        axis = self.axis(param.concat_axis, tuple(x.shape))
        return torch.nn.functional.leaky_relu(torch.cat([x, -x], axis), param.negative_slope)


@layer_type("Maxout", "several forks")
class Maxout(LayerType):
    """The largest of each group of channels that follow one another (Goodfellow et al. 2013).

    num_output groups, or groups of chgroup_sz channels: N x C x ... becomes N x groups x ....
    """

    passes_on = True
    reads_values = False

    def groups(self, shape: Shape) -> int:
        """How many channels the top has."""
        param = self.spec.maxout_param
        self.check(
            (param.num_output > 0) != (param.chgroup_sz > 0),
            "needs num_output, or else chgroup_sz, in maxout_param; found "
            f"{param.num_output} and {param.chgroup_sz}",
        )
        count = param.num_output or param.chgroup_sz
        self.check(
            len(shape) > 1 and shape[1] % count == 0,
            f"{count} must divide the channels of the bottom; its shape is {shape}",
        )
        return param.num_output or shape[1] // count

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        groups = self.groups(shape)
        return [(shape[0], groups, *shape[2:])]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,) = bottoms
        return x.unflatten(1, (self.groups(tuple(x.shape)), -1)).max(2).values


@layer_type("APL", "learned activation functions")
class APL(LayerType):
    """max(0, x) + the sum of a_s max(0, b_s - x) (Agostinelli et al. 2015, equation 1).

    Each value of an item has its own `sums` slopes a and offsets b, parameters 0 and 1 of shape
    1 x 1 x sums x values; in memory those of one value follow one another.
    """

    param_names = ("slope", "offset")

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.apl_param
        self.check(len(shapes[0]) > 1, f"needs items of values; found shape {shapes[0]}")
        self.check(param.sums > 0, "sums must be positive; found 0")
        bound = 0.5 / param.sums
        slope = caffe_pb2.FillerParameter(type="uniform", min=-bound, max=bound)
        offset = caffe_pb2.FillerParameter(type="gaussian", std=0.5)
        shape = (1, 1, param.sums, math.prod(shapes[0][1:]))
        self.add_param(shape, param.slope_filler if param.HasField("slope_filler") else slope)
        self.add_param(shape, param.offset_filler if param.HasField("offset_filler") else offset)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        values = self.blobs[0].shape[-1]
        self.check(
            math.prod(shapes[0][1:]) == values,
            f"has slopes for items of {values} values; found a bottom of shape {shapes[0]}",
        )
        return super().top_shapes(shapes)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        (x,), sums = bottoms, self.spec.apl_param.sums
        slope, offset = (param.reshape(-1, sums) for param in params)
        bends = slope * (offset - x.flatten(1)[..., None]).relu()
        return x.relu() + bends.sum(-1).reshape(x.shape)
