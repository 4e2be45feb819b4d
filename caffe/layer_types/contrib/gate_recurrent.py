"""GateRecurrent: values that run along rows or columns of a map, held by gates."""

import torch

from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type

Param = caffe_pb2.GateRecurrentParameter
ACTIVE = {Param.SIGMOID: torch.sigmoid, Param.RELU: torch.relu, Param.TANH: torch.tanh}


@layer_type("GateRecurrent", "learned recursive filters")
class GateRecurrent(LayerType):
    """h[t] = active(a g[t] (b - x[t] Wx + h[t - 1] Wh) + a x[t] Wx), along each row of a map.

    Liu et al. 2016, section 3.1, where x = x Wx, no b and no Wh: (1 - g) x + g h. Bottoms: x, N x C
    x H x W, and gates g, N x num_output x H x W; a is restrict_g. horizontal: false runs along
    columns, reverse from their ends. h[-1] is 0. Parameters 0 to 2, which are there in any case: Wx
    (1 x 1 x C x num_output), Wh and b; use_wx, use_wh or use_bias: false goes without, and then C
    is num_output. As its fork fills them, Wh is filled by bias_filler, and b is 0. Wh is cut to
    restrict_w on each side, where that is positive and less than all.
    """

    bottoms = (2, 2)
    param_names = ("input_weight", "hidden_weight", "bias")

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.gaterecurrent_param
        self.check(
            all(len(shape) == 4 for shape in shapes),
            f"needs 4 axes (N, C, H, W); found shapes {shapes}",
        )
        self.check(param.num_output > 0, "num_output must be positive; found 0")
        self.check(
            param.bound_diff <= 0 or self.phase == caffe_pb2.TEST,
            f"bound_diff is not here: gradients are what they are; found {param.bound_diff:g}",
        )
        channels, outputs = shapes[0][1], param.num_output
        self.check(
            param.use_wx or channels == outputs,
            f"use_wx: false needs num_output {outputs} channels; found shape {shapes[0]}",
        )
        self.updates_params = param.use_wh and param.restrict_w > 0
        self.add_param((1, 1, channels, outputs), param.weight_filler)
        self.add_param((1, 1, outputs, outputs), param.bias_filler)
        self.add_param((1, 1, 1, outputs), caffe_pb2.FillerParameter())

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (n, channels, *size), gate = shapes
        _, _, expected, outputs = self.blobs[0].shape
        self.check(
            channels == expected and gate == (n, outputs, *size),
            f"needs N x {expected} x H x W, and gates N x {outputs} x H x W; found shapes {shapes}",
        )
        return [gate]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param = self.spec.gaterecurrent_param
        (x, gate), axis = bottoms, 3 if param.horizontal else 2
        input_weight, hidden_weight, bias = (each[0, 0] for each in params)
        if param.reverse:
            x, gate = x.flip(axis), gate.flip(axis)
        if self.updates_params:
            with torch.no_grad():
                hidden_weight.data.clamp_(-param.restrict_w, param.restrict_w)
        if param.use_wx:
            x = (input_weight.mT @ x.flatten(2)).unflatten(2, x.shape[2:])
        gate = gate * min(param.restrict_g, 1)
        hidden: list[torch.Tensor] = []
        for now, held in zip(x.unbind(axis), gate.unbind(axis), strict=True):
            inner = bias.view(-1, 1) - now if param.use_bias else -now
            if hidden:
                last = hidden[-1]
                mixed = hidden_weight.mT @ last if param.use_wh else last
                inner = inner + mixed
            value = held * inner + param.restrict_g * now
            hidden.append(ACTIVE[param.active](value) if param.active in ACTIVE else value)
        top = torch.stack(hidden, axis)
        return top.flip(axis) if param.reverse else top
