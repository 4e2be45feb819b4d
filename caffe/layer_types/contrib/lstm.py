"""Lstm of CTPN, from Junhyuk Oh's: told from Caffe's LSTM by its spelling."""

import math

import torch
import torch.nn.functional as F

from ...core.blob import Blob
from ..base import LayerType, Shape, layer_type
from ..recurrent import lstm_unit


@layer_type("Lstm", "CTPN")
class Lstm(LayerType):
    """Long short-term memory over T steps of N streams, T x N x ...; the top is T x N x num_output.

    Parameters: W_x, 4 num_output x size; W_h, 4 num_output x num_output; b; the gates' order is
    input, forget, output, candidate. Each forward starts from zeros, unless there is a second
    bottom, T x N: then from where the last one ended, but 0 in it starts anew. clipping_threshold:
    between minus it and it lies the gradient by what the gates are computed from. batch_size: steps
    and streams, so many of them, are one axis; a bottom of two axes, steps and values, is of one.
    """

    bottoms = (1, 2)
    diff_bottoms = staticmethod(lambda index: index == 0)
    param_names = ("weight_ih", "weight_hh", "bias")

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.lstm_param
        self.check(param.num_output > 0, "num_output must be positive; found 0")
        _, _, self.inputs = self._sizes(shapes[0])
        rows = 4 * param.num_output
        self.add_param((rows, self.inputs), param.weight_filler)
        self.add_param((rows, param.num_output), param.weight_filler)
        self.add_param((rows,), param.bias_filler)
        self.reset()

    def reset(self) -> None:
        self.state: list[torch.Tensor] = []  # cell, hidden: N x num_output each
        self.next_state: list[torch.Tensor] = []

    def _joined(self, shape: Shape) -> int:
        """How many streams are in one axis with the steps; 0 where they have one of their own."""
        return self.spec.lstm_param.batch_size or int(len(shape) == 2)

    def _sizes(self, shape: Shape) -> tuple[int, int, int]:
        """Steps, streams and the values of a step."""
        if streams := self._joined(shape):
            self.check(
                len(shape) > 1 and shape[0] % streams == 0,
                f"batch_size {streams} must divide axis 0 of the bottom; its shape is {shape}",
            )
            return shape[0] // streams, streams, math.prod(shape[1:])
        self.check(
            len(shape) > 2, f"needs steps x values or steps x streams x values; found shape {shape}"
        )
        return shape[0], shape[1], math.prod(shape[2:])

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        steps, streams, inputs = self._sizes(shapes[0])
        self.check(
            inputs == self.inputs,
            f"its weights take {self.inputs} values of a step; the bottom of shape {shapes[0]} has "
            f"{inputs}",
        )
        self.check(
            all(math.prod(shape) == steps * streams for shape in shapes[1:]),
            f"needs one value for each of {steps} steps and {streams} streams; found {shapes[1:]}",
        )
        lead = shapes[0][: 1 if self._joined(shapes[0]) else 2]
        return [(*lead, self.spec.lstm_param.num_output)]

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().forward(bottom, top)
        self.state = self.next_state

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        weight, recurrent, bias = params
        shape = tuple(bottoms[0].shape)
        steps, streams, inputs = self._sizes(shape)
        self.check_closed(steps, "goes from step to step")
        x = F.linear(bottoms[0].reshape(steps, streams, inputs), weight, bias)
        cell = hidden = x.new_zeros(streams, recurrent.shape[1])
        cont = x.new_ones(steps, streams)
        if len(bottoms) == 2:
            cont = bottoms[1].detach().reshape(steps, streams)
            if self.state and len(self.state[0]) == streams:
                cell, hidden = (state.to(x) for state in self.state)
        outputs = []
        for x_t, cont_t in zip(x, cont, strict=True):
            gates = self._clipped(F.linear(hidden * cont_t[:, None], recurrent) + x_t)
            cell, hidden = lstm_unit(cell, gates, cont_t)
            outputs.append(hidden)
        self.next_state = [cell.detach(), hidden.detach()]
        return torch.stack(outputs).reshape(self.top_shapes([shape])[0])

    def _clipped(self, gates: torch.Tensor) -> torch.Tensor:
        limit = self.spec.lstm_param.clipping_threshold
        if limit > 0 and gates.requires_grad:
            gates.register_hook(lambda gradient: gradient.clamp(-limit, limit))
        return gates
