"""Layers with parameters: InnerProduct, Scale, Bias, PReLU, Embed, Parameter."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from ..core.blob import Blob
from ..core.strict import is_strict
from ..proto import caffe_pb2
from . import exporting
from .base import Affine, LayerType, Shape, item_rows, layer_type
from .loss import with_gradient


def unit_rows(weight: torch.Tensor, writes: bool) -> torch.Tensor:
    """The rows of a matrix divided by their lengths; `writes`: in the parameter itself too.

    As in the forks that have it, the division is none of the weights' gradient.
    """
    unit = weight.detach() / weight.detach().norm(dim=1, keepdim=True)
    if writes:
        weight.data.copy_(unit)
    return with_gradient(unit, weight, 1)


@layer_type("InnerProduct")
class InnerProduct(LayerType):
    """x W^T + b with everything from `axis` on as one vector (inner_product_layer.cpp).

    normalize (NormFace): of W as `unit_rows` gives it, which are written in TRAIN. With more
    bottoms (NormFace) these are W, num_output x inputs, and b.
    """

    bottoms = (1, 3)
    matrix_product = True
    param_names = ("weight", "bias")
    reads_values = False
    gradient_of_bottom = True

    def setup_from(self, shapes: list[Shape]) -> None:
        ip = self.spec.inner_product_param
        self.inputs = math.prod(shapes[0][self.axis(ip.axis, shapes[0]) :])
        if len(shapes) > 1:
            self._check_given(shapes)
            return
        self.check(ip.num_output > 0, f"num_output must be positive; found {ip.num_output}")
        self.check(not (ip.normalize and ip.transpose), "either normalize or transpose, not both")
        self.updates_params = ip.normalize and self.phase == caffe_pb2.TRAIN
        shape = (ip.num_output, self.inputs)
        self.add_param(shape[::-1] if ip.transpose else shape, ip.weight_filler)
        if ip.bias_term:
            self.add_param((ip.num_output,), ip.bias_filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        ip = self.spec.inner_product_param
        axis = self.axis(ip.axis, shapes[0])
        inputs = math.prod(shapes[0][axis:])
        self.check(
            inputs == self.inputs,
            f"its weights take {self.inputs} inputs; the bottom of shape {shapes[0]} has {inputs}",
        )
        if len(shapes) > 1:
            self._check_given(shapes)
        outputs = shapes[1][0] if len(shapes) > 1 else ip.num_output
        return [(*shapes[0][:axis], outputs)]

    def _check_given(self, shapes: list[Shape]) -> None:
        """Of weights that are bottoms."""
        ip, (_, weight, *bias) = self.spec.inner_product_param, shapes
        self.check(not is_strict(), f"takes 1 bottom blob(s); found {len(shapes)}")
        self.check(
            not (ip.normalize or ip.transpose),
            "has its weights as a bottom: neither normalize nor transpose is for them",
        )
        outputs = weight[0] if weight else 0
        self.check(
            math.prod(weight[1:]) == self.inputs and ip.num_output in (0, outputs) and outputs > 0,
            f"needs weights {ip.num_output or 'num_output'} x {self.inputs}; found shape {weight}",
        )
        self.check(
            bool(bias) == ip.bias_term and all(math.prod(shape) == outputs for shape in bias),
            f"needs {outputs} biases as bottom 2, or bias_term: false; found shapes {shapes}",
        )

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, *given = bottoms
        ip = self.spec.inner_product_param
        x = x.flatten(self.axis(ip.axis, tuple(x.shape)))
        if given:
            return F.linear(x, item_rows(given[0]), *(bias.flatten() for bias in given[1:]))
        weight = params[0].t() if ip.transpose else params[0]
        if ip.normalize:
            weight = unit_rows(weight, self.updates_params)
        return F.linear(x, weight, *params[1:])

    def output_axis(self, shape: Shape) -> int | None:
        ip = self.spec.inner_product_param
        given = ip.normalize or len(self.spec.bottom) > 1
        return None if given else self.axis(ip.axis, shape)

    def scaled_outputs(self, weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return weight * (scale if self.spec.inner_product_param.transpose else scale[:, None])

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        return math.prod(tops[0]) * self.inputs


class AlongAxes(LayerType):
    """Takes a factor or summand, parameter 0 or bottom 1, that lies along some axes of bottom 0.

    They begin at `axis`; over the other axes it is spread (scale_layer.cpp, bias_layer.cpp).
    """

    bottoms = (1, 2)
    operand: str  # as errors call it

    def param(self) -> caffe_pb2.ScaleParameter | caffe_pb2.BiasParameter:
        raise NotImplementedError

    def filler(self) -> caffe_pb2.FillerParameter:
        return self.param().filler

    def setup_from(self, shapes: list[Shape]) -> None:
        if len(shapes) == 2:
            self.operand_shape = shapes[1]
            return
        num_axes = self.param().num_axes
        axis = self.axis(self.param().axis, shapes[0])
        self.check(num_axes >= -1, f"num_axes must be -1 or more; found {num_axes}")
        end = len(shapes[0]) if num_axes == -1 else axis + num_axes
        self.check(
            end <= len(shapes[0]),
            f"axis {axis} and num_axes {num_axes} reach behind a bottom of shape {shapes[0]}",
        )
        self.operand_shape = shapes[0][axis:end]
        self.add_param(self.operand_shape, self.filler())

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        operand = shapes[1] if len(shapes) == 2 else self.operand_shape
        start = self._start(shapes[0], operand)
        self.check(
            shapes[0][start : start + len(operand)] == operand,
            f"the {self.operand}'s shape {operand} does not match a bottom of shape {shapes[0]} "
            f"from axis {start}",
        )
        return [shapes[0]]

    def affine(self, shape: Shape) -> Affine | None:
        if len(self.spec.bottom) == 2 or len(self.operand_shape) > 1:
            return None
        scale, shift = self.scale_and_shift()
        return Affine(scale, shift, self._start(shape, self.operand_shape) if scale.dim() else None)

    def scale_and_shift(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What the parameters multiply by and add, in their own shape and float64."""
        raise NotImplementedError

    def spread(self, operand: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The operand with an axis of 1 for each axis of x behind it."""
        start = self._start(tuple(x.shape), tuple(operand.shape))
        return operand.reshape(operand.shape + (1,) * (x.dim() - start - operand.dim()))

    def _start(self, shape: Shape, operand: Shape) -> int:
        # An operand without axes is a scalar: its axis does not matter.
        return self.axis(self.param().axis, shape) if operand else 0


@layer_type("Scale")
class Scale(AlongAxes):
    """Multiplies by a factor; may add a bias of the factor's shape."""

    gradient_of_bottom = True
    operand = "factor"

    @property
    def param_names(self) -> tuple[str, ...]:
        return ("weight", "bias") if len(self.spec.bottom) == 1 else ("bias",)

    def param(self) -> caffe_pb2.ScaleParameter:
        return self.spec.scale_param

    def filler(self) -> caffe_pb2.FillerParameter:
        one = caffe_pb2.FillerParameter(type="constant", value=1)
        return self.param().filler if self.param().HasField("filler") else one

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        if self.param().bias_term:
            self.add_param(self.operand_shape, self.param().bias_filler)

    def scale_and_shift(self) -> tuple[torch.Tensor, torch.Tensor]:
        scale, *bias = (blob.data_tensor().double() for blob in self.blobs)
        return scale, bias[0] if bias else torch.zeros_like(scale)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, factor, *bias = *bottoms, *params
        out = x * self.spread(factor, x)
        return out + self.spread(bias[0], x) if bias else out


@layer_type("Bias")
class Bias(AlongAxes):
    """Adds a summand."""

    operand = "bias"
    param_names = ("bias",)

    def param(self) -> caffe_pb2.BiasParameter:
        return self.spec.bias_param

    def scale_and_shift(self) -> tuple[torch.Tensor, torch.Tensor]:
        shift = self.blobs[0].data_tensor().double()
        return torch.ones_like(shift), shift

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x, bias = *bottoms, *params
        return x + self.spread(bias, x)


@layer_type("PReLU")
class PReLU(LayerType):
    """max(x, 0), and a learned slope times x below 0; a slope for each channel, or one for all.

    Caffe takes 4 axes at most, forks of volumes (V-Net) more.
    """

    param_names = ("weight",)
    gradient_of_bottom = True

    def setup_from(self, shapes: list[Shape]) -> None:
        (shape,) = shapes
        self.check(len(shape) >= 2, f"needs 2 axes or more; found shape {shape}")
        self.check(len(shape) <= 4 or not is_strict(), f"needs 2 to 4 axes; found shape {shape}")
        prelu = self.spec.prelu_param
        quarter = caffe_pb2.FillerParameter(type="constant", value=0.25)
        filler = prelu.filler if prelu.HasField("filler") else quarter
        self.add_param(() if prelu.channel_shared else shapes[0][1:2], filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        slopes = self.blobs[0].shape
        self.check(
            slopes in ((), shapes[0][1:2]),
            f"has {self.blobs[0].count} slopes, one for each channel; "
            f"found a bottom of shape {shapes[0]}",
        )
        return shapes

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return F.prelu(bottoms[0], params[0])


@layer_type("Embed")
class Embed(LayerType):
    """The row of the weights that each value of the bottom names, plus a bias (embed_layer.cpp)."""

    gradient_of_bottom = True
    diff_bottoms = staticmethod(lambda index: False)
    param_names = ("weight", "bias")

    def setup_from(self, shapes: list[Shape]) -> None:
        embed = self.spec.embed_param
        for name in ("num_output", "input_dim"):
            value = getattr(embed, name)
            self.check(value > 0, f"{name} must be positive; found {value}")
        self.add_param((embed.input_dim, embed.num_output), embed.weight_filler)
        if embed.bias_term:
            self.add_param((embed.num_output,), embed.bias_filler)

    def example_bottom(
        self, index: int, shapes: list[Shape], rng: np.random.RandomState
    ) -> np.ndarray | None:
        return rng.randint(0, self.spec.embed_param.input_dim, shapes[0])

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return [(*shapes[0], self.spec.embed_param.num_output)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        values, weight, *bias = *bottoms, *params
        index = values.long()
        rows = weight.shape[0]
        wrong = (index < 0) | (index >= rows) | (index != values)
        if not exporting.is_traced() and wrong.any():
            self.check(
                False,
                f"bottom '{self.spec.bottom[0]}' holds {values[wrong][0].item():g}; expected whole "
                f"numbers from 0 to {rows - 1} (input_dim is {rows})",
            )
        out = F.embedding(index, weight)
        return out + bias[0] if bias else out


@layer_type("Parameter")
class Parameter(LayerType):
    """A learnable blob as top: the top is the parameter itself, its diff the parameter's diff."""

    bottoms = (0, 0)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.parameter_param
        self.add_param(param.shape.dim, param.blob_filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return [self.blobs[0].shape]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        return params[0]

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        top[0].share_data(self.blobs[0])
        top[0].share_diff(self.blobs[0])

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Nothing to do: the layers above wrote the parameter's diff."""
